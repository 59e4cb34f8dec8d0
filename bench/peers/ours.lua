-- SPDX-License-Identifier: MIT
-- ours: this project's own driver on logto_smtp.core.
local core = require "logto_smtp.core"
local driver = require "driver"
local socket = require "socket"

local given = driver.arguments(arg)
local mail = {
  from = given.from, to = given.to, subject = given.subject, text = given.text
    and driver.read_file(given.text),
}

local function new_client()
  return assert(core.client {
    host = given.host, port = given.port, name = "bench.example", maxConnections = given.connections,
    maxMessages = 1e9, ignoreTLS = not given.tls, requireTLS = given.tls, chunking = given.chunking ~= 0,
    pipelining = given.pipelining ~= 0, tls = given.tls and { ca = driver.read_file(given.ca) } or nil,
    auth = given.tls and { user = given.user, pass = given.pass } or nil,
  })
end

local function check(err)
  if err then error(("%s: %s"):format(err.code, err.message), 0) end
end

-- Submits up to count messages, `queue` at most at a time, until `seconds` are over; answers how many went
-- out.
-- each(done) is called after every poll.
local function push(client, count, seconds, queue, each)
  local ends, submitted, done = socket.gettime() + seconds, 0, 0
  repeat
    while submitted < count and submitted - done < queue do
      local id, err = client:submit(mail)
      if not id then
        if err.code ~= "EBUSY" then check(err) end
        break
      end
      submitted = submitted + 1
    end
    for _, result in ipairs(client:poll()) do
      check(result.err)
      done = done + 1
    end
    if each then each(done) end
    if socket.gettime() >= ends then count = submitted end
  until done == submitted and done >= count
  return done
end

local modes = {}

function modes.warm()
  local client = new_client()
  driver.latency(given, function()
    local _, err = client:send(mail)
    check(err)
  end)
  client:close()
end

function modes.cold()
  local client
  driver.latency(given, function()
    client = new_client()
    local _, err = client:send(mail)
    check(err)
  end, function() client:close() end)
end

function modes.throughput()
  local client = new_client()
  push(client, given.warmup, 1e9, given.queue)
  local cpu, began = os.clock(), socket.gettime()
  local sent = push(client, given.count, given.seconds, given.queue)
  driver.print {
    sent = sent, seconds = socket.gettime() - began, cpu = os.clock() - cpu,
    connections = client:stats().connectionsOpened,
  }
  client:close()
end

-- Resident memory on the way to count messages, from a producer that stops only where submit says EBUSY.
function modes.growth()
  local client = new_client()
  local marks, next_mark, began = {}, 1000, socket.gettime()
  push(client, given.count, 1e9, math.huge, function(done)
    if done >= next_mark then
      marks[#marks + 1] = { messages = done, residentKiB = driver.memory("VmRSS"),
        peakKiB = driver.memory("VmHWM") }
      next_mark = next_mark * 10
    end
  end)
  driver.print { marks = marks, seconds = socket.gettime() - began, sent = given.count }
  client:close()
end

modes[given.mode]()
