-- SPDX-License-Identifier: MIT
--- chunk_refuser: an SMTP server that offers CHUNKING, refuses some BDAT without reading its octets, and then
--- carries out whatever of them it takes for a command, as generously as any server could. It lives in the
--- process of the spec: call `step` while a client polls.
local socket = require "socket"

local M = {}

---@class spec.ChunkRefuser
---@field port integer
---@field senders string[] of each MAIL it took
---@field recipients string[] of each RCPT it took
---@field mails string[] the contents it took
---@field refused integer how many BDAT it refused
local Server = {}
Server.__index = Server

---@param refuses fun(bdat: { number: integer, size: integer, last: boolean, stands: boolean }): integer?
--- answers the code to refuse it with; number counts those of a connection
---@param refuses_recipient? fun(line: string): boolean
---@return spec.ChunkRefuser
function M.start(refuses, refuses_recipient)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  require("logto_smtp.core").forgetServer("127.0.0.1", math.floor(tonumber(port)))
  listener:settimeout(0)
  return setmetatable({
    port = math.floor(tonumber(port)), listener = listener, refuses = refuses, clients = {},
    refuses_recipient = refuses_recipient or function() return false end,
    senders = {}, recipients = {}, mails = {}, refused = 0,
  }, Server)
end

local commands = {}

function commands.EHLO(_, c) c:say("250-chunks\r\n250-PIPELINING\r\n250 CHUNKING") end

function commands.MAIL(server, c, line)
  if c.from then return c:say("503 nested") end
  c.from, c.to, c.body = line, {}, {}
  table.insert(server.senders, line)
  c:say("250 ok")
end

function commands.RCPT(server, c, line)
  if not c.from then return c:say("503 MAIL first") end
  if server.refuses_recipient(line) then return c:say("550 5.1.1 nobody") end
  table.insert(c.to, line)
  table.insert(server.recipients, line)
  c:say("250 ok")
end

local function finish(server, c)
  table.insert(server.mails, table.concat(c.body))
  c.from, c.to = nil, nil
  c:say("250 taken")
end

function commands.DATA(_, c)
  if not c.to or #c.to == 0 then return c:say("554 no recipients") end
  c.data = true
  c:say("354 go")
end

function commands.BDAT(server, c, line)
  c.chunks = (c.chunks or 0) + 1
  local size, last = tonumber(line:match("%d+")), line:upper():find("LAST", 1, true) ~= nil
  local stands = c.to ~= nil and #c.to > 0
  local code = server.refuses { number = c.chunks, size = size, last = last, stands = stands }
  if code then
    server.refused = server.refused + 1
    return c:say(code .. " refused")
  end
  c.chunk, c.last, c.stands = size, last, stands
end

function commands.RSET(_, c)
  c.from, c.to = nil, nil
  c:say("250 reset")
end

function commands.NOOP(_, c) c:say("250 ok") end

function commands.QUIT(_, c)
  c:say("221 bye")
  c.over = true
end

local Client = {}
Client.__index = Client

function Client:say(text) self.out = self.out .. text .. "\r\n" end

function Client:take_chunk(server)
  if #self.input < self.chunk then return false end
  if self.stands then table.insert(self.body, self.input:sub(1, self.chunk)) end
  self.input, self.chunk = self.input:sub(self.chunk + 1), nil
  if not self.stands then
    self:say("503 no recipients")
  elseif self.last then
    finish(server, self)
  else
    self:say("250 more")
  end
  return true
end

function Client:take_line(server)
  local line, rest = self.input:match("^(.-)\r?\n(.*)$")
  if not line then return false end
  self.input = rest
  if self.data then
    if line == "." then
      self.data = false
      finish(server, self)
    else
      table.insert(self.body, line .. "\r\n")
    end
    return true
  end
  local verb = line:match("^[^%w]*(%a%a%a%a)")
  local command = verb and commands[verb:upper()]
  if command then command(server, self, line) else self:say("500 what?") end
  return true
end

function Client:serve(server)
  local octets, err, partial = self.sock:receive(65536)
  self.input = self.input .. (octets or partial or "")
  while not self.over and (self.chunk and self.take_chunk or self.take_line)(self, server) do end
  if #self.out > 0 then
    self.sock:settimeout(60)
    self.sock:send(self.out)
    self.sock:settimeout(0)
    self.out = ""
  end
  if self.over or err == "closed" then
    self.sock:close()
    return false
  end
  return true
end

--- Does what can be done without waiting.
function Server:step()
  local sock = self.listener:accept()
  if sock then
    sock:settimeout(0)
    sock:setoption("tcp-nodelay", true)
    local c = setmetatable({ sock = sock, input = "", out = "" }, Client)
    c:say("220 chunks")
    table.insert(self.clients, c)
  end
  for i = #self.clients, 1, -1 do
    if not self.clients[i]:serve(self) then table.remove(self.clients, i) end
  end
end

function Server:stop()
  for _, c in ipairs(self.clients) do c.sock:close() end
  self.listener:close()
end

return M
