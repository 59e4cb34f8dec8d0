-- SPDX-License-Identifier: MIT
-- A real Postfix on loopback: what is delivered is what was composed, octet by octet, over each way in.

local bodies = require "spec.support.bodies"
local cjson = require "cjson"
local clock = require "spec.support.clock"
local core = require "logto_smtp.core"
local logto = require "logto_smtp"
local net = require "spec.support.net"
local postfix = require "spec.support.postfix"

local mail_of = bodies.mail

local function config_of(server, more)
  local config = {
    host = server.host,
    port = server.port,
    auth = { user = server.user, pass = server.pass },
    tls = { ca = server.ca },
  }
  for name, value in pairs(more or {}) do
    config[name] = value
  end
  return config
end

describe("a real Postfix", function()
  local server

  setup(function()
    server = assert(postfix.start())
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    server:clear()
  end)

  local function deliver(mail, more)
    local client = assert(core.client(config_of(server, more)))
    local info, err = client:send(mail)
    client:close()
    assert(info, err and err.message)
    return assert(server:wait_for(1))[1], info
  end

  local ways = {
    { "STARTTLS", {} },
    { "STARTTLS, DATA instead of BDAT", { chunking = false } },
    { "STARTTLS, one command at a time", { chunking = false, pipelining = false } },
  }

  for _, way in ipairs(ways) do
    for _, body in ipairs(bodies.list) do
      it("delivers " .. body.title .. " unchanged over " .. way[1], function()
        local mail = mail_of { text = body.text }
        local got = deliver(mail, way[2])
        assert.equal((assert(core.compose(mail))), got.raw)
      end)
    end
  end

  it("delivers over TLS from the first octet", function()
    local mail = mail_of()
    local got, info = deliver(mail, { port = server.smtps_port, secure = true })
    assert.equal((assert(core.compose(mail))), got.raw)
    assert.matches("TLSv1.3", got.received)
    assert.equal("no-reply@shop.example", got.returnPath)
    assert.equal("no-reply@shop.example", info.envelope.from)
    assert.same({ "box@test.example" }, info.accepted)
  end)

  it("delivers to an address with a UTF-8 local part (RFC 6531)", function()
    local got = deliver(mail_of { to = "õ@test.example", subject = "õ" })
    assert.equal("õ@test.example", got.deliveredTo)
  end)

  for _, address in ipairs({ '"a b"@test.example', '"a> <b"@test.example', '"a@evil.example"@test.example',
    '"john..doe"@test.example', [["a\"b\\c"@test.example]], "õ@test.example" }) do
    it("delivers to " .. address .. " and takes it as the original recipient (RFC 3461, 6533)", function()
      local dsn = { notify = "failure", recipient = address }
      local got = deliver(mail_of { to = { address = address }, dsn = dsn })
      assert.equal(address, got.deliveredTo)
    end)
  end

  it("delivers to each of To, Cc and Bcc, and shows no Bcc", function()
    local client = assert(core.client(config_of(server)))
    local info, err = client:send(mail_of { cc = "c@test.example", bcc = "secret@test.example" })
    client:close()
    assert(info, err and err.message)
    local to = {}
    for i, message in ipairs(assert(server:wait_for(3))) do
      to[i] = message.deliveredTo
      assert.is_nil(message.raw:find("secret@", 1, true))
    end
    table.sort(to)
    assert.same({ "box@test.example", "c@test.example", "secret@test.example" }, to)
  end)

  it("delivers text, HTML, an inline image and an attachment as one mail", function()
    local octets = {}
    for i = 0, 255 do
      octets[#octets + 1] = string.char(i)
    end
    local all = table.concat(octets):rep(40)
    local got = deliver(mail_of {
      text = "Kód 123456",
      html = '<p>Kód <b>123456</b> <img src="cid:logo@shop"></p>',
      attachments = {
        { filename = "logo.png", content = all, cid = "logo@shop" },
        { filename = "účet 2026.pdf", content = all },
      },
    })
    assert.equal("Kód 123456", (got.text:gsub("%s+$", "")))
    assert.matches("cid:logo@shop", got.html, 1, true)
    assert.equal(2, #got.attachments)
    for _, attachment in ipairs(got.attachments) do
      assert.equal(all, attachment.content)
    end
  end)

  it("reuses one login for many mails", function()
    local client = assert(core.client(config_of(server)))
    for i = 1, 20 do
      assert(client:send(mail_of { subject = "mail " .. i }))
    end
    local stats = client:stats()
    client:close()
    assert.equal(20, #assert(server:wait_for(20)))
    assert.equal(1, stats.connectionsOpened)
    assert.equal(1, stats.logins)
  end)

  it("carries many messages at once and answers each", function()
    local client = assert(core.client(config_of(server)))
    local open = {}
    for i = 1, 100 do
      open[assert(client:submit(mail_of { subject = "mail " .. i }))] = true
    end
    while client:pending() > 0 do
      for _, done in ipairs(client:poll(5)) do
        assert(done.info, done.err and done.err.message)
        assert.is_true(open[done.id])
        open[done.id] = nil
      end
    end
    client:close()
    assert.is_nil(next(open))
    local seen = {}
    for _, message in ipairs(assert(server:wait_for(100))) do
      assert.is_nil(seen[message.subject])
      seen[message.subject] = true
    end
  end)

  it("tells a wrong password as EAUTH with the server's words", function()
    local client = assert(core.client(config_of(server, { auth = { user = server.user, pass = "wrong" } })))
    local info, err = client:send(mail_of())
    client:close()
    assert.is_nil(info)
    assert.equal("EAUTH", err.code)
    assert.equal(535, err.responseCode)
    assert.matches("^Invalid login: 535 5%.7%.8", err.message)
    assert.is_nil(err.message:find("wrong", 1, true))
  end)

  it("verifies without sending", function()
    local client = assert(core.client(config_of(server)))
    local seen = assert(client:verify())
    client:close()
    assert.equal("PLAIN", seen.mechanism)
    assert.equal("TLSv1.3", seen.tls.version)
    assert.matches("^220 ", seen.greeting)
    assert.equal(0, #server:messages())
  end)

  it("takes the mails of the demo", function()
    local file = assert(io.open("examples/config.json"))
    local config = cjson.decode(file:read("*a"))
    file:close()
    for name, value in pairs(config_of(server)) do
      config[name] = value
    end
    local connector = logto.createConnector { getConfig = function() return config end }
    for _, usage in ipairs { "SignIn", "Register", "ForgotPassword", "Generic" } do
      local payload = { code = "123456", user = { name = "Ada" }, application = { name = "Shop" } }
      assert(connector.sendMessage { to = "ada@test.example", type = usage, payload = payload })
    end
    local arrived = assert(server:wait_for(4))
    for _, message in ipairs(arrived) do
      assert.matches("123456", (message.text or "") .. (message.html or ""), 1, true)
    end
    require("logto_smtp.transport").default.close()
  end)
end)

describe("a real Postfix that offers", function()
  for _, mechanism in ipairs { "PLAIN", "LOGIN", "CRAM-MD5", "LOGIN PLAIN CRAM-MD5" } do
    it(mechanism .. " is logged in to", function()
      local server = assert(postfix.start { mechanisms = mechanism })
      local client = assert(core.client(config_of(server)))
      local info, err = client:send(mail_of())
      local seen = client:verify()
      client:close()
      local arrived = info and server:wait_for(1)
      server:stop()
      assert(info, err and err.message)
      assert.equal(1, #arrived)
      assert.equal(mechanism:find("PLAIN") and "PLAIN" or mechanism, seen.mechanism)
    end)
  end

  it("a limit on the size gets no message above it", function()
    local server = assert(postfix.start { size = 20000 })
    local client = assert(core.client(config_of(server)))
    local info, err = client:send(mail_of { text = ("many words "):rep(5000) })
    client:close()
    server:stop()
    assert.is_nil(info)
    assert.equal("EMESSAGE", err.code)
    assert.matches("20000", err.message)
    assert.equal("not_sent", err.delivery)
  end)
end)

describe("the private Postfix", function()
  it("leaves nothing behind", function()
    local server = assert(postfix.start())
    local dir, port = server.dir, server.port
    server:stop()
    assert.is_truthy(clock.eventually(function() return not net.is_open(port) end))
    assert.is_truthy(clock.eventually(function() return net.read_file(dir .. "/etc/main.cf") == nil end))
  end)
end)
