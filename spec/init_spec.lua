-- SPDX-License-Identifier: MIT
local cjson = require("cjson")
local configs = require("spec.support.configs")
local golden = require("spec.support.golden")
local logto = require("logto_smtp")

local function data(overrides)
  local out = { to = "user@example.org", type = "SignIn", payload = { code = "123456" } }
  for k, v in pairs(overrides or {}) do out[k] = v end
  return out
end

-- Sends with a recorder and answers the mail, or nil and the error.
local function send(options, message, config)
  local recorder = configs.recorder()
  options.transport = recorder
  local info, err = logto.createConnector(options).sendMessage(message or data(), config or configs.config())
  return recorder.mails[1], err, info
end

describe("createConnector()", function()
  it("describes itself as the original does", function()
    local connector, original = logto.createConnector({}), golden.value("metadata")
    assert.is_nil(golden.difference(connector.metadata, original.metadata))
    assert.are.equal(original.type, connector.type)
  end)

  it("raises for options that are no table", function()
    assert.has_error(function() logto.createConnector() end,
      "bad argument #1 to 'createConnector' (table expected, got nil)")
  end)
end)

describe("sendMessage()", function()
  it("sends the template of the type, filled from the payload", function()
    local mail, _, info = send({})
    assert.are.same({
      to = "user@example.org", from = "Example <no-reply@example.com>",
      subject = "SignIn subject", text = "SignIn: 123456",
    }, mail)
    assert.are.equal("250 OK", info.response)
  end)

  it("takes the config from getConfig, by the connector's id, unless one is given", function()
    local asked
    local options = { getConfig = function(id)
      asked = id
      return configs.config()
    end, transport = configs.recorder() }
    local connector = logto.createConnector(options)
    assert.is_truthy(connector.sendMessage(data()))
    assert.are.equal("simple-mail-transfer-protocol", asked)
    asked = nil
    assert.is_truthy(connector.sendMessage(data(), configs.config()))
    assert.is_nil(asked)
    assert.is_truthy(connector.sendMessage(data(), cjson.null))
    assert.is_not_nil(asked)
  end)

  it("passes the errors of getConfig through, raised or returned", function()
    local raised = { "no database" }
    local raising = logto.createConnector({ getConfig = function() error(raised) end })
    local ok, err = pcall(raising.sendMessage, data())
    assert.is_false(ok)
    assert.are.equal(raised, err)
    local connector = logto.createConnector({ getConfig = function() return nil, raised end })
    assert.are.same({ nil, raised }, { connector.sendMessage(data()) })
  end)

  it("answers invalid_config for a getConfig that knows none", function()
    local _, err = logto.createConnector({ getConfig = function() end }).sendMessage(data())
    assert.are.equal("invalid_config", err.code)
  end)

  it("answers invalid_config before anything else", function()
    local mail, err = send({}, data({ to = "" }), {})
    assert.is_nil(mail)
    assert.are.equal("invalid_config", err.code)
  end)

  it("hands the transport the config as given, defaults not filled in", function()
    local recorder, config = configs.recorder(), configs.config({ port = "587", unknown = 1 })
    logto.createConnector({ transport = recorder }).sendMessage(data(), config)
    assert.are.equal(config, recorder.configs[1])
    assert.is_nil(config.connectionTimeout)
  end)

  it("attaches customHeaders only when there are any", function()
    local headers = { ["X-A"] = "1" }
    assert.are.same(headers, send({}, nil, configs.config({ customHeaders = headers })).headers)
    assert.is_nil(send({}, nil, configs.config({ customHeaders = {} })).headers)
  end)

  it("raises for what only a bug can pass", function()
    local connector = logto.createConnector({})
    assert.has_error(function() connector.sendMessage() end,
      "bad argument #1 to 'sendMessage' (table expected, got nil)")
    assert.has_error(function() connector.sendMessage({ to = "a@b.c", payload = {} }) end,
      "bad argument #1 to 'sendMessage': field `type` (string expected, got nil)")
    assert.has_error(function() connector.sendMessage({ to = "a@b.c", type = "SignIn" }) end,
      "bad argument #1 to 'sendMessage': field `payload` (table expected, got nil)")
    assert.has_error(function() connector.sendMessage(data()) end,
      "no config: pass one or set `getConfig` (function expected, got nil)")
  end)
end)

describe("verify()", function()
  it("answers what the transport has seen with the config as given", function()
    local config, seen, got = configs.config(), { greeting = "220 mail.example" }, nil
    local transport = {
      verify = function(...)
        got = { ... }
        return seen
      end,
    }
    local connector = logto.createConnector({
      transport = transport, getConfig = function() return config end,
    })
    assert.are.equal(seen, (connector.verify()))
    assert.are.equal(config, got[1])
    local other = configs.config({ port = 25 })
    connector.verify(other)
    assert.are.equal(other, got[1])
  end)

  it("answers the errors that sendMessage does", function()
    local refused = { code = "EAUTH", message = "535 no" }
    local transport = { verify = function() return nil, refused end }
    local connector = logto.createConnector({ transport = transport })
    local seen, err = connector.verify(configs.config())
    assert.is_nil(seen)
    assert.are.equal("general", err.code)
    assert.are.equal(refused, err.cause)
    assert.are.equal("invalid_config", select(2, connector.verify({})).code)
    assert.has_error(function() connector.verify() end,
      "no config: pass one or set `getConfig` (function expected, got nil)")
  end)

  it("raises for a transport that cannot", function()
    local connector = logto.createConnector({ transport = { send = function() end } })
    assert.has_error(function() connector.verify(configs.config()) end,
      "the transport cannot verify: its field `verify` (function expected, got nil)")
  end)
end)

describe("the template of a message", function()
  it("check 9: is Generic for a type without one", function()
    assert.are.equal("Generic subject", send({}, data({ type = "BindMfa" })).subject)
  end)

  it("check 9: is the one by language when there is one, html unless it says text/plain", function()
    local asked
    local mail = send({ getI18nEmailTemplate = function(...)
      asked = { ... }
      return { subject = "s {{code}}", content = "c {{code}}" }
    end }, data({ payload = { code = "1", locale = "ko" } }))
    assert.are.same({ "SignIn", "ko" }, asked)
    assert.are.equal("s 1", mail.subject)
    assert.are.equal("c 1", mail.html)
    assert.is_nil(mail.text)
  end)

  it("check 9: is the config's when the one by language fails or is missing", function()
    local failures = {
      function() error("no database") end,
      function() return nil end,
      function() return cjson.null end,
      function() return nil, "no database" end,
    }
    for _, get in ipairs(failures) do
      assert.are.equal("SignIn subject", send({ getI18nEmailTemplate = get }).subject)
    end
  end)

  it("is html for any contentType but text/plain", function()
    local others = { "text/html", "TEXT/PLAIN", "text/plain; charset=utf-8", "", cjson.null }
    for _, content_type in ipairs(others) do
      local mail = send({ getI18nEmailTemplate = function()
        return { subject = "s", content = "c", contentType = content_type }
      end })
      assert.are.equal("c", mail.html)
    end
  end)

  it("raises when the one by language is no template", function()
    assert.has_error(function() send({ getI18nEmailTemplate = function() return { content = "c" } end }) end,
      "bad template: field `subject` (string expected, got nil)")
    assert.has_error(function() send({ getI18nEmailTemplate = function() return "c" end }) end,
      "bad template (table expected, got string)")
  end)
end)

describe("values in a template", function()
  local payload = { user = { name = '<script>alert("1")</script> & \'co\'' } }

  it("check 16: are escaped in html and untouched in text and subject", function()
    local fields = { contentType = "text/html", subject = "{{user.name}}", content = "<b>{{user.name}}</b>" }
    local mail = send({}, data({ payload = payload }), configs.with_template(fields))
    assert.are.equal(payload.user.name, mail.subject)
    assert.is_nil(mail.html:find("<script", 1, true))
    local escaped = "^<b>&lt;script&gt;alert%(&.-;1&.-;%)&lt;/script&gt; &amp; &.-;co&.-;</b>$"
    assert.is_not_nil(mail.html:find(escaped))
    fields.contentType = "text/plain"
    mail = send({}, data({ payload = payload }), configs.with_template(fields))
    assert.are.equal("<b>" .. payload.user.name .. "</b>", mail.text)
  end)

  it("check 16: are raw in html with escapeHtml = false", function()
    local fields = { contentType = "text/html", content = "<b>{{user.name}}</b>" }
    local mail = send({ escapeHtml = false }, data({ payload = payload }), configs.with_template(fields))
    assert.are.equal("<b>" .. payload.user.name .. "</b>", mail.html)
  end)

  it("check 15: go in literally, and names of nothing stay", function()
    local fields = { content = "{{a}} {{constructor}} {{__index}} {{toString}}" }
    local message = data({ payload = { a = "%1 $& {{code}}", code = "9" } })
    local mail = send({}, message, configs.with_template(fields))
    assert.are.equal("%1 $& {{code}} {{constructor}} {{__index}} {{toString}}", mail.text)
  end)
end)

describe("the recipient", function()
  local connector = logto.createConnector({ transport = { send = function() error("network use") end } })

  local refused = {
    "a@b.c,d@e.f", "a@b.c;d@e.f", "a@b.c d@e.f", "A <a@b.c>, B <d@e.f>", "a@b.c,", "x,a@b.c", "Group: a@b.c;",
    "Group: a@b.c, d@e.f;", "a@b.c\r\nBcc: d@e.f", "a\nb@c.d", '"a@evil.example"@b.c', "<a@b.c> <d@e.f>",
    "a@b.c <d@e.f>", "a@b@c.d", "@b.c", "a@", "<App>", "foo", "", " ", "Name <>", ";",
    "user@good-corp.com(x).evil.com", "first(middle)last@b.c", "a@b.c(@d.e)", "a@b.c (work; home, both)",
    "(x) a@b.c", "Name <user@example.org> (work)", "Name (x) <a@b.c>", "a@b.c <a@b.c>", "a@ b.c", "a .b@c.d",
    '"a,b"@c.d', '"a\\"b"@c.d', '"a(b"@c.d', "<@r:a@b.c>", "a@[x@d.e]", "a@[1.2.3]", "a@b..c", "a@b!c",
    "a@\239\188\156.c", "a@b.c;", "a@b.c\0", "A\1 <a@b.c>",
    '"a@b.c', "(a@b.c", ">a@b.c", "<<a@b.c>>", "a@b.c>",
    "a@b.{{c}}", "a@b.\226\128\131c", "<a b@c.d>", 5,
    { "a@b.c", "d@e.f" }, cjson.null, false,
  }
  for _, to in ipairs(refused) do
    local shown = type(to) == "string" and ("%q"):format(to):gsub("\\\n", "\\n") or "a " .. type(to)
    it("check 36: is refused before any network use: " .. shown, function()
      local info, err = connector.sendMessage(data({ to = to }), configs.config())
      assert.is_nil(info)
      assert.are.equal("invalid_request_parameters", err.code)
      assert.is_nil(err.message:find("d@e.f", 1, true))
    end)
  end

  it("check 36: is refused when it is longer than any mailbox, at once", function()
    local to = ("a:b;"):rep(262144) .. "user@example.org"
    local info, err = connector.sendMessage(data({ to = to }), configs.config())
    assert.is_nil(info)
    assert.are.equal("invalid_request_parameters", err.code)
  end)

  it("check 36: is refused when it is missing", function()
    local message = data()
    message.to = nil
    local _, err = connector.sendMessage(message, configs.config())
    assert.are.equal("invalid_request_parameters", err.code)
  end)

  local accepted = {
    "user@example.org", " user@example.org\n", "<user@example.org>", "User <user@example.org>",
    '"Doe, Jane" <jane@example.org>', '"a@b.c" <a@b.c>', "õ@example.org", "user@bücher.example", "a@b",
    "이용자 <user@example.org>", "O'Neil <o@example.org>", "user@[127.0.0.1]", "user@[IPv6:2001:db8::1]",
    "User.Name+tag@Example.ORG", '"john doe"@example.org', '"john..doe"@example.org',
    '"(x)" <user@example.org>', "[team] Ann <user@example.org>",
  }
  for _, to in ipairs(accepted) do
    it("is accepted: " .. to, function()
      assert.are.equal(to:match("^%s*(.-)%s*$"), send({}, data({ to = to })).to)
    end)
  end
end)

describe("sender and Reply-To", function()
  -- Renders `sendFrom` as a template's; the config's sender is Example <no-reply@example.com>.
  local function from(template, payload)
    return send({}, data({ payload = payload }), configs.with_template({ sendFrom = template })).from
  end

  it("check 10: are rendered from the template, the config's are not", function()
    local fields = { sendFrom = "{{app}} <app@example.com>", replyTo = "{{user.email}}" }
    local config = configs.with_template(fields)
    local mail = send({}, data({ payload = { app = "Shop", user = { email = "ada@example.com" } } }), config)
    assert.are.equal("Shop <app@example.com>", mail.from)
    assert.are.equal("ada@example.com", mail.replyTo)
    config = configs.config({ fromEmail = "{{app}} <a@b.c>", replyTo = "{{app}} <r@b.c>" })
    mail = send({}, data({ payload = { app = "Shop" } }), config)
    assert.are.equal("{{app}} <a@b.c>", mail.from)
    assert.are.equal("{{app}} <r@b.c>", mail.replyTo)
  end)

  it("check 10: fall back to the config when the template says nothing", function()
    for _, nothing in ipairs({ "", cjson.null, false, "{{empty}}", "  " }) do
      local fields = { sendFrom = nothing, replyTo = nothing }
      local config = configs.with_template(fields, { replyTo = "r@example.com" })
      local mail = send({}, data({ payload = { empty = "" } }), config)
      assert.are.equal("Example <no-reply@example.com>", mail.from)
      assert.are.equal("r@example.com", mail.replyTo)
    end
  end)

  -- What the value is, the template, the value, the mailbox.
  local ours = " <no-reply@example.com>"
  local rows = {
    { "a list in the name", "{{v}} <n@t.example>",
      "Evil <evil@x.example>, Test", '"Evil evil@x.example, Test" <n@t.example>' },
    { "a quote in the name", "{{v}} <n@t.example>",
      'a" <evil@x.example>, "', [["a\" evil@x.example, \"" <n@t.example>]] },
    { "a quote in a quoted name", '"{{v}}" <n@t.example>',
      'a" <evil@x.example>, "b', [["a\" evil@x.example, \"b" <n@t.example>]] },
    { "a backslash at the end of a quoted name", '"{{v}}" <n@t.example>', "a\\", [["a\\" <n@t.example>]] },
    { "a line break in the name", "{{v}} <n@t.example>",
      "a\r\nBcc: evil@x.example", '"aBcc: evil@x.example" <n@t.example>' },
    { "a group in the name", "{{v}} <n@t.example>",
      "G: evil@x.example;", '"G: evil@x.example;" <n@t.example>' },
    { "a comment in the name", "{{v}} <n@t.example>", "a (", '"a (" <n@t.example>' },
    { "an address before a literal one", "{{v}} n@t.example", "evil@x.example,",
      '"evil@x.example," <n@t.example>' },
    { "a second address within the brackets", "T <{{v}}>", "a@b.example>, <evil@x.example", "T" .. ours },
    { "a list within the brackets", "T <{{v}}>", "a@b.example,evil@x.example", "T" .. ours },
    { "an address within the brackets", "T <{{v}}>", "a@b.example", "T <a@b.example>" },
    { "another domain before a literal one", "{{v}}@t.example", "evil@x.example", "Example" .. ours },
    { "a local part", "{{v}}@t.example", "shop", "shop@t.example" },
    { "a list as the whole", "{{v}}", "a@b.example,evil@x.example", "Example" .. ours },
    { "a mailbox as the whole", " {{v}} ", "Shop <a@b.example>", "Shop <a@b.example>" },
    { "a name as the whole", "{{v}}", "Shop", "Shop" .. ours },
    { "an address after a literal name", "Support {{v}}",
      "<evil@x.example>", '"Support evil@x.example"' .. ours },
    { "not used, in a literal name", "Support", "", "Support" .. ours },
    { "not used, in brackets within the name", "Test <App> <n@t.example>", "", "Test App <n@t.example>" },
    { "not used, in a literal list", "A <a@b.example>, B <d@e.example>", "", "A <a@b.example>" },
  }
  local core = require("logto_smtp.core")
  for _, row in ipairs(rows) do
    it("is one mailbox, whatever the value is: " .. row[1], function()
      local got = from(row[2], { v = row[3] })
      local list = core.addresses(got)
      assert.are.equal(1, #list)
      assert.is_nil(list[1].group)
      assert.are_not.equal("evil@x.example", list[1].address)
      assert.are.equal(row[4], got)
    end)
  end
end)

describe("a failure of the transport", function()
  local function failure(cause)
    local connector = logto.createConnector({ transport = { send = function() return nil, cause end } })
    return select(2, connector.sendMessage(data(), configs.config()))
  end

  it("check 38: becomes a general error with the failure as its cause", function()
    local cause = { code = "EAUTH", message = "Invalid login: 535 no", responseCode = 535, permanent = true }
    local err = failure(cause)
    assert.are.equal("general", err.code)
    assert.are.equal('ConnectorError: "Invalid login: 535 no"', err.message)
    assert.are.same({ message = "Invalid login: 535 no" }, err.data)
    assert.are.equal(cause, err.cause)
  end)

  it("may be a text, or nothing at all", function()
    assert.are.same({ message = "broken" }, failure("broken").data)
    assert.are.equal("ConnectorError: general", failure().message)
  end)

  it("may be raised", function()
    local raised = { message = "broken" }
    local connector = logto.createConnector({ transport = { send = function() error(raised) end } })
    local info, err = connector.sendMessage(data(), configs.config())
    assert.is_nil(info)
    assert.are.equal("broken", err.data.message)
    assert.are.equal(raised, err.cause)
    connector = logto.createConnector({ transport = { send = function() error("broken") end } })
    assert.are.equal("broken", select(2, connector.sendMessage(data(), configs.config())).data.message)
  end)
end)
