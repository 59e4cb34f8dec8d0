-- SPDX-License-Identifier: MIT
--- options: what `startInbox` takes, checked at once so that a typing error is not a puzzle later.
local arguments = require "logto_smtp.util.arguments"
local auth = require "logto_smtp.inbox.auth"
local certificate = require "logto_smtp.inbox.certificate"
local script = require "logto_smtp.inbox.script"
local tables = require "logto_smtp.util.tables"

local M = {}

---@class logto_smtp.testing.Options
---@field host? string address to listen on; default "127.0.0.1"
---@field port? integer default 0: a free one
---@field name? string the server's name in greeting and EHLO; default "inbox.example"
---@field tls? "starttls"|"implicit"|"none" default "starttls"
---@field tlsProtocol? string only this version, as LuaSec names it: "tlsv1_2", "tlsv1_3"
---@field certificate? string|{ cert: string, key: string, ca?: string } default "valid"; also "expired",
---  "wrong_name", "self_signed"; or PEM texts
---@field auth? table|false { user=, pass=, accessToken= } or a list of such; default: AUTH is not offered
---@field requireAuth? boolean MAIL is refused before AUTH; default true when `auth` is given
---@field requireTls? boolean MAIL is refused before STARTTLS; default false
---@field authInClear? boolean AUTH is offered before STARTTLS too; default false
---@field mechanisms? string[] of PLAIN, LOGIN, CRAM-MD5, XOAUTH2, OAUTHBEARER, EXTERNAL; default PLAIN, LOGIN
---@field initialResponse? "taken"|"refused"|"ignored" what becomes of a response in the line of AUTH; default
---  "taken" (RFC 4954, 4); "refused": 501; "ignored": as if it were not there
---@field capabilities? table EHLO lines instead of our own, as a list (STARTTLS is left out under TLS) or as
---  { clear = list, tls = list }; what is not listed is refused
---@field chunking? boolean offer CHUNKING; default false
---@field dsn? boolean offer DSN; default false
---@field size? integer octets a message may have; default 32 MiB
---@field greeting? string|string[] text of the 220 reply, or its lines
---@field script? logto_smtp.testing.Rule[]
---@field idleTimeout? number seconds without a command until 421; default 300
---@field idleSilent? boolean close then without 421
---@field maxMessages? integer messages per connection, 421 for the next
---@field maxRecipients? integer per message; default 1000
---@field lineLimit? integer octets of a command line; default 2048
---@field latency? number seconds each answer is held back, as if the server were far away
---@field templates? table[] further templates a mail may be made from, so that its `type` can be told: a list
---  for `i18nTemplates`, or a config's; those of `inbox:config()` are known anyway
---@field interpreter? string path of a Lua interpreter for the server, if the right one is not found

local TYPES = {
  host = "string", port = "number", name = "string", tls = "string", tlsProtocol = "string",
  certificate = true, auth = true, requireAuth = "boolean", requireTls = "boolean", authInClear = "boolean",
  mechanisms = "table", capabilities = "table", chunking = "boolean", dsn = "boolean", size = "number",
  greeting = true, script = "table", idleTimeout = "number", idleSilent = "boolean", maxMessages = "number",
  maxRecipients = "number", lineLimit = "number", latency = "number", interpreter = "string",
  templates = "table", initialResponse = "string",
}

local DEFAULTS = {
  host = "127.0.0.1", port = 0, name = "inbox.example", tls = "starttls", certificate = "valid",
  mechanisms = { "PLAIN", "LOGIN" }, size = 33554432, idleTimeout = 300, maxRecipients = 1000,
  lineLimit = 2048, latency = 0, initialResponse = "taken",
}

local INITIAL_RESPONSES = { taken = true, refused = true, ignored = true }

local function complain(what)
  error("bad argument #1 to 'startInbox' (" .. what .. ")", 5)
end

local function check_types(options)
  for key, value in pairs(options) do
    local expected = TYPES[key]
    if not expected then
      complain(("unknown option %q%s"):format(tostring(key), arguments.meant(key, TYPES)))
    end
    if expected ~= true and type(value) ~= expected then
      complain(("%s: %s expected, got %s"):format(key, expected, type(value)))
    end
  end
end

local function users_of(given)
  if given == nil or given == false then return nil end
  if type(given) ~= "table" then complain("auth: table or false expected, got " .. type(given)) end
  local users = given.user and { given } or given
  if #users == 0 then complain("auth: no user in it") end
  for _, user in ipairs(users) do
    if type(user) ~= "table" or type(user.user) ~= "string" then complain("auth: user name expected") end
    if not user.pass and not user.accessToken then complain("auth: each user needs pass or accessToken") end
  end
  return users
end

local function check_values(settings)
  if settings.tls ~= "starttls" and settings.tls ~= "implicit" and settings.tls ~= "none" then
    complain('tls: "starttls", "implicit" or "none" expected')
  end
  for _, name in ipairs(settings.mechanisms) do
    if not auth.mechanisms[name] then complain("mechanisms: unknown mechanism " .. tostring(name)) end
  end
  if not INITIAL_RESPONSES[settings.initialResponse] then
    complain('initialResponse: "taken", "refused" or "ignored" expected')
  end
  for i, rule in ipairs(settings.script or {}) do
    local fault = script.fault(rule)
    if fault then complain(("script: rule %d: %s"):format(i, fault)) end
  end
  local kind = settings.certificate
  if type(kind) == "table" then
    local whole = type(kind.cert) == "string" and type(kind.key) == "string"
    if not whole then complain("certificate: cert and key expected") end
  elseif not certificate.is_kind(kind) then
    complain("certificate: unknown kind " .. tostring(kind))
  end
end

--- The options with every default filled in. Raises on what cannot be meant.
---@param options? logto_smtp.testing.Options
---@return table settings
function M.complete(options)
  options = options or {}
  if type(options) ~= "table" then complain("table expected, got " .. type(options)) end
  check_types(options)
  local settings = tables.assign(tables.assign({}, DEFAULTS), options)
  settings.users, settings.auth = users_of(settings.auth), nil
  if settings.requireAuth == nil then settings.requireAuth = settings.users ~= nil end
  check_values(settings)
  return settings
end

return M
