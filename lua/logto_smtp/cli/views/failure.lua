-- SPDX-License-Identifier: MIT
--- Says what went wrong in words for the person at the terminal, and what to try.

local helpers = require("logto_smtp.connector.helpers")
local providers = require("logto_smtp.diagnosis.providers")

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
        path = helpers.issuePath(leaf.path),
        message = leaf.message,
        try = leaf.code ~= "custom" and wanted(leaf) or nil,
      }
    end
  end
  return out
end

--- What a ConnectorError is, where it is well known, and what to try; nil if nothing is known to help.
---@param err logto_smtp.ConnectorError
---@param config? table  that it happened with; has passed the guard where err has a cause
---@return logto_smtp.Diagnosis?
function M.diagnose(err, config)
  local cause = err.cause
  if type(cause) ~= "table" then return nil end
  if cause.delivery == "unknown" then
    return { id = "unknown_delivery", try = "the connection broke while the server decided, so the mail may "
      .. "have gone out: look, then resend" }
  end
  return providers.diagnose(cause, config or {})
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
