-- SPDX-License-Identifier: MIT
--- failure: the errors of the real transport, made to order. What is not said is as it most often is.
local address = require "logto_smtp.util.address"
local arguments = require "logto_smtp.util.arguments"
local core = require "logto_smtp.core"
local errors = require "logto_smtp.errors"

local M = {}

---@class logto_smtp.testing.Failure
---@field code string what `err.code` will be: EENVELOPE, EMESSAGE, EAUTH, ECONNECTION, ETIMEDOUT, ...
---@field responseCode? integer what the server answered; default as is usual for the code
---@field response? string its whole text, with or without the code in front
---@field at? "MAIL"|"RCPT" the step, for EENVELOPE; default "RCPT"
---@field delivery? "not_sent"|"unknown" for ECONNECTION and ETIMEDOUT: when it happened; default "not_sent"
---@field message? string instead of the real transport's words
---@field to? string only mails to this recipient fail (in any spelling)
---@field times? integer|"always" default 1

-- For each code: the reason, what goes in front of the server's answer, the command it answers, a usual
-- answer; or for a failure without an answer its message. unknown, later: message and reason after the
-- content was sent.
local CODES = {
  EENVELOPE = { reason = "recipient_refused", prefix = "Can't send mail - all recipients were rejected: ",
    command = "RCPT TO", answer = "550 5.1.1 No such user" },
  EMESSAGE = { reason = "message_refused", prefix = "Message failed: ", command = "DATA",
    answer = "554 5.7.1 Message refused" },
  EAUTH = { reason = "auth_refused", prefix = "Invalid login: ", command = "AUTH PLAIN",
    answer = "535 5.7.8 Authentication credentials invalid" },
  EPROTOCOL = { reason = "greeting_refused", answer = "421 4.3.2 Service not available" },
  ECONNECTION = { reason = "greeting_missing", message = "Unexpected socket close",
    unknown = "Connection closed unexpectedly", later = "connection_lost" },
  ETIMEDOUT = { reason = "timeout_greeting", message = "Greeting never received", unknown = "Timeout",
    later = "timeout_reply" },
  ESOCKET = {
    reason = "connection_refused",
    message = "connect ECONNREFUSED 127.0.0.1:25; nothing listens there: check host and port",
  },
  EDNS = { reason = "name_not_found", message = "getaddrinfo ENOTFOUND smtp.example" },
  ETLS = { reason = "tls_expired", message = "TLS with smtp.example failed: certificate has expired" },
  EOAUTH2 = { reason = "oauth_unreachable", message = "https://accounts.example/token cannot be reached",
    command = "AUTH XOAUTH2" },
  EPROXY = { reason = "proxy_unreachable", message = "connect ECONNREFUSED to the proxy 127.0.0.1:1 "
    .. "failed; check proxy" },
}

local FIELDS = {
  code = "string", responseCode = "number", response = "string", at = "string", delivery = "string",
  message = "string", to = "string", times = true,
}

local function names(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, ", ")
end

--- What is wrong with a rule, or nil.
---@param rule any
---@return string?
function M.fault(rule)
  if type(rule) ~= "table" then return "table expected, got " .. type(rule) end
  for key, value in pairs(rule) do
    local kind = FIELDS[key]
    if not kind then return ("unknown field %q%s"):format(tostring(key), arguments.meant(key, FIELDS)) end
    if kind ~= true and type(value) ~= kind then
      return ("%s must be a %s, got %s"):format(key, kind, type(value))
    end
  end
  if not CODES[rule.code or ""] then return "code must be one of " .. names(CODES) end
  local usual = CODES[rule.code]
  if not usual.answer and (rule.responseCode or rule.response) then
    return rule.code .. " comes without an answer of the server"
  end
  if rule.delivery == "unknown" and not usual.unknown then
    return rule.code .. " never leaves the delivery unknown"
  end
  if rule.at and rule.code ~= "EENVELOPE" then return "at is for EENVELOPE" end
  if rule.at and rule.at ~= "MAIL" and rule.at ~= "RCPT" then return 'at must be "MAIL" or "RCPT"' end
  if rule.times ~= nil and rule.times ~= "always" and type(rule.times) ~= "number" then
    return 'times must be a number or "always"'
  end
end

--- Adds a rule to a list.
---@param failures logto_smtp.testing.Failure[]
---@param rule logto_smtp.testing.Failure
function M.add(failures, rule)
  local own = { left = rule.times == "always" and math.huge or rule.times or 1 }
  for key, value in pairs(rule) do own[key] = value end
  failures[#failures + 1] = own
end

-- The server's answer, its code in front.
local function answer_text(rule, usual)
  local usual_code = usual.answer:match("^%d%d%d")
  local code, words = (rule.response or usual.answer):match("^(%d%d%d) (.*)$")
  local wanted = tonumber(rule.responseCode or code or usual_code)
  if not rule.response and wanted ~= tonumber(usual_code) then
    words = ("%d.0.0 Refused"):format(math.floor(wanted / 100))
  end
  return ("%d %s"):format(wanted, words or rule.response)
end

local function answered(rule, text, reason, command, prefix)
  local code = tonumber(text:match("^%d%d%d"))
  local enhanced = text:match("^%d+ (%d%.%d+%.%d+)")
  return {
    code = rule.code, reason = core.reasonOf(reason, code, enhanced or "", text),
      message = rule.message or prefix .. text, command = command, response = text,
    responseCode = code, enhancedCode = enhanced, permanent = code >= 500,
    delivery = "not_sent",
  }
end

local function refused_recipients(rule, text, usual, envelope)
  local err = answered(rule, text, usual.reason, usual.command, usual.prefix)
  err.accepted, err.rejected, err.rejectedErrors = {}, {}, {}
  for i, to in ipairs(envelope.to) do
    local one = answered(rule, text, usual.reason, usual.command, "Recipient command failed: ")
    one.recipient = to
    err.rejected[i], err.rejectedErrors[i] = to, one
  end
  return err
end

local function make(rule, envelope)
  local usual = CODES[rule.code]
  if not usual.answer then
    local delivery = rule.delivery or "not_sent"
    local message = delivery == "unknown" and usual.unknown or usual.message
    local reason = delivery == "unknown" and usual.later or usual.reason
    return {
      code = rule.code, reason = reason, message = rule.message or message, command = usual.command or "CONN",
      permanent = errors.REASONS[reason].permanent, delivery = delivery,
    }
  end
  local text = answer_text(rule, usual)
  if rule.at == "MAIL" then return answered(rule, text, "sender_refused", "MAIL FROM",
    "Mail command failed: ") end
  if rule.code == "EENVELOPE" then return refused_recipients(rule, text, usual, envelope) end
  if rule.code == "EPROTOCOL" then
    return answered(rule, text, usual.reason, "CONN", "Invalid greeting. response=" .. text .. ": ")
  end
  return answered(rule, text, usual.reason, usual.command, usual.prefix)
end

local function concerns(rule, envelope)
  if rule.left <= 0 then return false end
  return not rule.to or address.isAmong(rule.to, envelope.to)
end

--- The error of the rule that acts now, oldest first, or nil.
---@param failures logto_smtp.testing.Failure[]
---@param envelope { from: string, to: string[] }
---@return table?
function M.take(failures, envelope)
  for _, rule in ipairs(failures) do
    if concerns(rule, envelope) then
      rule.left = rule.left - 1
      return make(rule, envelope)
    end
  end
end

return M
