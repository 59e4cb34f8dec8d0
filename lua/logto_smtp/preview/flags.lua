-- SPDX-License-Identifier: MIT
--- What is wrong, or may go wrong, with a template and the mail it makes.
-- One small rule per trap; each gets the case and `say(code, severity, field, message)`. A message continues
-- the sentence that the field begins ("content has no {{code}}: ...").

local helpers = require("logto_smtp.connector.helpers")
local variables = require("logto_smtp.preview.variables")
local tables = require("logto_smtp.util.tables")

local M = {}

---@class logto_smtp.preview.Flag
---@field code string
---@field severity "error"|"warning"|"note"  error: the mail fails its purpose
---@field field string    of the template; "template": all of it
---@field message string  continues the sentence that the field begins

--- Gmail cuts a message whose HTML is larger than this, in octets, and hides the rest behind a link.
M.GMAIL_CLIP = 102 * 1024
--- RFC 5322, 2.1.1: octets of a line without its end, and what it should not exceed.
M.LINE_MAX, M.LINE_GOOD = 998, 78

local FIELDS = { "subject", "content", "sendFrom", "replyTo" }

-- Calls visit(inside, placeholder) for whatever stands in double braces.
local function each_braces(text, visit)
  for inside in text:gmatch("{{([^{}]*)}}") do visit(helpers.trim(inside), "{{" .. inside .. "}}") end
end

local function is_path(inside)
  return inside:find("^[%w_][%w_.]*$") ~= nil
end

local function names_variable(text, name)
  local found = false
  each_braces(text, function(inside) found = found or inside == name end)
  return found
end

local function longest_line(text)
  local longest = 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do longest = math.max(longest, #line:gsub("\r$", "")) end
  return longest
end

local function characters(text)
  return #text:gsub("[\128-\191]", "")
end

local function has_tags(text)
  return text:find("<%a[^<>]*>") ~= nil
end

-- Rules on the template as it is written.
local SOURCE = {}

function SOURCE.purpose(case, say)
  local template = case.template
  if template.usageType == "OrganizationInvitation" then
    if not names_variable(template.content, "link") then
      say("link-missing", "error", "content", "has no {{link}}: nobody could accept the invitation")
    end
  elseif not names_variable(template.content, "code") and not names_variable(template.content, "link") then
    say("code-missing", "error", "content", "has no {{code}}: the mail would not tell the code")
  end
end

-- flag | severity | what it means for the reader
local FATES = {
  unknown = { "unknown-variable", "error",
    "names %s, which Logto does not give to %s: readers see it as written" },
  empty = { "unknown-field", "warning",
    "names %s, a field that Logto does not give to %s: nothing is shown there" },
  object = { "whole-object", "error",
    "names %s, an object: readers of %s see [object Object]; name a field of it" },
  sometimes = { "optional-variable", "note",
    "names %s, which not every message of %s has: readers of the others see it as written" },
}

function SOURCE.variables(case, say)
  local usage_type = case.template.usageType
  for _, field in ipairs(FIELDS) do
    local seen = {}
    local text = type(case.template[field]) == "string" and case.template[field] or ""
    each_braces(text, function(inside, written)
      if seen[inside] then return end
      seen[inside] = true
      if not is_path(inside) then
        return say("not-a-variable", "error", field, ("holds %s: only {{name}} and {{name.field}} are filled "
          .. "in, so readers see it as written"):format(written))
      end
      local fate = FATES[variables.fate(usage_type, inside, case.overrides)]
      if fate then say(fate[1], fate[2], field, fate[3]:format(written, usage_type)) end
    end)
  end
end

function SOURCE.content_type(case, say)
  local content, is_text = case.template.content, case.template.contentType == "text/plain"
  if is_text and has_tags(content) and content:find("</%a%w*%s*>") then
    say("html-as-text", "error", "content",
      'looks like HTML and is sent as plain text: set contentType "text/html"')
  elseif not is_text and content ~= "" and not has_tags(content) then
    say("text-as-html", "warning", "content",
      'is plain text sent as HTML, which joins its lines: set contentType "text/plain"')
  end
end

function SOURCE.subject(case, say)
  if helpers.trim(case.template.subject) == "" then
    say("subject-empty", "error", "subject",
      "is empty: readers see \"(no subject)\", and filters take it for spam")
  end
end

function SOURCE.sender(case, say)
  for _, field in ipairs({ "sendFrom", "replyTo" }) do
    local value = case.template[field]
    if value ~= nil and type(value) ~= "string" then
      say("not-a-text", "error", field, "is no text: sending with this template fails")
    end
  end
end

function SOURCE.use(case, say)
  local usage_type = case.template.usageType
  if not variables.isType(usage_type) then
    say("unused", "warning", "usageType", "is none of Logto's: this template is never sent")
  elseif case.used == false then
    say("unused", "warning", "usageType", "occurs before: only the first template of a type is sent")
  end
end

-- Rules on the mail with its values in it. case.mail is set, case.octets if it could be composed.
local MAIL = {}

function MAIL.composed(case, say)
  if case.failure then say("not-composable", "error", "template", "makes no mail: " .. case.failure) end
end

function MAIL.subject(case, say)
  local subject = case.mail.subject
  if characters(subject) > M.LINE_GOOD then
    say("subject-long", "warning", "subject",
      ("has %d characters: lists of mail cut it, phones after about 40"):format(characters(subject)))
  elseif helpers.trim(case.template.subject) ~= "" and helpers.trim(subject) == "" then
    say("subject-empty", "error", "subject", "is empty once it is filled in")
  end
end

function MAIL.size(case, say)
  local html = case.mail.html
  if html and #html > M.GMAIL_CLIP then
    say("clipped", "warning", "content",
      ("has %.0f KB of HTML: Gmail shows the first 102 KB"):format(#html / 1024))
  end
end

function MAIL.lines(case, say)
  local longest = longest_line(case.mail.html or case.mail.text)
  if longest > M.LINE_MAX and case.octets then
    local encoding = case.octets:match("\nContent%-Transfer%-Encoding: ([%w-]+)") or "an encoding"
    say("long-line", "note", "content", ("has a line of %d octets, over the %d of RFC 5322: sent as %s, with "
      .. "lines of 76 at most"):format(longest, M.LINE_MAX, encoding))
  end
end

function MAIL.text_part(case, say)
  if case.mail.html then
    say("no-text-part", "note", "content",
      "goes out as HTML alone, as with Logto: readers of plain text see its tags")
  end
end

local DROPPED = {
  script = "scripts never run in a mail", form = "many readers take forms out or warn of them",
  iframe = "frames are taken out", object = "embedded objects are taken out",
  embed = "embedded objects are taken out",
}

local function each_tag(html, visit)
  for name, attributes in html:gmatch("<(%a%w*)([^<>]*)") do visit(name:lower(), attributes) end
end

local function attribute(attributes, name)
  local lower = " " .. attributes:lower()
  local at = lower:match("[%s\"'/]" .. name .. "%s*=%s*()")
  if not at then return nil end
  local value = (" " .. attributes):sub(at)
  return value:match('^"([^"]*)') or value:match("^'([^']*)") or value:match("^[^%s>]*")
end

function MAIL.dropped(case, say)
  local seen = {}
  local function once(key, message)
    if seen[key] then return end
    seen[key] = true
    say("dropped", "warning", "content", message)
  end
  each_tag(case.mail.html or "", function(name, attributes)
    if DROPPED[name] then once(name, ("has <%s>: %s"):format(name, DROPPED[name])) end
    if name == "link" and (attribute(attributes, "rel") or ""):lower():find("stylesheet", 1, true) then
      once("link", "has <link rel=stylesheet>: readers load no style sheets; use style attributes")
    end
    if attributes:lower():find("[%s\"'/]on%a+%s*=") then
      once("on", "has an event handler (on...=): scripts never run in a mail")
    end
  end)
end

function MAIL.style(case, say)
  local html = (case.mail.html or ""):lower()
  if html:find("<style", 1, true) then
    say("style-block", "note", "content",
      "has <style>: some readers drop it, so keep what matters in style attributes")
  end
end

local LOADS = { img = "src", source = "src", video = "src", body = "background", table = "background",
  td = "background" }

function MAIL.remote(case, say)
  local remote, clear, data, link
  each_tag(case.mail.html or "", function(name, attributes)
    local url = LOADS[name] and (attribute(attributes, LOADS[name]) or ""):lower() or ""
    if url:find("^https?:") then remote = true end
    if url:find("^http:") then clear = true end
    if url:find("^data:") then data = true end
    local href = name == "a" and attribute(attributes, "href") or ""
    if href:lower():find("^http:") then link = true end
  end)
  if clear then
    say("http-image", "warning", "content",
      "loads images by http: anyone on the way sees which, and readers may not show them; use https")
  elseif remote then
    say("remote-image", "note", "content",
      "loads images: many readers ask before they do, so let the mail work without")
  end
  if data and not case.mail.attachDataUrls then
    say("data-image", "warning", "content",
      "has an image as a data URL, which Gmail does not show: set `attachDataUrls` in the config")
  end
  if link then say("http-link", "warning", "content", "links to http, in clear text: use https") end
end

local SOURCE_ORDER = { "use", "purpose", "variables", "content_type", "subject", "sender" }
local MAIL_ORDER = { "composed", "subject", "size", "lines", "dropped", "remote", "style", "text_part" }
local RANK = { error = 1, warning = 2, note = 3 }

local function run(rules, order, case, out)
  local function say(code, severity, field, message)
    out[#out + 1] = { code = code, severity = severity, field = field, message = message, at = #out }
  end
  for _, name in ipairs(order) do rules[name](case, say) end
  return out
end

-- The worst first, otherwise in the order of the rules.
local function sorted(list)
  table.sort(list, function(a, b)
    if a.severity ~= b.severity then return RANK[a.severity] < RANK[b.severity] end
    return a.at < b.at
  end)
  for _, flag in ipairs(list) do flag.at = nil end
  return list
end

--- What a template's own text tells.
---@param template logto_smtp.Template  with usageType; passed the guard
---@return logto_smtp.preview.Flag[]
function M.ofTemplate(template)
  return sorted(run(SOURCE, SOURCE_ORDER, { template = template }, {}))
end

--- The errors of a template that come of standing in for another usage type.
---@param template logto_smtp.Template
---@param usage_type string
---@return logto_smtp.preview.Flag[]
function M.ofStandIn(template, usage_type)
  local copy, own, out = tables.assign({}, template), {}, {}
  copy.usageType = usage_type
  for _, flag in ipairs(M.ofTemplate(template)) do own[flag.code .. flag.field] = true end
  for _, flag in ipairs(M.ofTemplate(copy)) do
    if flag.severity == "error" and not own[flag.code .. flag.field] then out[#out + 1] = flag end
  end
  return out
end

---@class logto_smtp.preview.Case
---@field template logto_smtp.Template
---@field overrides? table  of the sample payload
---@field used? boolean     false: an earlier template of the type is sent instead
---@field mail? table       as core.compose takes it; nil: it could not be made
---@field octets? string    what core.compose answered
---@field failure? string   why there are none

--- What a template and its mail tell.
---@param case logto_smtp.preview.Case
---@return logto_smtp.preview.Flag[]
function M.of(case)
  local out = run(SOURCE, SOURCE_ORDER, case, {})
  if case.mail then run(MAIL, MAIL_ORDER, case, out) end
  return sorted(out)
end

return M
