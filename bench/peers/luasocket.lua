-- SPDX-License-Identifier: MIT
-- luasocket: LuaSocket's socket.smtp, one connection kept as its lower interface allows; clear text only.
local driver = require "driver"
local ltn12 = require "ltn12"
local smtp = require "socket.smtp"
local socket = require "socket"

local given = driver.arguments(arg)
local message = driver.read_file(given.message)
local from, to = "<" .. given.from .. ">", "<" .. given.to .. ">"
local open = socket.protect(function()
  local session = smtp.open(given.host, given.port)
  session:greet("bench.example")
  return session
end)
local session = assert(open())
local send = socket.protect(function()
  session:send { from = from, rcpt = to, source = ltn12.source.string(message) }
  return true
end)
local quit = socket.protect(function() return session:quit() end)
local function close()
  quit()
  session:close()
end

if given.mode == "cold" then
  close()
  driver.latency(given, function()
    session = assert(open())
    assert(send())
  end, close)
elseif given.mode == "warm" then
  driver.latency(given, function() assert(send()) end)
  close()
else
  driver.one_by_one(given, function() assert(send()) end)
  close()
end
