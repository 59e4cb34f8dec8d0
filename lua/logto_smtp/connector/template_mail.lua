-- SPDX-License-Identifier: MIT
--- The mail that a template and a payload make: what the connector sends, and what a preview shows.

local core = require("logto_smtp.core")
local one_mailbox = require("logto_smtp.connector.one_mailbox")
local trim = require("logto_smtp.util.trim")
local null = require("cjson").null

local M = {}

--- What JavaScript takes for true, of the values that a template's field can have.
---@param value any
---@return boolean
function M.isSaid(value)
  return value ~= nil and value ~= null and value ~= false and value ~= ""
end

---@class logto_smtp.Template
---@field subject string
---@field content string
---@field contentType? "text/plain"|"text/html"  anything but "text/plain" is sent as HTML
---@field sendFrom? string  instead of the config's fromEmail; rendered, and always one mailbox
---@field replyTo? string   instead of the config's replyTo, likewise

-- One value of a payload as templates write it, where it is a text or a number.
local function written(payload, name)
  local value = payload[name]
  local kind = value ~= nil and type(value)
  if kind == "number" then return core.render("{{" .. name .. "}}", payload) end
  return kind == "string" and value or nil
end

--- Of a payload, what lets whoever reads it act as the recipient: code and link, as templates write them. No
--- error and no log repeats it, also where a server quotes the mail it refuses. nil: it has none.
---@param payload table
---@return string[]?
function M.secrets(payload)
  local code, link = written(payload, "code"), written(payload, "link")
  if not code then return link and { link } end
  return link and { code, link } or { code }
end

--- A mail with the secrets of a send's options, for core.
---@param mail table
---@param options? logto_smtp.SendOptions
---@return table
function M.withSecrets(mail, options)
  if not options or not options.secrets then return mail end
  local with = {}
  for name, value in pairs(mail) do with[name] = value end
  with.secrets = options.secrets
  return with
end

local FIELDS = { "subject", "content", "sendFrom", "replyTo" }

--- What stands in double braces in a template, each once.
---@param template logto_smtp.Template
---@return { name: string, first?: string }[]  first: the variable that must be there; nil: none fills it
function M.placeholders(template)
  local list, seen = {}, {}
  for _, field in ipairs(FIELDS) do
    local text = template[field]
    for inside in (type(text) == "string" and text or ""):gmatch("{{([^{}]*)}}") do
      local name = trim.both(inside)
      if not seen[name] then
        seen[name] = true
        list[#list + 1] = { name = name, first = name:match("^([%w_]*)[%w_.]*$") }
      end
    end
  end
  return list
end

--- Those placeholders that a payload does not fill: readers would see them as they are written.
---@param placeholders { name: string, first?: string }[]
---@param payload table
---@return string[] names
function M.unfilled(placeholders, payload)
  local names = {}
  for _, placeholder in ipairs(placeholders) do
    local first = placeholder.first
    if not first or payload[first] == nil then names[#names + 1] = placeholder.name end
  end
  return names
end

--- The sentence about them.
---@param names string[]
---@return string
function M.unfilledReason(names)
  local list = {}
  for i, name in ipairs(names) do list[i] = "{{" .. name .. "}}" end
  return "nothing fills " .. table.concat(list, ", ") .. " of the template"
end

local function sender(text, payload, fallback)
  return M.isSaid(text) and one_mailbox.render(text, payload, fallback) or fallback
end

local ESCAPED = { escape = "html" }

--- Fills a template. Values are escaped where they enter HTML, and nowhere else.
---@param config table  passed the guard
---@param template logto_smtp.Template
---@param payload table
---@param to string  one mailbox
---@param escapeHtml boolean
---@return table mail  of core.compose and client:send
function M.build(config, template, payload, to, escapeHtml)
  local is_text = template.contentType == "text/plain"
  local opts = not is_text and escapeHtml and ESCAPED or nil
  return {
    to = to,
    from = sender(template.sendFrom, payload, config.fromEmail),
    replyTo = sender(template.replyTo, payload, config.replyTo),
    subject = core.render(template.subject, payload),
    [is_text and "text" or "html"] = core.render(template.content, payload, opts),
    headers = config.customHeaders and next(config.customHeaders) and config.customHeaders or nil,
    attachDataUrls = config.attachDataUrls,
  }
end

return M
