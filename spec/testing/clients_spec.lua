-- SPDX-License-Identifier: MIT
-- Clients that are not ours deliver to an inbox: nodemailer, Python's smtplib and Exim. What arrives is
-- compared octet by octet.
local cjson = require "cjson"
local exim_relay = require "spec.support.exim_relay"
local mailing = require "spec.support.mailing"
local net = require "spec.support.net"
local raw_client = require "spec.support.raw"
local smtp_server = require "spec.support.smtp_server"

local MODULES = "build/interop/npm/node_modules"
local USER = { user = "u", pass = "p", accessToken = "t" }

local dir

before_each(function() dir = net.tmpdir() end)
after_each(function()
  mailing.stop()
  net.remove_dir(dir)
end)

-- Lines that begin with dots, and that are as long as may be.
local function body(octets, text)
  local unit = "\r\n.\r\n..\r\n.dot " .. text .. "\r\n" .. ("l"):rep(998) .. "\r\n"
  return unit:rep(math.ceil(octets / #unit))
end

local HEADERS = "From: a@b.example\r\nTo: c@d.example\r\nSubject: for another client\r\n"
  .. "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@b.example>\r\n\r\n"
local SMALL = HEADERS .. body(10, "and text")
local LARGE = HEADERS .. body(11 * 1024 * 1024, "and octets beyond ASCII: \195\164\226\130\172")

local function run(command, wish)
  net.write_file(dir .. "/wish", cjson.encode(wish))
  return net.run(("%s <%s/wish"):format(command, dir))
end

local CLIENTS = {
  {
    name = "nodemailer", mechanisms = { "PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2" },
    said = "^250 [2.0 ]*Ok: queued", missing = smtp_server.missing,
    send = function(inbox, tls, mechanism, file)
      local options = {
        host = "localhost", port = inbox.port, secure = tls == "implicit", requireTLS = tls == "starttls",
        ignoreTLS = tls == "none", tls = inbox.ca and { ca = inbox.ca }, authMethod = mechanism,
      }
      if mechanism == "XOAUTH2" then
        options.auth = { type = "OAuth2", user = USER.user, accessToken = USER.accessToken }
      elseif mechanism then
        options.auth = { user = USER.user, pass = USER.pass }
      end
      return run("node spec/support/nodemailer_send.js", {
        modules = MODULES, options = options, from = "a@b.example", to = { "c@d.example", "e@f.example" },
        file = file,
      })
    end,
  }, {
    name = "smtplib", mechanisms = { "PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2" }, said = "^{}$",
    missing = function() end,
    send = function(inbox, tls, mechanism, file)
      return run("/usr/bin/python3 spec/support/smtplib_send.py", {
        port = inbox.port, tls = tls, ca = inbox.ca, mechanism = mechanism, user = USER.user,
        pass = mechanism == "XOAUTH2" and USER.accessToken or USER.pass, from = "a@b.example",
        to = { "c@d.example", "e@f.example" }, file = file,
      })
    end,
  },
}

-- One delivery, and what arrived.
local function deliver(client, options, mechanism, message)
  local inbox = mailing.inbox(options)
  net.write_file(dir .. "/message", message)
  local said = client.send(inbox, options.tls, mechanism, dir .. "/message")
  assert.matches(client.said, said)
  local mail = assert(inbox:waitFor())
  assert.is_true(mail.raw == message, "other octets arrived")
  assert.same({ "c@d.example", "e@f.example" }, mail.envelope.to)
  return mail, inbox
end

for _, client in ipairs(CLIENTS) do
  describe(client.name .. " delivers to an inbox", function()
    local missing = client.missing()
    if missing then
      it("every way", function() pending(missing) end)
      return
    end

    for _, tls in ipairs { "starttls", "implicit", "none" } do
      it(("11 MiB, octet by octet, with tls %q"):format(tls), function()
        local mail = deliver(client, { tls = tls, auth = tls ~= "none" and USER or nil },
          tls ~= "none" and "PLAIN" or nil, LARGE)
        assert.equal(tls ~= "none" and "TLSv1.3" or nil, mail.tls and mail.tls.version or nil)
        assert.same(tls ~= "none" and { mechanism = "PLAIN", user = "u" } or false, mail.auth)
      end)
    end

    for _, mechanism in ipairs(client.mechanisms) do
      it("with AUTH " .. mechanism, function()
        local options = { tls = "starttls", auth = USER, mechanisms = { mechanism } }
        local mail = deliver(client, options, mechanism, SMALL)
        assert.same({ mechanism = mechanism, user = "u" }, mail.auth)
        assert.equal("TLSv1.3", mail.tls.version)
        assert.same({}, mail.violations)
      end)
    end

    it("with the extensions of an old server only", function()
      local mail = deliver(client, { tls = "none", capabilities = { "8BITMIME" } }, nil, SMALL)
      assert.same({}, mail.violations)
      assert.is_false(mail.chunked)
    end)
  end)
end

local function flight_of(inbox, verb)
  for _, command in ipairs(inbox:connections()[1].commands) do
    if command.verb == verb then return command.flight end
  end
end

describe("nodemailer's PIPELINING", function()
  it("is one flight, and none where it is not offered", function()
    if smtp_server.missing() then return pending(smtp_server.missing()) end
    local _, inbox = deliver(CLIENTS[1], { tls = "none" }, nil, SMALL)
    assert.equal(flight_of(inbox, "MAIL"), flight_of(inbox, "DATA"))
    _, inbox = deliver(CLIENTS[1], { tls = "none", capabilities = { "8BITMIME" } }, nil, SMALL)
    assert.is_true(flight_of(inbox, "MAIL") < flight_of(inbox, "RCPT"))
  end)
end)

describe("Exim delivers to an inbox", function()
  -- What it adds stands in front; the rest is as it was.
  local function relay(tls, chunking, message)
    if exim_relay.missing() then return pending(exim_relay.missing()) end
    local options = { tls = tls, chunking = chunking, auth = tls ~= "none" and USER or nil }
    local inbox = mailing.inbox(options)
    local server = assert(exim_relay.start(inbox, options))
    finally(function() server:stop() end)
    local client = raw_client.connect(server)
    client:reply()
    client:expect("EHLO x", 250, "MAIL FROM:<a@b.example> BODY=8BITMIME", 250, "RCPT TO:<c@d.example>", 250,
      "RCPT TO:<e@f.example>", 250, "DATA", 354)
    client:send((message:gsub("\r\n%.", "\r\n..")))
    client:expect(".", 250)
    client:close()
    local mail, err = inbox:waitFor { timeout = 20 }
    assert(mail, (err or "") .. server:log())
    assert.is_true(mail.raw:sub(-#message) == message, "other octets arrived")
    assert.equal(chunking, mail.chunked)
    return mail, inbox
  end

  it("11 MiB by BDAT, in one flight with the envelope", function()
    local _, inbox = relay("none", true, LARGE)
    if inbox then assert.equal(flight_of(inbox, "MAIL"), flight_of(inbox, "BDAT")) end
  end)

  for _, tls in ipairs { "starttls", "implicit" } do
    for _, chunking in ipairs { true, false } do
      it(("over %s with AUTH, by %s"):format(tls, chunking and "BDAT" or "DATA"), function()
        local mail = relay(tls, chunking, SMALL)
        if not mail then return end
        assert.equal("TLSv1.3", mail.tls.version)
        assert.same({ mechanism = "PLAIN", user = "u" }, mail.auth)
        assert.same({}, mail.violations)
      end)
    end
  end
end)
