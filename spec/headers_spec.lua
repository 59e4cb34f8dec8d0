-- SPDX-License-Identifier: MIT
-- The header of a mail, whoever sets its fields, as Python's email package reads it.

local configs = require("spec.support.configs")
local core = require("logto_smtp.core")
local logto = require("logto_smtp")
local reader = require("spec.support.reader")

-- RFC 5322 3.6 and 3.6.1 to 3.6.5, RFC 2369 2, RFC 2919 3, RFC 8058 3.1, RFC 2045 3, RFC 2183 2
local ONCE = {
  "date", "from", "sender", "reply-to", "to", "cc", "message-id", "in-reply-to", "references", "subject",
  "list-help", "list-id", "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type",
  "content-transfer-encoding", "content-disposition", "content-id", "content-description",
}
local BLIND = { "bcc", "resent-bcc" }

local DATE = "Mon, 23 Nov 2026 14:03:24 +0000"

-- Values for fields of any source, each told from the others by its tag.
local function value_of(name, tag)
  if name == "Date" then return DATE end
  if name == "References" or name == "Message-ID" or name == "In-Reply-To" then
    return tag .. "@id.example"
  end
  if name == "Subject" or name:match("^X%-") then return tag end
  if name:match("^List%-") then return "<https://" .. tag .. ".example>" end
  return tag .. "@people.example"
end

local HEADERS = {
  "From", "Sender", "To", "Reply-To", "Message-ID", "In-Reply-To", "References", "Subject", "Date",
  "List-Help", "List-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "X-Mailer", "X-Priority", "X-Other",
}
local OPTIONS = {
  From = "from", Sender = "sender", To = "to", ["Reply-To"] = "replyTo", ["Message-ID"] = "messageId",
  ["In-Reply-To"] = "inReplyTo", References = "references", Subject = "subject", Date = "date",
  ["X-Mailer"] = "xMailer",
}

local function generator(seed)
  local state = seed
  return function(n)
    state = (state * 16807) % 2147483647
    return state % n
  end
end

local function in_any_case(name, random)
  return (name:gsub("%a", function(c) return random(2) == 0 and c:upper() or c:lower() end))
end

-- Headers from some names, in one of the forms the option takes. A mail has one sender.
local function some_headers(random, tag, extra)
  local list, object = {}, {}
  local pairs_form = random(2) == 0
  for _, name in ipairs(HEADERS) do
    if random(2) == 0 then
      local values = {}
      local one = name == "Sender" and tag ~= "part"
      for i = 1, one and 1 or 1 + random(3) do values[i] = value_of(name, tag .. i) end
      local key = in_any_case(name, random)
      list[#list + 1] = { key = key, value = values }
      if random(2) == 0 and not one then
        list[#list + 1] = { key = in_any_case(name, random), value = value_of(name, tag .. "x") }
      end
      object[key] = #values == 1 and values[1] or values
    end
  end
  for name, value in pairs(extra or {}) do
    name = in_any_case(name, random)
    list[#list + 1] = { key = name, value = value }
    object[name] = value
  end
  return pairs_form and #list > 0 and list or object
end

-- One mail from every source there is, each there or not.
local function mail_of(random)
  local mail = { from = "own@people.example", to = "reader@people.example" }
  if random(2) == 0 then mail.from = { mail.from, "second@people.example" } end
  mail.headers = some_headers(random, "header")
  for _, name in ipairs(HEADERS) do
    local option = name ~= "From" and OPTIONS[name]
    if option and random(2) == 0 then mail[option] = value_of(name, "own") end
  end
  if random(2) == 0 then mail.cc, mail.bcc = "cc@people.example", "bcc@people.example" end
  if random(2) == 0 then mail.priority = "high" end
  if random(2) == 0 then
    mail.list = { help = { "h@list.example", "https://help.example" }, unsubscribe = "https://own.example" }
  end
  if random(3) == 0 then mail.text = "text" end
  if random(3) == 0 then mail.html = "<p>html</p>" end
  for i = 1, random(3) do
    mail.attachments = mail.attachments or {}
    mail.attachments[i] = {
      content = "octets", filename = "a.txt", cid = random(2) == 0 and "cid" .. i or nil,
      headers = some_headers(random, "part", {
        Bcc = "hidden@people.example", ["Resent-Bcc"] = "hidden@people.example",
        ["Content-Description"] = { "", "first", "second" }, ["X-Part"] = { "1", "2" },
      }),
    }
  end
  return mail
end

describe("each field that may be there once is (RFC 5322 3.6), and Bcc never,", function()
  local random = generator(20261127)
  local mails, composed, readings = {}, {}, nil

  setup(function()
    for i = 1, 400 do
      mails[i] = mail_of(random)
      composed[i] = assert(core.compose(mails[i]))
    end
    readings = reader.read(composed)
  end)

  it("from whatever sources the fields come", function()
    for i, mail in ipairs(readings) do
      for _, name in ipairs(ONCE) do
        local count = mail.counts[name] or 0
        assert.is_true(count <= 1, ("%d times %s:\n%s"):format(count, name, composed[i]))
      end
      assert.equal(1, mail.counts.date)
      assert.equal(1, mail.counts.from)
      assert.equal(1, mail.counts["message-id"])
      for _, part in ipairs(mail.parts) do
        local found = {}
        for _, name in ipairs(part.names) do found[name] = (found[name] or 0) + 1 end
        for _, name in ipairs(BLIND) do assert.is_nil(found[name]) end
        assert.is_true((found["content-description"] or 0) <= 1)
      end
      assert.is_nil(composed[i]:find("hidden@people.example", 1, true))
      assert.same({}, mail.defects)
    end
  end)

  it("and an option of the mail stands above its headers, and those above an attachment's", function()
    for i, mail in ipairs(readings) do
      assert.same({ "", "own@people.example" }, mail.people.from[1])
      assert.is_true(#mail.people.from == 1 or mail.counts.sender == 1)
      for name, option in pairs(OPTIONS) do
        if mails[i][option] and name ~= "From" and name ~= "To" and name ~= "Date" then
          assert.matches("own", mail.headers[name:lower()], 1, true)
        end
      end
      for _, name in ipairs({ "subject", "to", "sender", "message-id", "reply-to" }) do
        assert.is_nil((mail.headers[name] or ""):find("part", 1, true))
      end
    end
  end)

  it("through a connector's customHeaders too", function()
    local sent = {}
    for i = 1, 50 do
      local headers = some_headers(random, "custom")
      headers = headers[1] and { Subject = "other", From = { "a@b.c", "d@e.f" } } or headers
      local capture = require("logto_smtp.testing").captureTransport()
      local connector = logto.createConnector({ transport = capture })
      local data = { to = "reader@people.example", type = "SignIn", payload = { code = "1" } }
      assert(connector.sendMessage(data,
        configs.config({ customHeaders = headers, fromEmail = "own@people.example" })))
      sent[i] = capture:messages()[1].raw
    end
    for _, mail in ipairs(reader.read(sent)) do
      for _, name in ipairs(ONCE) do assert.is_true((mail.counts[name] or 0) <= 1, name) end
      assert.same({ { "", "own@people.example" } }, mail.people.from)
    end
  end)
end)

describe("a mail that is one attachment", function()
  local function compose(mail)
    mail.from, mail.to = "a@example.com", "b@example.com"
    mail.attachments = { { content = "octets", headers = {
      Subject = "theirs", From = "x@example.com", Date = "yesterday", Bcc = "hidden@example.com",
      ["Message-ID"] = "theirs@example.com", ["X-A"] = { "1", "2" },
      ["List-Help"] = "<https://theirs.example>",
    } } }
    local octets, envelope = core.compose(mail)
    return reader.read({ assert(octets, envelope and envelope.message) })[1], envelope
  end

  it("has the mail's own fields, and of the attachment's those that are no matter of the mail", function()
    local mail, envelope = compose({ subject = "ours" })
    assert.equal("ours", mail.headers.subject)
    assert.equal("a@example.com", mail.headers.from)
    assert.equal(2, mail.counts["x-a"])
    assert.equal("<https://theirs.example>", mail.headers["list-help"])
    assert.same({ "b@example.com" }, envelope.to)
  end)

  it("takes no subject from it where the mail has none", function()
    assert.is_nil(compose({}).headers.subject)
  end)

  it("gives way where the mail's headers name the same", function()
    local mail = compose({ headers = { ["List-Help"] = "<https://ours.example>" } })
    assert.equal("<https://ours.example>", mail.headers["list-help"])
  end)
end)

describe("the sender", function()
  local function fields_of(mail)
    mail.to, mail.text = "b@example.com", "x"
    local octets, err = core.compose(mail)
    if not octets then return nil, err.message end
    return octets:match("\nSender: (.-)\r\n") or octets:match("^Sender: (.-)\r\n") or "none"
  end

  local two, group = "a@example.com, A <c@example.com>", "Team: a@example.com, c@example.com;"
  local rows = {
    { { from = "a@example.com" }, "none" },
    { { from = two }, "a@example.com" },
    { { from = group }, "a@example.com" },
    { { headers = { From = { "A <c@example.com>", "a@example.com" } } }, "A <c@example.com>" },
    { { from = two, sender = "s@example.com" }, "s@example.com" },
    { { from = two, headers = { sender = "s@example.com" } }, "s@example.com" },
    { { from = two, headers = { sender = "" } }, "a@example.com" },
    { { from = two, sender = two }, nil, "sender must be one mailbox (RFC 5322 3.6.2); got several" },
    { { from = two, sender = group }, nil, "sender must be one mailbox (RFC 5322 3.6.2); got a group" },
    { { from = two, headers = { sender = "s@example.com", SENDER = "t@example.com" } }, nil,
      "headers.Sender must be one mailbox (RFC 5322 3.6.2); got several" },
  }
  for i, row in ipairs(rows) do
    it(("is one mailbox, and there where the mail is from several (%d)"):format(i), function()
      local sender, refusal = fields_of(row[1])
      assert.equal(row[2], sender)
      assert.equal(row[3], refusal)
    end)
  end
end)

describe("the mail's date", function()
  local function date_of(mail)
    mail.from, mail.to, mail.text = "a@example.com", "b@example.com", "x"
    local octets, err = core.compose(mail)
    return octets and ("\r\n" .. octets):match("\r\nDate: (.-)\r\n"), err
  end

  local rows = {
    { DATE, DATE }, { "2026-11-23T14:03:24Z", DATE }, { "2026-11-23 16:03:24.5+02:00",
      "Mon, 23 Nov 2026 16:03:24 +0200" }, { 1795442604000, DATE }, { 1795442604999.5, DATE },
    { -2208988800000, "Mon, 01 Jan 1900 00:00:00 +0000" },
  }
  for _, row in ipairs(rows) do
    it(("%s is %s"):format(row[1], row[2]), function()
      assert.equal(row[2], date_of({ date = row[1] }))
      if type(row[1]) == "string" then assert.equal(row[2], date_of({ headers = { date = row[1] } })) end
    end)
  end

  it("in seconds is refused, and told so", function()
    for _, seconds in ipairs({ 1, 1795442604, 1795442604.5, 99999999999, -86400 }) do
      local date, err = date_of({ date = seconds })
      assert.is_nil(date)
      assert.matches("^date must be milliseconds since 1970, and .* is in seconds", err.message)
    end
  end)

  it("that is none is refused, also as a header, and named", function()
    for _, text in ipairs({ "yesterday", "2026-11-23T14:03:24", "23 Nov 2026 14:03", "2026-02-30",
                            "Tue, 23 Nov 2026 14:03:24 +0000", DATE .. "\r\nBcc: x@example.com" }) do
      local date, err = date_of({ date = text })
      assert.is_nil(date)
      assert.matches("^date ", err.message)
      date, err = date_of({ headers = { Date = text } })
      assert.is_nil(date)
      assert.matches("^headers.Date ", err.message)
      assert.equal("EMESSAGE", err.code)
    end
    assert.matches("boolean", select(2, date_of({ date = true })).message)
    assert.matches("milliseconds", select(2, date_of({ date = 0 / 0 })).message)
  end)
end)

describe("ids", function()
  local function head_of(mail)
    mail.from, mail.to, mail.text = "a@example.com", "b@example.com", "x"
    local octets, err = core.compose(mail)
    return octets and octets:match("^(.-\r\n)\r\n"), err
  end

  it("stand behind the colon of their field, however long they are", function()
    local id = ("x"):rep(300) .. "@example.com"
    local head = head_of({ messageId = id, inReplyTo = id, references = { id, id },
      attachments = { { content = "x", cid = id } } })
    for _, name in ipairs({ "Message-ID", "In-Reply-To", "References" }) do
      assert.matches("\r\n" .. name .. ": <" .. id .. ">\r\n", head, 1, true)
    end
    local octets = core.compose({ from = "a@example.com", to = "b@example.com",
      attachments = { { content = "x", cid = id } } })
    assert.matches("Content-ID: <" .. id .. ">\r\n", octets, 1, true)
  end)

  it("are parted by any white space, and may be a list", function()
    local rows = { "<a@b>, <c@d>", "<a@b>\t<c@d>", "<a@b>\r\n <c@d>",
      "a@b c@d", "<a@b><c@d>", { "a@b", "<c@d>" } }
    for _, ids in ipairs(rows) do
      local head = head_of({ inReplyTo = ids, references = ids })
      assert.matches("\r\nIn-Reply-To: <a@b> <c@d>\r\n", head, 1, true)
      assert.matches("\r\nReferences: <a@b> <c@d>\r\n", head, 1, true)
    end
  end)

  it("of a message are one", function()
    local head, err = head_of({ messageId = "<a@b> <c@d>" })
    assert.is_nil(head)
    assert.matches("messageId must be one id", err.message, 1, true)
  end)

  it("are ids, or the mail is refused by the option that names none (RFC 5322 3.6.4)", function()
    for _, text in ipairs({ "a", "<a b@c>", "<a@b(c)>", "(c)<a@b>", "<a@b", "a@b\0", "<a@b@c>" }) do
      local rows = {
        messageId = { messageId = text }, inReplyTo = { inReplyTo = text },
        references = { references = { text } },
        ["headers.message-id"] = { headers = { ["message-id"] = text } },
        ["headers.References"] = { headers = { References = text } },
      }
      if text ~= "a" then rows["attachments[1].cid"] = { attachments = { { content = "x", cid = text } } } end
      for name, mail in pairs(rows) do
        local head, err = head_of(mail)
        assert.is_nil(head)
        assert.equal(name .. " must be", err.message:sub(1, #name + 8))
      end
    end
  end)
end)

describe("names and comments", function()
  it("break no line where they are shown", function()
    for _, line_end in ipairs({ "\r\n", "\n", "\r" }) do
      local octets = assert(core.compose({
        from = { name = "A" .. line_end .. "B\7\127é", address = "a@example.com" },
        to = { { name = "C" .. line_end .. "D", address = "b@example.com" } },
        list = { help = { url = "https://h.example", comment = "E" .. line_end .. "F" } },
      }))
      local mail = reader.read({ octets })[1]
      assert.same({ { "A Bé", "a@example.com" } }, mail.people.from)
      assert.same({ { "C D", "b@example.com" } }, mail.people.to)
      assert.equal("<https://h.example> (E F)", mail.headers["list-help"])
    end
  end)

  it("of files arrive as they are", function()
    local names = { "*x.txt", "a\tb.txt", "a*b=c.txt", "100%.txt", "it's.txt", "-x", "a;b", "é*.txt",
                    ("long"):rep(60) .. ".txt", "=?UTF-8?Q?x?=", '"q".txt', "a\\b.txt" }
    local type = "text/plain; charset= utf-8; x=; name=other; name*=''other"
    local mails = {}
    for i, name in ipairs(names) do
      mails[i] = assert(core.compose({ from = "a@example.com", to = "b@example.com", text = "x",
        attachments = { { filename = name, content = "c", contentType = type } } }))
    end
    for i, mail in ipairs(reader.read(mails)) do
      assert.equal(names[i], mail.parts[3].filename)
      assert.equal("utf-8", mail.parts[3].params.charset)
      assert.is_nil(mail.parts[3].params.x)
      assert.same({}, mail.defects)
    end
  end)
end)
