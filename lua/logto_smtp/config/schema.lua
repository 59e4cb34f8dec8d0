-- SPDX-License-Identifier: MIT
--- The options of a config as JSON Schema (2020-12), for editors and validators. Stricter than the guard
-- where it takes what has no effect: a name that is no option, a flag that is no boolean.

local options = require("logto_smtp.config.options")

local M = {}

local MARKS = "[`%[%]]"

-- A description without Markdown.
local function plain(text)
  return (text:gsub("%]%([^)]*%)", ""):gsub(MARKS, ""))
end

-- A pattern for any of these words, in letters of any case.
local function any_case(words, before, after)
  local list = {}
  for i, word in ipairs(words) do
    list[i] = word:gsub("[%a%p]", function(c)
      if c:find("%a") then return "[" .. c:upper() .. c:lower() .. "]" end
      return c:find("[%-/_]") and c or "\\" .. c
    end)
  end
  return before .. "(" .. table.concat(list, "|") .. ")" .. after
end

local STRING = { type = "string" }
local PEM_KEYS = { key = "pem", pfx = "buf" }

local function array_of(item, more)
  local schema = { type = "array", items = item }
  for name, value in pairs(more or {}) do schema[name] = value end
  return schema
end

local function either(...)
  return { anyOf = { ... } }
end

local function locked(member)
  return { type = "object", required = { member }, additionalProperties = false,
    properties = { [member] = STRING, passphrase = STRING } }
end

-- The object of a place: its options and no others.
local function object_of(place)
  local schema = { type = "object", additionalProperties = false, properties = {} }
  for _, option in ipairs(options.list) do
    if option.place == place then schema.properties[option.name] = M.of(option) end
  end
  return schema
end

local function pick(object, names)
  local schema = { type = "object", additionalProperties = false, required = names, properties = {} }
  for _, name in ipairs(names) do schema.properties[name] = object.properties[name] end
  return schema
end

local DKIM_KEY = { "domainName", "keySelector", "privateKey" }
local PORT = "^0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"

-- The headers that a config may not set.
local HEADERS = { "bcc", "cc", "mime-version", "resent-bcc" }

local SHAPES = {
  flag = function() return { type = "boolean" } end,
  ms = function() return { type = "number", minimum = 0 } end,
  count = function(option)
    if not option.least then return { type = "number", minimum = 0 } end
    return { type = "number", anyOf = { { const = 0 }, { minimum = option.least } } }
  end,
  number = function(option)
    if option.guard then return { type = "number" } end
    return { type = { "number", "string" }, pattern = "^[0-9]*$" }
  end,
  port = function(option)
    return either({ type = "integer", minimum = option.least, maximum = option.most },
      { type = "string", pattern = PORT })
  end,
  text = function(option)
    return option.words and either({ enum = option.words }, STRING) or { type = "string" }
  end,
  word = function(option)
    if not option.anyCase then return { enum = option.words } end
    return either({ enum = option.words },
      { type = "string", pattern = any_case(option.words, "^\\s*", "\\s*$") })
  end,
  url = function(option) return { type = "string", pattern = any_case(option.words, "^", "://") } end,
  texts = function() return array_of({ type = "string", minLength = 1, maxLength = 255 }) end,
  pem = function(option)
    local one = PEM_KEYS[option.name] and either(STRING, locked(PEM_KEYS[option.name])) or STRING
    return either(one, array_of(one, { maxItems = 1 }))
  end,
  pems = function() return either(STRING, array_of(STRING)) end,
  pemText = function() return { type = "string" } end,
  key = function() return either(STRING, locked("key")) end,
  headers = function()
    return { type = "object", additionalProperties = either(STRING, array_of(STRING)),
      propertyNames = { ["not"] = { pattern = any_case(HEADERS, "^\\s*", "\\s*(:|$)") .. "|"
        .. any_case({ "content-" }, "^\\s*", "") } } }
  end,
  pairs = function()
    return { type = "object", additionalProperties = { type = { "string", "number", "boolean" } } }
  end,
  ["auth.tls"] = function() return object_of("auth.tls") end,
  tls = function() return object_of("tls") end,
  any = function() return {} end,
}
SHAPES.pfx = SHAPES.pem
SHAPES.pemTexts = SHAPES.pems

-- As Logto's guard has it: a login with nothing else, or an object with a user.
function SHAPES.auth()
  local schema = object_of("auth")
  local words = { login = {}, oauth = {} }
  for _, word in ipairs(options.places.auth.type.words) do
    table.insert(words[word:lower() == "login" and "login" or "oauth"], word)
  end
  schema.anyOf = {
    { properties = { type = { enum = words.login } }, propertyNames = { enum = { "user", "pass", "type" } } },
    { properties = { type = { enum = words.oauth } }, required = { "user" } },
  }
  return schema
end

function SHAPES.dkim()
  local schema = object_of("dkim")
  schema.anyOf = { { required = DKIM_KEY }, { required = { "keys" } } }
  return either({ const = false }, schema)
end

function SHAPES.keys(option)
  local one = { properties = {} }
  for _, name in ipairs(DKIM_KEY) do one.properties[name] = M.of(options.places.dkim[name]) end
  one = pick(one, DKIM_KEY)
  return either(one, array_of(one, { minItems = 1, maxItems = option.most }))
end

function SHAPES.templates()
  local schema = object_of("templates")
  schema.required = {}
  for _, option in ipairs(options.list) do
    if option.place == "templates" and option.required then table.insert(schema.required, option.name) end
  end
  local needed = {}
  for i, word in ipairs(options.places.templates.usageType.words) do
    needed[i] = { contains = { required = { "usageType" }, properties = { usageType = { const = word } } } }
  end
  return array_of(schema, { allOf = needed })
end

--- The schema of one option.
---@param option logto_smtp.Option
---@return table
function M.of(option)
  if option.effect == "refused" then
    return { enum = { false, require("cjson").null, 0, "" }, deprecated = true,
      description = "Refused: " .. plain(option.text) .. "." }
  end
  local schema = SHAPES[option.type](option)
  local words = { (option.effect == "none" and "without effect: " or "") .. plain(option.text) .. "." }
  local unit = option.type == "ms" and "milliseconds" or option.unit
  if unit then words[#words + 1] = "In " .. unit .. "." end
  if option.fallback then words[#words + 1] = "Default: " .. plain(option.fallback) .. "." end
  schema.description = table.concat(words, " "):gsub("^%l", string.upper)
  schema.default = option.default
  return schema
end

local KEYWORDS = {
  "$schema", "$id", "title", "description", "default", "deprecated", "type", "const", "enum", "pattern",
  "minimum", "maximum", "required", "properties",
}

--- The schema of a whole config.
---@return table schema
---@return string[] order  of its keys, for JSON text
function M.document()
  local schema = object_of("")
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
  schema.title = "Config of Logto's SMTP connector"
  schema.required = {}
  local order = {}
  for i, word in ipairs(KEYWORDS) do order[i] = word end
  for _, option in ipairs(options.list) do
    order[#order + 1] = option.name
    if option.place == "" and option.required then table.insert(schema.required, option.name) end
  end
  schema.properties["$schema"] = { type = "string", description = "Where this schema is, for an editor." }
  schema["not"] = { required = { "ignoreTLS", "requireTLS" },
    properties = { ignoreTLS = { const = true }, requireTLS = { const = true } } }
  return schema, order
end

return M
