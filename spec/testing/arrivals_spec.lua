-- SPDX-License-Identifier: MIT
-- What waitFor() finds, and the words it has for what it did not find.
local clock = require "spec.support.clock"
local mailing = require "spec.support.mailing"
local smtp = require "logto_smtp"

local inbox, client

local function deliver(fields) assert(client:send(mailing.mail(fields))) end

-- A config's mail of a type; more overrides the config.
local function send(type_, payload, more)
  local connector = smtp.createConnector {}
  local config = inbox:config(more)
  assert(connector.sendMessage({ to = "user@example.com", type = type_, payload = payload }, config))
end

local function fails_with(filter, lines)
  filter.timeout = filter.timeout or 0
  local none, err = inbox:waitFor(filter)
  assert.is_nil(none)
  assert.equal(table.concat(lines, "\n"), err)
end

before_each(function() inbox, client = mailing.start() end)

after_each(function()
  require("logto_smtp.transport").default.close()
  mailing.stop()
end)

describe("inbox:waitFor()", function()
  it("gives the first that matches, or with n the list of all that do", function()
    deliver { subject = "one", text = "Your code is 123456." }
    deliver { subject = "two", text = "Your code is 654321.", to = "Other@Example.com" }
    assert.equal("123456", inbox:waitFor().code)
    assert.equal("two", inbox:waitFor({ to = "other@example.com" }).subject)
    assert.equal("two", inbox:waitFor({ code = "654321" }).subject)
    assert.equal("one", inbox:waitFor({ text = "123456", from = "sender@EXAMPLE.com" }).subject)
    assert.equal(2, #inbox:waitFor { n = 2 })
    assert.equal(2, #inbox:waitFor { n = 1 })
  end)

  it("finds a link, and text in HTML", function()
    deliver { html = '<p>Go to <a href="https://app.example/verify?t=1&amp;c=2">the page</a></p>' }
    local mail = inbox:waitFor { link = "app.example/verify", html = "the page" }
    assert.equal("https://app.example/verify?t=1&c=2", mail.link)
  end)

  it("waits for what comes later, no longer than it takes", function()
    client:submit(mailing.mail { subject = "late" })
    inbox:nextReply { at = "CONTENT", delay = 0.15 }
    local mail, _, span = clock.timed(function()
      client:poll(0)
      client:poll(0.01)
      local coming = inbox:waitFor { subject = "late", timeout = 0.05 }
      client:poll(60)
      return coming or inbox:waitFor { subject = "late", timeout = 60 }
    end)
    assert.equal("late", mail.subject)
    span:ended()
  end)

  it("starts anew after clear()", function()
    deliver { subject = "one" }
    assert.equal(1, #inbox:messages())
    inbox:clear()
    assert.equal(0, #inbox:messages())
    deliver { subject = "two" }
    assert.equal("two", inbox:waitFor().subject)
  end)

  it("gives up when the time is over", function()
    local mail, _, span = clock.timed(function() return inbox:waitFor { timeout = 0.2 } end)
    assert.is_nil(mail)
    span:at_least(200)
    span:ended()
  end)

  it("raises on a filter that cannot be meant", function()
    for _, row in ipairs {
      { { too = "x" }, 'unknown field "too"' },
      { { code = 123456 }, "field code: string expected, got number" },
      { "x", "table expected, got string" },
    } do
      local ok, err = pcall(inbox.waitFor, inbox, row[1])
      assert.is_false(ok)
      assert.matches(row[2], err, 1, true)
    end
    local fresh = mailing.inbox { tls = "none" }
    local _, err = pcall(fresh.waitFor, fresh, { type = "SignIn" })
    assert.matches('no template of type "SignIn" is known, only none at all', err, 1, true)
    fresh:config()
    _, err = pcall(fresh.waitFor, fresh, { type = "SignUp" })
    assert.matches('"SignUp" is known, only ForgotPassword, Generic, Register, SignIn)', err, 1, true)
  end)
end)

describe("waitFor()'s explanation", function()
  it("names the port when nobody came", function()
    fails_with({ to = "a@b.example", timeout = 0.05 }, {
      'expected 1 mail with to "a@b.example" within 0.05 s, but none arrived; '
        .. "nobody connected to 127.0.0.1 port " .. inbox.port,
    })
  end)

  it("shows the conversation when nothing came of it, without secrets", function()
    mailing.stop()
    inbox, client = mailing.start { auth = { user = "u", pass = "p" } }
    inbox:nextReply { at = "AUTH", code = 535, text = "5.7.8 go away" }
    assert.is_nil((client:send(mailing.mail())))
    local _, err = inbox:waitFor { timeout = 0 }
    assert.matches("^expected 1 mail, but none arrived; the last conversation was:\n", err)
    assert.matches("C: AUTH PLAIN %*%*%*\n +S: 535 5%.7%.8 go away", err)
    assert.is_nil(err:find("AHUAcA==", 1, true))
  end)

  it("puts expected and got side by side, the nearest mail first", function()
    deliver { subject = "Reset password", to = "other@example.com", text = "Your code is 999999." }
    deliver { subject = "Sign in", text = "Your code is 123465.\n" }
    fails_with({ to = "reader@example.com", subject = "Sign in", code = "123456" }, {
      'expected 1 mail with to "reader@example.com", subject "Sign in", code "123456", '
        .. "but none of the 2 that arrived is like that:",
      '  mail 2, to reader@example.com, subject "Sign in", code 123465',
      "    code: expected 123456",
      "               got 123465",
      "                       ^^",
      '  mail 1, to other@example.com, subject "Reset password", code 999999',
      '    to: expected "reader@example.com", got "other@example.com"',
      '    subject: expected "Sign in" in it, got "Reset password"',
      "    code: expected 123456",
      "               got 999999",
      "                   ^^^^^^",
    })
  end)

  it("tells of a mail without a code, a text, a sender", function()
    deliver { text = "Hello\n\"you\"\n" }
    fails_with({ from = "me@example.com", code = "123456", html = "<b>", link = "http" }, {
      'expected 1 mail with from "me@example.com", code "123456", link "http", html "<b>", but the only one '
        .. "that arrived is another:",
      '  mail 1, to reader@example.com, subject "Your code"',
      '    from: expected "me@example.com", got "sender@example.com" (header: "sender@example.com")',
      [[    code: expected 123456, got no code; its text is "Hello\r\n\"you\"\r\n"]],
      '    link: expected "http" in it, got none',
      '    html: expected "<b>" in it, got none',
    })
  end)

  it("counts those that are right when more are wanted", function()
    deliver {}
    deliver { subject = "Other", text = ("x"):rep(300) }
    fails_with({ n = 2, text = "123456" }, {
      'expected 2 mails with text "123456", but 1 of the 2 that arrived is like that:',
      '  mail 1, to reader@example.com, subject "Your code", code 123456 (like that)',
      '  mail 2, to reader@example.com, subject "Other"',
      '    text: expected "123456" in it, got "' .. ("x"):rep(160) .. '... (304 octets)"',
    })
    inbox:clear()
    for i = 1, 13 do deliver { subject = "mail " .. i } end
    local _, err = inbox:waitFor { subject = "none", timeout = 0 }
    assert.matches("\n  and 3 more$", err)
  end)
end)

describe("a mail's type", function()
  it("is that of the template it was made from", function()
    for _, name in ipairs { "SignIn", "Register", "ForgotPassword", "Generic" } do
      send(name, { code = "246802" })
      local mail = inbox:waitFor { type = name }
      assert.equal(name, mail.type)
      assert.same({ name, [name] = true }, mail.types)
      assert.equal("246802", mail.code)
    end
    assert.equal("Generic", inbox:messages()[4].type)
  end)

  it("and its code are found with a config's own templates, in HTML too", function()
    local templates = {
      { usageType = "Register", contentType = "text/html", subject = "{{app}}: welcome",
        content = "<p>Dear {{ user.name }},\n  use <b>{{code}}</b> by 12:30 on 2027-01-01.</p>" },
      { usageType = "SignIn", contentType = "text/html", subject = "{{app}}: welcome",
        content = "<p>{{code}}</p>" },
      { usageType = "ForgotPassword", contentType = "text/plain", subject = "s", content = "{{code}}" },
      { usageType = "Generic", contentType = "text/plain", subject = "g", content = "fixed" },
    }
    local more = { templates = templates }
    send("Register", { app = "Shop", code = "A1-B2", user = { name = "Ann <1234>" } }, more)
    local mail = inbox:waitFor { type = "Register", code = "A1-B2" }
    assert.equal("Register", mail.type)
    send("SignIn", { app = "Shop", code = "777777" }, more)
    assert.equal("777777", inbox:waitFor({ type = "SignIn" }).code)
    send("Generic", {}, more)
    assert.equal("Generic", inbox:waitFor({ subject = "g" }).type)
    fails_with({ type = "ForgotPassword", subject = "g" }, {
      'expected 1 mail with subject "g", type "ForgotPassword", but none of the 3 that arrived is like that:',
      '  mail 3, to user@example.com, subject "g"',
      "    type: expected ForgotPassword, got Generic",
      '  mail 1, to user@example.com, subject "Shop: welcome", code A1-B2',
      '    subject: expected "g" in it, got "Shop: welcome"',
      "    type: expected ForgotPassword, got Register",
      '  mail 2, to user@example.com, subject "Shop: welcome", code 777777',
      '    subject: expected "g" in it, got "Shop: welcome"',
      "    type: expected ForgotPassword, got SignIn",
    })
  end)

  it("is more than one where templates are alike, and none where none fits", function()
    local template = { contentType = "text/plain", subject = "s", content = "{{code}}" }
    local list = {}
    for i, name in ipairs { "SignIn", "Register", "ForgotPassword", "Generic" } do
      list[i] = { usageType = name, contentType = template.contentType, subject = "s", content = "{{code}}" }
    end
    send("Register", { code = "1" }, { templates = list })
    assert.equal(inbox:waitFor({ type = "SignIn" }).number, inbox:waitFor({ type = "Register" }).number)
    inbox:clear()
    deliver { text = "something else" }
    assert.is_nil(inbox:messages()[1].type)
    local _, err = inbox:waitFor { type = "SignIn", timeout = 0 }
    assert.matches("type: expected SignIn, got a mail made from none of the templates known", err, 1, true)
  end)

  it("is known of templates by language when the inbox is told them", function()
    mailing.stop()
    local list = {
      { languageTag = "de", templateType = "SignIn", contentType = "text/plain", subject = "Anmelden",
        content = "Ihr Code: {{code}}" },
    }
    inbox = mailing.inbox { tls = "none", templates = list }
    local connector = smtp.createConnector { getI18nEmailTemplate = smtp.i18nTemplates(list, "de") }
    local data = { to = "a@b.example", type = "SignIn", payload = { code = "123456", locale = "de" } }
    assert(connector.sendMessage(data, inbox:config()))
    assert.equal("Anmelden", inbox:waitFor({ type = "SignIn" }).subject)
  end)
end)
