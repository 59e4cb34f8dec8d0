-- SPDX-License-Identifier: MIT
--- Every template of a config as the mail it makes, with sample values, and what is wrong with it.
--
--     local report = require("logto_smtp.preview").render(config)
--     for _, entry in ipairs(report.templates) do print(entry.usageType, #entry.flags) end
--     require("logto_smtp.preview").write(report, "preview")
--
-- The mails are those that the connector would hand to its transport, and the octets those that would be sent
-- (before any DKIM signature). Of the config, only templates, senders and custom headers are looked at.

local arguments = require("logto_smtp.util.arguments")
local attempt = require("logto_smtp.util.attempt")
local core = require("logto_smtp.core")
local flags = require("logto_smtp.preview.flags")
local helpers = require("logto_smtp.connector.helpers")
local mailer = require("logto_smtp.connector.template_mail")
local page = require("logto_smtp.preview.page")
local variables = require("logto_smtp.preview.variables")
local shell = require("logto_smtp.util.shell")

local M = {}

--- Whom the sample mails are for.
M.RECIPIENT = "Ada Lovelace <ada@example.org>"

---@class logto_smtp.preview.Entry
---@field index integer      in the config's templates, from 0
---@field usageType string
---@field contentType string
---@field template logto_smtp.Template
---@field payload table
---@field mail? table        as core.compose takes it
---@field octets? string     the composed mail; nil if it could not be composed
---@field flags logto_smtp.preview.Flag[]
---@field file string        name of the .eml file

---@class logto_smtp.preview.Coverage
---@field usageType string
---@field index? integer  of the template that is sent, from 0; nil: none is
---@field exact boolean   false: Generic stands in
---@field flags logto_smtp.preview.Flag[]  what is wrong with Generic there; not counted in the report

---@class logto_smtp.preview.Report
---@field templates logto_smtp.preview.Entry[]
---@field coverage logto_smtp.preview.Coverage[]  which template each type gets
---@field errors integer     flags of that severity
---@field warnings integer
---@field notes integer
---@field signed boolean     the config has DKIM keys, so what is sent carries a signature too

local function file_name(index, usage_type)
  return ("%02d-%s.eml"):format(index + 1, (usage_type:gsub("[^%w_-]", "_"):sub(1, 40)))
end

-- The mail and its octets, or nil and what is in the way.
local function make(config, template, payload, escape)
  local built, mail = attempt(mailer.build, config, template, payload, M.RECIPIENT, escape)
  if not built then return nil, nil, mail end
  local composed, octets, err = attempt(core.compose, mail)
  if composed and octets then return mail, octets end
  return mail, nil, composed and err.message or octets
end

local function entry_of(config, index, first, opts)
  local template = config.templates[index + 1]
  local payload = variables.sample(template.usageType, opts.payload)
  local mail, octets, failure = make(config, template, payload, opts.escapeHtml ~= false)
  return {
    index = index, usageType = template.usageType, contentType = template.contentType, template = template,
    payload = payload, mail = mail, octets = octets, file = file_name(index, template.usageType),
    flags = flags.of({ template = template, overrides = opts.payload, used = first, mail = mail,
      octets = octets, failure = failure }),
  }
end

local function coverage(config)
  local out = {}
  for i, usage_type in ipairs(variables.TYPES) do
    local template = helpers.getConfigTemplateByType(usage_type, config)
    local index
    for at, other in ipairs(config.templates) do
      if other == template then index = at - 1 end
    end
    local exact = template ~= nil and template.usageType == usage_type
    out[i] = { usageType = usage_type, index = index, exact = exact, flags = {} }
    if template and not exact then out[i].flags = flags.ofStandIn(template, usage_type) end
  end
  return out
end

---@class logto_smtp.preview.Options
---@field payload? table       merged over each sample payload
---@field escapeHtml? boolean  false: as createConnector's

--- Makes the mail of every template.
---@param config table  passed the guard
---@param opts? logto_smtp.preview.Options
---@return logto_smtp.preview.Report
function M.render(config, opts)
  if opts ~= nil then arguments.check(opts, { payload = "table", escapeHtml = "boolean" }, "render", 2) end
  local report = { templates = {}, coverage = coverage(config), errors = 0, warnings = 0, notes = 0,
    signed = config.dkim ~= nil }
  local seen = {}
  for i, template in ipairs(config.templates) do
    local entry = entry_of(config, i - 1, not seen[template.usageType], opts or {})
    seen[template.usageType] = true
    for _, flag in ipairs(entry.flags) do
      report[flag.severity .. "s"] = report[flag.severity .. "s"] + 1
    end
    report.templates[i] = entry
  end
  return report
end

--- The gallery: one page of HTML that needs no network, no script and no other file.
---@param report logto_smtp.preview.Report
---@param title? string  such as the config's file name
---@return string html
function M.page(report, title)
  return page.html(report, title or "config")
end

local function write_file(path, octets)
  local file, err = io.open(path, "wb")
  if not file then return nil, err end
  local ok, write_err = file:write(octets)
  local closed, close_err = file:close()
  if ok and closed then return true end
  return nil, path .. ": " .. tostring(write_err or close_err)
end

--- Writes index.html and the .eml files into a directory, which is made if it is not there. Files of the same
-- names are replaced; others stay.
---@param report logto_smtp.preview.Report
---@param dir string
---@param title? string
---@return string|nil page  the path of index.html
---@return string? reason
function M.write(report, dir, title)
  os.execute("mkdir -p -- " .. shell.quote(dir) .. " 2>/dev/null")
  for _, entry in ipairs(report.templates) do
    if entry.octets then
      local ok, err = write_file(dir .. "/" .. entry.file, entry.octets)
      if not ok then return nil, err end
    end
  end
  local path = dir .. "/index.html"
  local ok, err = write_file(path, M.page(report, title))
  if not ok then return nil, err end
  return path
end

return M
