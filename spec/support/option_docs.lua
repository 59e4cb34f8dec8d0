-- SPDX-License-Identifier: MIT
--- option_docs: the tables of options in docs/config.md and the LuaLS class of a config, made of the table of
-- options.
-- `make docs` writes them; a spec says when they are stale.

local net = require("spec.support.net")
local options = require("logto_smtp.config.options")

local M = { PAGE = "docs/config.md", TYPES = "lua/logto_smtp/config/types.lua" }

-- Options whose members are told in their own row.
local FOLDED = { ["auth.tls"] = "auth.tls", dkim = "dkim", templates = "templates" }

local TYPES = {
  flag = "boolean", ms = "number", count = "number", number = "number",
  port = "number, or a string of digits", text = "string", word = "string", url = "URL",
  texts = "array of strings", pem = "PEM, or the name of a file",
  pems = "PEM, or the name of a file, or array of them", pemText = "PEM", pemTexts = "PEM, or array of them",
  pfx = "base64 of PKCS #12, or the name of a file", key = "PEM, or `{ key, passphrase }`",
  headers = "object of string or array of strings", pairs = "object of strings", auth = "object",
  tls = "object", ["auth.tls"] = "object", dkim = "object", keys = "array", templates = "array", any = "any",
}

local function members(place)
  local list = {}
  for _, option in ipairs(options.list) do
    if option.place == place then list[#list + 1] = option end
  end
  return list
end

local function quoted(list, separator)
  local out = {}
  for i, word in ipairs(list) do out[i] = "`" .. word .. "`" end
  return table.concat(out, separator)
end

-- Bounds that a person could meet.
local function range_of(option)
  if option.type == "keys" or not option.most or option.most > 1e6 then return "" end
  local most = ("%d"):format(option.most)
  return option.least and (", %d to %s"):format(option.least, most) or ", " .. most .. " at most"
end

local function type_of(option)
  if option.words and option.type == "word" then return "one of " .. quoted(option.words, ", ") end
  return TYPES[option.type] .. (option.unit and ", " .. option.unit or "") .. range_of(option)
end

-- 120000 as it is, strings and booleans in backticks, nothing for a flag that is off anyway.
local function default_of(option)
  if option.required then return "required" end
  if option.fallback then return option.fallback end
  if type(option.default) == "number" then return ("%d"):format(option.default) end
  return option.default ~= nil and "`" .. tostring(option.default) .. "`" or ""
end

local function text_of(option)
  local parts = { option.text }
  for _, member in ipairs(FOLDED[option.type] and members(FOLDED[option.type]) or {}) do
    local note = member.effect == "none" and "without effect: " .. member.text or member.text
    parts[#parts + 1] = ("`%s`: %s"):format(member.name, note)
  end
  return table.concat(parts, "; ")
end

local function row(...)
  return (("| " .. table.concat({ ... }, " | ") .. " |"):gsub("|  |", "| |"))
end

local function option_row(option, name)
  return row("`" .. name .. "`", type_of(option), default_of(option), text_of(option))
end

local HEAD = { row("field", "type", "default", "what it does"), "|---|---|---|---|" }

-- The options of the config by what belongs together, behind tls and auth theirs.
local function config_table()
  local lines = { HEAD[1], HEAD[2] }
  local groups = {}
  for _, option in ipairs(members("")) do
    if not option.effect then
      groups[option.group] = groups[option.group] or {}
      table.insert(groups[option.group], option)
    end
  end
  for group = 0, 7 do
    for _, option in ipairs(groups[group]) do
      lines[#lines + 1] = option_row(option, option.name)
      local unfolded = option.type == "tls" or option.type == "auth"
      for _, member in ipairs(unfolded and members(option.type) or {}) do
        if not member.effect and not member.oauth then
          lines[#lines + 1] = option_row(member, options.path(member))
        end
      end
    end
  end
  return lines
end

local function without_effect_table()
  local lines = { row("field", "why"), "|---|---|" }
  for _, option in ipairs(members("")) do
    if option.effect == "none" then
      lines[#lines + 1] = row("`" .. option.name .. "`", "without effect: " .. option.text)
    end
  end
  return lines
end

local function oauth_table()
  local lines = { HEAD[1], HEAD[2] }
  for _, option in ipairs(members("auth")) do
    if option.oauth and not option.effect then lines[#lines + 1] = option_row(option, option.name) end
  end
  return lines
end

local TABLES = {
  config = config_table, ["without effect"] = without_effect_table, ["OAuth 2.0"] = oauth_table,
}

--- The page with its tables of options as they have to be.
---@param text string
---@return string
function M.page(text)
  for name, make in pairs(TABLES) do
    local begin = "<!-- options: " .. name .. ", written by make docs -->\n"
    local from = select(2, text:find(begin, 1, true))
    local to = text:find("<!-- end of options -->", assert(from, "no place for " .. name), true)
    text = text:sub(1, from) .. table.concat(make(), "\n") .. "\n" .. text:sub(to)
  end
  return text
end

local LUA_TYPES = {
  flag = "boolean", ms = "number", count = "number", port = "integer|string", text = "string",
  url = "string", texts = "string[]", pem = "string", pems = "string|string[]", pemText = "string",
  pemTexts = "string|string[]", pfx = "string", key = "string|{ key: string, passphrase: string }",
  pairs = "table<string, string|number|boolean>", headers = "table<string, string|string[]>", any = "any",
  word = "string", auth = "logto_smtp.Config.Auth",
  tls = "logto_smtp.Config.Tls", ["auth.tls"] = "logto_smtp.Config.AuthTls",
  dkim = "logto_smtp.Config.Dkim|false",
  keys = "logto_smtp.Config.Dkim[]", templates = "logto_smtp.Config.Template[]",
}

local function lua_type(option)
  if option.type == "number" then return option.guard and "number" or "number|string" end
  if option.type ~= "word" or option.anyCase then return LUA_TYPES[option.type] end
  local words = {}
  for i, word in ipairs(option.words) do words[i] = ("%q"):format(word) end
  return table.concat(words, "|")
end

local CLASSES = {
  { "logto_smtp.Config", "" }, { "logto_smtp.Config.Auth", "auth" },
  { "logto_smtp.Config.AuthTls", "auth.tls" },
  { "logto_smtp.Config.Tls", "tls" }, { "logto_smtp.Config.Dkim", "dkim" },
  { "logto_smtp.Config.Template", "templates" },
}

-- Text in lines of at most 110 columns, each begun like the first but for what goes before it.
local function wrapped(first, text)
  local lines, line = {}, first
  for word in text:gmatch("%S+") do
    if #line + 1 + #word > 110 then
      lines[#lines + 1] = line:gsub("%s+$", "")
      line = "---  " .. word
    else
      line = line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- The LuaLS classes of a config.
---@return string
function M.types()
  local out = {
    "-- SPDX-License-Identifier: MIT", "---@meta logto_smtp.config.types",
    "-- What a config may hold. Written by make docs; not to be edited, nor to be required.",
  }
  for _, class in ipairs(CLASSES) do
    out[#out + 1] = "\n---@class " .. class[1]
    for _, option in ipairs(members(class[2])) do
      if option.effect ~= "refused" then
        local optional = option.required == "always" and "" or "?"
        local text = (option.effect and "without effect: " or "") .. option.text:gsub("%[(.-)%]%(.-%)", "%1")
        if option.default ~= nil then text = text .. "; " .. default_of(option) .. " without it" end
        out[#out + 1] = wrapped(("---@field %s%s %s "):format(option.name, optional, lua_type(option)), text)
      end
    end
  end
  return table.concat(out, "\n") .. "\n"
end

--- Writes what is made of the table.
function M.write()
  net.write_file(M.PAGE, M.page(assert(net.read_file(M.PAGE))))
  net.write_file(M.TYPES, M.types())
end

return M
