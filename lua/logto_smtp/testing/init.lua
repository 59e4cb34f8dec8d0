-- SPDX-License-Identifier: MIT
--- logto_smtp.testing: a real SMTP server on a loopback port, for the specs of whoever sends mail.
-- It runs in a process of its own, takes in whatever arrives, delivers nothing, and ends with the process
-- that started it. Works with Lua 5.1 to 5.4 and LuaJIT; needs LuaSocket, LuaSec, lua-cjson and the openssl
-- command.
local certificate = require "logto_smtp.testing.certificate"
local decode = require "logto_smtp.testing.decode"
local options_module = require "logto_smtp.testing.options"
local process = require "logto_smtp.testing.process"
local script = require "logto_smtp.testing.script"
local socket = require "socket"
local transcript = require "logto_smtp.testing.transcript"

local WAIT_SECONDS = 5

---@class logto_smtp.testing.Message
---@field number integer 1 for the first that arrived
---@field envelope { from: string, to: string[], mailParams: table, rcptParams: table[] }
---@field raw string exact octets, dot transparency undone
---@field wire string exact octets as sent, without the final dot
---@field headers table ordered list of { name=, value=, raw= }, and first values by lower-case name; decoded
---@field subject? string decoded
---@field from? string decoded From header
---@field to? string decoded To header
---@field cc? string
---@field replyTo? string
---@field messageId? string
---@field text? string decoded text/plain body
---@field html? string decoded text/html body
---@field attachments table[] of { filename=, contentType=, content=, cid=, contentDisposition= }
---@field part logto_smtp.testing.Part the message as a tree
---@field code? string the verification code
---@field link? string the first link
---@field tls false|{ version: string, cipher: string, bits: integer, servername?: string }
---@field auth false|{ mechanism: string, user: string }
---@field ehlo string the name the client gave
---@field connection integer number of the connection it came by
---@field time number when it was complete, seconds since the epoch
---@field smtputf8 boolean
---@field body8bit boolean
---@field chunked boolean it came by BDAT
---@field violations string[] rules of the standard it broke

---@class logto_smtp.testing.Inbox
---@field host string
---@field port integer
---@field ca? string PEM text of the authority that signed its certificate; nil without TLS
---@field certificate? string PEM text of that certificate
---@field private settings table
---@field private process logto_smtp.testing.Process
---@field private seen integer number of the newest message fetched
---@field private kept logto_smtp.testing.Message[]
local Inbox = {}
Inbox.__index = Inbox

local M = {}

local function certificate_for(settings)
  if settings.tls == "none" then return nil end
  if type(settings.certificate) == "table" then return settings.certificate end
  return certificate.get(settings.certificate)
end

--- Starts an inbox. nil, err: what kept it from starting. Raises on options that cannot be meant.
---@param options? logto_smtp.testing.Options
---@return logto_smtp.testing.Inbox? inbox, string? err
function M.startInbox(options)
  local settings = options_module.complete(options)
  local child, err = process.start(settings.interpreter)
  if not child then return nil, err end
  local pair
  pair, err = certificate_for(settings)
  if err then
    child:close()
    return nil, err
  end
  settings.certificate = pair
  local answer
  answer, err = child:open(settings)
  if not answer then return nil, err end
  return setmetatable({
    host = answer.host, port = answer.port, ca = pair and pair.ca, certificate = pair and pair.cert,
    settings = settings, process = child, seen = 0, kept = {},
  }, Inbox)
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, inner in pairs(value) do out[key] = copy(inner) end
  return out
end

local function merge(base, over)
  for key, value in pairs(over) do
    if type(value) == "table" and type(base[key]) == "table" and #value == 0 and #base[key] == 0 then
      merge(base[key], value)
    else
      base[key] = copy(value)
    end
  end
  return base
end

local TEMPLATES = {
  { usageType = "SignIn", subject = "Sign in", content = "Your sign-in code is {{code}}." },
  { usageType = "Register", subject = "Register", content = "Your registration code is {{code}}." },
  { usageType = "ForgotPassword", subject = "Reset password", content = "Your reset code is {{code}}." },
  { usageType = "Generic", subject = "Verification", content = "Your code is {{code}}." },
}

--- A valid config for `createConnector` or `core.client` that sends to this inbox. Overrides are merged in:
--- maps key by key, everything else whole.
---@param overrides? table
---@return table
function Inbox:config(overrides)
  local settings = self.settings
  local templates = copy(TEMPLATES)
  for _, template in ipairs(templates) do template.contentType = "text/plain" end
  local config = {
    host = self.host, port = self.port, fromEmail = "Inbox <noreply@inbox.example>", templates = templates,
    auth = { type = "login" }, secure = settings.tls == "implicit",
  }
  local user = settings.users and settings.users[1]
  if user then config.auth = { user = user.user, pass = user.pass } end
  if self.ca then config.tls = { ca = self.ca } end
  return merge(config, overrides or {})
end

local function ask(inbox, request, seconds)
  local answer, err = inbox.process:request(request, seconds)
  if not answer then error("inbox: " .. err, 3) end
  return answer
end

local function take_in(inbox, messages)
  for _, message in ipairs(messages) do
    inbox.kept[#inbox.kept + 1] = decode.message(message)
    inbox.seen = message.number
  end
end

--- All messages since the start or the last `clear`, oldest first.
---@return logto_smtp.testing.Message[]
function Inbox:messages()
  take_in(self, ask(self, { op = "messages", since = self.seen }).messages)
  local list = {}
  for i, message in ipairs(self.kept) do list[i] = message end
  return list
end

local function same_address(given, wanted)
  return given:lower() == wanted:lower()
end

local function has_recipient(message, wanted)
  for _, address in ipairs(message.envelope.to) do
    if same_address(address, wanted) then return true end
  end
  return false
end

local function contains(text, wanted)
  return text ~= nil and text:find(wanted, 1, true) ~= nil
end

local FILTERS = {
  to = has_recipient,
  from = function(message, wanted)
    return same_address(message.envelope.from, wanted) or contains(message.from, wanted)
  end,
  subject = function(message, wanted) return contains(message.subject, wanted) end,
  text = function(message, wanted) return contains(message.text, wanted) end,
  html = function(message, wanted) return contains(message.html, wanted) end,
  code = function(message, wanted) return message.code == wanted end,
}

--- Names of the filters a message does not satisfy.
local function differences(message, filter)
  local list = {}
  for name, test in pairs(FILTERS) do
    if filter[name] ~= nil and not test(message, filter[name]) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function describe(filter)
  local words = {}
  for name in pairs(FILTERS) do
    if filter[name] ~= nil then words[#words + 1] = ("%s %q"):format(name, tostring(filter[name])) end
  end
  table.sort(words)
  return #words > 0 and " with " .. table.concat(words, ", ") or ""
end

local function explain(messages, filter, wanted, matching, timeout)
  local lines = {
    ("expected %d mail(s)%s within %g s, got %d; %d arrived in all%s"):format(wanted, describe(filter),
      timeout, matching, #messages, #messages > 0 and ":" or ""),
  }
  for i, message in ipairs(messages) do
    local differs = differences(message, filter)
    lines[#lines + 1] = ("  %d. to %s, subject %q%s"):format(i, table.concat(message.envelope.to, ", "),
      message.subject or "", #differs > 0 and "; differs in " .. table.concat(differs, ", ") or "")
  end
  return table.concat(lines, "\n")
end

---@class logto_smtp.testing.Filter
---@field to? string an envelope recipient (any case)
---@field from? string the envelope sender (any case), or part of the From header
---@field subject? string part of the subject
---@field text? string part of the text
---@field html? string part of the HTML
---@field code? string the verification code
---@field n? integer how many; default 1
---@field timeout? number seconds; default 5

local function check_filter(filter)
  for key in pairs(filter) do
    if not FILTERS[key] and key ~= "n" and key ~= "timeout" then
      error(("bad argument #1 to 'waitFor' (unknown field %q)"):format(tostring(key)), 3)
    end
  end
end

--- Waits until `n` messages match. Without `n`: the first of them; with `n`: the list of all that match.
--- nil, err when the time is over: a text that tells what did arrive and how it differs.
---@param filter? logto_smtp.testing.Filter
---@return logto_smtp.testing.Message|logto_smtp.testing.Message[]|nil, string? err
function Inbox:waitFor(filter)
  filter = filter or {}
  check_filter(filter)
  local wanted, timeout = filter.n or 1, filter.timeout or WAIT_SECONDS
  local deadline = socket.gettime() + timeout
  while true do
    local messages, matching = self:messages(), {}
    for _, message in ipairs(messages) do
      if #differences(message, filter) == 0 then matching[#matching + 1] = message end
    end
    if #matching >= wanted then return filter.n and matching or matching[1] end
    local left = deadline - socket.gettime()
    if left <= 0 then return nil, explain(messages, filter, wanted, #matching, timeout) end
    take_in(self, ask(self, { op = "wait", since = self.seen, timeout = left }, left).messages)
  end
end

--- Forgets all messages that have arrived.
function Inbox:clear()
  self.kept, self.seen = {}, ask(self, { op = "clear" }).number
end

--- Tells the server how to behave when a step comes up next. Rules for one step act in the order they were
--- given.
---@param rule logto_smtp.testing.Rule
function Inbox:nextReply(rule)
  local fault = script.fault(rule)
  if fault then error("bad argument #1 to 'nextReply' (" .. fault .. ")", 2) end
  ask(self, { op = "script", rule = rule })
end

--- Drops all rules that have not acted yet.
function Inbox:clearScript()
  ask(self, { op = "clearScript" })
end

--- Closes every open connection, as a server does that restarts.
---@param how? { farewell?: string, reset?: boolean } octets to send before; RST instead of FIN
---@return integer closed how many there were
function Inbox:disconnect(how)
  how = how or {}
  return ask(self, { op = "disconnect", farewell = how.farewell, reset = how.reset }).closed
end

--- All connections so far, oldest first: { id, opened, closed, closedBy ("client", "server"), why, ehlo,
--- tls, auth, messages, flights, octetsIn, octetsOut, discarded, violations, commands }. A command is {
--- line, verb, time, flight, code, reply }; content shows as one with the verb "CONTENT" and its `octets`.
--- Commands of one flight were sent without waiting for an answer, so flights are round trips. The lines are
--- verbatim, passwords included.
---@return table[]
function Inbox:connections()
  return ask(self, { op = "connections" }).connections
end

--- The conversations as a text to read, without secrets and content.
---@return string
function Inbox:transcript()
  return transcript.format(self:connections())
end

--- { connections, open, auths, authFailures, messages, refused }
---@return table<string, integer>
function Inbox:counters()
  return ask(self, { op = "counters" }).counters
end

--- Ends the server and waits until its process is gone. Safe twice.
function Inbox:stop()
  self.process:request({ op = "stop" })
  self.process:close()
end

return M
