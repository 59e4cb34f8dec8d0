-- SPDX-License-Identifier: MIT
-- No option is silently ignored: each one of the docs' table, and each one that nodemailer knows, is named
-- by a test, refused by the guard, or documented as without effect.

local core = require("logto_smtp.core")
local configs = require("spec.support.configs")
local net = require("spec.support.net")
local walk = require("spec.support.walk")

-- What reaches nodemailer 8 to 10 from a Logto config: of the config, of `tls`, of `auth`, and of one mail.
local NODEMAILER = {
  "service", "url", "host", "port", "secure", "ignoreTLS", "requireTLS", "opportunisticTLS", "servername",
  "tls.rejectUnauthorized", "tls.servername", "tls.ca", "tls.cert", "tls.key", "tls.passphrase", "tls.pfx",
  "tls.ciphers", "tls.minVersion", "tls.maxVersion", "tls.ALPNProtocols", "tls.ecdhCurve", "tls.sigalgs",
  "tls.crl", "tls.host", "tls.port", "tls.path", "tls.socket", "tls.lookup",
  "name", "localAddress", "family", "allowInternalNetworkInterfaces", "dnsTimeout", "dnsTtl",
  "connectionTimeout", "greetingTimeout", "socketTimeout",
  "auth", "auth.user", "auth.pass", "auth.type", "auth.method", "authMethod", "forceAuth", "customAuth",
  "auth.clientId", "auth.clientSecret", "auth.refreshToken", "auth.accessToken", "auth.expires",
  "auth.accessUrl", "auth.privateKey", "auth.serviceClient", "auth.scope", "auth.customParams",
  "auth.customHeaders", "auth.timeout", "auth.serviceRequestTimeout", "auth.tls",
  "pool", "maxConnections", "maxMessages", "rateDelta", "rateLimit", "maxRequeues", "proxy",
  "logger", "debug", "transactionLog", "component", "disableFileAccess", "disableUrlAccess",
  "attachDataUrls", "dkim", "lmtp", "direct", "sendmail", "path", "args", "streamTransport",
  "jsonTransport", "SES", "getSocket", "connection", "socket", "secured",
  "fromEmail", "replyTo", "templates", "customHeaders",
  "dsn", "size", "use8BitMime", "envelope", "priority", "list", "xMailer", "encoding", "textEncoding",
  "newline", "date", "messageId", "attachments", "raw", "alternatives", "icalEvent", "amp", "watchHtml",
}

-- Whether the guard refuses the option as such, and not the value that is tried here.
local function is_refused(name)
  local parent, key = name:match("^(%w+)%.(%w+)$")
  local overrides = parent and { [parent] = { [key] = "x" } } or { [name] = "x" }
  local ok, issues = core.validate(configs.config(overrides))
  if ok then return false end
  for _, issue in ipairs(issues) do
    local starts = issue.message:find(name .. " is refused: ", 1, true) == 1
    if issue.code == "custom" and starts then return true end
  end
  return false
end

-- The names that nobody has decided about.
local function undecided(names, titles, without_effect)
  local list = {}
  for _, name in ipairs(names) do
    if not without_effect[name] and not walk.is_named(titles, name) and not is_refused(name) then
      list[#list + 1] = name
    end
  end
  return list
end

describe("every option", function()
  local page, titles, without_effect

  setup(function()
    page = "\n" .. assert(net.read_file("docs/config.md"))
    titles = walk.titles()
    without_effect = walk.without_effect(page)
  end)

  it("of the docs' table is tested or refused", function()
    local names = walk.table_options(page, "The config")
    assert.is_true(#names > 20)
    assert.same({}, undecided(names, titles, without_effect))
  end)

  it("of the docs' table of OAuth 2.0 is tested or refused", function()
    local names = {}
    for i, name in ipairs(walk.table_options(page, "OAuth 2.0")) do names[i] = "auth." .. name end
    assert.is_true(#names > 10)
    assert.same({}, undecided(names, titles, without_effect))
  end)

  it("that nodemailer knows is tested, refused, or documented as without effect", function()
    assert.same({}, undecided(NODEMAILER, titles, without_effect))
  end)

  it("that the docs call without effect is one that nodemailer knows", function()
    local known = {}
    for _, name in ipairs(NODEMAILER) do known[name] = true end
    for name in pairs(without_effect) do assert.is_true(known[name], name) end
    assert.is_not_nil(next(without_effect))
  end)

  it("of the docs' table is one that advice on typing errors knows", function()
    local places = require("logto_smtp.option_names").places
    for _, path in ipairs(walk.table_options(page, "The config")) do
      local place, name = path:match("^(%w+)%.(%w+)$")
      assert.is_true(places[place or ""][name or path], path)
    end
  end)

  it("is missed by this walk when nobody names it", function()
    local text = "\n## The config\n\n| field | type |\n|---|---|\n| `madeUp`, `tls.fancy`, `secure` | x |\n"
      .. "\n## Next\n\n| `other` | x | without effect: so |\n"
    local names = walk.table_options(text, "The config")
    assert.same({ other = true }, walk.without_effect(text))
    assert.same({ "madeUp", "tls.fancy", "secure" }, names)
    local own = { [["option secure is TLS at once", function()]], [["is not about madeUpToo", function()]] }
    assert.same({ "madeUp", "tls.fancy" }, undecided(names, own, {}))
    assert.same({ "tls.fancy" }, undecided(names, own, { madeUp = true }))
    assert.same({}, undecided({ "sendmail", "tls.lookup" }, {}, {}))
  end)

  it("that is a plain word is named by `option NAME` only", function()
    assert.is_false(walk.is_named({ '"names the host", f' }, "host"))
    assert.is_true(walk.is_named({ '"option host may be an address", f' }, "host"))
    assert.is_false(walk.is_named({ '"option hosts", f' }, "host"))
    assert.is_true(walk.is_named({ '"maxMessages ends a connection", f' }, "maxMessages"))
    assert.is_false(walk.is_named({ '"tls.ca", f' }, "ca"))
  end)
end)
