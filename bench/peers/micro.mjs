// SPDX-License-Identifier: MIT
// micro MODULES FILE: nanoseconds a call of the original's guard and rendering and of nodemailer's composing.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [modules, file] = process.argv.slice(2)
const need = createRequire(resolve(modules) + '/')
const input = JSON.parse(readFileSync(file, 'utf8'))
const { default: createConnector } = await import(need.resolve('@logto/connector-smtp'))
const { replaceSendMessageHandlebars } = await import(need.resolve('@logto/connector-kit'))
const { default: MailComposer } = await import(need.resolve('nodemailer/lib/mail-composer'))
const { configGuard } = await createConnector({ getConfig: async () => input.good })
const SECONDS = 0.08
let sink = 0

// The median of five stretches, behind two that are not counted: the compiler's.
const time = async (call) => {
  const stretches = []
  for (let round = -1; round <= 5; round++) {
    const began = performance.now()
    let calls = 0
    let took = 0
    do {
      for (let i = 0; i < 20; i++) {
        const result = call()
        sink += (typeof result?.then === 'function' ? await result : result).length ?? 1
      }
      calls += 20
      took = (performance.now() - began) / 1000
    } while (took < SECONDS)
    if (round > 0) stretches.push((took / calls) * 1e9)
  }
  return stretches.sort((a, b) => a - b)[2]
}

const guard = (config) => time(() => configGuard.safeParse(config))
const render = (template) => time(() => replaceSendMessageHandlebars(template, input.payload))
const compose = (mail) => time(() => new Promise((done, fail) => {
  new MailComposer(mail).compile().build((error, octets) => (error ? fail(error) : done(octets)))
}))


/* As the config of a stream transport the message is composed and kept, and no server is asked. */
const { sendMessage } = await createConnector({
  getConfig: async () => ({ ...input.good, streamTransport: true, buffer: true }),
})
const send = () => time(async () => {
  await sendMessage({ to: 'jane@example.com', type: 'SignIn', payload: input.payload })
  return 'x'
})

if (!configGuard.safeParse(input.good).success || configGuard.safeParse(input.bad).success) throw new Error('guard')
console.log(JSON.stringify({
  guard: await guard(input.good),
  refuse: await guard(input.bad),
  render2k: await render(input.render2k),
  render50k: await render(input.render50k),
  compose2k: await compose(input.compose2k),
  compose50k: await compose(input.compose50k),
  send: await send(),
  composeAttachment: await compose(input.composeAttachment),
}))
