-- SPDX-License-Identifier: MIT
--- capture: a transport that keeps each mail instead of sending it. It composes what would go out, octet by
--- octet; there is no server, so nothing is said of TLS, AUTH or the connection's settings. A mail is decoded
--- when it is looked at. Works inside nginx.
local arguments = require "logto_smtp.util.arguments"
local arrivals = require "logto_smtp.testing.arrivals"
local core = require "logto_smtp.core"
local decode = require "logto_smtp.inbox.decode"
local failure = require "logto_smtp.testing.failure"
local usage = require "logto_smtp.testing.usage"

-- nginx's own clock stands still while no timer or socket is waited for; a deadline is reached by sleeping.
local function now()
  local ngx = rawget(_G, "ngx")
  if type(ngx) == "table" and ngx.now then return ngx.now() end
  return os.time()
end

local POLL_SECONDS = 0.005

---@class logto_smtp.testing.Capture: logto_smtp.testing.Arrivals, logto_smtp.Transport
---@field send fun(config: table, mail: table): table|nil, table? as a transport of `createConnector`
---@field private kept table[] decoded from the first to the one before `raw_from`
---@field private raw_from integer
---@field private number integer
---@field private failures logto_smtp.testing.Failure[]
local Capture = { patience = 0, now = now }
Capture.__index = Capture
for name, method in pairs(arrivals.methods) do Capture[name] = method end

local M = {}

local function recipients(to)
  local list = { to[1] }
  for i = 2, #to do list[i] = to[i] end
  return list
end

-- As little as there is to know of it until somebody looks: `open` adds the rest.
local function keep(capture, raw, envelope)
  local number = capture.number + 1
  capture.number = number
  capture.kept[#capture.kept + 1] = { number = number, raw = raw, time = os.time(), envelope = envelope }
end

local function open(message)
  local envelope = message.envelope
  envelope.mailParams, envelope.rcptParams = {}, {}
  message.tls, message.auth, message.violations = false, false, {}
  return decode.message(message)
end

local function send(capture, config, mail)
  local raw, envelope, id = core.compose(mail)
  if not raw then return nil, envelope end
  local err = capture.failures[1] and failure.take(capture.failures, envelope)
  if err then return nil, err end
  capture.usage:add(type(config) == "table" and config.templates or nil)
  keep(capture, raw, envelope)
  return {
    accepted = recipients(envelope.to), rejected = {}, messageId = id, messageSize = #raw, messageTime = 0,
    envelope = { from = envelope.from, to = recipients(envelope.to) }, envelopeTime = 0, ehlo = {},
    response = "250 2.0.0 Ok: queued as " .. capture.number,
  }
end

--- See `captureTransport` in `logto_smtp.testing`.
---@param options? { templates?: table[] }
---@return logto_smtp.testing.Capture
function M.new(options)
  if options ~= nil then arguments.check(options, { templates = "table" }, "captureTransport", 1, 3) end
  local capture = setmetatable({
    kept = {}, raw_from = 1, number = 0, failures = {}, usage = usage.new(options and options.templates),
  }, Capture)
  capture.send = function(config, mail) return send(capture, config, mail) end
  capture.close = function() end
  capture.count = function() return 0 end
  return capture
end

function Capture:messages()
  for i = self.raw_from, #self.kept do
    open(self.kept[i])
    self.usage:tell(self.kept[i])
    self.raw_from = i + 1
  end
  local list = {}
  for i, message in ipairs(self.kept) do list[i] = message end
  return list
end

--- Only inside nginx can another coroutine send while we wait.
function Capture:await(seconds)
  local ngx = rawget(_G, "ngx")
  if type(ngx) ~= "table" or not ngx.sleep then return false end
  local before = #self.kept
  local deadline = now() + seconds
  while #self.kept == before and now() < deadline do ngx.sleep(POLL_SECONDS) end
  return #self.kept > before
end

function Capture:situation() -- luacheck: no self
  return "nothing was sent through this transport"
end

--- Forgets all mails that have been sent.
function Capture:clear()
  self.kept, self.raw_from = {}, 1
end

--- Makes the next send fail, with the error that the real transport gives in that case.
---@param rule logto_smtp.testing.Failure
function Capture:failNext(rule)
  local fault = failure.fault(rule)
  if fault then error("bad argument #1 to 'failNext' (" .. fault .. ")", 2) end
  failure.add(self.failures, rule)
end

return M
