-- SPDX-License-Identifier: MIT
--- Says what went wrong in words for the person at the terminal, and what to try.

local kit = require("logto_smtp.kit")

local M = {}

-- What belongs at a path of the config.
local WANTED = {
  config = "write one JSON object; `logto-smtp init` prints one to start from",
  host = "name your mail server, such as smtp.gmail.com",
  port = "write a number: 465 (TLS from the start) or 587 (STARTTLS)",
  auth = "write {\"user\": ..., \"pass\": ...}, or for OAuth 2.0 {\"type\": \"oauth2\", \"user\": ..., ...}",
  fromEmail = "write the sender, such as \"My App <no-reply@example.com>\"",
  templates = "give at least one template each for Register, SignIn, ForgotPassword and Generic",
  usageType = "write what the template is for, such as \"SignIn\"",
  contentType = "write \"text/plain\" or \"text/html\"",
  subject = "write the mail's subject",
  content = "write the mail's text, with {{code}} where the code goes",
  customHeaders = "map each header name to a string or a list of strings",
  tls = "write an object, such as {\"rejectUnauthorized\": true}",
}

local function wanted(issue)
  local path = issue.path
  for i = #path, 1, -1 do
    if WANTED[path[i]] then return WANTED[path[i]] end
  end
  if #path == 0 then return WANTED.config end
  if issue.expected == "boolean" then return "write true or false, without quotes" end
  if issue.expected == "number" then return "write a number, without quotes" end
  if issue.expected == "string" then return "write a text in quotes" end
  return nil
end

-- The issues of the branch of a union that came closest to fitting; unions within it are opened too.
local function closest(issue)
  if issue.code ~= "invalid_union" then return { issue } end
  local best
  for _, branch in ipairs(issue.unionErrors) do
    local leaves = {}
    for _, inner in ipairs(branch.issues) do
      for _, leaf in ipairs(closest(inner)) do leaves[#leaves + 1] = leaf end
    end
    if not best or #leaves < #best then best = leaves end
  end
  return best
end

---@class logto_smtp.cli.Problem
---@field path string
---@field message string
---@field try? string

--- The issues of a guard, one problem each: where, what, and what belongs there.
---@param issues table[]
---@return logto_smtp.cli.Problem[]
function M.issues(issues)
  local out = {}
  for _, issue in ipairs(issues) do
    for _, leaf in ipairs(closest(issue)) do
      out[#out + 1] = {
        path = kit.issuePath(leaf.path),
        message = leaf.message,
        try = leaf.code ~= "custom" and wanted(leaf) or nil,
      }
    end
  end
  return out
end

-- What to try after each kind of failure.
local TRY = {
  EDNS = "check `host` for typing errors, and that this machine can look up names",
  ECONNECTION = "check `host` and `port`; a firewall or hosting provider may block outgoing mail ports",
  ESOCKET = "check `host` and `port`; a firewall or hosting provider may block outgoing mail ports",
  ETIMEDOUT = "check `host`, `port` and `secure`: a firewall may be in the way, or the port expects TLS",
  ETLS = "check `secure` against the port (465: true, 587: false) and the server's certificate (`tls.ca`)",
  EAUTH = "check `auth.user` and `auth.pass`; many services want an app password or an API key here",
  EOAUTH2 = "check the OAuth 2.0 values: the refresh token may be revoked, or belong to another client",
  EPROTOCOL = "check that `host` and `port` name a mail server, and `secure` fits the port",
  EENVELOPE = "check `fromEmail` (may this login send as it?) and the recipient",
  EMESSAGE = "the server refused the message itself: read its reply",
  EPROXY = "check `proxy`",
}

--- What to try about a ConnectorError; nil if nothing is known to help.
---@param err logto_smtp.ConnectorError
---@return string?
function M.try(err)
  local cause = type(err.cause) == "table" and err.cause or {}
  if cause.delivery == "unknown" then
    return "the connection broke while the server decided, so the mail may have gone out: look, then resend"
  end
  if cause.responseCode and cause.responseCode >= 400 and cause.responseCode < 500 then
    return "the server asks for another try later"
  end
  return TRY[cause.code]
end

--- The words of a ConnectorError without its JSON quoting.
---@param err logto_smtp.ConnectorError
---@return string
function M.message(err)
  local data = err.data
  return type(data) == "table" and type(data.message) == "string" and data.message ~= "" and data.message
    or err.message
end

return M
