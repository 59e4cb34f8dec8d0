-- SPDX-License-Identifier: MIT
--- A failed message in the words of HTTP: a status, and a text that anybody may read. What a mail server
-- says can quote the mail, name hosts and tell of other people; of its reply only the codes are passed on.

local ConnectorError = require("logto_smtp.error")
local codes = require("logto_smtp.enums").ConnectorErrorCodes
local core = require("logto_smtp.core")
local kit = require("logto_smtp.kit")
local mailer = require("logto_smtp.mail")

local M = {}

-- By the code of the SMTP error.
local SMTP = {
  EDNS = { 502, "The name of the mail server could not be resolved" },
  ESOCKET = { 502, "The mail server could not be reached" },
  ECONNECTION = { 502, "The mail server ended the connection" },
  EPROTOCOL = { 502, "The mail server does not speak SMTP as it should" },
  EPROXY = { 502, "The proxy to the mail server refused" },
  ETLS = { 502, "No safe connection to the mail server" },
  EAUTH = { 502, "The mail server did not accept the login" },
  EOAUTH2 = { 502, "No access token for the mail server could be had" },
  EENVELOPE = { 502, "The mail server refused the sender or the recipient" },
  EMESSAGE = { 502, "The mail server refused the message, or it cannot be composed" },
  ETIMEDOUT = { 504, "The mail server did not answer in time" },
  EBUSY = { 503, "Too many messages are waiting", retry_after = 1 },
  ECONFIG = { 400, "The config of the mail server cannot be used" },
  EDKIM = { 500, "The message could not be signed" },
}

-- By the code of a ConnectorError without an SMTP error below it.
local OWN = {
  [codes.InvalidConfig] = { 400, "The config of the mail server is not valid" },
  [codes.InvalidRequestParameters] = { 400, "`to` is to be exactly one mailbox" },
  [codes.InsufficientRequestParameters] = { 400, "The request lacks a field" },
  [codes.TemplateNotFound] = { 400, "There is no template for this type of message" },
  [codes.RateLimitExceeded] = { 429, "Too many messages; try again later" },
  [codes.General] = { 502, "The message could not be handed over" },
}

local UNKNOWN = { 500, "The message could not be sent" }

-- The reply codes: "550 5.1.1".
local function reply_of(cause)
  if type(cause.responseCode) ~= "number" then return nil end
  local enhanced = type(cause.enhancedCode) == "string" and cause.enhancedCode:match("^%d%.%d+%.%d+$")
  return ("%d"):format(cause.responseCode) .. (enhanced and " " .. enhanced or "")
end

-- Which fields of a config are wrong, and nothing of what they hold.
local function fields_of(err)
  local names = {}
  for _, issue in ipairs(type(err.data) == "table" and err.data.issues or {}) do
    names[#names + 1] = kit.issuePath(issue.path)
  end
  return #names > 0 and table.concat(names, ", ") or nil
end

---@class logto_smtp.HttpFailure
---@field status integer
---@field code string       the SMTP error's, else the ConnectorError's
---@field message string
---@field retry_after? integer  seconds

--- What to answer when sendMessage or verify failed.
---@param err any
---@return logto_smtp.HttpFailure
function M.of(err)
  if not ConnectorError.is(err) then
    return { status = UNKNOWN[1], code = codes.General, message = UNKNOWN[2] .. "." }
  end
  local cause = type(err.cause) == "table" and SMTP[err.cause.code] and err.cause or nil
  local row = cause and SMTP[cause.code] or OWN[err.code] or UNKNOWN
  local detail = cause and reply_of(cause) or fields_of(err)
  local message = row[2] .. (detail and " (" .. detail .. ")" or "") .. "."
  if cause and cause.delivery == "unknown" then message = message .. " The message may have arrived." end
  return { status = row[1], code = cause and cause.code or err.code, message = message,
    retry_after = row.retry_after }
end

--- The line for the operator: the whole error, without the code of the mail, whichever connector made it.
---@param err any
---@param payload? table
---@return string
function M.line(err, payload)
  return core.mask(tostring(err), payload and mailer.secrets(payload) or {})
end

return M
