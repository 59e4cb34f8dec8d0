-- SPDX-License-Identifier: MIT
--- inbox: the handle of the server process: what arrived, what the conversations were, how to behave next.
local arrivals = require "logto_smtp.testing.arrivals"
local certificate = require "logto_smtp.inbox.certificate"
local decode = require "logto_smtp.inbox.decode"
local options_module = require "logto_smtp.inbox.options"
local process = require "logto_smtp.inbox.process"
local script = require "logto_smtp.inbox.script"
local socket = require "socket"
local transcript = require "logto_smtp.inbox.transcript"
local tables = require "logto_smtp.util.tables"
local usage = require "logto_smtp.testing.usage"

local SHOWN_LINES = 12

---@class logto_smtp.testing.Inbox: logto_smtp.testing.Arrivals
---@field host string
---@field port integer
---@field ca? string PEM text of the authority that signed its certificate; nil without TLS
---@field certificate? string PEM text of that certificate
---@field private settings table
---@field private process logto_smtp.testing.Process
---@field private seen integer number of the newest message fetched
---@field private kept logto_smtp.testing.Message[]
local Inbox = { patience = 5, now = socket.gettime }
Inbox.__index = Inbox
for name, method in pairs(arrivals.methods) do Inbox[name] = method end

local M = {}

--- What clients of this process have learned of a server at this address is not true of the new one.
local function forget_former(host, port)
  local found, core = pcall(require, "logto_smtp.core")
  if found then core.forgetServer(host, port) end
end

local function certificate_for(settings)
  if settings.tls == "none" then return nil end
  if type(settings.certificate) == "table" then return settings.certificate end
  return certificate.get(settings.certificate)
end

--- See `startInbox` in `logto_smtp.testing`.
---@param options? logto_smtp.testing.Options
---@return logto_smtp.testing.Inbox? inbox, string? err
function M.start(options)
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
  local known = usage.new(settings.templates)
  settings.templates = nil
  local answer
  answer, err = child:open(settings)
  if not answer then return nil, err end
  forget_former(answer.host, answer.port)
  return setmetatable({
    host = answer.host, port = answer.port, ca = pair and pair.ca, certificate = pair and pair.cert,
    settings = settings, process = child, usage = known, seen = 0, kept = {},
  }, Inbox)
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
  local templates = tables.copy(TEMPLATES)
  for _, template in ipairs(templates) do template.contentType = "text/plain" end
  local config = {
    host = self.host, port = self.port, fromEmail = "Inbox <noreply@inbox.example>", templates = templates,
    auth = { type = "login" }, secure = settings.tls == "implicit",
  }
  local user = settings.users and settings.users[1]
  if user then config.auth = { user = user.user, pass = user.pass } end
  if self.ca then config.tls = { ca = self.ca } end
  tables.merge(config, overrides or {})
  self.usage:add(config.templates)
  return config
end

local function ask(inbox, request, seconds)
  local answer, err = inbox.process:request(request, seconds)
  if not answer then error("inbox: " .. err, 3) end
  return answer
end

local function take_in(inbox, messages)
  for _, message in ipairs(messages) do
    decode.message(message)
    inbox.usage:tell(message)
    inbox.kept[#inbox.kept + 1] = message
    inbox.seen = message.number
  end
end

--- All messages since the start or the last `clear`, oldest first.
---@return logto_smtp.testing.Message[]
function Inbox:messages()
  take_in(self, ask(self, { op = "messages", since = self.seen }).messages)
  return tables.assign({}, self.kept)
end

function Inbox:await(seconds)
  take_in(self, ask(self, { op = "wait", since = self.seen, timeout = seconds }, seconds).messages)
  return true
end

function Inbox:situation()
  local connections = self:connections()
  if #connections == 0 then return ("nobody connected to %s port %d"):format(self.host, self.port) end
  local lines = {}
  local text = transcript.format { connections[#connections] }
  for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
  local first = math.max(1, #lines - SHOWN_LINES + 1)
  return "the last conversation was:\n  " .. table.concat(lines, "\n  ", first)
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
