-- SPDX-License-Identifier: MIT
-- `logto-smtp inbox` in a process of its own: real clients send to it, curl reads from it.

local clock = require("spec.support.clock")
local inbox_command = require("spec.support.inbox_command")
local net = require("spec.support.net")
local socket = require("socket")

local start = inbox_command.start

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
end

local function has_not(text, part)
  assert.is_nil(text:find(part, 1, true), text)
end

local HTML = '<p>Your code: <b>482913</b></p><script>alert(1)</script>'
  .. '<a href="https://shop.example/go?a=1&amp;b=2">x</a>'

describe("logto-smtp inbox", function()
  after_each(inbox_command.stop)

  it("prints each mail with its code, and ends after --count, its client answered", function()
    local inbox = start("--count 2", { plain = true })
    assert.matches("^listening on 127%.0%.0%.1:%d+ %(STARTTLS%); Ctrl%-C ends it$", inbox.first)
    assert.matches("^mails as JSON: http://127%.0%.0%.1:%d+/messages$", inbox:line())
    assert.equal("250 2.0.0 Ok: queued as 1", inbox:send({}).response)
    inbox:send({ text = "Follow https://shop.example/a?b=c today." })
    local said = inbox:rest()
    has(said, "\n#1 ")
    has(said, "to <ada@example.org> from <shop@example.com> (")
    has(said, "   Subject: Your code\n   Code:    482913\n\n   It is 482913.\n")
    has(said, "   Link:    https://shop.example/a?b=c\n")
    has_not(said, "\27")
    assert.matches("\nexit 0\n$", said)
  end)

  it("shows the code to Python's smtplib, with a login", function()
    local inbox = start("--auth me:secret --ca %s/ca.pem")
    local said, status = net.run(("python3 -c %s"):format(net.quote(([[
import smtplib, ssl
with smtplib.SMTP("127.0.0.1", %d, timeout=100) as s:
    s.starttls(context=ssl.create_default_context(cafile="%s/ca.pem"))
    s.login("me", "secret")
    s.sendmail("a@example.com", ["grace@example.org"], "Subject: Hi\r\n\r\nCode 135790\r\n")
]]):format(inbox.start.port, inbox.directory))))
    assert.equal(0, status, said)
    local message = require("cjson").decode(inbox:line())
    assert.equal("135790", message.code)
    assert.equal("me", message.auth.user)
    assert.same({ "grace@example.org" }, message.envelope.to)
  end)

  it("prints with -q what a script wants, and nothing else", function()
    local inbox = start("-q --count 3 --tls none", { plain = true, silent = true })
    inbox:send({})
    inbox:send({ text = "Go to https://shop.example/x." })
    inbox:send({ text = "Nothing.", subject = "Hello\27[2J" })
    assert.equal("482913\nhttps://shop.example/x\nHello\\x1B[2J\nexit 0\n", inbox:rest())
  end)

  it("keeps mails as files and shows them in the browser", function()
    local bin = net.tmpdir()
    net.write_file(bin .. "/xdg-open", "#!/bin/sh\necho \"$1\" > " .. bin .. "/opened.part\nmv " .. bin
      .. "/opened.part " .. bin .. "/opened\n")
    net.run("chmod 755 " .. bin .. "/xdg-open")
    local inbox = start("--keep %s/mails --open", { environment = "BROWSER= PATH=" .. bin .. ":$PATH" })
    inbox:send({ html = HTML, text = "Your code: 482913" })
    local message = require("cjson").decode(inbox:line())
    assert.equal(2, #message.files)
    assert.matches("/mails/%d%d%d%d%d%d%d%d%-%d%d%d%d%d%d%-0001%.eml$", message.files[1])
    assert.equal(message.raw, net.read_file(message.files[1]))
    local page = net.read_file(message.files[2])
    has(page, '<iframe sandbox srcdoc="&lt;p&gt;')
    has_not(page, "<script>")
    local opened = clock.eventually(function() return net.read_file(bin .. "/opened") end)
    assert.equal(message.files[2] .. "\n", opened)
    assert.equal("700", (net.run("stat -c %a " .. inbox.directory .. "/mails")))
    net.remove_dir(bin)
  end)

  it("shows the conversation with -v, and no password in it", function()
    local inbox = start("--auth me:s3cret-pass -v --count 1")
    inbox:send({})
    inbox.client:close()
    inbox:rest()
    local said = inbox:errors()
    has(said, "C: AUTH PLAIN ***")
    has(said, "S: 250 2.0.0 Ok: queued as 1")
    for _, secret in ipairs({ "s3cret-pass", "482913", (require("mime").b64("\0me\0s3cret-pass")) }) do
      has_not(said, secret)
    end
  end)

  for signal, name in pairs({ INT = "Ctrl-C", TERM = "SIGTERM" }) do
    it("ends on " .. name .. " without a word, whatever is open", function()
      local inbox = start()
      inbox:send({})
      inbox:line()
      local idle = assert(socket.connect("127.0.0.1", (inbox.start.http:match("%d+$"))))
      net.run("kill -" .. signal .. " " .. inbox.pid)
      assert.equal("exit 0\n", inbox:rest())
      assert.equal("", inbox:errors())
      idle:close()
    end)
  end

  it("ends when its reader has gone", function()
    local inbox = start("", { wrapper = "sh -c %s' | head -n 1'" })
    inbox:send({})
    assert.equal("exit 0\n", inbox:rest())
    assert.is_false(net.is_open(inbox.start.port))
    assert.equal("", inbox:errors())
  end)

  it("says what it cannot do", function()
    local shell = require("spec.support.shell")
    local inbox = start("", {})
    for line, wanted in pairs({
      ["--port " .. inbox.start.port] = "cannot listen on 127.0.0.1 port .*: address already in use.*exit 75",
      ["--user u"] = "%-%-pass%-env.*exit 64",
      ["--auth u"] = "a colon between.*exit 64",
      ["--port 70000"] = "70000 is not a whole number from 0 to 65535.*exit 64",
      ["--keep /dev/null/x"] = "cannot make the directory /dev/null/x.*exit 73",
    }) do
      assert.matches(wanted, shell.run("bin/logto-smtp inbox " .. line))
    end
  end)
end)

describe("logto-smtp inbox over HTTP", function()
  local inbox

  setup(function()
    inbox = start("--max 5 --allow-host inbox.test")
    inbox:send({ to = "ada@example.org", html = HTML, text = "Your code: 482913. \195\156\226\130\172" })
    inbox:send({ to = "grace@example.org", subject = "Welcome", text = "Hello",
      attachments = { { filename = "a.txt", content = "12345" } } })
    inbox:send({ to = "ADA@example.org", subject = "Again", text = "Code 111222" })
  end)

  teardown(inbox_command.stop)

  it("answers the mails as JSON", function()
    local list = inbox:get("/messages")
    assert.equal(3, #list.messages)
    assert.equal(3, list.last)
    local first = list.messages[1]
    assert.equal("482913", first.code)
    assert.equal("https://shop.example/go?a=1&b=2", first.link)
    assert.equal("Your code: 482913. \195\156\226\130\172", (first.text:gsub("%s+$", "")))
    assert.equal("TLSv1.3", first.tls.version)
    assert.matches("^%d+%-%d+%-%d+T%d+:%d+:%d+%.%d%d%dZ$", first.time)
    assert.same({ filename = "a.txt", contentType = "text/plain", size = 5, cid = require("cjson").null },
      list.messages[2].attachments[1])
  end)

  it("filters", function()
    local function numbers(query)
      local list = {}
      for i, message in ipairs(inbox:get("/messages?" .. query).messages) do list[i] = message.number end
      return list
    end
    assert.same({ 1, 3 }, numbers("to=ada%40example.org"))
    assert.same({ 2 }, numbers("subject=welc"))
    assert.same({ 3 }, numbers("to=ada@example.org&since=1"))
    assert.same({ 1, 2 }, numbers("limit=2"))
    assert.equal(2, inbox:get("/messages?limit=2").last)
    assert.same({}, numbers("from=nobody"))
    assert.equal('there is no filter "too"; did you mean `to`?', inbox:get("/messages?too=x").error)
    assert.equal('there is no filter "body"; there are to, from, subject, since, limit and wait',
      inbox:get("/messages?body=x").error)
    assert.equal("wait=x is not a number", inbox:get("/messages?wait=x").error)
  end)

  it("answers one mail, its octets, text and HTML", function()
    assert.equal("Welcome", inbox:get("/messages/2").subject)
    local raw = inbox:curl("/messages/1/raw", "-D -")
    has(raw, "Content-Type: message/rfc822\r\n")
    has(raw, "\r\nSubject: Your code\r\n")
    local html = inbox:curl("/messages/1/html", "-D -")
    has(html, "Content-Security-Policy: sandbox; default-src 'none';")
    has(html, "X-Content-Type-Options: nosniff\r\n")
    has(html, "<script>")
    assert.equal("mail 2 has no html", inbox:get("/messages/2/html").error)
    assert.matches("no mail 99", inbox:get("/messages/99").error)
    assert.matches("^there is no /nothing", inbox:get("/nothing").error)
    has(inbox:curl("/"), "GET /messages/N/raw")
    assert.same({ true, 3 }, { inbox:get("/health").ok, inbox:get("/health").last })
    has_not(inbox:curl("/messages", "-I"), "Access-Control")
    has(inbox:curl("/messages", "-I"), "Content-Length: ")
  end)

  it("keeps a connection, and takes several requests at once", function()
    local url = inbox.start.http .. "/health "
    has(net.run("curl -sSv " .. url .. url), "Re-using existing")
    local sock = assert(socket.connect("127.0.0.1", (inbox.start.http:match("%d+$"))))
    sock:settimeout(120)
    sock:send(("GET /messages/2/text HTTP/1.1\r\nHost: localhost\r\n\r\n"):rep(2)
      .. "GET /health HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n")
    local said = sock:receive("*a")
    sock:close()
    assert.equal(3, select(2, said:gsub("HTTP/1.1 200 OK", "")))
  end)

  it("answers only to names of this machine", function()
    for host, code in pairs({
      ["evil.example"] = "403", ["127.0.0.1.evil.example"] = "403", ["localhost.evil.example:80"] = "403",
      ["inbox.test:80"] = "200", ["LOCALHOST"] = "200", ["[::1]:80"] = "200",
    }) do
      local options = ("-o /dev/null -w '%%{http_code}' -H 'Host: %s'"):format(host)
      assert.equal(code, (inbox:curl("/messages", options)), host)
    end
  end)

  for name, row in pairs({
    ["a method"] = { "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405 },
    ["a version"] = { "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505 },
    ["no HTTP"] = { "EHLO x\r\n", 400 },
    ["a missing host"] = { "GET / HTTP/1.1\r\n\r\n", 400 },
    ["two hosts"] = { "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400 },
    ["a host in the target"] = { "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 403 },
    ["a folded header"] = { "GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", 400 },
    ["content"] = { "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 413 },
    ["chunks"] = { "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 501 },
    ["a long line"] = { "GET /" .. ("x"):rep(9000) .. " HTTP/1.1\r\n", 431 },
    ["many headers"] = { "GET / HTTP/1.1\r\n" .. ("A: b\r\n"):rep(70), 431 },
  }) do
    it("refuses " .. name, function()
      local sock = assert(socket.connect("127.0.0.1", (inbox.start.http:match("%d+$"))))
      sock:settimeout(120)
      sock:send(row[1])
      assert.equal("HTTP/1.1 " .. row[2], (sock:receive("*l") or ""):sub(1, 12))
      sock:close()
    end)
  end

  it("serves 64 connections at a time", function()
    local held = {}
    for i = 1, 64 do
      held[i] = assert(socket.connect("127.0.0.1", (inbox.start.http:match("%d+$"))))
      held[i]:send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
      held[i]:settimeout(120)
      assert.equal("HTTP/1.1 200 OK", held[i]:receive("*l"))
    end
    assert.equal("503", (inbox:curl("/health", "-o /dev/null -w '%{http_code}'")))
    for i = 1, 64 do held[i]:close() end
    assert.is_truthy(clock.eventually(function() return inbox:curl("/health"):find('"ok":true', 1, true) end))
  end)

  it("waits for a mail, answers when it comes, and not for longer than asked", function()
    local none, _, span = clock.timed(function() return inbox:get("/messages?since=3&wait=0.3").messages end)
    assert.same({}, none)
    span:at_least(300)
    local url = inbox.start.http .. "/messages?to=late@example.org&wait=60"
    local pipe = io.popen("curl -sS -m 100 " .. net.quote(url))
    clock.pass(0.2)
    inbox:send({ to = "other@example.org" })
    inbox:send({ to = "late@example.org", text = "Code 777888" })
    assert.equal("777888", require("cjson").decode(pipe:read("*a")).messages[1].code)
    pipe:close()
  end)

  it("keeps the newest mails only, and forgets all when asked", function()
    inbox:send({ subject = "sixth" })
    local list = inbox:get("/messages")
    assert.equal(5, #list.messages)
    assert.equal(2, list.messages[1].number)
    assert.equal(5, inbox:get("/messages", "-X DELETE").deleted)
    assert.same({ messages = {}, last = 6 }, inbox:get("/messages"))
    inbox:send({ subject = "seventh" })
    assert.equal(7, inbox:get("/messages").messages[1].number)
  end)
end)
