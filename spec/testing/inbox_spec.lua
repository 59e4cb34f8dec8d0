-- SPDX-License-Identifier: MIT
local clock = require "spec.support.clock"
local guard = require "spec.support.guard"
local mime = require "mime"
local net = require "spec.support.net"
local raw = require "spec.support.raw"
local testing = require "logto_smtp.testing"

local mark, inbox, client

local function start(options)
  inbox = assert(testing.startInbox(options))
  return inbox
end

-- A client that has read the greeting and said EHLO.
local function greeted(options)
  start(options)
  client = raw.connect(inbox, options and options.tls == "implicit")
  assert.equal(220, (client:reply()))
  client:expect("EHLO client.example", 250)
  return client
end

local function plain(user, pass)
  return "AUTH PLAIN " .. mime.b64("\0" .. user .. "\0" .. pass)
end

local function deliver(text)
  client:expect("MAIL FROM:<a@b.example>", 250, "RCPT TO:<c@d.example>", 250, "DATA", 354,
    text .. "\r\n.", 250)
end

before_each(function() mark = guard.mark() end)

after_each(function()
  if client then client:close() end
  if inbox then inbox:stop() end
  client, inbox = nil, nil
  guard.check(mark)
end)

describe("startInbox()", function()
  it("listens on a free loopback port and leaves it when stopped", function()
    start()
    assert.equal("127.0.0.1", inbox.host)
    assert.is_true(net.is_open(inbox.port))
    inbox:stop()
    assert.is_false(net.is_open(inbox.port))
    inbox:stop()
  end)

  it("takes a wanted port, and tells when it is taken", function()
    start { tls = "none" }
    local other, err = testing.startInbox { port = inbox.port, tls = "none" }
    assert.is_nil(other)
    assert.matches("cannot listen on 127.0.0.1 port " .. inbox.port, err, 1, true)
  end)

  it("raises on options that cannot be meant", function()
    for _, row in ipairs {
      { { prot = 1 }, "unknown option \"prot\"" },
      { { port = "25" }, "port: number expected, got string" },
      { { tls = "ssl" }, "tls:" },
      { { mechanisms = { "NTLM" } }, "unknown mechanism NTLM" },
      { { auth = { pass = "p" } }, "auth:" },
      { { script = { { at = "SOON" } } }, "script: rule 1: at must be one of" },
      { { certificate = "old" }, "certificate:" },
    } do
      local ok, err = pcall(testing.startInbox, row[1])
      assert.is_false(ok)
      assert.matches(row[2], err, 1, true)
    end
  end)

  it("tells what keeps it from starting", function()
    local none, err = testing.startInbox { interpreter = "/nonexistent/lua" }
    assert.is_nil(none)
    assert.matches("did not start.*/nonexistent/lua", err)
  end)

  it("finds an interpreter when the process is a program of another name", function()
    local dir = net.tmpdir()
    net.run(('cp "$(readlink /proc/$PPID/exe)" %s/app'):format(dir))
    local program = ("package.path=%q package.cpath=%q "):format(package.path, package.cpath)
      .. [[local i = assert(require("logto_smtp.testing").startInbox { tls = "none" })
        print(i.port) i:stop()]]
    local said = net.run(dir .. "/app -e " .. net.quote(program))
    net.remove_dir(dir)
    assert.matches("^%d+$", said)
  end)

  it("starts several at once", function()
    local others = {}
    for i = 1, 3 do others[i] = assert(testing.startInbox()) end
    start()
    for _, other in ipairs(others) do
      assert.is_true(net.is_open(other.port))
      assert.not_equal(inbox.port, other.port)
    end
    others[2]:stop()
    assert.is_true(net.is_open(others[1].port))
    others[1]:stop()
    others[3]:stop()
  end)

  it("ends with the process that started it, however that ends", function()
    local program = [[local i = assert(require("logto_smtp.testing").startInbox { tls = "none" })
      print(i.port) io.stdout:flush() os.execute("kill -9 $PPID")]]
    local paths = ("package.path=%q package.cpath=%q "):format(package.path, package.cpath)
    local lua = net.run("readlink /proc/$PPID/exe")
    local said = net.run(net.quote(lua) .. " -e " .. net.quote(paths .. program))
    local port = tonumber(said:match("^(%d+)"))
    assert.is_number(port)
    assert.is_true(clock.eventually(function() return not net.is_open(port) end))
  end)
end)

describe("inbox:config()", function()
  it("gives what a connector needs, merged with overrides", function()
    start { auth = { user = "u", pass = "p" } }
    local config = inbox:config { tls = { rejectUnauthorized = false }, fromEmail = "x@y.example" }
    assert.equal(inbox.port, config.port)
    assert.same({ user = "u", pass = "p" }, config.auth)
    assert.same({ ca = inbox.ca, rejectUnauthorized = false }, config.tls)
    assert.equal("x@y.example", config.fromEmail)
    assert.equal(4, #config.templates)
    assert.is_false(config.secure)
  end)
end)

describe("EHLO", function()
  local function offered(options, over_tls)
    greeted(options)
    if over_tls then
      client:expect("STARTTLS", 220)
      client:tls()
    end
    local _, text = client:ask("EHLO x")
    return text
  end

  it("offers STARTTLS and keeps AUTH for TLS", function()
    assert.equal("inbox.example\nPIPELINING\nSIZE 33554432\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\n"
      .. "STARTTLS", offered { auth = { user = "u", pass = "p" } })
  end)

  it("offers AUTH and no STARTTLS over TLS", function()
    assert.equal("inbox.example\nPIPELINING\nSIZE 33554432\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\n"
      .. "AUTH PLAIN LOGIN", offered({ auth = { user = "u", pass = "p" } }, true))
  end)

  it("shows a given list and refuses what is not in it", function()
    assert.equal("inbox.example\nSIZE 1000", offered { tls = "none", capabilities = { "SIZE 1000" } })
    client:expect("MAIL FROM:<a@b> BODY=8BITMIME", 555, "MAIL FROM:<a@b> SIZE=1001", 552, "STARTTLS", 502,
      "AUTH PLAIN", 502, "BDAT 1 LAST", 502)
  end)
end)

describe("a session (RFC 5321)", function()
  it("answers 503 to commands out of order", function()
    start { tls = "none" }
    client = raw.connect(inbox)
    client:reply()
    client:expect("MAIL FROM:<a@b>", 503, "EHLO x", 250, "RCPT TO:<a@b>", 503, "DATA", 503,
      "MAIL FROM:<a@b>", 250, "MAIL FROM:<a@b>", 503, "DATA", 554, "RCPT TO:<c@d.e>", 250, "RSET", 250,
      "RCPT TO:<c@d.e>", 503)
  end)

  it("answers RSET, NOOP, VRFY, HELP, HELO, QUIT, and 500 to what it does not know", function()
    greeted { tls = "none" }
    client:expect("noop", 250, "VRFY me", 252, "HELP", 214, "HELO me", 250, "FROB", 500, "", 500,
      "MAIL", 501, "EXPN x", 502, "QUIT", 221)
    local _, why = client:rest()
    assert.equal("closed", why)
  end)

  it("reads paths with quotes, source routes and parameters", function()
    greeted { tls = "none" }
    client:expect('MAIL FROM:<"a>b c"@d.example> SIZE=10 BODY=8BITMIME', 250,
      "RCPT TO:<@x,@y:c@d.example>", 250,
      "RCPT TO:<postmaster>", 250, "RCPT TO:<>", 501, "RCPT TO:c@d.example", 501, "RCPT TO:<c@d", 501,
      "RCPT TO:<c@d.example> NOTIFY=NEVER", 555, "DATA", 354, "\r\nx\r\n.", 250)
    local envelope = inbox:waitFor().envelope
    assert.equal('"a>b c"@d.example', envelope.from)
    assert.same({ "c@d.example", "postmaster" }, envelope.to)
    assert.same({ SIZE = "10", BODY = "8BITMIME" }, envelope.mailParams)
  end)

  it("wants SMTPUTF8 for addresses beyond ASCII", function()
    greeted { tls = "none" }
    client:expect("MAIL FROM:<\195\181@b.example>", 553, "MAIL FROM:<\195\181@b.example> SMTPUTF8", 250,
      "RCPT TO:<\195\181@c.example>", 250, "DATA", 354, ".", 250)
    assert.is_true(inbox:waitFor().smtputf8)
  end)

  it("keeps the octets between DATA and the dot, with and without dot transparency", function()
    greeted { tls = "none" }
    local every = {}
    for i = 0, 255 do every[#every + 1] = string.char(i) end
    local wire = "Subject: x\r\n\r\n..\r\n..a\r\n.b\r\n" .. table.concat(every) .. "\r\n"
    deliver(wire:sub(1, -3))
    local message = inbox:waitFor()
    assert.equal(wire, message.wire)
    assert.equal(wire:gsub("\r\n%.", "\r\n") .. "", message.raw)
    assert.same({ "bare LF", "bare CR", "NUL", "8-bit content without BODY=8BITMIME" }, message.violations)
  end)

  it("finds the end of content in any cut", function()
    greeted { tls = "none" }
    client:expect("MAIL FROM:<a@b.example>", 250, "RCPT TO:<c@d.example>", 250, "DATA", 354)
    for octet in ("x\r\n..\r\n\r\n.\r\nNOOP\r\n"):gmatch(".") do
      client:send(octet)
      clock.pass(0.002)
    end
    assert.equal(250, (client:reply()))
    assert.equal(250, (client:reply()))
    assert.equal("x\r\n.\r\n\r\n", inbox:waitFor().raw)
  end)

  it("refuses content beyond SIZE and goes on", function()
    greeted { tls = "none", size = 100 }
    client:expect("MAIL FROM:<a@b.example>", 250, "RCPT TO:<c@d.example>", 250, "DATA", 354,
      ("x"):rep(99) .. "\r\n.", 552)
    deliver(("y"):rep(98))
    assert.equal(("y"):rep(98) .. "\r\n", inbox:waitFor().raw)
    assert.equal(1, inbox:counters().messages)
  end)

  it("refuses lines that are too long and gives up on a client that only errs", function()
    greeted { tls = "none" }
    client:expect(("x"):rep(100000), 500, "NOOP", 250)
    client:send(("FROB\r\n"):rep(60))
    local octets, why = client:rest()
    assert.matches("\r\n421 [^\r\n]+\r\n$", octets)
    assert.equal("closed", why)
  end)

  it("survives garbage", function()
    start { tls = "none" }
    local rubbish = { "\22\3\1\2\0\1\0\1\252", ("\0"):rep(5000), "\n\n\r\r\n", "GET / HTTP/1.1\r\n" }
    for _, garbage in ipairs(rubbish) do
      local rude = raw.connect(inbox)
      rude:send(garbage)
      rude:close()
    end
    client = raw.connect(inbox)
    assert.equal(220, (client:reply()))
  end)

  it("closes with 421 after idleTimeout, or without", function()
    greeted { tls = "none", idleTimeout = 0.1 }
    assert.matches("^421 ", (client:rest()))
    client:close()
    inbox:stop()
    greeted { tls = "none", idleTimeout = 0.1, idleSilent = true }
    assert.equal("", (client:rest()))
  end)

  it("takes maxMessages a connection", function()
    greeted { tls = "none", maxMessages = 1 }
    deliver("x")
    client:expect("MAIL FROM:<a@b.example>", 421)
  end)

  it("serves many connections at the same time", function()
    start { tls = "none" }
    local clients = {}
    for i = 1, 100 do clients[i] = raw.connect(inbox) end
    for i = 1, 100 do assert.equal(220, (clients[i]:reply())) end
    for i = 1, 100 do clients[i]:expect("EHLO x", 250) end
    assert.equal(100, inbox:counters().open)
    assert.equal(100, inbox:disconnect())
    for i = 1, 100 do clients[i]:close() end
  end)
end)

describe("STARTTLS (RFC 3207)", function()
  it("forgets what came in clear behind it", function()
    greeted { auth = false }
    client:send("STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@x>\r\n")
    assert.equal(220, (client:reply()))
    client:tls()
    client:expect("MAIL FROM:<a@b>", 503, "EHLO x", 250, "STARTTLS", 503)
    local connection = inbox:connections()[1]
    assert.equal(31, connection.discarded)
    assert.equal("x", connection.ehlo)
  end)

  it("serves each kind of certificate", function()
    for _, row in ipairs {
      { "valid", "OK" }, { "expired", "certificate has expired" }, { "wrong_name", "Hostname mismatch" },
      { "self_signed", "self.signed certificate" },
    } do
      start { certificate = row[1], tls = "implicit" }
      local file = os.tmpname()
      net.write_file(file, inbox.ca)
      local said = net.run(([[/usr/bin/python3 -c '
import ssl, socket, sys
try:
  c = ssl.create_default_context(cafile=sys.argv[1])
  c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2]))), server_hostname="localhost")
  print("OK")
except ssl.SSLError as e: print(e)' %s %d]]):format(file, inbox.port))
      os.remove(file)
      assert.matches(row[2], said)
      inbox:stop()
    end
  end)

  it("takes only the TLS version asked for", function()
    start { tlsProtocol = "tlsv1_2" }
    client = raw.connect(inbox)
    client:reply()
    client:expect("EHLO x", 250, "STARTTLS", 220)
    client:tls()
    client:expect("EHLO x", 250)
    assert.equal("TLSv1.2", inbox:connections()[1].tls.version)
  end)
end)

describe("AUTH (RFC 4954)", function()
  local mechanisms = { "PLAIN", "LOGIN", "CRAM-MD5" }
  local options = { tls = "none", auth = { user = "u", pass = "p" }, mechanisms = mechanisms }

  it("is required before MAIL", function()
    greeted(options)
    client:expect("MAIL FROM:<a@b>", 530, plain("u", "wrong"), 535, plain("u", "p"), 235,
      "MAIL FROM:<a@b>", 250)
    local counters = inbox:counters()
    assert.equal(1, counters.auths)
    assert.equal(1, counters.authFailures)
  end)

  it("takes PLAIN and LOGIN with and without an initial response", function()
    local secret = mime.b64("\0u\0p")
    local u, p = mime.b64("u"), mime.b64("p")
    for _, row in ipairs {
      { "AUTH PLAIN " .. secret, 235 }, { "AUTH PLAIN", 334, secret, 235 }, { "auth plain =", 501 },
      { "AUTH LOGIN", 334, u, 334, p, 235 }, { "AUTH LOGIN " .. u, 334, p, 235 },
      { "AUTH LOGIN", 334, "*", 501 }, { "AUTH LOGIN", 334, u, 334, u, 535 },
      { "AUTH PLAIN !!", 501 }, { "AUTH GSSAPI", 504 }, { "AUTH", 501 },
    } do
      greeted(options)
      client:expect((table.unpack or unpack)(row)) -- luacheck: ignore
      client:close()
      inbox:stop()
    end
  end)

  it("checks CRAM-MD5 against Python's smtplib", function()
    start(options)
    local said = net.run(([[/usr/bin/python3 -c '
import smtplib
s = smtplib.SMTP("127.0.0.1", %d); s.ehlo(); s.user, s.password = "u", "p"
print(s.auth("CRAM-MD5", s.auth_cram_md5)[0])
s = smtplib.SMTP("127.0.0.1", %d); s.ehlo(); s.user, s.password = "u", "q"
try: s.auth("CRAM-MD5", s.auth_cram_md5)
except smtplib.SMTPAuthenticationError as e: print(e.smtp_code)']]):format(inbox.port, inbox.port))
    assert.equal("235\n535", said)
  end)

  it("takes XOAUTH2 and shows its error before the refusal", function()
    local function bearer(token) return mime.b64("user=u\1auth=Bearer " .. token .. "\1\1") end
    greeted { tls = "none", auth = { user = "u", accessToken = "t" }, mechanisms = { "XOAUTH2" } }
    client:expect("AUTH XOAUTH2 " .. bearer("x"), 334, "", 535, "AUTH XOAUTH2 " .. bearer("t"), 235)
  end)
end)

describe("CHUNKING (RFC 3030)", function()
  it("takes content in chunks, octet by octet as sent", function()
    greeted { tls = "none", chunking = true }
    client:expect("MAIL FROM:<a@b.example>", 250, "RCPT TO:<c@d.example>", 250)
    client:send("BDAT 5\r\na\r\n.\rBDAT 3\r\n\n\r\n")
    assert.equal(250, (client:reply()))
    assert.equal(250, (client:reply()))
    client:expect("DATA", 503, "RCPT TO:<x@y.example>", 503, "BDAT 0 LAST", 250, "BDAT 0 LAST", 503)
    local message = inbox:waitFor()
    assert.equal("a\r\n.\r\n\r\n", message.raw)
    assert.is_true(message.chunked)
  end)

  it("takes MAIL, RCPT and BDAT LAST in one flight", function()
    greeted { tls = "none", chunking = true }
    client:send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 3 LAST\r\nx\r\n")
    for _ = 1, 3 do assert.equal(250, (client:reply())) end
    local commands = inbox:connections()[1].commands
    assert.equal(commands[2].flight, commands[4].flight)
    assert.equal(2, commands[4].flight)
  end)

  it("takes a refused chunk off the wire", function()
    greeted { tls = "none", chunking = true, size = 10 }
    client:expect("BDAT 4\r\nNOOP", 503)
  end)
end)

describe("flights", function()
  it("count what was sent without waiting for an answer", function()
    greeted { tls = "none" }
    client:send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
    for _, code in ipairs { 250, 250, 354 } do assert.equal(code, (client:reply())) end
    client:send("x\r\n.\r\nMAIL FROM:<a@b.example>\r\n")
    assert.equal(250, (client:reply()))
    assert.equal(250, (client:reply()))
    client:expect("QUIT", 221)
    local flights = {}
    for i, command in ipairs(inbox:connections()[1].commands) do
      flights[i] = command.verb .. command.flight
    end
    assert.equal("EHLO1 MAIL2 RCPT2 DATA2 CONTENT3 MAIL3 QUIT4", table.concat(flights, " "))
  end)

  it("cost the latency asked for, once each", function()
    greeted { tls = "none", latency = 1 }
    local _, _, span = clock.timed(function()
      client:send("NOOP\r\n")
      clock.pass(0.02)
      client:send("NOOP\r\n")
      client:reply()
      client:reply()
    end)
    span:at_least(1000)
    local commands = inbox:connections()[1].commands
    assert.equal(commands[2].flight, commands[3].flight)
  end)

  it("show pipelining that was not offered", function()
    greeted { tls = "none", capabilities = { "8BITMIME" } }
    client:send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n")
    client:reply()
    client:reply()
    assert.matches("PIPELINING was not offered", inbox:connections()[1].violations[1])
  end)
end)

describe("inbox:transcript()", function()
  it("shows commands and replies and no secret", function()
    greeted { tls = "none", auth = { user = "u", pass = "s3cret" } }
    client:expect(plain("u", "s3cret"), 235)
    local text = inbox:transcript()
    assert.matches("AUTH PLAIN ***", text, 1, true)
    assert.matches("S: 235 2.7.0", text, 1, true)
    assert.is_nil(text:find(mime.b64("\0u\0s3cret"), 1, true))
  end)
end)

describe("Python's smtplib", function()
  for _, row in ipairs {
    { tls = "starttls", code = "s = smtplib.SMTP('localhost', port); s.starttls(context=context)" },
    { tls = "implicit", code = "s = smtplib.SMTP_SSL('localhost', port, context=context)" },
    { tls = "none", code = "s = smtplib.SMTP('localhost', port)" },
  } do
    it("delivers over " .. row.tls .. " with AUTH and a large body", function()
      start { tls = row.tls, auth = { user = "u", pass = "p" } }
      local said = net.run(([[/usr/bin/python3 -c "
import smtplib, ssl, sys
port = %d
context = ssl.create_default_context(cadata=sys.argv[1]) if sys.argv[1] else None
%s
s.login('u', 'p')
body = b'Subject: big\r\n\r\n' + (b'.' + b'x' * 70 + b'\r\n') * 50000
print(s.sendmail('a@b.example', ['c@d.example', 'e@f.example'], body))
s.quit()
" %s]]):format(inbox.port, row.code, net.quote(inbox.ca or "")))
      assert.equal("{}", said)
      local message = inbox:waitFor { to = "e@f.example" }
      assert.equal("Subject: big\r\n\r\n" .. ("." .. ("x"):rep(70) .. "\r\n"):rep(50000), message.raw)
      assert.same({ mechanism = "PLAIN", user = "u" }, message.auth)
      assert.equal(row.tls ~= "none" and "TLSv1.3" or nil, message.tls and message.tls.version or nil)
    end)
  end
end)
