-- SPDX-License-Identifier: MIT
--- usage: which template a mail was made from, and with which code. SMTP carries neither, so the mail is held
-- against the templates known: their fixed words must all be there, in order, subject and content whole; what
-- stands in place of a {{placeholder}} may be anything. White space counts as one space.
local M = {}

local function normal(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- The fixed parts of a template, and the names of the placeholders between them.
local function compile(text)
  local fixed, names, pos = {}, {}, 1
  while true do
    local first, last, name = text:find("{{%s*([^{}]-)%s*}}", pos)
    if not first then break end
    fixed[#fixed + 1], names[#names + 1] = text:sub(pos, first - 1), name
    pos = last + 1
  end
  fixed[#fixed + 1] = text:sub(pos)
  return { fixed = fixed, names = names }
end

--- The values in a text of this form by the placeholder's name, or nil when it is of another form. Each fixed
--- part is looked for as far left as possible, so the work grows with the text only.
local function values_in(text, form)
  local fixed, names, values = form.fixed, form.names, {}
  if #fixed == 1 then return text == fixed[1] and values or nil end
  local last = fixed[#fixed]
  local limit = #text - #last
  if text:sub(1, #fixed[1]) ~= fixed[1] or text:sub(limit + 1) ~= last then return nil end
  local pos = #fixed[1] + 1
  for i = 2, #fixed do
    local first, after = limit + 1, limit
    if i < #fixed then first, after = text:find(fixed[i], pos, true) end
    if not first or pos > first or after > limit then return nil end
    values[names[i - 1]] = text:sub(pos, first - 1)
    pos = after + 1
  end
  return values
end

local function fixed_octets(form)
  local n = 0
  for _, part in ipairs(form.fixed) do n = n + #part end
  return n
end

---@class logto_smtp.testing.Usage
---@field private known table[]
---@field private keys table<string, boolean> templates known, by all that matters of them
---@field private seen table<table, boolean> lists given before, so that one may be given for each mail
local Usage = {}
Usage.__index = Usage

---@param templates? table[] see `add`
---@return logto_smtp.testing.Usage
function M.new(templates)
  local usage = setmetatable({ known = {}, keys = {}, seen = setmetatable({}, { __mode = "k" }) }, Usage)
  usage:add(templates)
  return usage
end

function Usage:learn(name, template)
  local field = template.contentType == "text/plain" and "text" or "html"
  local key = table.concat({ name, field, template.subject, template.content }, "\0")
  if self.keys[key] then return end
  self.keys[key] = true
  local subject, content = compile(normal(template.subject)), compile(normal(template.content))
  self.known[#self.known + 1] = {
    type = name, subject = subject, content = content, field = field,
    weight = fixed_octets(subject) + fixed_octets(content),
  }
end

--- Learns templates: a config's (`usageType`) or those of `i18nTemplates` (`templateType`). What is no
--- template is passed over, and what is known already.
---@param templates? table[]
function Usage:add(templates)
  if type(templates) ~= "table" or self.seen[templates] then return end
  self.seen[templates] = true
  for _, template in ipairs(templates) do
    local name = type(template) == "table" and (template.usageType or template.templateType)
    if name and type(template.subject) == "string" and type(template.content) == "string" then
      self:learn(name, template)
    end
  end
end

--- The types of all templates known, in order.
---@return string[]
function Usage:types()
  local list, seen = {}, {}
  for _, known in ipairs(self.known) do
    if not seen[known.type] then list[#list + 1] = known.type end
    seen[known.type] = true
  end
  table.sort(list)
  return list
end

--- Sets `type` and `types` of a decoded message: the type whose template explains most of it, and every type
--- whose template does so as well. A code that stands in the place of {{code}} is taken for its `code`.
---@param message logto_smtp.testing.Message
function Usage:tell(message)
  local best, types, code = -1, {}, nil
  local subject, bodies = normal(message.subject or ""), {}
  for _, field in ipairs { "text", "html" } do
    bodies[field] = message[field] and normal(message[field])
  end
  for _, known in ipairs(self.known) do
    local body = bodies[known.field]
    if body and known.weight >= best then
      local in_subject, in_body = values_in(subject, known.subject), values_in(body, known.content)
      if in_subject and in_body then
        if known.weight > best then best, types = known.weight, {} end
        types[#types + 1], types[known.type] = known.type, true
        code = in_body.code or in_subject.code or code
      end
    end
  end
  message.type, message.types = types[1], types
  if code and code:find("^[^%s{}]+$") then message.code = code end
end

return M
