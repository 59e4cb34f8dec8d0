-- SPDX-License-Identifier: MIT
-- lockstep: the plain way: a new connection for each message, and each command waits for the reply to the
-- one before
-- it. LuaSocket, and LuaSec for TLS.
local driver = require "driver"
local mime = require "mime"
local socket = require "socket"

local given = driver.arguments(arg)
local message = driver.read_file(given.message):gsub("\r\n%.", "\r\n..") .. ".\r\n"
local sock

local function reply(class)
  local line
  repeat
    line = assert(sock:receive "*l")
  until line:sub(4, 4) ~= "-"
  assert(line:sub(1, 1) == class, line)
end

local function say(text, class)
  assert(sock:send(text .. "\r\n"))
  reply(class or "2")
end

local function start_tls()
  say "STARTTLS"
  sock = assert(require("ssl").wrap(sock, {
    mode = "client", protocol = "any", options = { "all", "no_sslv3" }, verify = "peer", cafile = given.ca,
  }))
  assert(sock:dohandshake())
  say "EHLO bench.example"
  say("AUTH PLAIN " .. mime.b64("\0" .. given.user .. "\0" .. given.pass))
end

local function send()
  sock = assert(socket.connect(given.host, given.port))
  sock:setoption("tcp-nodelay", true)
  reply "2"
  say "EHLO bench.example"
  if given.tls then start_tls() end
  say("MAIL FROM:<" .. given.from .. ">")
  say("RCPT TO:<" .. given.to .. ">")
  say("DATA", "3")
  assert(sock:send(message))
  reply "2"
end

local function quit()
  say "QUIT"
  sock:close()
end

if given.mode == "throughput" then
  driver.one_by_one(given, function()
    send()
    quit()
  end)
else
  driver.latency(given, send, quit)
end
