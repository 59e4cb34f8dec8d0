-- SPDX-License-Identifier: MIT
-- The options of a mail: none that nodemailer knows, and none that nobody knows, is dropped in silence.

local cjson = require("cjson")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local reader = require("spec.support.reader")

local NODEMAILER = "build/interop/npm/node_modules/nodemailer/dist/esm/"

local function read(path)
  local file = io.open(path)
  local text = file and file:read("*a")
  if file then file:close() end
  return text
end

-- The table of the C module: place -> name -> verdict.
local places = {}
local options = assert(read("src/pure/message_option.def"))
for place, name, verdict in options:gmatch('X%((%u+), "([%w_]+)", (%u+),') do
  places[place] = places[place] or {}
  places[place][name] = verdict
end

-- Tables of each place, in a mail that can be sent.
local function mail_with(place, entry)
  local mail = { from = "a@example.com", to = "b@example.com", text = "x" }
  if place == "MAIL" then for k, v in pairs(entry) do mail[k] = v end end
  if place == "ATTACHMENT" then mail.attachments = { entry } end
  if place == "ADDRESS" then
    mail.to = { entry }
    if entry.address == nil and entry.group == nil then entry.address = "b@example.com" end
  end
  if place == "HEADER" then
    mail.headers = { entry }
    entry.key, entry.value = entry.key or "X-K", entry.value or "v"
  end
  if place == "VALUE" then
    mail.headers = { ["X-K"] = entry }
    entry.value = entry.value or "v"
  end
  if place == "ENTRY" then
    mail.list = { help = entry }
    entry.url = entry.url or "https://h.example"
  end
  if place == "ENVELOPE" then
    mail.envelope = entry
    entry.to = entry.to or "b@example.com"
  end
  if place == "DSN" then mail.dsn = entry end
  if place == "DKIM" then mail.dkim = entry end
  return mail
end

local function pem()
  local pipe = assert(io.popen("openssl genpkey -algorithm ed25519 2>/dev/null"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

describe("the table of options", function()
  -- Which interfaces of its declarations nodemailer reads in each place.
  local interfaces = {
    MAIL = {
      ["mail-composer/index.d.ts"] = "MailComposerOptions", ["mailer/mail-message.d.ts"] = "SendMailOptions",
    },
    ATTACHMENT = { ["mail-composer/index.d.ts"] = { "MailComposerAlternative", "MailComposerAttachment" } },
    ADDRESS = { ["mime-node/index.d.ts"] = "MimeNodeAddress" },
    HEADER = { ["mime-node/index.d.ts"] = "MimeNodeHeader" },
    VALUE = { ["mime-node/index.d.ts"] = "MimeNodePreparedHeaderValue" },
    DKIM = { ["dkim/index.d.ts"] = "DKIMOptions", ["dkim/sign.d.ts"] = { "DKIMKey", "DKIMSignOptions" } },
    DSN = { ["smtp-connection/index.d.ts"] = "SMTPEnvelopeDsn" },
  }

  for place, files in pairs(interfaces) do
    it("has every option that nodemailer declares: " .. place, function()
      if not read(NODEMAILER .. "mail-composer/index.d.ts") then
        return pending("nodemailer is not in build/interop; make deps fetches it by npm")
      end
      local seen = 0
      for file, names in pairs(files) do
        local text = read(NODEMAILER .. file):gsub("/%*.-%*/", "")
        for _, name in ipairs(type(names) == "table" and names or { names }) do
          local body = text:match("interface " .. name .. "%f[^%w][^{]*(%b{})")
          assert(body, name .. " is gone from " .. file)
          body = body:sub(2, -2):gsub("%b{}", "")
          for option in body:gmatch("\n%s*([%w_]+)%??:") do
            assert.is_truthy(places[place][option], ("%s of %s is in no row"):format(option, place))
            seen = seen + 1
          end
        end
      end
      assert.is_true(seen > 1)
    end)
  end

  it("is told in the docs: what is taken, what has no effect, what is refused", function()
    local readme = require("spec.support.pages").text()
    for place, names in pairs(places) do
      for name in pairs(names) do
        assert.is_truthy(readme:find("`" .. name .. "`", 1, true) or readme:find("`" .. name .. ",", 1, true),
          ("%s of %s is in no page"):format(name, place))
      end
    end
  end)
end)

describe("an option that is refused", function()
  for place, names in pairs(places) do
    for name, verdict in pairs(names) do
      if verdict == "REFUSED" then
        it(("is named, and what to do instead: %s of %s"):format(name, place), function()
          local octets, err = core.compose(mail_with(place, { [name] = { x = "y" } }))
          assert.is_nil(octets)
          assert.equal("EMESSAGE", err.code)
          assert.matches(name .. " is not supported; %a+", err.message)
          assert(core.compose(mail_with(place, { [name] = false })))
          assert(core.compose(mail_with(place, { [name] = cjson.null })))
        end)
      end
    end
  end
end)

describe("an option that is none", function()
  for place in pairs(places) do
    it("is refused by name: in " .. place, function()
      for _, value in ipairs({ "x", false, 0 }) do
        local octets, err = core.compose(mail_with(place, { qqqqqqqq = value }))
        assert.is_nil(octets)
        assert.equal("EMESSAGE", err.code)
        assert.matches("qqqqqqqq is no option of", err.message, 1, true)
      end
      local octets, err = core.compose(mail_with(place, { qqqqqqqq = cjson.null }))
      assert.is_true(octets ~= nil or not err.message:find("qqqq", 1, true))
    end)
  end

  local rows = {
    { "MAIL", "replyto", "did you mean replyTo?" }, { "MAIL", "reply-to", "did you mean replyTo?" },
    { "MAIL", "subjcet", "did you mean subject?" }, { "MAIL", "attachment", "did you mean attachments?" },
    { "MAIL", "filename", "but of an attachment" }, { "MAIL", "custom" .. ("x"):rep(100), "remove it" },
    { "MAIL", "\27[31m", "?[31m is no option of a mail" },
    { "ATTACHMENT", "fileName",
      "attachments[1].fileName is no option of an attachment; did you mean filename?" },
    { "ATTACHMENT", "contenttype", "did you mean contentType?" }, { "ATTACHMENT", "type", "remove it" },
    { "ADDRESS", "adress", "to[1].adress is no option of an address; did you mean address?" },
    { "ENVELOPE", "form", "did you mean from?" }, { "DSN", "recipients", "did you mean recipient?" },
    { "ENTRY", "coment", "list.help.coment is no option of an entry of list; did you mean comment?" },
    { "HEADER", "valeu", "did you mean value?" }, { "DKIM", "selector", "remove it" },
    { "DKIM", "domainname", "did you mean domainName?" },
  }
  for _, row in ipairs(rows) do
    it(("says %q to %s of %s"):format(row[3], row[2]:gsub("%c", "?"), row[1]), function()
      local octets, err = core.compose(mail_with(row[1], { [row[2]] = "x" }))
      assert.is_nil(octets)
      assert.matches(row[3], err.message, 1, true)
    end)
  end
end)

-- A value for each option that is taken, which must show: in the octets, or in the envelope.
local SHOWS = {
  MAIL = {
    from = "z@example.com", sender = "z@example.com", to = "z@example.com", cc = "z@example.com",
    bcc = "z@example.com", replyTo = "z@example.com", subject = "z", text = "z", html = "z",
    headers = { X = "z" }, attachments = { { content = "z" } }, messageId = "z@z", inReplyTo = "z@z",
    references = "z@z",
    date = "2026-11-23", priority = "high", list = { help = "z.example" }, xMailer = "z",
    encoding = "base64", envelope = { to = "z@example.com" },
  },
  ATTACHMENT = {
    filename = "z", content = "z", contentType = "a/z", contentTransferEncoding = "7bit",
    contentDisposition = "inline", cid = "z", headers = { X = "z" },
  },
  ADDRESS = { name = "z", address = "z@example.com", group = false },
  HEADER = { key = "Z", value = "z" }, VALUE = { value = "z" }, ENTRY = { url = "z.example", comment = "z" },
  ENVELOPE = { from = "z@example.com", to = "z@example.com", cc = "z@example.com", bcc = "z@example.com" },
}

describe("an option that is taken", function()
  -- The octets without what differs each time, and the envelope.
  local function made(mail)
    mail.messageId = mail.messageId or "fixed@example.com"
    mail.date = mail.date or 1795442604000
    local octets, envelope = core.compose(mail)
    assert(octets, envelope and envelope.message)
    return octets:gsub("=_%x+", "boundary") .. "\n" .. cjson.encode({ envelope.from, envelope.to })
  end

  for place, values in pairs(SHOWS) do
    for name, value in pairs(values) do
      if value then
        it(("shows: %s of %s"):format(name, place), function()
          assert.equal("TAKEN", places[place][name])
          assert.not_equal(made(mail_with(place, {})), made(mail_with(place, { [name] = value })))
        end)
      end
    end
  end

  it("attachments[].encoding reads base64, base64url and hex, and refuses what is neither", function()
    local function content(given, encoding)
      local mail = mail_with("ATTACHMENT", { content = given, encoding = encoding, filename = "a.bin" })
      local octets, err = core.compose(mail)
      if not octets then return nil, err.message end
      return reader.read({ octets })[1].parts[3].content
    end
    assert.equal("hi\255", content("aGn/", "base64"))
    assert.equal("hi\255", content("aGn_", "base64url"))
    assert.equal("hi\255", content("6869fF", "hex"))
    assert.equal("hi\255", content(" 68 69\r\n\tff ", "HEX"))
    assert.equal("68", content("68", "utf-8"))
    assert.equal("68", content("68", "binary"))
    assert.equal("", content("", "hex"))
    for _, text in ipairs({ "686", "6g", "0x68", "68-69" }) do
      local octets, message = content(text, "hex")
      assert.is_nil(octets)
      assert.matches("attachments[1].content is not hex", message, 1, true)
    end
    for _, name in ipairs({ "latin1", "utf16le", "uuencode", ("x"):rep(50), true }) do
      assert.matches("attachments[1].encoding must be", select(2, content("68", name)), 1, true)
    end
  end)

  it("group makes a group, whose mailboxes get the mail", function()
    local octets, envelope = core.compose({ from = "a@example.com", text = "x", to = {
      { name = "Team\r\nX", group = { "b@example.com", { name = "C", address = "c@example.com" },
        { name = "Inner", group = { "d@example.com" } } } },
      { name = "Nobody", group = {} }, "e@example.com",
    } })
    assert.matches("\r\nTo: Team X:b@example.com, C <c@example.com>, d@example.com;, Nobody:;,\r\n "
      .. "e@example.com", octets, 1, true)
    assert.same({ "b@example.com", "c@example.com", "d@example.com", "e@example.com" }, envelope.to)
    for _, address in ipairs({
      { name = "G", address = "x@example.com", group = { "b@example.com" } }, { group = { "b@example.com" } },
      { name = " ", group = { "b@example.com" } }, { name = "G", group = { { name = "only" } } },
      { name = "G", group = 5 },
    }) do
      local none, err = core.compose({ from = "a@example.com", to = { address } })
      assert.is_nil(none)
      assert.equal("EMESSAGE", err.code)
      assert.matches("to[1]", err.message, 1, true)
    end
  end)

  it("textEncoding is that of names, file names and comments too", function()
    for _, row in ipairs({ { "B", "=%?UTF%-8%?Q%?" }, { "Q", "=%?UTF%-8%?B%?" } }) do
      local octets = assert(core.compose({
        textEncoding = row[1], from = { name = "abcdefé", address = "a@example.com" }, subject = "ééé",
        to = { { name = "ééé", address = "b@example.com" }, { name = "é", group = { "é <c@example.com>" } } },
        list = { help = { url = "https://h.example", comment = "éééabcdef" } }, text = "x",
        headers = { ["X-A"] = "abcdefé" },
        attachments = { { filename = "éé.abcdef", content = "x", headers = { ["X-B"] = "abcé" } } },
      }))
      assert.is_nil(octets:find(row[2]))
    end
  end)

  it("maxRecipients is the most a mail may have, 100,000 where it is not set", function()
    local to = {}
    for i = 1, 100001 do to[i] = ("%d@example.com"):format(i) end
    local octets, err = core.compose({ from = "a@example.com", to = to })
    assert.is_nil(octets)
    assert.equal("EENVELOPE", err.code)
    assert.matches("100001 recipients, and maxRecipients is 100000", err.message, 1, true)
    assert(core.compose({ from = "a@example.com", to = to, maxRecipients = 0 }))
    to = { "b@example.com", "c@example.com", "b@example.com" }
    assert(core.compose({ from = "a@example.com", to = to, maxRecipients = 2 }))
    assert.is_nil((core.compose({ from = "a@example.com", to = to, maxRecipients = 1 })))
    for _, bad in ipairs({ -1, "2", true, 0 / 0 }) do
      local _, why = core.compose({ to = to, maxRecipients = bad })
      assert.matches("^maxRecipients must be", why.message)
    end
  end)

  it("envelope.from may be false: the null reverse-path of a bounce", function()
    local _, envelope = core.compose(mail_with("ENVELOPE", { from = false }))
    assert.equal("", envelope.from)
  end)
end)

describe("on the wire,", function()
  after_each(mailing.stop)

  it("envelope.dsn is dsn, where the mail has none", function()
    local inbox, client = mailing.start({ dsn = true })
    assert(client:send(mailing.mail({ envelope = { from = "a@example.com", to = "b@example.com",
      dsn = { id = "in-envelope" } } })))
    assert.equal("in-envelope", inbox:waitFor({}).envelope.mailParams.ENVID)
    inbox:clear()
    assert(client:send(mailing.mail({ envelope = { to = "b@example.com", dsn = { id = "in-envelope" } },
      dsn = { id = "own" } })))
    assert.equal("own", inbox:waitFor({}).envelope.mailParams.ENVID)
    local none, err = client:send(mailing.mail({ envelope = { to = "b@example.com", dsn = { idd = "x" } } }))
    assert.is_nil(none)
    assert.matches("envelope.dsn.idd is no option", err.message, 1, true)
  end)

  describe("requireTLSExtensionEnabled (RFC 8689)", function()
    local offers = { "PIPELINING", "8BITMIME", "STARTTLS", "REQUIRETLS" }
    local wanted = { requireTLSExtensionEnabled = true }

    it("sends REQUIRETLS over TLS where it is offered, with STARTTLS and without", function()
      for _, tls in ipairs({ "starttls", "implicit" }) do
        local inbox = mailing.inbox({ tls = tls, capabilities = offers })
        local client = mailing.client(inbox:config())
        assert(client:send(mailing.mail(wanted)))
        assert.is_true(inbox:waitFor({}).envelope.mailParams.REQUIRETLS)
        inbox:clear()
        local envelope = { to = "b@example.com", requireTLSExtensionEnabled = true }
        assert(client:send(mailing.mail({ envelope = envelope })))
        assert.is_true(inbox:waitFor({}).envelope.mailParams.REQUIRETLS)
        inbox:clear()
        assert(client:send(mailing.mail({ requireTLSExtensionEnabled = false })))
        assert.is_nil(inbox:waitFor({}).envelope.mailParams.REQUIRETLS)
        assert.equal(1, inbox:counters().connections)
        mailing.stop()
      end
    end)

    local function refused(settings, overrides, words)
      local inbox = mailing.inbox(settings)
      local client = mailing.client(inbox:config(overrides))
      local info, err = client:send(mailing.mail(wanted))
      assert.is_nil(info)
      assert.equal("ETLS", err.code)
      assert.equal("MAIL FROM", err.command)
      assert.equal("not_sent", err.delivery)
      assert.is_true(err.permanent)
      assert.matches(words, err.message, 1, true)
      assert(client:send(mailing.mail()))
      assert.equal(1, #inbox:messages())
      assert.equal(1, inbox:counters().connections)
    end

    it("is an error where the server does not offer it", function()
      refused({ tls = "starttls" }, nil, "does not support REQUIRETLS")
    end)

    it("is an error in clear, whatever the server offers", function()
      refused({ tls = "none", capabilities = { "PIPELINING", "REQUIRETLS" } }, nil, "only be used over TLS")
    end)

    it("is an error where the certificate is not verified", function()
      refused({ tls = "implicit", capabilities = offers }, { tls = { rejectUnauthorized = false } },
        "verified certificate")
    end)
  end)

  it("dkim of the mail signs it, in place of the client's, and says what is wrong with it", function()
    local inbox = mailing.inbox({ tls = "none" })
    local function key(domain) return { domainName = domain, keySelector = "s", privateKey = pem() } end
    local client = mailing.client(inbox:config({ dkim = key("client.example") }))
    local function domains(more)
      inbox:clear()
      assert(client:send(mailing.mail(more)))
      local found = {}
      for domain in inbox:waitFor({}).raw:gmatch("[ \t]d=([^;]+);") do found[#found + 1] = domain end
      return found
    end
    assert.same({ "client.example" }, domains())
    assert.same({ "client.example" }, domains({ dkim = false }))
    assert.same({ "mail.example" }, domains({ dkim = key("mail.example") }))
    local keys = { key("one.example"), key("two.example") }
    assert.same({ "one.example", "two.example" }, domains({ dkim = { keys = keys } }))
    assert.matches("d=mail.example;", (core.compose(mailing.mail({ dkim = key("mail.example") }))), 1, true)
    local rows = {
      { { domainName = "x.example", keySelector = "s" }, "EDKIM", "dkim.privateKey" },
      { { domainName = "x.example", keySelector = "s", privateKey = "junk" }, "EDKIM", "dkim.privateKey" },
      { "yes", "EDKIM", "dkim must be an object" },
      { { keys = { { domain = "x.example" } } }, "EMESSAGE", "dkim.keys[1].domain is no option of dkim" },
    }
    for _, row in ipairs(rows) do
      local info, err = client:send(mailing.mail({ dkim = row[1] }))
      assert.is_nil(info)
      assert.equal(row[2], err.code)
      assert.matches(row[3], err.message, 1, true)
    end
  end)
end)
