-- SPDX-License-Identifier: MIT
--- A failed message in the words of HTTP: a status, and a text that anybody may read. What a mail server
-- says can quote the mail, name hosts and tell of other people; of its reply only the codes are passed on.

local ConnectorError = require("logto_smtp.connector.error")
local codes = require("logto_smtp.connector.constants").ConnectorErrorCodes
local core = require("logto_smtp.core")
local errors = require("logto_smtp.errors")
local helpers = require("logto_smtp.connector.helpers")
local mailer = require("logto_smtp.connector.template_mail")

local M = {}

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
    names[#names + 1] = helpers.issuePath(issue.path)
  end
  return #names > 0 and table.concat(names, ", ") or nil
end

---@class logto_smtp.HttpFailure
---@field status integer
---@field code string       the SMTP error's, else the ConnectorError's
---@field reason? string    the SMTP error's
---@field message string
---@field retry_after? integer  seconds

--- What to answer when sendMessage or verify failed.
---@param err any
---@return logto_smtp.HttpFailure
function M.of(err)
  if not ConnectorError.is(err) then
    return { status = errors.UNKNOWN.http, code = codes.General, message = errors.UNKNOWN.means .. "." }
  end
  local cause = type(err.cause) == "table" and errors.code(err.cause.code) and err.cause or nil
  local told = cause or err
  local detail = cause and reply_of(cause) or fields_of(err)
  local message = errors.sentence(told) .. (detail and " (" .. detail .. ")" or "") .. "."
  if cause and cause.delivery == "unknown" then message = message .. " The message may have arrived." end
  return {
    status = errors.says(told, "http"), code = told.code, reason = cause and errors.reasonOf(cause),
    message = message, retry_after = errors.says(told, "retryAfter"),
  }
end

--- The line for the operator: the whole error, without the code of the mail, whichever connector made it.
---@param err any
---@param payload? table
---@return string
function M.line(err, payload)
  return core.mask(tostring(err), payload and mailer.secrets(payload) or {})
end

return M
