-- SPDX-License-Identifier: MIT
--- session: one SMTP conversation from greeting to close (RFC 5321), with the script's say at every step.
local capability = require "logto_smtp.inbox.capability"
local commands = require "logto_smtp.inbox.commands"
local stream_module = require "logto_smtp.inbox.stream"

local AUTH_LINE_OCTETS = 12288 -- RFC 4954, 4
local MAX_ERRORS = 50
local GARBAGE = "\0\1\255\254 not smtp at all \r\r\n\27[2J~~~\n"

---@class logto_smtp.testing.Session
---@field stream logto_smtp.testing.Stream
---@field store logto_smtp.testing.Store
---@field settings table
---@field record table what `connections()` shows of this connection
---@field offers table<string, string> extensions offered in the present state, by keyword
---@field transaction? table
---@field greeted? string the name given with EHLO or HELO
---@field user? string
local Session = {}
Session.__index = Session

local M = {}

---@param stream logto_smtp.testing.Stream
---@param store logto_smtp.testing.Store
---@param settings table
---@param record table
---@return logto_smtp.testing.Session
function M.new(stream, store, settings, record)
  local session = setmetatable({
    stream = stream, store = store, settings = settings, record = record, offers = {}, errors = 0,
  }, Session)
  session:refresh_offers()
  return session
end

function Session:refresh_offers()
  self.lines = capability.list(self.settings, self.stream.secure)
  self.offers = capability.index(self.lines)
end

--- Notes that the client broke a rule. It is told to whoever looks, and does not end the session.
function Session:violation(what)
  local list = self.record.violations
  list[#list + 1] = what
end

function Session:deadline()
  return stream_module.now() + self.settings.idleTimeout
end

local function lines_of(text)
  if type(text) == "table" then return text end
  return { text }
end

local function format_reply(code, text)
  local lines, out = lines_of(text), {}
  for i, line in ipairs(lines) do
    out[i] = ("%03d%s%s\r\n"):format(code, i < #lines and "-" or " ", line)
  end
  return table.concat(out)
end

local function default_text(code)
  if code >= 500 then return "5.0.0 Refused by the script" end
  if code >= 400 then return "4.0.0 Refused by the script, try again later" end
  return "2.0.0 Ok, says the script"
end

function Session:plain_text(text)
  if self.offers.ENHANCEDSTATUSCODES then return text end
  local out = {}
  for i, line in ipairs(lines_of(text)) do out[i] = line:gsub("^%d%.%d+%.%d+ ", "") end
  return out
end

function Session:send_slowly(octets, drip)
  local n = drip.octets or 1
  for first = 1, #octets, n do
    self.stream.loop:sleep(drip.seconds or 0.1)
    self.stream:put(octets:sub(first, first + n - 1))
    self.stream:flush()
  end
end

function Session:send_forever(rule, code)
  local unit = rule.endless == "line" and ("x"):rep(512) or ("%03d-no end in sight\r\n"):format(code)
  local octets = rule.drip and unit or unit:rep(64)
  if rule.endless == "line" then self.stream:put(("%03d "):format(code)) end
  while true do
    if rule.drip then
      self:send_slowly(octets, rule.drip)
    else
      self.stream:put(octets)
      self.stream:flush()
    end
  end
end

--- Sends a reply the way the rule wants it.
function Session:perform(rule, octets, code)
  local stream = self.stream
  if rule.delay or rule.drip or rule.silent or rule.endless or rule.drop == "before" then stream:flush() end
  if rule.delay then stream.loop:sleep(rule.delay) end
  if rule.drop == "before" then stream_module.close("script", { reset = rule.reset }) end
  if rule.silent then stream:swallow() end
  if rule.endless then self:send_forever(rule, code) end
  if rule.partial then octets = octets:sub(1, rule.partial) end
  if rule.drip then self:send_slowly(octets, rule.drip) else stream:put(octets) end
  if rule.extra then stream:put(rule.extra) end
  if rule.drop == "after" then
    stream:flush()
    stream_module.close("script", { reset = rule.reset })
  end
  if rule.partial then
    stream:flush()
    stream:swallow()
  end
end

--- Answers a step. The script may change the reply; if what remains is not a refusal, `effect` runs before a
--- single octet of the reply leaves.
---@param step string
---@param entry table the command's record
---@param code integer
---@param text string|string[]
---@param effect? fun()
---@return boolean stands true if the step took effect
function Session:answer(step, entry, code, text, effect)
  local rule = self.store.script:take(step, entry.line or "", self.record.id)
  local octets
  if rule then
    if rule.raw or rule.garbage then
      octets = rule.raw or GARBAGE
      code = rule.code or tonumber(octets:match("^%d%d%d")) or (rule.garbage and 500) or code
    elseif rule.code then
      code, text = rule.code, rule.text or default_text(rule.code)
    elseif rule.text then
      text = rule.text
    end
  end
  octets = octets or format_reply(code, rule and text or self:plain_text(text))
  local stands = code < 400
  entry.code, entry.reply = code, octets
  if stands and effect then effect() end
  if rule then self:perform(rule, octets, code) else self.stream:put(octets) end
  return stands
end

--- Sends a 334 challenge and gives the client's line, or nil when the script broke the exchange off.
function Session:challenge(entry, encoded)
  if not self:answer("CHALLENGE", entry, 334, encoded) then return nil end
  local line, crlf = self.stream:line(AUTH_LINE_OCTETS, self:deadline())
  if not line and crlf == "timeout" then self:expire() end
  entry.answers = entry.answers or {}
  entry.answers[#entry.answers + 1] = line
  return line or ""
end

function Session:expire()
  stream_module.close("idle", {
    farewell = not self.settings.idleSilent and "421 4.4.2 Idle for too long, closing\r\n" or nil,
  })
end

function Session:begin_tls(entry)
  local rule = self.store.script:take("TLS", "", self.record.id)
  if rule then self:perform(rule, rule.raw or (rule.garbage and GARBAGE) or "", rule.code or 220) end
  local deadline = stream_module.now() + self.settings.idleTimeout
  self.stream:secure_with(self.store.tls_context, deadline)
  local sock = self.stream.sock
  local info = sock:info()
  self.record.tls = {
    version = info.protocol, cipher = info.cipher, bits = info.bits,
    servername = sock.getsniname and sock:getsniname() or nil,
  }
  self.greeted, self.transaction, self.user = nil, nil, nil
  self:refresh_offers()
  if entry then entry.tls = self.record.tls end
end

function Session:note(line)
  local entry = {
    line = line, verb = line:match("^%a+") or "", time = stream_module.now(), flight = self.stream.flight,
  }
  entry.verb = entry.verb:upper()
  self.record.commands[#self.record.commands + 1] = entry
  return entry
end

--- Refuses a command and gives up on a client that only makes mistakes.
function Session:refuse(step, entry, code, text)
  self.errors = self.errors + 1
  if self.errors > MAX_ERRORS then
    self.stream:put(format_reply(421, "4.7.0 Too many errors, closing"))
    self.stream:flush()
    stream_module.close("too many errors")
  end
  return self:answer(step, entry, code, text)
end

function Session:read_command()
  local limit = self.offers.AUTH and AUTH_LINE_OCTETS or self.settings.lineLimit
  local line, crlf = self.stream:line(limit, self:deadline())
  if not line then
    if crlf == "timeout" then self:expire() end
    self:refuse("OTHER", self:note(""), 500, "5.5.6 Line too long")
    return
  end
  local entry = self:note(line)
  if not crlf then self:violation("bare LF ends a command") end
  if #line > self.settings.lineLimit and entry.verb ~= "AUTH" then
    return self:refuse("OTHER", entry, 500, "5.5.6 Line too long")
  end
  local handler = commands[entry.verb]
  if handler and line:find("^%a+%s") or handler and #line == #entry.verb then
    handler(self, entry, line:match("^%a+%s+(.*)$") or "")
  else
    self:refuse("OTHER", entry, 500, "5.5.2 Command not recognised")
  end
end

--- The whole conversation; runs as a task and ends by raising what closed it.
function Session:run()
  local settings = self.settings
  if settings.tls == "implicit" then self:begin_tls() end
  local greeting = settings.greeting or settings.name .. " ESMTP ready"
  self.offers = capability.index { "ENHANCEDSTATUSCODES" }
  local entry = { verb = "CONNECT", time = stream_module.now(), flight = 0 }
  if not self:answer("CONNECT", entry, 220, greeting) then
    self.refused = true -- RFC 5321, 3.1: after 554 only QUIT is welcome
  end
  self:refresh_offers()
  while true do
    self:read_command()
  end
end

return M
