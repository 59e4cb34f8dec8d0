-- SPDX-License-Identifier: MIT
--- cosocket: how mail is sent from nginx without this project: a cosocket connection for each mail, and each
-- command waits for the reply to the one before it. With STARTTLS and AUTH; the message is composed already.
local cjson = require "cjson"
local given = require "bench.peers.given"

local M = {}

local function reply(sock, class)
  local line
  repeat
    line = assert(sock:receive "*l")
  until line:sub(4, 4) ~= "-"
  assert(line:sub(1, 1) == class, line)
  return line
end

local function say(sock, text, class)
  assert(sock:send(text .. "\r\n"))
  return reply(sock, class or "2")
end

local function send(to)
  local sock = ngx.socket.tcp()
  sock:settimeouts(30000, 30000, 30000)
  assert(sock:connect(given.host, given.port))
  reply(sock, "2")
  say(sock, "EHLO bench.example")
  say(sock, "STARTTLS")
  assert(sock:sslhandshake(nil, "localhost", true))
  say(sock, "EHLO bench.example")
  say(sock, "AUTH PLAIN " .. ngx.encode_base64("\0" .. given.user .. "\0" .. given.pass))
  say(sock, "MAIL FROM:<" .. given.from .. ">")
  say(sock, "RCPT TO:<" .. to .. ">")
  say(sock, "DATA", "3")
  assert(sock:send(given.message))
  local response = reply(sock, "2")
  sock:send("QUIT\r\n")
  sock:close()
  return response
end

--- Serves a POST of {to =}.
function M.handle()
  ngx.req.read_body()
  local data = cjson.decode(ngx.req.get_body_data())
  local ok, response = pcall(send, data.to)
  if not ok then
    ngx.log(ngx.ERR, response)
    ngx.status = 502
  end
  ngx.say(response)
end

return M
