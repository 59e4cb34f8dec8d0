-- SPDX-License-Identifier: MIT
local certificate = require("logto_smtp.inbox.certificate")
local clock = require("spec.support.clock")
local mailing = require("spec.support.mailing")

local login = { user = "user", pass = "s3cret-pass" }

local function contains(text, wanted)
  assert.is_true(text:find(wanted, 1, true) ~= nil, ("%q is not in %q"):format(wanted, text))
end

-- The config of an inbox, without its authority unless the overrides bring one.
local function client_without_ca(inbox, overrides)
  local config = inbox:config(overrides)
  if not (overrides and overrides.tls and overrides.tls.ca) then config.tls.ca = nil end
  return mailing.client(config)
end

local function tls_error(inbox, overrides)
  local info, err = client_without_ca(inbox, overrides):send(mailing.mail())
  assert.is_nil(info)
  assert.equal("ETLS", err.code)
  assert.equal("CONN", err.command)
  assert.equal(0, inbox:counters().messages)
  assert.equal(0, inbox:counters().auths)
  return err
end

for _, mode in ipairs({ "starttls", "implicit" }) do
  describe("check 27: certificates, " .. mode, function()
    after_each(mailing.stop)

    local function start(kind)
      return mailing.inbox({ tls = mode, certificate = kind, auth = login })
    end

    it("accepts one that tls.ca vouches for", function()
      local inbox = start("valid")
      assert(mailing.client(inbox:config()):send(mailing.mail()))
      assert.equal("TLSv1.3", inbox:messages()[1].tls.version)
    end)

    it("refuses one that nothing vouches for, and says what to do", function()
      local err = tls_error(start("valid"))
      assert.equal("tls_untrusted", err.reason)
      contains(err.message, "unable to get local issuer certificate")
      contains(err.message, "tls.ca")
    end)

    it("refuses a self-signed one, and accepts it as its own tls.ca", function()
      local inbox = start("self_signed")
      contains(tls_error(inbox).message, "self-signed certificate")
      assert(client_without_ca(inbox, { tls = { ca = inbox.certificate } }):send(mailing.mail()))
    end)

    it("refuses one for another name, and names the names", function()
      local inbox = start("wrong_name")
      local err = tls_error(inbox, { tls = { ca = inbox.ca } })
      assert.equal("tls_wrong_name", err.reason)
      contains(err.message, "the certificate is for wrong.example, not for 127.0.0.1")
      contains(err.message, "tls.servername")
    end)

    it("refuses one that has expired, and says when", function()
      local inbox = start("expired")
      local err = tls_error(inbox, { tls = { ca = inbox.ca } })
      assert.equal("tls_expired", err.reason)
      contains(err.message, "certificate has expired")
      contains(err.message, "expired on " .. os.date("!%Y-"))
    end)

    it("accepts any with tls.rejectUnauthorized = false", function()
      for _, kind in ipairs({ "valid", "self_signed", "wrong_name", "expired" }) do
        local inbox = start(kind)
        assert(client_without_ca(inbox, { tls = { rejectUnauthorized = false } }):send(mailing.mail()))
        mailing.stop()
      end
    end)

    for _, where in ipairs({ "servername", "tls.servername" }) do
      it(where .. " is the name to ask for and to verify", function()
        local inbox = start("wrong_name")
        local overrides = where == "servername" and { servername = "wrong.example" }
          or { servername = "other.example", tls = { servername = "wrong.example" } }
        assert(mailing.client(inbox:config(overrides)):send(mailing.mail()))
        assert.equal("wrong.example", inbox:messages()[1].tls.servername)
      end)
    end

    it("asks for no name where the host is an address, and verifies the address", function()
      local inbox = start("valid")
      assert(mailing.client(inbox:config({ host = "127.0.0.1" })):send(mailing.mail()))
      assert.is_nil(inbox:messages()[1].tls.servername)
    end)

    it("asks for the host's name", function()
      local inbox = start("valid")
      assert(mailing.client(inbox:config({ host = "localhost" })):send(mailing.mail()))
      assert.equal("localhost", inbox:messages()[1].tls.servername)
    end)

    it("replaces the system's trust store by tls.ca", function()
      local inbox = start("valid")
      local other = assert(certificate.make("valid")).ca
      contains(tls_error(inbox, { tls = { ca = other } }).message, "tls.ca")
    end)

    it("reports a tls.ca that is no certificate", function()
      local broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
      local client, issues = require("logto_smtp.core").client({ host = "127.0.0.1", port = 25,
        tls = { ca = broken } })
      assert.is_nil(client)
      contains(issues[1].message, "tls.ca must hold certificates in PEM")
    end)

    it("keeps to tls.minVersion and tls.maxVersion", function()
      local old = mailing.inbox({ tls = mode, tlsProtocol = "tlsv1_2" })
      local _, err = mailing.client(old:config({ tls = { minVersion = "TLSv1.3" } })):send(mailing.mail())
      assert.equal("ETLS", err.code)
      assert.equal("tls_version", err.reason)
      contains(err.message, "tls.minVersion")
      assert(mailing.client(old:config({ tls = { minVersion = "TLSv1.2" } })):send(mailing.mail()))
      local new = mailing.inbox({ tls = mode })
      assert(mailing.client(new:config({ tls = { maxVersion = "TLSv1.2" } })):send(mailing.mail()))
      assert.equal("TLSv1.2", new:messages()[1].tls.version)
    end)

    it("names a handshake the server breaks off", function()
      local inbox = start("valid")
      inbox:nextReply({ at = "TLS", drop = "before" })
      local _, err = mailing.client(inbox:config()):send(mailing.mail())
      assert.equal("ETLS", err.code)
      assert.equal("tls_failed", err.reason)
      contains(err.message, "TLS with")
    end)
  end)
end

-- By RFC 8446, 6.2. The server's words are the same number in every language.
local ALERTS = {
  { 40, "handshake_failure", "tls_nothing_common" }, { 71, "insufficient_security", "tls_nothing_common" },
  { 70, "protocol_version", "tls_version" },
  { 42, "bad_certificate", "tls_client_certificate_refused" },
  { 43, "unsupported_certificate", "tls_client_certificate_refused" },
  { 44, "certificate_revoked", "tls_client_certificate_refused" },
  { 45, "certificate_expired", "tls_client_certificate_refused" },
  { 46, "certificate_unknown", "tls_client_certificate_refused" },
  { 48, "unknown_ca", "tls_client_certificate_refused" },
  { 116, "certificate_required", "tls_client_certificate_wanted" },
  { 10, "unexpected_message", "tls_failed" }, { 80, "internal_error", "tls_failed" },
}

describe("a handshake that the server ends with the alert", function()
  after_each(mailing.stop)

  for _, row in ipairs(ALERTS) do
    it(("%s is told as %s"):format(row[2], row[3]), function()
      local inbox, client = mailing.start({ tls = "none" }, { secure = true })
      inbox:nextReply({ at = "CONNECT", raw = string.char(21, 3, 3, 0, 2, 2, row[1]) })
      local _, err = client:send(mailing.mail())
      assert.same({ "ETLS", row[3] }, { err.code, err.reason })
    end)
  end

  it("a web server's answer is told as a port without TLS", function()
    local inbox, client = mailing.start({ tls = "none" }, { secure = true })
    inbox:nextReply({ at = "CONNECT", raw = "HTTP/1.1 400 Bad Request\r\n\r\n" })
    local _, err = client:send(mailing.mail())
    assert.same({ "ETLS", "tls_clear_port" }, { err.code, err.reason })
  end)
end)

describe("check 28: the wrong kind of port", function()
  after_each(mailing.stop)

  it("TLS on a port in clear ends with ETLS and says what to set", function()
    local _, client = mailing.start({ tls = "starttls" }, { secure = true })
    local _, err, span = clock.timed(function() return client:send(mailing.mail()) end)
    assert.equal("ETLS", err.code)
    assert.equal("tls_clear_port", err.reason)
    contains(err.message, "wrong version number")
    contains(err.message, "secure")
    span:ended()
  end)

  it("clear on a TLS port ends with the time for the greeting", function()
    local _, client = mailing.start({ tls = "implicit" }, { secure = false, greetingTimeout = 300 })
    local _, err, span = clock.timed(function() return client:send(mailing.mail()) end)
    assert.equal("ETIMEDOUT", err.code)
    assert.equal("timeout_greeting", err.reason)
    assert.equal("Greeting never received", err.message)
    span:ended()
  end)
end)

describe("check 26: STARTTLS", function()
  after_each(mailing.stop)

  it("is used where offered, without being asked for", function()
    local inbox, client = mailing.start({ tls = "starttls" })
    assert(client:send(mailing.mail()))
    assert.is_table(inbox:messages()[1].tls)
  end)

  it("is used where offered in small letters", function()
    local inbox, client = mailing.start({
      tls = "starttls", auth = login, capabilities = { "starttls", "auth=plain", "size 1000000" },
    })
    assert(client:send(mailing.mail()))
    assert.is_table(inbox:messages()[1].tls)
    assert.equal("PLAIN", inbox:messages()[1].auth.mechanism)
  end)

  it("refused with 454 ends the attempt before anything goes out in clear", function()
    local inbox, client = mailing.start({ tls = "starttls", auth = login, authInClear = true })
    inbox:nextReply({ at = "STARTTLS", code = 454, text = "4.7.0 TLS not available" })
    local _, err = client:send(mailing.mail())
    assert.equal("ETLS", err.code)
    assert.equal("STARTTLS", err.command)
    assert.equal(454, err.responseCode)
    assert.equal("Error upgrading connection with STARTTLS: 454 4.7.0 TLS not available", err.message)
    assert.equal(0, inbox:counters().auths)
  end)

  it("refused ends the attempt without a login, too", function()
    local inbox, client = mailing.start({ tls = "starttls" })
    inbox:nextReply({ at = "STARTTLS", code = 454, text = "no" })
    local _, err = client:send(mailing.mail())
    assert.equal("ETLS", err.code)
    assert.equal(0, inbox:counters().messages)
  end)

  it("missing with requireTLS ends the attempt before AUTH", function()
    local inbox, client = mailing.start({ auth = login, authInClear = true }, { requireTLS = true })
    local _, err = client:send(mailing.mail())
    assert.equal("ETLS", err.code)
    assert.equal("STARTTLS", err.command)
    assert.equal(0, inbox:counters().auths)
  end)

  it("missing with requireTLS is not put right by HELO", function()
    local inbox, client = mailing.start(nil, { requireTLS = true })
    inbox:nextReply({ at = "EHLO", code = 500, text = "unknown" })
    local _, err = client:send(mailing.mail())
    assert.equal("ETLS", err.code)
    assert.equal(0, inbox:counters().messages)
  end)

  it("is not used with ignoreTLS", function()
    local options = { tls = "starttls", auth = login, authInClear = true }
    local inbox, client = mailing.start(options, { ignoreTLS = true })
    assert(client:send(mailing.mail()))
    assert.is_false(inbox:messages()[1].tls)
  end)

  it("with more than its reply in the answer is refused", function()
    local inbox, client = mailing.start({ tls = "starttls" })
    inbox:nextReply({ at = "STARTTLS", extra = "250 injected\r\n" })
    local info, err = client:send(mailing.mail())
    assert.is_nil(info)
    assert.equal("EPROTOCOL", err.code)
    assert.equal(0, inbox:counters().messages)
  end)
end)

-- 0.0.0.0 reaches this machine, and is no loopback address by its looks.
describe("a password in clear to another machine", function()
  after_each(mailing.stop)

  local clear = { auth = login, authInClear = true }

  it("is not sent: ETLS before AUTH", function()
    local inbox, client = mailing.start(clear, { host = "0.0.0.0" })
    local _, err = client:send(mailing.mail())
    assert.equal("ETLS", err.code)
    assert.equal("tls_not_offered", err.reason)
    contains(err.message, "ignoreTLS")
    assert.equal(0, inbox:counters().auths)
    local commands = inbox:connections()[1].commands
    assert.equal("EHLO", commands[#commands].verb)
  end)

  it("is sent with ignoreTLS", function()
    local inbox, client = mailing.start(clear, { host = "0.0.0.0", ignoreTLS = true })
    assert(client:send(mailing.mail()))
    assert.equal(1, inbox:counters().auths)
  end)

  it("goes nowhere, so mail without a login needs no TLS", function()
    local inbox, client = mailing.start(nil, { host = "0.0.0.0", auth = { type = "login" } })
    assert(client:send(mailing.mail()))
    assert.equal(1, inbox:counters().messages)
  end)

  it("is sent to this machine", function()
    local inbox, client = mailing.start(clear)
    assert(client:send(mailing.mail()))
    assert.equal(1, inbox:counters().auths)
  end)
end)
