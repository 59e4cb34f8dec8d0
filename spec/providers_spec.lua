-- SPDX-License-Identifier: MIT
local cjson = require("cjson")
local configs = require("spec.support.configs")
local guard = require("logto_smtp").configGuard
local providers = require("logto_smtp.providers")

local function pairs_of(name)
  local out = {}
  for i, pair in ipairs(providers.get(name).ports) do out[i] = pair.port .. " " .. tostring(pair.secure) end
  return out
end

describe("providers", function()
  for _, provider in ipairs(providers.list()) do
    it("gives " .. provider.name .. " an example that passes the guard, and says what to fill in", function()
      local config = providers.example(provider)
      assert.is_true(guard.safeParse(config).success)
      local advice = providers.advise(config)
      assert.is_true(#advice > 0)
      for _, hint in ipairs(advice) do
        local expected = hint.message:find("^still holds an example value")
        assert.is_not_nil(expected, hint.path .. " " .. hint.message)
      end
      assert.is_not_nil(provider.source:find("^https://"))
      assert.are_not.equal(config.secure, config.requireTLS)
    end)
  end

  it("knows the values of the connector's guide", function()
    assert.are.equal("smtp.gmail.com", providers.get("gmail").host)
    assert.are.same({ "465 true", "587 false" }, pairs_of("gmail"))
    assert.are.equal("smtp.sendgrid.net", providers.get("sendgrid").host)
    assert.are.equal("apikey", providers.get("sendgrid").user)
    assert.are.equal("smtpdm.aliyun.com", providers.get("aliyun").host)
  end)

  it("finds them by name, by alias and by host", function()
    assert.are.equal("gmail", providers.get("Google Workspace").id)
    assert.are.equal("ses", providers.get("amazon_ses").id)
    assert.are.equal("ses", providers.byHost("email-smtp.eu-west-1.amazonaws.com").id)
    assert.are.equal("office365", providers.byHost("SMTP.Office365.com").id)
    assert.are.equal("aliyun", providers.byHost("smtpdm-ap-southeast-1.aliyuncs.com").id)
    assert.is_nil(providers.get("nobody"))
    assert.is_nil(providers.byHost("smtp.gmail.com.evil.example"))
  end)

  it("gives each name to one provider", function()
    local seen = {}
    for _, provider in ipairs(providers.list()) do
      local names = { provider.id }
      for _, alias in ipairs(provider.aliases) do names[#names + 1] = alias end
      for _, name in ipairs(names) do
        assert.is_nil(seen[name], name)
        seen[name] = true
      end
    end
  end)
end)

describe("advise()", function()
  local function paths(overrides)
    local out = {}
    for i, hint in ipairs(providers.advise(configs.config(overrides))) do out[i] = hint.path end
    return out
  end

  local function gmail(overrides)
    local config = { host = "smtp.gmail.com", port = 465, secure = true, fromEmail = "App <me@gmail.com>",
      auth = { user = "me@gmail.com", pass = "abcd efgh ijkl mnop" } }
    for k, v in pairs(overrides) do config[k] = v end
    return config
  end

  local function sendgrid(auth)
    return { host = "smtp.sendgrid.net", auth = auth }
  end

  it("says nothing about configs that are fine", function()
    assert.are.same({}, paths())
    assert.are.same({}, paths({ port = 465 }))
    assert.are.same({}, paths({ port = 465, secure = true }))
    assert.are.same({}, paths({ host = "127.0.0.1", port = 2525, ignoreTLS = true }))
    assert.are.same({}, paths({ port = "587", requireTLS = true, replyTo = "r@example.com" }))
    assert.are.same({}, paths({ auth = {} }))
    assert.are.same({}, paths(gmail({})))
    assert.are.same({}, paths(gmail({ port = 587, secure = false, requireTLS = true })))
    local token = { type = "oauth2", user = "u", accessToken = "t", expires = 1.8e12 }
    assert.are.same({}, paths({ auth = token }))
  end)

  local rows = {
    { "TLS at once on a port that starts in clear", { secure = true }, "secure" },
    { "no TLS at once on port 465", { port = 465, secure = false }, "secure" },
    { "Gmail's port 587 with secure", gmail({ port = 587 }), "secure" },
    { "Gmail's port 465 without secure", gmail({ secure = false }), "secure" },
    { "a port that the service does not have", gmail({ port = 2525 }), "port" },
    { "a sender that Gmail replaces", gmail({ fromEmail = "App <no-reply@example.com>" }), "fromEmail" },
    { "no login where one is needed", gmail({ auth = {} }), "auth" },
    { "another user at SendGrid", sendgrid({ user = "me", pass = "SG.x" }), "auth.user" },
    { "no key at SendGrid", sendgrid({ user = "apikey", pass = "x" }), "auth.pass" },
    { "a user without a password", { auth = { user = "u" } }, "auth.pass" },
    { "an empty password", { auth = { user = "u", pass = "" } }, "auth.pass" },
    { "a null password", { auth = { user = "u", pass = cjson.null } }, "auth.pass" },
    { "a password without a user", { auth = { pass = "p" } }, "auth.user" },
    { "OAuth 2.0 values without the type", { auth = { user = "u", pass = "p", refreshToken = "r" } },
      "auth.type" },
    { "OAuth 2.0 without a way to a token", { auth = { type = "OAuth2", user = "u" } }, "auth" },
    { "an expiry in seconds", { auth = { type = "oauth2", user = "u", accessToken = "t", expires = 3600 } },
      "auth.expires" },
    { "no address in the sender", { fromEmail = "My App" }, "fromEmail" },
    { "no address in replyTo", { replyTo = "help" }, "replyTo" },
    { "an example value", { fromEmail = "<from_email_address@your.domain>" }, "fromEmail" },
    { "an example host", { host = "<host>" }, "host" },
    { "an empty host", { host = "" }, "host" },
    { "a URL for a host", { host = "smtp://mail.example.com" }, "host" },
    { "a host with its port", { host = "mail.example.com:587" }, "host" },
    { "a host in brackets", { host = "[::1]" }, "host" },
    { "a name that is not ASCII", { name = "내 앱" }, "name" },
    { "seconds for milliseconds", { connectionTimeout = 30 }, "connectionTimeout" },
    { "any certificate", { tls = { rejectUnauthorized = false } }, "tls.rejectUnauthorized" },
    { "a password in clear", { ignoreTLS = true }, "ignoreTLS" },
    { "a typing error in a name", { requireTls = true }, "requireTls" },
    { "another", { hosts = "x" }, "hosts" },
    { "two letters swapped", { tls = { rejcetUnauthorized = true } }, "tls.rejcetUnauthorized" },
    { "the other spelling", { tls = { rejectUnauthorised = true } }, "tls.rejectUnauthorised" },
    { "an option of tls on the config itself", { rejectUnauthorized = true }, "rejectUnauthorized" },
    { "an option of the config in auth", { auth = { user = "u", pass = "p", name = "x" } }, "auth.name" },
  }
  for _, row in ipairs(rows) do
    it("warns of " .. row[1], function()
      assert.are.same({ row[3] }, paths(row[2]))
    end)
  end

  it("names the option that was meant, and where it belongs", function()
    local function message(overrides) return providers.advise(configs.config(overrides))[1].message end
    assert.matches("did you mean `requireTLS`?", message({ requireTls = true }), 1, true)
    assert.matches("did you mean `tls`?", message({ tlss = {} }), 1, true)
    local spelt = message({ tls = { rejectUnauthorised = true } })
    assert.matches("did you mean `rejectUnauthorized`?", spelt, 1, true)
    assert.matches("it belongs into `tls`", message({ rejectUnauthorized = true }), 1, true)
    assert.matches("it belongs into the config itself", message({ tls = { requireTLS = true } }), 1, true)
  end)

  it("says nothing of names that are like none, however long", function()
    local text = ("x"):rep(100000)
    assert.are.same({}, paths({ comment = "x", [text] = 1, ["설명"] = 1 }))
  end)

  it("warns of templates that tell no code, or show their HTML", function()
    local function template_paths(fields)
      local out = {}
      for i, hint in ipairs(providers.advise(configs.with_template(fields))) do out[i] = hint.path end
      return out
    end
    assert.are.same({ "templates[1].content" }, template_paths({ content = "Hello" }))
    assert.are.same({ "templates[1].content" }, template_paths({ content = "<p>{{code}}</p>" }))
    assert.are.same({}, template_paths({ content = "<p>{{ code }}</p>", contentType = "text/html" }))
    assert.are.same({}, template_paths({ content = "Follow {{link}}" }))
  end)

  it("repeats no secret", function()
    for _, host in ipairs({ "smtp.gmail.com", "smtp.sendgrid.net", "smtp.resend.com", "mail.example.com" }) do
      local config = configs.config({ host = host, port = 1, auth = {
        user = "u", pass = "s3cret", clientSecret = "s3cret", accessToken = "s3cret", expires = 1,
      } })
      for _, auth_type in ipairs({ "oauth2", "login" }) do
        config.auth.type = auth_type
        for _, hint in ipairs(providers.advise(config)) do
          assert.is_nil(hint.message:find("s3cret", 1, true))
        end
      end
    end
  end)
end)
