-- SPDX-License-Identifier: MIT
-- The service alone: no server, no socket, a clock of our own.
local SignIn = require "sign_in"
local smtp = require "logto_smtp"
local testing = require "logto_smtp.testing"
require "logto_smtp.testing.assertions"

local CONFIG = {
  host = "smtp.example", port = 587, auth = { user = "shop", pass = "secret" },
  fromEmail = "Shop <no-reply@shop.example>", templates = require "templates",
}

local capture, service, clock

before_each(function()
  capture = testing.captureTransport()
  clock = 1000000
  local number = 123455
  service = SignIn.new {
    connector = smtp.createConnector { transport = capture, getConfig = function() return CONFIG end },
    now = function() return clock end,
    newCode = function()
      number = number + 1
      return ("%06d"):format(number)
    end,
    blocked = { ["banned@example.com"] = true },
  }
end)

describe("a sign-in", function()
  it("succeeds with the code that was sent, once", function()
    assert.is_true(service:request("ann@example.com"))
    local mail = assert.mail_sent(capture, { to = "ann@example.com", type = "SignIn", code = "123456" })
    assert.is_true(service:verify("ann@example.com", mail.code))
    assert.same({ nil, "none" }, { service:verify("ann@example.com", mail.code) })
  end)

  it("has the words we agreed on", function()
    service:request("ann@example.com")
    assert.mail(capture:waitFor()).matches_snapshot("sign-in", { code = true })
  end)

  it("sends nothing to who is blocked, and does not tell", function()
    assert.is_true(service:request("Banned <banned@EXAMPLE.com>"))
    assert.no_mail_sent(capture, { to = "banned@example.com" })
  end)

  it("sends one mail a minute", function()
    service:request("ann@example.com")
    local _, why = service:request("ann@example.com")
    assert.mail_count(capture, 1)
    assert.equal("wait", why)
    clock = clock + 60
    assert.is_true(service:request("ann@example.com"))
    assert.mail_count(capture, 2)
    assert.is_true(service:verify("ann@example.com", "123457"))
  end)

  it("fails with a wrong code, after five attempts, and after ten minutes", function()
    service:request("ann@example.com")
    for _ = 1, 5 do assert.same({ nil, "wrong" }, { service:verify("ann@example.com", "000000") }) end
    assert.same({ nil, "too many" }, { service:verify("ann@example.com", "123456") })
    service:request("bob@example.com")
    clock = clock + 601
    assert.same({ nil, "expired" }, { service:verify("bob@example.com", "123457") })
  end)

  it("says what is wrong when the mail cannot be sent", function()
    capture:failNext { code = "EENVELOPE", response = "550 5.1.1 no such user" }
    assert.same({ nil, "undeliverable" }, { service:request("ann@example.com") })
    capture:failNext { code = "ECONNECTION", delivery = "unknown" }
    assert.same({ nil, "unavailable" }, { service:request("ann@example.com") })
    capture:failNext { code = "EDNS", times = 2 }
    assert.same({ nil, "unavailable" }, { service:request("ann@example.com") })
    assert.mail_count(capture, 0)
  end)
end)
