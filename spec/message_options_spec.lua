-- SPDX-License-Identifier: MIT
-- What a config says about the mail, through the connector, and the options of one mail, through a client:
-- judged by what arrives.

local core = require("logto_smtp.core")
local logto = require("logto_smtp")
local configs = require("spec.support.configs")
local mailing = require("spec.support.mailing")
local postfix = require("spec.support.postfix")

local GIF = "R0lGODlhAQABAAAAACw="

-- What arrives when a connector with this config sends a code.
local function arrives(inbox, overrides, template)
  local connection = inbox:config(overrides)
  connection.templates = nil
  local config = configs.with_template(template or {}, connection)
  local connector = logto.createConnector({ getConfig = function() return config end })
  local info, err = connector.sendMessage({
    to = "reader@example.com", type = "SignIn", payload = { code = "123456" },
  })
  assert(info, err and err.message)
  return inbox:waitFor({ to = "reader@example.com" })
end

-- The raw lines of a field, unfolded.
local function fields(message, name)
  local head = message.raw:match("^(.-)\r\n\r\n"):gsub("\r\n([ \t])", "%1")
  local list = {}
  for line in (head .. "\r\n"):gmatch("(.-)\r\n") do
    if line:lower():sub(1, #name + 1) == name:lower() .. ":" then list[#list + 1] = line end
  end
  return list
end

describe("check 34: option customHeaders", function()
  local inbox

  setup(function() inbox = mailing.inbox({ tls = "none" }) end)
  teardown(function()
    require("logto_smtp.transport").default.close()
    mailing.stop()
  end)
  before_each(function() inbox:clear() end)

  local rows = {
    { "a string", { ["X-Team"] = "codes" }, "X-Team", { "X-Team: codes" } },
    { "one field for each item", { ["X-A"] = { "1", "", "3" } }, "X-A", { "X-A: 1", "X-A: 3" } },
    { "nothing for an empty list", { ["X-A"] = {} }, "X-A", {} },
    { "names in the usual capitals", { ["x-upper-ID"] = "v" }, "X-Upper-ID", { "X-Upper-ID: v" } },
    { "CR and LF in a value as spaces", { ["X-A"] = "a\r\nBcc: evil@example.com" }, "X-A",
      { "X-A: a Bcc: evil@example.com" } },
    { "controls encoded, never raw", { ["X-A"] = "a\7b" }, "X-A", { "X-A: =?UTF-8?Q?a=07b?=" } },
    { "what is not ASCII encoded", { ["X-A"] = "ž" }, "X-A", { "X-A: =?UTF-8?B?xb4=?=" } },
    { "key and value as one field", { key = "X-K", value = "v" }, "X-K", { "X-K: v" } },
    { "no From but the mail's own", { From = "evil@example.com" }, "From", { "From: sender@example.com" } },
    { "no To but the mail's own", { To = "evil@example.com" }, "To", { "To: reader@example.com" } },
    { "no Subject but the mail's own", { Subject = "other" }, "Subject", { "Subject: SignIn subject" } },
    { "a Message-ID of its own", { ["Message-ID"] = "own@id" }, "Message-ID", { "Message-ID: <own@id>" } },
    { "a Date of its own", { Date = "Mon, 01 Jan 2024 00:00:00 +0000" }, "Date",
      { "Date: Mon, 01 Jan 2024 00:00:00 +0000" } },
    { "a Reply-To of its own", { ["Reply-To"] = "r@example.com" }, "Reply-To",
      { "Reply-To: r@example.com" } },
    { "a Sender of its own", { Sender = "s@example.com" }, "Sender", { "Sender: s@example.com" } },
  }
  for _, row in ipairs(rows) do
    it("gives " .. row[1], function()
      local got = arrives(inbox, { fromEmail = "sender@example.com", customHeaders = row[2] })
      assert.same(row[4], fields(got, row[3]))
      assert.same({ "reader@example.com" }, got.envelope.to)
      assert.same({}, got.violations)
    end)
  end

  local refused = {
    { "Bcc", "v@example.com" }, { "Resent-Bcc", "v@example.com" }, { "cc", "v@example.com" },
    { "Content-Type", "text/html" },
    { "Content-Transfer-Encoding", "base64" }, { "MIME-Version", "1.0" }, { "Bcc ", "v@example.com" },
  }
  for _, row in ipairs(refused) do
    it("may not set " .. row[1], function()
      local ok, issues = core.validate(configs.config({ customHeaders = { [row[1]] = row[2] } }))
      assert.is_nil(ok)
      assert.equal("custom", issues[1].code)
      assert.same({ "customHeaders", row[1] }, issues[1].path)
    end)
  end

  it("may not have a name that is none", function()
    for _, name in ipairs({ "", "X A", "X-A:b", "X-Ž" }) do
      local transport = configs.recorder()
      local connector = logto.createConnector({ transport = { send = function(_, mail)
        local octets, err = core.compose(mail)
        return octets and transport.send({}, mail), err
      end } })
      local info, err = connector.sendMessage({ to = "a@b.c", type = "SignIn", payload = { code = "1" } },
        configs.config({ customHeaders = { [name] = "v" } }))
      assert.is_nil(info, name)
      assert.matches("is no header name", err.message, 1, true)
    end
  end)
end)

describe("of the config,", function()
  local inbox

  setup(function() inbox = mailing.inbox({ tls = "none" }) end)
  teardown(function()
    require("logto_smtp.transport").default.close()
    mailing.stop()
  end)
  before_each(function() inbox:clear() end)

  it("option fromEmail is who it is from, in header and envelope", function()
    local got = arrives(inbox, { fromEmail = "Shop <shop@example.com>" })
    assert.same({ "From: Shop <shop@example.com>" }, fields(got, "From"))
    assert.equal("shop@example.com", got.envelope.from)
  end)

  it("option replyTo is where answers go", function()
    local got = arrives(inbox, { replyTo = "Help <help@example.com>" })
    assert.same({ "Reply-To: Help <help@example.com>" }, fields(got, "Reply-To"))
  end)

  it("option templates: the one of the type is filled in", function()
    local got = arrives(inbox, {}, { subject = "{{code}} is it", content = "Code: {{code}}" })
    assert.equal("123456 is it", got.subject)
    assert.equal("Code: 123456", (got.text:gsub("%s+$", "")))
  end)

  local html = '<p>{{code}}</p><img alt="logo" src="data:image/gif;base64,' .. GIF .. '">'

  it("option attachDataUrls makes images in the html parts of the mail", function()
    local got = arrives(inbox, { attachDataUrls = true }, { contentType = "text/html", content = html })
    assert.equal("multipart/related", got.part.contentType)
    assert.equal(1, #got.attachments)
    local image = got.attachments[1]
    assert.equal("image/gif", image.contentType)
    assert.equal("image-1.gif", image.filename)
    assert.equal(require("mime").unb64(GIF), image.content)
    assert.matches('<p>123456</p><img alt="logo" src="cid:' .. image.cid .. '">', got.html, 1, true)
    assert.same({}, got.violations)
  end)

  it("attachDataUrls is off unless it is set", function()
    local got = arrives(inbox, {}, { contentType = "text/html", content = html })
    assert.equal("text/html", got.part.contentType)
    assert.matches("data:image/gif;base64,", got.html, 1, true)
  end)
end)

describe("of one mail,", function()
  local inbox, client

  setup(function()
    inbox = mailing.inbox({ tls = "none", dsn = true })
    client = mailing.client(inbox:config())
  end)
  teardown(mailing.stop)
  before_each(function() inbox:clear() end)

  local function send(more)
    local info, err = client:send(mailing.mail(more))
    assert(info, err and err.message)
    return inbox:waitFor({ to = info.accepted[1] }), info
  end

  local function refused(more)
    local info, err = client:send(mailing.mail(more))
    assert.is_nil(info)
    assert.equal("not_sent", err.delivery)
    assert.equal(0, #inbox:messages())
    return err
  end

  it("option dsn asks for notifications: RET, ENVID, NOTIFY, ORCPT", function()
    local got = send({ dsn = {
      id = "a+b=c", ret = "headers", notify = { "failure", "delay" }, recipient = "who@example.com",
    } })
    local params = got.envelope.mailParams
    assert.equal("HDRS", params.RET)
    assert.equal("a+2Bb+3Dc", params.ENVID)
    assert.equal("FAILURE,DELAY", got.envelope.rcptParams[1].NOTIFY)
    assert.equal("rfc822;who@example.com", got.envelope.rcptParams[1].ORCPT)
    assert.same({}, got.violations)
  end)

  it("option dsn takes the other names too, and one word", function()
    local got = send({ dsn = { envid = "x", ["return"] = "full", notify = "never", orcpt = "a@b.c" } })
    assert.equal("FULL", got.envelope.mailParams.RET)
    assert.equal("x", got.envelope.mailParams.ENVID)
    assert.equal("NEVER", got.envelope.rcptParams[1].NOTIFY)
  end)

  it("option dsn that cannot be asked for is refused", function()
    for _, dsn in ipairs({ { ret = "some" }, { notify = "never,delay" }, { notify = "x" },
                           { id = ("x"):rep(101) }, { recipient = "a b;c" } }) do
      assert.matches("^Invalid DSN", refused({ dsn = dsn }).message)
    end
  end)

  it("dsn is left out where the server does not offer it", function()
    local plain, other = mailing.start()
    assert(other:send(mailing.mail({ dsn = { id = "x", ret = "full", notify = "success" } })))
    local got = plain:waitFor({})
    assert.is_nil(got.envelope.mailParams.ENVID)
    assert.is_nil(got.envelope.rcptParams[1].NOTIFY)
  end)

  it("option envelope stands instead of the addresses of the header", function()
    local got, info = send({ envelope = { from = "bounce@example.com", to = "real@example.com" } })
    assert.equal("bounce@example.com", got.envelope.from)
    assert.same({ "real@example.com" }, got.envelope.to)
    assert.same({ "real@example.com" }, info.envelope.to)
    assert.equal("reader@example.com", got.to)
  end)

  it("option priority sets the three fields that readers know", function()
    local got = send({ priority = "high" })
    assert.same({ "X-Priority: 1 (Highest)" }, fields(got, "X-Priority"))
    assert.same({ "X-Msmail-Priority: High" }, fields(got, "X-Msmail-Priority"))
    assert.same({ "Importance: High" }, fields(got, "Importance"))
    inbox:clear()
    assert.same({}, fields(send({ priority = "normal" }), "Importance"))
    inbox:clear()
    assert.matches("priority must be", refused({ priority = "urgent" }).message)
  end)

  it("option list gives List- fields", function()
    local got = send({ list = {
      unsubscribe = { url = "https://example.com/u", comment = "Leave" }, id = "codes.example.com",
    } })
    assert.same({ "List-Unsubscribe: <https://example.com/u> (Leave)" }, fields(got, "List-Unsubscribe"))
    assert.same({ "List-ID: <codes.example.com>" }, fields(got, "List-ID"))
  end)

  it("option xMailer gives X-Mailer, and false gives none", function()
    assert.same({ "X-Mailer: codes 1" }, fields(send({ xMailer = "codes 1" }), "X-Mailer"))
    inbox:clear()
    assert.same({}, fields(send({ xMailer = false }), "X-Mailer"))
  end)

  it("option encoding says how the bodies are encoded", function()
    assert.same({ "Content-Transfer-Encoding: base64" },
      fields(send({ encoding = "base64" }), "Content-Transfer-Encoding"))
    inbox:clear()
    local got = send({ encoding = "quoted-printable", text = "a=b\n" })
    assert.same({ "Content-Transfer-Encoding: quoted-printable" }, fields(got, "Content-Transfer-Encoding"))
    assert.matches("a=3Db", got.raw, 1, true)
    inbox:clear()
    assert.matches("encoding must be", refused({ encoding = "uuencode" }).message)
  end)

  it("option textEncoding chooses between the two where encoding is needed", function()
    assert.same({ "Content-Transfer-Encoding: quoted-printable" },
      fields(send({ textEncoding = "Q", text = "žžžž\n" }), "Content-Transfer-Encoding"))
    inbox:clear()
    assert.same({ "Content-Transfer-Encoding: base64" },
      fields(send({ textEncoding = "B", text = "abcdefž\n" }), "Content-Transfer-Encoding"))
  end)

  it("option date is the Date, as text or as milliseconds", function()
    assert.same({ "Date: Thu, 01 Jan 1970 00:00:00 +0000" }, fields(send({ date = 0 }), "Date"))
    inbox:clear()
    local text = "Mon, 23 Nov 2026 12:00:00 +0000"
    assert.same({ "Date: " .. text }, fields(send({ date = text }), "Date"))
  end)

  it("option messageId is the Message-ID, and the one of the result", function()
    local got, info = send({ messageId = "fixed@example.com" })
    assert.equal("<fixed@example.com>", info.messageId)
    assert.same({ "Message-ID: <fixed@example.com>" }, fields(got, "Message-ID"))
  end)

  it("option attachments carries files", function()
    local got = send({ attachments = { { filename = "a.txt", content = "attached" } } })
    assert.equal("a.txt", got.attachments[1].filename)
    assert.equal("attached", got.attachments[1].content)
  end)

  it("option disableFileAccess, option disableUrlAccess: in force, path and href are refused", function()
    for _, key in ipairs({ "path", "href", "raw" }) do
      local err = refused({ attachments = { { [key] = "/etc/passwd" } } })
      assert.equal("EMESSAGE", err.code)
      assert.matches("attachments[1]." .. key .. " is not supported", err.message, 1, true)
    end
  end)

  it("option size, option use8BitMime: no matter of choice, SIZE= and BODY= say what is so", function()
    local got = send({ size = 5, use8BitMime = false, to = "õ@example.com" })
    assert.equal(tostring(#got.raw), tostring(got.envelope.mailParams.SIZE))
    assert.equal("8BITMIME", got.envelope.mailParams.BODY)
  end)

  it("option raw, option alternatives, icalEvent, option amp, watchHtml: refused, never left out", function()
    for _, key in ipairs({ "raw", "alternatives", "icalEvent", "amp", "watchHtml" }) do
      local err = refused({ [key] = "x" })
      assert.equal("EMESSAGE", err.code)
      assert.matches(key .. " is not supported", err.message, 1, true)
    end
  end)

  it("option newline has no effect: every line ends in CRLF", function()
    local got = send({ newline = "unix", text = "a\nb\n" })
    assert.is_nil(got.raw:gsub("\r\n", ""):find("[\r\n]"))
  end)
end)

describe("a real Postfix and dsn", function()
  it("gets RET, ENVID, NOTIFY and ORCPT, and takes them", function()
    local server = assert(postfix.start())
    local client = assert(core.client({
      host = server.host, port = server.port, auth = { user = server.user, pass = server.pass },
      tls = { ca = server.ca },
    }))
    local info, err = client:send(mailing.mail({
      from = "no-reply@shop.example", to = "box@test.example",
      dsn = { id = "id-1", ret = "full", notify = "failure", recipient = "box@test.example" },
    }))
    local seen = client:verify()
    client:close()
    local arrived = info and server:wait_for(1)
    server:stop()
    assert(info, err and err.message)
    assert.matches("DSN", table.concat(seen.ehlo, "\n"), 1, true)
    assert.equal(1, #arrived)
    assert.equal("box@test.example", arrived[1].deliveredTo)
  end)
end)
