-- SPDX-License-Identifier: MIT
--- raw: an SMTP client of bare octets, for saying to a server exactly what a spec wants said.
local socket = require "socket"
local ssl = require "ssl"

local M = {}

---@class spec.Raw
---@field sock table
local Raw = {}
Raw.__index = Raw

-- Stands in for the socket of a connection that the server reset before connecting had returned.
local GONE = {
  settimeout = function() end,
  close = function() end,
  send = function() return nil, "closed" end,
  receive = function() return nil, "closed", "" end,
}

--- Connects, over TLS at once if `implicit`. No wait is for ever.
---@param inbox { host: string, port: integer }
---@param implicit? boolean
---@return spec.Raw
function M.connect(inbox, implicit)
  local sock, err = socket.connect(inbox.host, inbox.port)
  if err == "closed" then sock = GONE end
  assert(sock, err)
  sock:settimeout(120)
  local raw = setmetatable({ sock = sock }, Raw)
  if implicit then raw:tls() end
  return raw
end

--- Takes the connection into TLS without looking at the certificate.
function Raw:tls()
  self.sock = assert(ssl.wrap(self.sock, { mode = "client", protocol = "any", verify = "none" }))
  self.sock:settimeout(120)
  assert(self.sock:dohandshake())
end

--- Sends octets as they are.
function Raw:send(octets)
  assert(self.sock:send(octets))
end

--- One whole reply: its code and its text without line ends and code, lines joined by "\n". nil, err: none
--- came.
---@return integer? code, string text
function Raw:reply()
  local lines = {}
  while true do
    local line, err = self.sock:receive("*l")
    if not line then return nil, err end
    lines[#lines + 1] = line:sub(5)
    if line:sub(4, 4) ~= "-" then return tonumber(line:sub(1, 3)), table.concat(lines, "\n") end
  end
end

--- Sends a command and gives its reply.
---@param command string without line end
---@return integer? code, string text
function Raw:ask(command)
  self:send(command .. "\r\n")
  return self:reply()
end

--- Sends commands, or message lines, and asserts the code of each reply: pairs of command and code.
function Raw:expect(...)
  local list = { ... }
  for i = 1, #list, 2 do
    local code, text = self:ask(list[i])
    if code ~= list[i + 1] then
      error(("%s: expected %d, got %s %s"):format(list[i], list[i + 1], tostring(code), text), 2)
    end
  end
end

--- Everything until the server closes or `seconds` are over; the second value is "closed" or "timeout".
---@param seconds? number
---@return string octets, string why
function Raw:rest(seconds)
  self.sock:settimeout(seconds or 120, "t")
  local octets, err, partial = self.sock:receive("*a")
  if octets then return octets, "closed" end
  return partial, err
end

function Raw:close() self.sock:close() end

return M
