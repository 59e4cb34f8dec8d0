-- SPDX-License-Identifier: MIT
--- option_values: for each option two values that can be used, and one that is of the wrong type, with what
--- else the config then needs.

local options = require("logto_smtp.config.options")
local configs = require("spec.support.configs")

local M = {}

local PEM = "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----"

local function key(name)
  return { domainName = name .. ".example", keySelector = "s", privateKey = "none" }
end

local TEMPLATES = {}
for i, more in ipairs({ "one", "two" }) do
  TEMPLATES[i] = configs.config().templates
  TEMPLATES[i][1].content = more
end

-- Where the type does not tell.
local VALUES = {
  localAddress = { "127.0.0.1", "127.0.0.2" }, service = { "Gmail", "SendGrid" },
  auth = { { user = "u", pass = "one" }, { user = "u", pass = "two" } },
  tls = { { rejectUnauthorized = false }, { minVersion = "TLSv1.3" } },
  dkim = { key("one"), key("two") },
  ["dkim.keys"] = { { key("one"), key("two") }, { key("two") } },
  templates = TEMPLATES, ["auth.method"] = { "LOGIN", "PLAIN" }, authMethod = { "LOGIN", "PLAIN" },
  ["auth.type"] = { "oauth2", "login" },
  ["auth.accessUrl"] = { "https://a.example/t", "https://b.example/t" },
  ["auth.tls"] = { { servername = "a.example" }, { servername = "b.example" } },
  ["tls.minVersion"] = { "TLSv1.1", "TLSv1.3" }, ["tls.maxVersion"] = { "TLSv1.2", "TLSv1.3" },
  ["dkim.hashAlgo"] = { "sha256", "SHA256" },
  ["dkim.headerFieldNames"] = { "From:To", "From" },
  ["templates.usageType"] = { "Register", "Register" },
  ["templates.contentType"] = { "text/html", "text/plain" },
  pool = { true, false }, ["tls.passphrase"] = { "one", "two" },
}

local BY_TYPE = {
  flag = { true, false }, ms = { 1111, 2222 }, count = { 2, 3 }, number = { 1111, 2222 },
  port = { 2525, "2526" }, text = { "a.example", "b.example" },
  url = { "http://a.example:1", "socks5://b.example:2" },
  texts = { { "a" }, { "a", "b" } }, pem = { PEM:format("one"), "/two.pem" },
  pems = { { PEM:format("one") }, "/two.pem" }, pemText = { PEM:format("one"), PEM:format("two") },
  pemTexts = { PEM:format("one"), { PEM:format("two") } }, pfx = { "/one.p12", "/two.p12" },
  key = { PEM:format("one"), { key = PEM:format("one"), passphrase = "p" } },
  headers = { { ["X-A"] = "one" }, { ["X-A"] = { "one", "two" } } }, pairs = { { a = "one" }, { a = 2 } },
  any = { "one", "two" },
}

local TAKES_TEXT = {
  text = true, word = true, url = true, pem = true, pems = true, pemText = true, pemTexts = true, pfx = true,
  key = true, number = true, port = true,
}

--- Two values that mean different things, where an option has two.
---@param option logto_smtp.Option
---@return any, any
function M.two(option)
  local values = VALUES[options.path(option)] or BY_TYPE[option.type]
  if not values and option.type == "word" then values = { option.words[1], option.words[#option.words] } end
  assert(values, "no values for " .. options.path(option))
  return values[1], values[2]
end

--- A value of no type that the option takes.
---@param option logto_smtp.Option
---@return any
function M.wrong(option)
  return TAKES_TEXT[option.type] and true or "wrong"
end

-- What an option has to stand beside.
local BASE = {
  auth = function(option)
    if not option.oauth then return { user = "u", pass = "p" } end
    return { type = "oauth2", user = "u", serviceClient = "s", privateKey = PEM:format("key") }
  end,
  ["auth.tls"] = function() return {} end,
  tls = function(option)
    if option.name == "cert" or option.name == "key" or option.name == "passphrase" then
      return { cert = "/c.pem", key = "/k.pem" }
    end
    return {}
  end,
  dkim = function(option) return option.name == "keys" and {} or key("base") end,
}

--- A config with the option set; nil leaves it out.
---@param option logto_smtp.Option
---@param value any
---@return table
function M.config(option, value)
  local config = configs.config()
  local holder = config
  if option.place == "auth" and option.name == "type" then
    config.auth = { type = value, user = "u" }
    config.auth[value == "oauth2" and "accessToken" or "pass"] = "p"
    return config
  end
  if option.place == "templates" then
    holder = config.templates[1]
  elseif option.place == "auth.tls" then
    holder = {}
    config.auth = BASE.auth({ oauth = true })
    config.auth.tls = holder
  elseif option.place ~= "" then
    holder = BASE[option.place](option)
    config[option.place] = holder
  end
  holder[option.name] = value
  return config
end

return M
