-- SPDX-License-Identifier: MIT
--- child: the inbox process. Tells on standard output where it can be reached and with which token, takes its
-- settings from the first who knows the token, and serves.
local json = require "logto_smtp.inbox.json"
local socket = require "socket"

local LAST_INHERITED = 255
local WAIT_SECONDS = 60

local M = {}

--- Closes what was inherited from the parent: a copy of its sockets here would keep their peers from seeing
-- them closed.
local function close_inherited()
  for fd = 3, LAST_INHERITED do
    local sock = socket.tcp()
    if sock:getfd() ~= fd then
      sock:close()
      sock:setfd(fd)
    end
    sock:close()
  end
end

local function random_token()
  local source = assert(io.open("/dev/urandom", "rb"))
  local octets = source:read(16)
  source:close()
  return (octets:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

--- The connection of the one who sent the token; strangers are sent away.
local function take_control(listener, token)
  local deadline = socket.gettime() + WAIT_SECONDS
  while socket.gettime() < deadline do
    listener:settimeout(deadline - socket.gettime())
    local control = listener:accept()
    if control then
      control:settimeout(WAIT_SECONDS)
      if control:receive("*l") == token then return control end
      control:close()
    end
  end
end

--- Runs the process.
---@param parent integer process id of the parent
function M.run(parent)
  close_inherited()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local token = random_token()
  io.stdout:write(("inbox %d %s\n"):format(port, token))
  io.stdout:flush()
  local control = take_control(listener, token)
  listener:close()
  if not control then return end
  local line = control:receive("*l")
  if line then require("logto_smtp.inbox.server").run(control, json.decode(line), parent) end
end

return M
