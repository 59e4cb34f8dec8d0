-- SPDX-License-Identifier: MIT
-- The service with a real SMTP server: STARTTLS, a login, and what servers do when they are not in the mood.
local SignIn = require "sign_in"
local smtp = require "logto_smtp"
local testing = require "logto_smtp.testing"
require "logto_smtp.testing.assertions"

local inbox, service

setup(function() inbox = assert(testing.startInbox { auth = { user = "shop", pass = "secret" } }) end)

teardown(function()
  require("logto_smtp.transport").default.close()
  inbox:stop()
end)

before_each(function()
  inbox:clear()
  inbox:clearScript()
  local config = inbox:config { templates = require "templates" }
  service = SignIn.new {
    connector = smtp.createConnector { getConfig = function() return config end },
    newCode = function() return "123456" end,
  }
end)

describe("a code", function()
  it("arrives over TLS, with a login", function()
    assert.is_true(service:request("ann@example.com"))
    local mail = assert.mail_sent(inbox, { to = "ann@example.com", code = "123456", timeout = 1 })
    assert.truthy(mail.tls)
    assert.equal("shop", mail.auth.user)
    assert.same({}, mail.violations)
  end)

  it("arrives where the server greylists, once", function()
    inbox:nextReply(testing.greylisting())
    local ok = service:request("ann@example.com")
    assert.mail_count(inbox, 1, { to = "ann@example.com", timeout = 0.3 })
    assert.is_true(ok)
  end)

  it("is not sent again when it may have arrived", function()
    inbox:nextReply { at = "CONTENT", drop = "before" }
    local _, why = service:request("ann@example.com")
    assert.mail_count(inbox, 1, { timeout = 0.3 })
    assert.equal("unavailable", why)
  end)

  it("is refused for good by a server that does not know the address", function()
    inbox:nextReply { at = "RCPT", code = 550, text = "5.1.1 no such user", times = 2 }
    assert.same({ nil, "undeliverable" }, { service:request("ann@example.com") })
    assert.no_mail_sent(inbox)
  end)
end)
