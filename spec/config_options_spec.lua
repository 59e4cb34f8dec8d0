-- SPDX-License-Identifier: MIT
-- Where a config connects to and how it logs in, option by option, judged by what the server saw.

local mailing = require("spec.support.mailing")

local login = { user = "user", pass = "s3cret-pass" }

local function sent(inbox, client)
  local info, err = client:send(mailing.mail())
  assert(info, err and err.message)
  return inbox:messages()[1], info
end

describe("of the connection,", function()
  after_each(mailing.stop)

  it("option host may be a name or an address", function()
    for _, host in ipairs({ "localhost", "127.0.0.1" }) do
      sent(mailing.start(nil, { host = host }))
      mailing.stop()
    end
  end)

  it("option host may be an IPv6 address", function()
    local ok, inbox = pcall(mailing.inbox, { tls = "none", host = "::1" })
    if not ok then return pending("this machine has no ::1") end
    sent(inbox, mailing.client(inbox:config()))
  end)

  it("option host may be nothing but that", function()
    local core = require("logto_smtp.core")
    for _, host in ipairs({ "smtp://x.y", "x.y:25", "u@x.y", "x.y/z", "[x.y]", "a b" }) do
      local client, issues = core.client(require("spec.support.configs").config({ host = host }))
      assert.is_nil(client, host)
      assert.matches("host", issues[1].message, 1, true)
    end
  end)

  it("option port may be a number, or digits in a string", function()
    local inbox = mailing.inbox({ tls = "none" })
    for _, port in ipairs({ inbox.port, tostring(inbox.port) }) do
      sent(inbox, mailing.client(inbox:config({ port = port })))
    end
    assert.equal(2, inbox:counters().messages)
  end)

  it("option secure is TLS from the first octet", function()
    local inbox, client = mailing.start({ tls = "implicit" }, { secure = true })
    assert.equal("TLSv1.3", sent(inbox, client).tls.version)
    assert.is_nil(inbox:transcript():find("STARTTLS", 1, true))
  end)

  it("option secure = false is STARTTLS where offered", function()
    local inbox, client = mailing.start({ tls = "starttls" }, { secure = false })
    assert.equal("TLSv1.3", sent(inbox, client).tls.version)
    assert.is_truthy(inbox:transcript():find("STARTTLS", 1, true))
  end)

  it("option servername is the name to ask for and to verify", function()
    local inbox, client = mailing.start({ tls = "starttls", certificate = "wrong_name" },
      { servername = "wrong.example" })
    assert.equal("wrong.example", sent(inbox, client).tls.servername)
  end)

  it("option tls.servername is so before servername", function()
    local inbox, client = mailing.start({ tls = "starttls", certificate = "wrong_name" },
      { servername = "other.example", tls = { servername = "wrong.example" } })
    assert.equal("wrong.example", sent(inbox, client).tls.servername)
  end)

  it("option name is what the server is greeted with", function()
    local inbox, client = mailing.start(nil, { name = "app.example.com" })
    assert.equal("app.example.com", sent(inbox, client).ehlo)
  end)
end)

describe("of the dialogue,", function()
  after_each(mailing.stop)

  local function verbs(inbox)
    local list = {}
    for _, command in ipairs(inbox:connections()[1].commands) do list[#list + 1] = command.verb end
    return table.concat(list, " ")
  end

  it("option chunking = false is DATA where BDAT is offered", function()
    local inbox, client = mailing.start({ chunking = true })
    assert.is_true(sent(inbox, client).chunked)
    mailing.stop()
    inbox, client = mailing.start({ chunking = true }, { chunking = false })
    assert.is_falsy(sent(inbox, client).chunked)
    assert.matches("MAIL RCPT DATA", verbs(inbox))
  end)

  it("option pipelining = false is one command at a time", function()
    local flights = {}
    for _, pipelining in ipairs({ true, false }) do
      local inbox, client = mailing.start({ latency = 0.1 }, { pipelining = pipelining })
      sent(inbox, client)
      flights[pipelining] = inbox:connections()[1].flights
      mailing.stop()
    end
    assert.equal(flights[true] + 2, flights[false])
  end)
end)

describe("of the login,", function()
  after_each(mailing.stop)

  it("option auth, option auth.user and option auth.pass log in", function()
    local inbox, client = mailing.start({ auth = login, authInClear = true }, { auth = login })
    local got = sent(inbox, client)
    assert.same({ mechanism = "PLAIN", user = "user" }, got.auth)
  end)

  it("option auth may be empty, and option auth.type login alone: no login", function()
    for _, auth in ipairs({ {}, { type = "login" }, { type = "LOGIN" } }) do
      local inbox = mailing.inbox({ tls = "none" })
      local config = inbox:config()
      config.auth = auth
      assert.is_false(sent(inbox, mailing.client(config)).auth)
      mailing.stop()
    end
  end)

  it("option authMethod chooses the mechanism", function()
    local inbox, client = mailing.start(
      { auth = login, authInClear = true, mechanisms = { "PLAIN", "LOGIN" } }, { authMethod = " login " })
    assert.equal("LOGIN", sent(inbox, client).auth.mechanism)
  end)

  it("option auth.method does so before authMethod", function()
    local inbox = mailing.inbox({ tls = "none", auth = login, mechanisms = { "PLAIN", "LOGIN", "CRAM-MD5" },
                                  authInClear = true })
    local config = inbox:config({ authMethod = "PLAIN" })
    config.auth = { user = "user", pass = "s3cret-pass", method = "LOGIN" }
    assert.equal("LOGIN", sent(inbox, mailing.client(config)).auth.mechanism)
  end)
end)
