// SPDX-License-Identifier: MIT
// nodemailer: the latest release with its pool (peer=nodemailer), or the original connector (peer=connector), which
// makes a new transport for each message.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const given = Object.fromEntries(process.argv.slice(2).map((text) => {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}))
const need = createRequire(resolve(given.modules) + '/')
const tls = given.tls === '1'
const count = Number(given.count ?? 1)
const warmup = Number(given.warmup ?? 1)
const limit = Number(given.seconds ?? 1e9)
const text = readFileSync(given.text, 'utf8')
const options = {
  host: given.host, port: Number(given.port), name: 'bench.example', ignoreTLS: !tls, requireTLS: tls,
  ...(tls ? { auth: { user: given.user, pass: given.pass }, tls: { ca: readFileSync(given.ca, 'utf8') } } : {}),
}
const mail = { from: given.from, to: given.to, subject: given.subject, text }
const seconds = () => performance.now() / 1000
const cpu = () => {
  const use = process.cpuUsage()
  return (use.user + use.system) / 1e6
}

const nodemailer = async () => {
  const { default: library } = await import(need.resolve('nodemailer'))
  const pooled = () => library.createTransport({
    ...options, pool: true, maxConnections: Number(given.connections ?? 1), maxMessages: Infinity,
  })
  let transport = pooled()
  return {
    send: () => transport.sendMail(mail),
    renew: () => {
      transport.close()
      transport = pooled()
    },
    close: () => transport.close(),
  }
}

const connector = async () => {
  const { default: create } = await import(need.resolve('@logto/connector-smtp'))
  const usageTypes = ['Register', 'SignIn', 'ForgotPassword', 'Generic']
  const config = {
    ...options, auth: options.auth ?? { type: 'login' }, fromEmail: given.from,
    templates: usageTypes.map((usageType) => ({
      usageType, contentType: 'text/plain', subject: given.subject, content: text,
    })),
  }
  if (!tls) config.auth = {}
  const { sendMessage } = await create({ getConfig: async () => config })
  return {
    send: () => sendMessage({ to: given.to, type: 'SignIn', payload: { code: '123456' } }),
    renew() {},
    close() {},
  }
}

const latency = async (peer, cold) => {
  const samples = []
  let ends
  for (let i = 0; i < warmup + count; i++) {
    const began = seconds()
    if (i >= warmup) ends ??= began + limit
    await peer.send()
    const now = seconds()
    if (i >= warmup) samples.push(now - began)
    if (cold) peer.renew()
    if (ends !== undefined && now >= ends) break
  }
  return { samples }
}

const push = async (peer, total, ends, queue) => {
  let started = 0
  let done = 0
  const work = async () => {
    while (started < total && seconds() < ends) {
      started++
      await peer.send()
      done++
    }
  }
  await Promise.all(Array.from({ length: queue }, work))
  return done
}

const throughput = async (peer) => {
  const queue = given.peer === 'connector' ? Number(given.connections ?? 1) : Number(given.queue)
  await push(peer, warmup, Infinity, queue)
  const cpuBegan = cpu()
  const began = seconds()
  const sent = await push(peer, count, began + limit, queue)
  return { sent, seconds: seconds() - began, cpu: cpu() - cpuBegan }
}

const peer = await (given.peer === 'connector' ? connector() : nodemailer())
const result = given.mode === 'throughput' ? await throughput(peer) : await latency(peer, given.mode === 'cold')
peer.close()
process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0))
