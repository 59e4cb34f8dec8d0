-- SPDX-License-Identifier: MIT
--- The helpers of Logto's connector kit that an email connector uses, under the kit's names.
-- Where the kit throws, these return `nil, err`.

local core = require("logto_smtp.core")
local null = require("cjson").null
local arguments = require("logto_smtp.util.arguments")
local ConnectorError = require("logto_smtp.connector.error")
local constants = require("logto_smtp.connector.constants")

local M = {}

-- The white space of JavaScript's trim() and \s beyond ASCII, as UTF-8.
local UNICODE_SPACES = {
  ["\194\160"] = true,      -- U+00A0
  ["\225\154\128"] = true,  -- U+1680
  ["\226\128\168"] = true,  -- U+2028
  ["\226\128\169"] = true,  -- U+2029
  ["\226\128\175"] = true,  -- U+202F
  ["\226\129\159"] = true,  -- U+205F
  ["\227\128\128"] = true,  -- U+3000
  ["\239\187\191"] = true,  -- U+FEFF
}
for last = 0x80, 0x8A do    -- U+2000 to U+200A
  UNICODE_SPACES["\226\128" .. string.char(last)] = true
end

--- Removes white space at both ends, as JavaScript's trim() does.
---@param s string
---@return string
function M.trim(s)
  local first, last = s:byte(1), s:byte(-1)
  if first and first > 32 and first < 128 and last > 32 and last < 128 then return s end
  first, last = 1, #s
  while first <= last do
    local c = s:match("^[%s]+", first) or s:match("^[\194-\244][\128-\191]+", first)
    if not c then break end
    if not c:find("^%s") then
      local space = UNICODE_SPACES[c:sub(1, 2)] and 2 or UNICODE_SPACES[c:sub(1, 3)] and 3
      if not space then break end
      c = c:sub(1, space)
    end
    first = first + #c
  end
  while last >= first do
    if s:find("^%s", last) then last = last - 1
    elseif last - 2 >= first and UNICODE_SPACES[s:sub(last - 2, last)] then last = last - 3
    elseif last - 1 >= first and UNICODE_SPACES[s:sub(last - 1, last)] then last = last - 2
    else break end
  end
  return s:sub(first, last)
end

local function without_controls(s)
  return (s:gsub("[%z\1-\31\127]", ""))
end

-- What may stand as a display name or an address: no control character, no angle bracket.
local function clean(s)
  return M.trim((without_controls(s):gsub("[<>]", "")))
end

--- A display name without what could end it: control characters and angle brackets.
M.sanitizeMailboxDisplayName = clean

-- `Name <address>` in two pieces, or nil. The last pair of brackets holds the address.
local function split_mailbox(value)
  if value:sub(-1) ~= ">" then return nil end
  local last_close = value:sub(1, -2):match(".*()>")
  local open = value:find("<", last_close and last_close + 1 or 1, true)
  if not open then return nil end
  local email = M.trim(value:sub(open + 1, -2))
  if email == "" then return nil end
  return email, M.trim(value:sub(1, open - 1))
end

---@class logto_smtp.Sender
---@field email string
---@field name? string

--- Reads a rendered `sendFrom`: `Name <address>`, an address alone, or a display name alone, which then
-- goes with the fallback address.
---@param renderedSendFrom string
---@param fallbackEmail string
---@param fallbackName? string
---@return logto_smtp.Sender
function M.parseSendFrom(renderedSendFrom, fallbackEmail, fallbackName)
  local function sender(email, name)
    name = name and clean(name) or ""
    return { email = clean(email), name = name ~= "" and name or nil }
  end
  local value = M.trim(without_controls(renderedSendFrom))
  local email, name = split_mailbox(value)
  if email then return sender(email, name) end
  if value:find("@", 1, true) and not value:find(" ", 1, true) then return sender(value) end
  return sender(fallbackEmail, value ~= "" and value or fallbackName)
end

--- `Name <address>`, or the address alone when there is no name; control characters and angle brackets in
-- either are dropped.
---@param email string
---@param name? string
---@return string
function M.formatMailbox(email, name)
  local address, display = clean(email), clean(name or "")
  return display == "" and address or display .. " <" .. address .. ">"
end

--- Fills the placeholders `{{key}}` and `{{key.inner}}` of a template. A placeholder whose first key the
-- payload lacks stays as it is; one that leads nowhere further down becomes empty.
---@param template string
---@param payload table
---@param opts? {escape: "html"}  "html": escape the values for HTML text and attributes
---@return string
function M.replaceSendMessageHandlebars(template, payload, opts)
  return core.render(template, payload, opts)
end

--- The first template of a config for a usage type, else its first Generic one, else nil.
---@param type string
---@param config table
---@return table?
function M.getConfigTemplateByType(type, config)
  local templates = config.templates
  if templates == nil or templates == null then return nil end
  local generic
  for _, template in ipairs(templates) do
    if template.usageType == type then return template end
    if not generic and template.usageType == constants.TemplateType.Generic then generic = template end
  end
  return generic
end

--- What is wrong with a usage type that somebody wrote: neither Logto nor the config's templates have it.
--- nil: nothing. The connector itself takes any, and falls back to Generic as the original does.
---@param usageType string
---@param config any
---@return string? reason
function M.usageTypeFault(usageType, config)
  local known, list = {}, {}
  for name in pairs(constants.TemplateType) do known[name] = true end
  local templates = type(config) == "table" and config.templates
  for _, template in ipairs(type(templates) == "table" and templates or {}) do
    local own = type(template) == "table" and template.usageType
    if type(own) == "string" then known[own] = true end
  end
  if known[usageType] then return nil end
  for name in pairs(known) do list[#list + 1] = name end
  table.sort(list)
  local meant = arguments.meant(usageType, known)
  local link = meant == "" and "; there are " or meant .. " There are "
  return ("there is no type %q%s%s"):format(usageType, link, table.concat(list, ", "))
end

--- Checks a config against a guard, by default that of this connector.
---@param config any
---@param guard? {safeParse: fun(config: any): table}
---@return true|nil
---@return logto_smtp.ConnectorError?  invalid_config; its data is the guard's error
function M.validateConfig(config, guard)
  if not guard then return M.checkConfig(config) end
  local result = guard.safeParse(config)
  if result.success then return true end
  return nil, ConnectorError(constants.ConnectorErrorCodes.InvalidConfig, result.error)
end

--- The same by this connector's guard; keyed: asks also for what the config's client is told apart by.
---@param config any
---@param keyed? boolean
---@return true|nil
---@return string|logto_smtp.ConnectorError|nil  the key, nil where no client can be made of the config; or
---  why it is not valid
function M.checkConfig(config, keyed)
  local valid, key = core.check(config, keyed)
  if valid then return true, key end
  return nil, ConnectorError(constants.ConnectorErrorCodes.InvalidConfig, M.zodError(key))
end

local zod_error = {
  __tostring = function(self)
    local lines = {}
    for i, issue in ipairs(self.issues) do
      lines[i] = M.issueLine(M.issuePath(issue.path), issue.message)
    end
    return table.concat(lines, "\n")
  end,
}

--- An issue's path as people write it: `templates[0].subject`; `config` for the whole of it.
---@param path (string|integer)[]
---@return string
function M.issuePath(path)
  local out = ""
  for _, step in ipairs(path) do
    if type(step) == "number" then
      out = out .. ("[%d]"):format(step)
    else
      out = out .. (out == "" and "" or ".") .. step
    end
  end
  return out == "" and "config" or out
end

--- Path and message in one line. What our own rules say begins with the option, which is then told once.
---@param path string
---@param message string
---@return string
function M.issueLine(path, message)
  local rest = message:sub(1, #path) == path and message:match("^:? (.*)$", #path + 1)
  return path .. ": " .. (rest or message)
end

---@class logto_smtp.ZodError
---@field name "ZodError"
---@field issues table[]  as zod's: code, path (array items from 0), message, expected, received, ...

---@param issues table[]
---@return logto_smtp.ZodError
function M.zodError(issues)
  return setmetatable({ issues = issues, name = "ZodError" }, zod_error)
end

--- The guard of this connector's config. safeParse answers `{success = true, data = ...}` with the defaults
-- filled in, or `{success = false, error = ZodError}`; parse answers the data, or `nil, ZodError`.
M.configGuard = {}

---@param config any
---@return {success: boolean, data?: table, error?: logto_smtp.ZodError}
function M.configGuard.safeParse(config)
  local data, issues = core.validate(config)
  if data then return { success = true, data = data } end
  return { success = false, error = M.zodError(issues) }
end

---@param config any
---@return table|nil data
---@return logto_smtp.ZodError?
function M.configGuard.parse(config)
  local result = M.configGuard.safeParse(config)
  return result.data, result.error
end

return M
