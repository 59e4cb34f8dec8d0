-- SPDX-License-Identifier: MIT
-- The transport without a socket: what it keeps, what it refuses, and that its errors are the real ones.
local clock = require "spec.support.clock"
local mailing = require "spec.support.mailing"
local net = require "spec.support.net"
local shell = require "spec.support.shell"
local smtp = require "logto_smtp"
local testing = require "logto_smtp.testing"

local CONFIG = {
  host = "smtp.example", port = 587, auth = { user = "u", pass = "p" },
  fromEmail = "Shop <no-reply@shop.example>",
  templates = {
    { usageType = "SignIn", contentType = "text/plain", subject = "Sign in", content = "{{code}}" },
    { usageType = "Register", contentType = "text/html", subject = "Hi {{name}}",
      content = "<b>{{code}}</b>" },
    { usageType = "ForgotPassword", contentType = "text/plain", subject = "Reset", content = "{{code}}" },
    { usageType = "Generic", contentType = "text/plain", subject = "Code", content = "{{code}}" },
  },
}

local capture, connector

local function send(type_, code, to)
  local payload = { code = code, name = "\195\132nne" }
  return connector.sendMessage({ to = to or "user@example.com", type = type_, payload = payload }, CONFIG)
end

before_each(function()
  capture = testing.captureTransport()
  connector = smtp.createConnector { transport = capture }
end)

after_each(mailing.stop)

describe("captureTransport()", function()
  it("keeps what a connector sends, decoded", function()
    local info = assert(send("Register", "135790"))
    assert.same({ "user@example.com" }, info.accepted)
    local mail = capture:waitFor { type = "Register", code = "135790" }
    assert.equal("Hi \195\132nne", mail.subject)
    assert.equal("<b>135790</b>\r\n", mail.html)
    assert.equal("no-reply@shop.example", mail.envelope.from)
    assert.same({ "user@example.com" }, mail.envelope.to)
    assert.equal(info.messageId, mail.messageId)
    assert.equal(info.messageSize, #mail.raw)
    assert.is_false(mail.tls)
  end)

  it("counts, forgets, and explains as an inbox does", function()
    local none, err = capture:waitFor { to = "a@b.example" }
    assert.is_nil(none)
    assert.equal('expected 1 mail with to "a@b.example", but none arrived; '
      .. "nothing was sent through this transport", err)
    for i = 1, 3 do assert(send("SignIn", "10000" .. i)) end
    assert.equal(3, #capture:waitFor { n = 3 })
    none, err = capture:waitFor { code = "100004" }
    assert.is_nil(none)
    assert.matches("mail 1, to user@example.com, subject \"Sign in\", code 100001\n"
      .. "    code: expected 100004\n               got 100001\n                        ^", err, 1, true)
    capture:clear()
    assert.equal(0, #capture:messages())
    assert(send("SignIn", "200000"))
    assert.equal(4, capture:waitFor().number)
    assert.has_error(function() capture:waitFor { too = "x" } end)
  end)

  it("gives two captures nothing in common", function()
    local other = testing.captureTransport()
    assert(send("SignIn", "123456"))
    assert.equal(0, #other:messages())
  end)

  it("refuses what cannot be composed, as the real transport does", function()
    local mail = { from = "a@b.example", to = {}, subject = "x", text = "y" }
    local client = mailing.client { host = "127.0.0.1", port = 1 }
    local _, real = client:send(mail)
    local _, err = capture.send(CONFIG, mail)
    assert.same(real, err)
    assert.equal(0, #capture:messages())
  end)

  it("composes the octets that an inbox receives", function()
    local mail = mailing.mail {
      text = "\195\164\n.\n", messageId = "<1@example.com>", date = "Mon, 02 Nov 2026 10:00:00 +0000",
    }
    local inbox, client = mailing.start()
    assert(client:send(mail))
    assert(capture.send({}, mail))
    local real, ours = inbox:waitFor(), capture:waitFor()
    assert.equal(real.raw, ours.raw)
    assert.same(real.envelope.to, ours.envelope.to)
  end)

  it("takes microseconds", function()
    local mail = mailing.mail()
    for _ = 1, 200 do assert(capture.send(CONFIG, mail)) end
    clock.spares_processor(10, function()
      for _ = 1, 1000 do capture.send(CONFIG, mail) end
    end)
  end)

  it("needs no LuaSocket", function()
    local code = ("package.path=%q package.cpath=%q "):format(package.path, package.cpath) .. [[
      for _, name in ipairs { "socket", "socket.core", "ssl", "mime" } do
        package.preload[name] = function() error(name .. " was required") end
      end
      local capture = require("logto_smtp.testing").captureTransport()
      assert(capture.send({}, { from = "a@b.example", to = "c@d.example", text = "code 123456" }))
      print(capture:waitFor({ to = "c@d.example" }).code)]]
    assert.equal("123456", (net.run(shell.interpreter() .. " -e " .. net.quote(code))))
  end)
end)

describe("capture:failNext()", function()
  -- Rules for a real server, or settings that fail, and the rule that makes the same error.
  local ROWS = {
    { rule = { at = "RCPT", code = 550, text = "5.1.1 nobody" },
      fail = { code = "EENVELOPE", response = "550 5.1.1 nobody" } },
    { rule = { at = "RCPT", code = 450, text = "4.7.1 later" },
      fail = { code = "EENVELOPE", responseCode = 450, response = "4.7.1 later" } },
    { rule = { at = "MAIL", code = 553, text = "5.7.1 not you" },
      fail = { code = "EENVELOPE", at = "MAIL", response = "553 5.7.1 not you" } },
    { rule = { at = "CONTENT", code = 554, text = "5.7.1 Message refused" }, fail = { code = "EMESSAGE" } },
    { rule = { at = "CONTENT", code = 452, text = "4.0.0 Refused" },
      fail = { code = "EMESSAGE", responseCode = 452 } },
    { rule = { at = "AUTH", code = 535, text = "5.7.8 Authentication credentials invalid" },
      fail = { code = "EAUTH" }, options = { tls = "none", auth = { user = "u", pass = "p" } } },
    { rule = { at = "CONNECT", code = 421, text = "4.3.2 Service not available", times = "always" },
      fail = { code = "EPROTOCOL" }, config = { totalTimeout = 700 } },
    { rule = { at = "CONNECT", drop = "before", times = "always" }, fail = { code = "ECONNECTION" },
      config = { totalTimeout = 700 } },
    { rule = { at = "CONTENT", drop = "before" }, fail = { code = "ECONNECTION", delivery = "unknown" } },
    { rule = { at = "CONNECT", silent = true }, fail = { code = "ETIMEDOUT" },
      config = { greetingTimeout = 100 } },
    { rule = { at = "CONTENT", silent = true }, fail = { code = "ETIMEDOUT", delivery = "unknown" },
      config = { socketTimeout = 100 } },
    { config = { port = 1 }, fail = { code = "ESOCKET" }, other_words = true },
    { config = { host = "nowhere.invalid" }, fail = { code = "EDNS" }, other_words = true },
    { options = { certificate = "expired" }, fail = { code = "ETLS" }, other_words = true },
    { config = { proxy = "http://127.0.0.1:1" }, fail = { code = "EPROXY" } },
    { config = { host = "smtp.example", auth = { type = "OAuth2", user = "u", refreshToken = "r",
      clientId = "c", clientSecret = "s", accessUrl = "http://127.0.0.1:1/t" } },
      fail = { code = "EOAUTH2" }, other_words = true },
  }

  for _, row in ipairs(ROWS) do
    local where = row.rule and "a server at " .. row.rule.at or "the world"
    it(("makes the %s that comes from %s"):format(row.fail.code, where), function()
      local inbox = mailing.inbox(row.options or { tls = "none" })
      if row.rule then inbox:nextReply(row.rule) end
      local config = inbox:config(row.config)
      local _, real = mailing.client(config):send(mailing.mail())
      capture:failNext(row.fail)
      local _, err = capture.send(config, mailing.mail())
      if row.other_words then err.message = real.message end
      assert.same(real, err)
      assert(capture.send(config, mailing.mail()))
      assert.equal(1, #capture:messages())
    end)
  end

  it("fails as often as told, for the recipient told, in the order given", function()
    capture:failNext { code = "EENVELOPE", to = "Bad@example.com", times = "always" }
    capture:failNext { code = "ETIMEDOUT", times = 2 }
    local function outcome(to)
      local _, err = send("SignIn", "123456", to)
      return err and err.cause.code or "sent"
    end
    assert.equal("EENVELOPE", outcome("bad@example.com"))
    assert.equal("ETIMEDOUT", outcome("good@example.com"))
    assert.equal("EENVELOPE", outcome("bad@example.com"))
    assert.equal("ETIMEDOUT", outcome("good@example.com"))
    assert.equal("sent", outcome("good@example.com"))
    assert.equal("EENVELOPE", outcome("bad@example.com"))
    assert.equal(1, #capture:messages())
  end)

  it("reaches the caller of sendMessage as the cause of a ConnectorError", function()
    capture:failNext { code = "EENVELOPE", responseCode = 450 }
    local info, err = send("SignIn", "123456")
    assert.is_nil(info)
    assert.equal(smtp.ConnectorErrorCodes.General, err.code)
    assert.equal(450, err.cause.responseCode)
    assert.is_false(err.cause.permanent)
  end)

  it("raises on a rule that cannot be meant", function()
    for _, row in ipairs {
      { { code = "EWHAT" }, "code must be one of EAUTH, " }, { { kode = "EAUTH" }, 'unknown field "kode"' },
      { { code = "EAUTH", responseCode = "535" }, "responseCode must be a number, got string" },
      { { code = "EDNS", response = "550 x" }, "EDNS comes without an answer of the server" },
      { { code = "EAUTH", delivery = "unknown" }, "EAUTH never leaves the delivery unknown" },
      { { code = "EMESSAGE", at = "RCPT" }, "at is for EENVELOPE" },
      { { code = "EENVELOPE", at = "DATA" }, 'at must be "MAIL" or "RCPT"' },
      { { code = "EAUTH", times = "ever" }, "times must be a number" }, { "EAUTH", "table expected" },
    } do
      local ok, err = pcall(capture.failNext, capture, row[1])
      assert.is_false(ok)
      assert.matches(row[2], err, 1, true)
    end
  end)
end)
