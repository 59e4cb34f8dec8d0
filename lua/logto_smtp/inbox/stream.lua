-- SPDX-License-Identifier: MIT
--- stream: one accepted connection, as lines in and octets out, in clear or over TLS.
-- Replies are held back until the client's octets are used up, as a pipelining server does (RFC 2920, 3.2).
-- So a *flight* is well defined: all that the client sent before the answer to the first of it left this
-- process. Whatever ends the connection is raised as a table `{ by = "client"|"server", why = text }`.
local loop_module = require "logto_smtp.inbox.loop"
local ssl = require "ssl"

local READ_OCTETS = 65536

---@class logto_smtp.testing.Stream
---@field sock table
---@field loop logto_smtp.testing.Loop
---@field flight integer number of the flight that the last octets read belong to
---@field octetsIn integer octets received, after TLS
---@field octetsOut integer octets sent, before TLS
---@field secure boolean
---@field private buffer string
---@field private pos integer first unread octet of the buffer
---@field private out string[]
---@field private answered boolean octets have left since the last read
---@field private latency number
---@field private failed? string what broke the connection
local Stream = {}
Stream.__index = Stream

local M = {}

---@param sock table accepted socket
---@param loop logto_smtp.testing.Loop
---@param latency? number seconds by which each answer is held back, as a long wire would
---@return logto_smtp.testing.Stream
function M.new(sock, loop, latency)
  sock:settimeout(0)
  return setmetatable({
    sock = sock, loop = loop, flight = 0, octetsIn = 0, octetsOut = 0, secure = false,
    buffer = "", pos = 1, out = {}, answered = false, latency = latency or 0,
  }, Stream)
end

--- Ends the connection from within its task.
---@param why string
---@param how? { farewell?: string, reset?: boolean }
function M.close(why, how)
  error({ by = "server", why = why, farewell = how and how.farewell, reset = how and how.reset }, 0)
end

local function gone(why)
  error({ by = "client", why = why }, 0)
end

local function is_wait(err)
  return err == "timeout" or err == "wantread" or err == "wantwrite"
end

--- What is there to read at this moment, or nil, err. Once a connection has failed it is not asked again:
--- LuaSec may never return from a second read.
function Stream:receive_now()
  if self.failed then return nil, self.failed end
  local data, err, partial = self.sock:receive(READ_OCTETS)
  if not data and not is_wait(err) then self.failed = err or "closed" end
  data = data or partial
  if data and #data > 0 then
    self.octetsIn = self.octetsIn + #data
    return data
  end
  return nil, err
end

function Stream:send_now(octets, first)
  if self.failed then return nil, self.failed end
  local last, err, partial = self.sock:send(octets, first)
  if not last and not is_wait(err) then self.failed = err or "closed" end
  return last, err, partial
end

function Stream:wait(err, deadline)
  if err == "wantwrite" then return self.loop:wait(nil, self.sock, deadline) end
  return self.loop:wait(self.sock, nil, deadline)
end

--- The octets read but not used yet.
function Stream:pending()
  return #self.buffer - self.pos + 1
end

--- Takes in what the client sends next. false: the deadline passed first.
---@param deadline? number
---@return boolean
function Stream:fill(deadline)
  local data, err = self:receive_now()
  if not data and is_wait(err) and self.latency > 0 and #self.out > 0 then
    self.loop:sleep(self.latency)
    data, err = self:receive_now()
  end
  while not data do
    if not is_wait(err) then gone(err == "closed" and "closed" or tostring(err)) end
    self:flush()
    if self:wait(err, deadline) == "timeout" then return false end
    data, err = self:receive_now()
  end
  if self.answered then self.flight, self.answered = self.flight + 1, false end
  self.buffer = self.buffer:sub(self.pos) .. data
  self.pos = 1
  return true
end

--- Next line without its end. crlf is false when it ended in a bare LF.
--- nil, "timeout": the deadline passed; nil, "long": more than `limit` octets (the line is thrown away).
---@param limit integer octets, line end not counted
---@param deadline? number
---@return string? line, boolean|string crlf
function Stream:line(limit, deadline)
  local long = false
  while true do
    local lf = self.buffer:find("\n", self.pos, true)
    if lf then
      local line = self.buffer:sub(self.pos, lf - 1)
      self.pos = lf + 1
      local crlf = line:sub(-1) == "\r"
      if crlf then line = line:sub(1, -2) end
      if long or #line > limit then return nil, "long" end
      return line, crlf
    end
    if self:pending() > limit + 1 then
      long = true
      self.buffer, self.pos = "", 1
    end
    if not self:fill(deadline) then return nil, "timeout" end
  end
end

--- Up to `n` of the next octets, at least one. nil: the deadline passed.
---@param n integer
---@param deadline? number
---@return string?
function Stream:octets(n, deadline)
  if self:pending() == 0 and not self:fill(deadline) then return nil end
  local got = self.buffer:sub(self.pos, self.pos + n - 1)
  self.pos = self.pos + #got
  return got
end

--- Puts octets back in front of the unread ones.
---@param octets string
function Stream:unread(octets)
  self.buffer = octets .. self.buffer:sub(self.pos)
  self.pos = 1
end

--- Queues octets for the client.
---@param octets string
function Stream:put(octets)
  self.out[#self.out + 1] = octets
end

--- True when nothing is queued.
function Stream:is_flushed()
  return #self.out == 0
end

--- Sends all that is queued. The connection ends when the client has not taken it by the deadline.
---@param deadline? number
function Stream:flush(deadline)
  if #self.out == 0 then return end
  local octets = table.concat(self.out)
  self.out = {}
  local first = 1
  while first <= #octets do
    local last, err, partial = self:send_now(octets, first)
    if last then break end
    if not is_wait(err) then gone(tostring(err)) end
    first = (partial or first - 1) + 1
    if self:wait(err == "wantread" and err or "wantwrite", deadline) == "timeout" then
      M.close("the client does not read")
    end
  end
  self.octetsOut = self.octetsOut + #octets
  if #octets > 0 then self.answered = true end
end

--- Throws away every octet received so far and tells how many there were (RFC 3207, 4.2: nothing sent in
--- clear may be taken for something said under TLS).
---@return integer
function Stream:discard()
  local n = self:pending()
  self.buffer, self.pos = "", 1
  local data = self:receive_now()
  while data do
    n = n + #data
    data = self:receive_now()
  end
  return n
end

--- Reads and forgets until the client closes or the deadline passes.
---@param deadline? number
function Stream:swallow(deadline)
  repeat
    self.buffer, self.pos = "", 1
  until not self:fill(deadline)
end

--- Takes the connection into TLS as its server.
---@param context userdata
---@param deadline number
function Stream:secure_with(context, deadline)
  self:flush()
  local wrapped, why = ssl.wrap(self.sock, context)
  if not wrapped then M.close("TLS: " .. tostring(why)) end
  self.sock = wrapped
  wrapped:settimeout(0)
  while true do
    local done, err = wrapped:dohandshake()
    if done then break end
    if not is_wait(err) then
      self.failed = err or "closed"
      gone("TLS handshake: " .. tostring(err))
    end
    if self:wait(err, deadline) == "timeout" then M.close("TLS handshake: timed out") end
  end
  self.secure, self.answered = true, true
end

--- Closes for good. Safe twice. `farewell` is sent first if the connection takes it at once.
---@param farewell? string
---@param reset? boolean send RST instead of FIN (in clear only)
function Stream:finish(farewell, reset)
  if not self.sock then return end
  if farewell then self:send_now(farewell, 1) end
  if reset and not self.secure then
    self.sock:setoption("linger", { on = true, timeout = 0 })
  elseif not reset then
    self:receive_now() -- unread octets would turn the FIN into an RST and take the last reply with it
  end
  self.sock:close()
  self.sock = nil
end

M.now = loop_module.now

return M
