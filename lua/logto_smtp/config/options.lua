-- SPDX-License-Identifier: MIT
--- The options of a config, as the C module tells them: by place and name, and their defaults.

local core = require("logto_smtp.core")

---@class logto_smtp.Option
---@field name string
---@field place string       the object it stands in: "" for the config itself, "auth", "auth.tls", "tls",
---  "dkim" (and each of its keys), "templates" (each of them)
---@field type string        "flag", "ms", "count", "number", "port", "text", "word", "url", "texts", "pem",
---  "pems", "pemText", "pemTexts", "pfx", "key", "keys", "headers", "pairs", "any", or a place
---@field text string        one sentence; why, where there is an effect
---@field effect? "none"|"refused"
---@field required? "always"|"connector"  the second: not by a client alone
---@field group integer      what belongs together
---@field guard boolean      Logto's own guard knows it
---@field mail boolean       about the mail, not the connection
---@field oauth boolean      of OAuth 2.0
---@field secret boolean     no error and no record repeats it
---@field anyCase boolean    of words
---@field default? any       where it is a constant
---@field fallback? string   the default in words, where it is none
---@field unit? string
---@field least? number
---@field most? number
---@field words? string[]

local M = {}

---@type logto_smtp.Option[]
M.list = core.options()

---@type table<string, table<string, logto_smtp.Option>>  by place and name
M.places = {}
for _, option in ipairs(M.list) do
  M.places[option.place] = M.places[option.place] or {}
  M.places[option.place][option.name] = option
end

--- The default of an option of the config itself.
---@param name string
---@return any
function M.default(name)
  return M.places[""][name].default
end

--- A number of the config, or its default where it is none above 0, as the C module reads it.
---@param config table
---@param name string
---@return number
function M.number(config, name)
  local value = config[name]
  return type(value) == "number" and value > 0 and value or M.default(name)
end

--- The name with the place before it: `tls.ca`.
---@param option logto_smtp.Option
---@return string
function M.path(option)
  return option.place == "" and option.name or option.place .. "." .. option.name
end

return M
