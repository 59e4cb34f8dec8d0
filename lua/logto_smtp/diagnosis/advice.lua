-- SPDX-License-Identifier: MIT
--- Advice on configs that pass the guard and will not work all the same.
-- One small rule per trap; each gets the config, the provider if the host belongs to a known one, and
-- `say(path, message)`. A message continues the sentence that the path begins, and never repeats a password,
-- a token or a key.

local address = require("logto_smtp.util.address")
local core = require("logto_smtp.core")
local flags = require("logto_smtp.preview.flags")
local helpers = require("logto_smtp.connector.helpers")
local null = require("cjson").null
local option_names = require("logto_smtp.config.names")

local function is_set(v)
  return v ~= nil and v ~= null and v ~= ""
end

local function auth_of(config)
  return type(config.auth) == "table" and config.auth or {}
end

local function is_oauth(auth)
  return type(auth.type) == "string" and auth.type:lower() == "oauth2"
end

-- The port as a number: the guard takes digits in a string too.
local function port_of(config)
  return tonumber(config.port)
end

local function sender_address(config)
  return helpers.parseSendFrom(config.fromEmail, "").email
end

local function uses_tls_at_once(config)
  if config.secure == nil then return port_of(config) == 465 end
  return config.secure == true
end

-- Whether a value still is one of the examples that `init` prints. `Name <address>` is none.
local function is_example(value)
  if type(value) ~= "string" then return false end
  local outside = value:gsub("<[^<>%s]+@[^<>%s]+>", "")
  return outside:find("<[^<>]+>") ~= nil or value:find("your.domain", 1, true) ~= nil
    or value:find("your-address", 1, true) ~= nil
end

local RULES = {}

function RULES.leftovers(config, _, say)
  local fields = {
    host = config.host, fromEmail = config.fromEmail, replyTo = config.replyTo,
    ["auth.user"] = auth_of(config).user, ["auth.pass"] = auth_of(config).pass,
  }
  for _, path in ipairs({ "host", "auth.user", "auth.pass", "fromEmail", "replyTo" }) do
    if is_example(fields[path]) then say(path, "still holds an example value: put in your own") end
  end
end

function RULES.host(config, _, say)
  local host = config.host
  if host == "" then
    say("host", "is empty, which means this machine: name your mail server")
  elseif host:find("://", 1, true) then
    say("host", "is a URL: write the host name alone, without the scheme")
  elseif host:find("^[%w%.%-]+:%d+$") then
    say("host", "ends in a port: write that number as `port`")
  elseif host:find("^%[") then
    say("host", "has brackets: write the IPv6 address without them")
  end
end

function RULES.port(config, provider, say)
  local port, at_once = port_of(config), uses_tls_at_once(config)
  for _, pair in ipairs(provider and provider.ports or {}) do
    if pair.port == port then
      if pair.secure ~= at_once then
        say("secure", ("port %d of %s wants `secure` %s"):format(port, provider.name, tostring(pair.secure)))
      end
      return
    end
  end
  if provider then
    return say("port", ("%s does not listen on port %d; use %d"):format(provider.name, port, provider.port))
  end
  if at_once and (port == 587 or port == 25 or port == 2525) then
    say("secure", ("port %d starts in clear text, so `secure` true ends in a failed TLS handshake (wrong "
      .. "version number): set `secure` false and `requireTLS` true, or use port 465"):format(port))
  elseif port == 465 and not at_once then
    say("secure", "port 465 expects TLS from the first octet: set `secure` true, or use port 587")
  end
end

function RULES.tls(config, _, say)
  local tls_options = type(config.tls) == "table" and config.tls or {}
  if tls_options.rejectUnauthorized == false then
    say("tls.rejectUnauthorized", "accepts any certificate, so anyone on the way can read the password; "
      .. "give the server's own authority as `tls.ca` instead")
  end
  if config.ignoreTLS == true and not uses_tls_at_once(config) and not core.isLoopback(config.host) then
    say("ignoreTLS", "sends the password and the codes in clear text")
  end
end

function RULES.login(config, provider, say)
  local auth = auth_of(config)
  if is_oauth(auth) then return end
  if is_set(auth.pass) and not is_set(auth.user) then
    say("auth.user", "is missing: there is a password only")
  end
  if is_set(auth.user) and not is_set(auth.pass) then
    say("auth.pass", "is missing: there is a user only")
  end
  if auth.clientId or auth.refreshToken or auth.accessToken or auth.privateKey then
    say("auth.type", "is not \"oauth2\", so the OAuth 2.0 values are not used: set it")
  elseif provider and not is_set(auth.user) and not is_set(auth.pass) then
    say("auth", provider.name .. " takes no mail without a login: set `user` and `pass`")
  end
end

function RULES.oauth(config, _, say)
  local auth = auth_of(config)
  if not is_oauth(auth) then return end
  if not (is_set(auth.accessToken) or is_set(auth.refreshToken) or is_set(auth.privateKey)) then
    say("auth", "has no way to a token: set `refreshToken` with `clientId` and `clientSecret`, "
      .. "`privateKey` with `serviceClient`, or `accessToken`")
  end
  if type(auth.expires) == "number" and auth.expires < 1e11 then
    say("auth.expires", "counts milliseconds since 1970: this one is long past")
  end
end

function RULES.provider_login(config, provider, say)
  local auth = auth_of(config)
  if not provider or is_oauth(auth) then return end
  if provider.userIs and is_set(auth.user) and auth.user ~= provider.userIs then
    say("auth.user", ("must be the word %q at %s"):format(provider.userIs, provider.name))
  end
  local prefix = provider.passStarts
  if prefix and is_set(auth.pass) and auth.pass:sub(1, #prefix) ~= prefix and not is_example(auth.pass) then
    say("auth.pass", ("is not a key of %s: those begin with %q"):format(provider.name, prefix))
  end
  local sender = sender_address(config)
  local both = is_set(auth.user) and not is_example(auth.user) and auth.user:find("@", 1, true)
    and sender:find("@", 1, true)
  if provider.from == "user" and both and not address.same(sender, auth.user) then
    say("fromEmail", ("is not the address of `auth.user`: %s refuses or replaces other senders, unless they "
      .. "are set up there as an alias"):format(provider.name))
  end
end

function RULES.sender(config, _, say)
  local from, err = core.addresses(config.fromEmail)
  if err then
    say("fromEmail", "has what cannot be sent from: " .. err.message)
  elseif not from[1] then
    say("fromEmail", "holds no mail address: write address@your.domain or Name <address@your.domain>")
  end
  if not is_set(config.replyTo) then return end
  local reply_to, reason = core.addresses(config.replyTo)
  if reason then
    say("replyTo", "has what cannot be replied to: " .. reason.message)
  elseif not reply_to[1] then
    say("replyTo", "holds no mail address")
  end
end

function RULES.name(config, _, say)
  if type(config.name) == "string" and config.name:find("[^\33-\126]") then
    say("name", "must be ASCII without spaces: servers answer 501 to anything else in EHLO")
  end
end

function RULES.timeouts(config, _, say)
  for _, key in ipairs({ "connectionTimeout", "greetingTimeout", "socketTimeout", "totalTimeout" }) do
    if type(config[key]) == "number" and config[key] > 0 and config[key] < 1000 then
      say(key, ("counts milliseconds: %g is less than a second"):format(config[key]))
    end
  end
end

-- Names that are no option are not looked at, so a typing error would go unnoticed.
local function check_names(place, holder, say, at)
  if type(holder) ~= "table" then return end
  at = at or place
  local names = {}
  for name in pairs(holder) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local meant, where = option_names.meant(place, name)
    local path = at == "" and name or at .. "." .. name
    if meant and where == place then
      say(path, ("is no option and has no effect: did you mean `%s`?"):format(meant))
    elseif meant then
      say(path, ("has no effect here: it belongs into %s"):format(where == "" and "the config itself"
        or "`" .. where .. "`"))
    end
  end
end

function RULES.names(config, _, say)
  local dkim = type(config.dkim) == "table" and config.dkim or {}
  check_names("", config, say)
  check_names("tls", config.tls, say)
  check_names("auth", config.auth, say)
  check_names("auth.tls", auth_of(config).tls, say)
  check_names("dkim", dkim, say)
  for i, key in ipairs(type(dkim.keys) == "table" and dkim.keys or {}) do
    check_names("dkim", key, say, ("dkim.keys[%d]"):format(i - 1))
  end
  for i, template in ipairs(type(config.templates) == "table" and config.templates or {}) do
    check_names("templates", template, say, ("templates[%d]"):format(i - 1))
  end
end

-- What makes a template's mail fail its purpose. Which variables there are is up to the caller.
function RULES.templates(config, _, say)
  for i, template in ipairs(config.templates) do
    for _, flag in ipairs(flags.ofTemplate(template)) do
      if flag.severity == "error" and flag.code ~= "unknown-variable" then
        say(("templates[%d].%s"):format(i - 1, flag.field), flag.message)
      end
    end
  end
end

local ORDER = {
  "leftovers", "names", "host", "port", "tls", "login", "oauth", "provider_login", "sender", "name",
  "timeouts", "templates",
}

---@param config table
---@param provider? logto_smtp.Provider
---@param valid boolean  it passed the guard; else only names can be judged
---@return {path: string, message: string}[]  empty: nothing to say
return function(config, provider, valid)
  local out = {}
  local function say(path, message) out[#out + 1] = { path = path, message = message } end
  for _, rule in ipairs(valid and ORDER or { "names" }) do RULES[rule](config, provider, say) end
  return out
end
