-- SPDX-License-Identifier: MIT
-- Numbered checks against the behaviour of the original that no other spec is about.

local cjson = require("cjson")
local configs = require("spec.support.configs")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local mailparser = require("spec.support.mailparser")

local render = core.render

describe("check 4: auth", function()
  local rows = {
    { {}, true }, { { type = "login" }, true }, { { user = "u" }, true }, { { pass = "p" }, true },
    { { user = "u", pass = "p" }, true }, { { type = "Login", user = "u", pass = "p" }, true },
    { { user = "u", pass = "p", method = "PLAIN" }, true },
    { { type = "oauth2", user = "u", privateKey = { key = "k" } }, true },
    { { type = "oauth2" }, "invalid_union" }, { { type = "lOgin" }, "invalid_union" },
    { { type = "oAuth2", user = "u" }, "invalid_union" }, { { type = "PLAIN" }, "invalid_union" },
    { { pass = "p", x = 1 }, "unrecognized_keys" },
    { { type = "login", user = "u", x = 1 }, "unrecognized_keys" },
  }
  for _, row in ipairs(rows) do
    it(cjson.encode(row[1]) .. (row[2] == true and " passes" or " is " .. tostring(row[2])), function()
      local ok, issues = core.validate(configs.config({ auth = row[1] }))
      if row[2] == true then return assert.is_truthy(ok) end
      assert.equal(1, #issues)
      assert.equal(row[2], issues[1].code)
      assert.same({ "auth" }, issues[1].path)
    end)
  end

  it("that fits nothing nests the login and the service account in one, the token in the other", function()
    local _, issues = core.validate(configs.config({ auth = { type = "oauth2" } }))
    local first, second = issues[1].unionErrors[1], issues[1].unionErrors[2]
    assert.equal("invalid_union", first.issues[1].code)
    assert.equal(2, #first.issues[1].unionErrors)
    assert.same({ "auth", "user" }, second.issues[1].path)
  end)
end)

describe("placeholders,", function()
  local spaces = {
    "\t", "\n", "\11", "\12", "\r", " ", "\194\160", "\225\154\128", "\226\128\128", "\226\128\138",
    "\226\128\168", "\226\128\169", "\226\128\175", "\226\129\159", "\227\128\128", "\239\187\191",
  }

  it("check 11: every white space of JavaScript may stand inside the braces", function()
    for _, space in ipairs(spaces) do
      assert.equal("1", render("{{" .. space .. "code" .. space .. "}}", { code = "1" }))
    end
  end)

  it("check 11: U+0085, U+180E and U+200B may not", function()
    for _, other in ipairs({ "\194\133", "\225\160\142", "\226\128\139" }) do
      local text = "{{" .. other .. "code}}"
      assert.equal(text, render(text, { code = "1" }))
    end
  end)

  it("check 12: the grammar takes what is a name, and leaves the rest", function()
    local rows = {
      ["{{{code}}}"] = "{1}", ["{{code}}}"] = "1}", ["{{code.}}"] = "", ["{{code..x}}"] = "",
      ["{{ {{ {{ code }}"] = "{{ {{ 1",
    }
    for text, wanted in pairs(rows) do assert.equal(wanted, render(text, { code = "1" })) end
    for _, text in ipairs({ "{{co de}}", "{{}}", "{{.}}", "{{.code}}", "{{a-b}}", "{{cödé}}", "{{#if code}}",
                            "{{&code}}", "{code}", "{{code}" }) do
      assert.equal(text, render(text, { code = "1" }))
    end
  end)

  it("check 13: numbers print as in JavaScript", function()
    local rows = {
      { 1e21, "1e+21" }, { 1e20, "100000000000000000000" }, { 1e-7, "1e-7" }, { 1e-6, "0.000001" },
      { 0.1, "0.1" }, { 0.1 + 0.2, "0.30000000000000004" }, { -0.0, "0" }, { 5e-324, "5e-324" },
      { 2 ^ 53, "9007199254740992" }, { 1.0, "1" }, { 123456, "123456" }, { -1.5, "-1.5" }, { 0 / 0, "NaN" },
      { math.huge, "Infinity" }, { -math.huge, "-Infinity" },
    }
    for _, row in ipairs(rows) do assert.equal(row[2], render("{{n}}", { n = row[1] })) end
    assert.equal("true false", render("{{a}} {{b}}", { a = true, b = false }))
  end)

  it("check 14: arrays, objects and null print as in JavaScript", function()
    local list = { 1, { 2, cjson.null, "x" }, "y" }
    assert.equal("1,2,,x,y", render("{{list}}", { list = list }))
    assert.equal("1", render("{{list.0}}", { list = list }))
    assert.equal("3", render("{{list.length}}", { list = list }))
    assert.equal("", render("{{list.9}}{{list.00}}", { list = list }))
    assert.equal("[object Object]", render("{{o}}", { o = { a = 1 } }))
    assert.equal("", render("{{n}}", { n = cjson.null }))
    assert.equal("", render("{{s.length}}", { s = "abc" }))
    assert.equal("v", render("{{o.a.b}}", { o = { a = { b = "v" } } }))
  end)
end)

-- A mail that composes the same each time.
local function compose(fields)
  local mail = { from = "Shop <no-reply@shop.example>", to = "a@b.example", messageId = "<1@shop.example>",
                 date = "Mon, 23 Nov 2026 12:00:00 +0000" }
  for k, v in pairs(fields) do mail[k] = v end
  return assert(core.compose(mail))
end

describe("messages,", function()
  it("check 30: fields stand in the order of the original, and lines end in CRLF", function()
    assert.equal(table.concat({
      "X-A: 1", "From: Shop <no-reply@shop.example>", "To: a@b.example", "Reply-To: r@b.example",
      "Subject: s", "Message-ID: <1@shop.example>", "Date: Mon, 23 Nov 2026 12:00:00 +0000",
      "Content-Transfer-Encoding: 7bit", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "",
      "code", "" }, "\r\n"),
      compose({ subject = "s", text = "code", replyTo = "r@b.example", headers = { ["X-A"] = "1" } }))
  end)

  it("check 30: Message-ID and Date are made where none are given", function()
    local octets, _, id = core.compose({ from = "a@shop.example", to = "b@c.d", text = "t" })
    assert.matches("^<%x+%-%x+%-%x+%-%x+%-%x+@shop%.example>$", id)
    assert.matches("\r\nDate: %a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d %+0000\r\n", octets)
  end)

  it("check 31: a subject reads back as it was, in lines of at most 76 with whole characters", function()
    for _, subject in ipairs({ 'with "quotes"', '"', "žluťoučký kůň", ("字"):rep(60),
                               ("\240\157\146\179"):rep(20), "=?utf-8?Q?x y", ("word "):rep(40) .. "end" }) do
      local octets = compose({ subject = subject, text = "t" })
      local head = octets:match("^(.-)\r\n\r\n")
      for line in (head .. "\r\n"):gmatch("(.-)\r\n") do assert.is_true(#line <= 76, line) end
      for word in head:gmatch("=%?[^?]+%?[BQ]%?[^?]+%?=") do assert.is_true(#word <= 75) end
      local raw = octets:match("\r\nSubject:(.-)\r\n[^ \t]"):gsub("\r\n", ""):gsub("^ ", "")
      assert.equal(subject, (mailparser.decode_words(raw)))
    end
  end)

  it("check 31: line ends in a subject become spaces, controls never go raw", function()
    local octets = compose({ subject = "a\r\nBcc: x@y.z\7", text = "t" })
    assert.is_nil(octets:find("\nBcc:", 1, true))
    assert.is_nil(octets:find("\7", 1, true))
  end)

  local bodies = {
    ["76 columns"] = ("x"):rep(76), ["77 columns"] = ("x"):rep(77), ["digits only"] = ("1"):rep(200),
    ["trailing spaces"] = "a  \r\nb\t\r\n", ["a NUL"] = "a\0b", ["Greek"] = "κωδικός 1\r\n",
    ["over 128 KiB"] = ("0123456789 "):rep(13000), ["nothing but dots"] = ".\r\n.\r\n",
  }
  for name, body in pairs(bodies) do
    it("check 32: a body reads back as it was: " .. name, function()
      local message = mailparser.parse(compose({ text = body }))
      assert.equal((body:gsub("\r", ""):gsub("\n$", "")), (message.body:gsub("\r", ""):gsub("\n$", "")))
      for line in compose({ text = body }):gmatch("(.-)\r\n") do assert.is_true(#line <= 998) end
    end)
  end

  it("check 33: dots, bare LF and bare CR arrive as lines, and end no message", function()
    local inbox, client = mailing.start()
    local smuggled = "x\r.\r\nMAIL FROM:<evil@example.com>\r\n"
    for _, text in ipairs({ ".", "a\n.\nb", "x\r.\ry", smuggled, "no end" }) do
      inbox:clear()
      local mail = mailing.mail({ text = text, messageId = "<1@x.y>", date = 0 })
      local octets = assert(core.compose(mail))
      assert(client:send(mail))
      local got = inbox:messages()
      assert.equal(1, #got)
      assert.equal(octets, got[1].raw)
      assert.is_nil(got[1].raw:gsub("\r\n", ""):find("[\r\n]"))
      assert.same({}, got[1].violations)
    end
    mailing.stop()
  end)
end)

describe("check 35: addresses", function()
  local rows = {
    { "<notice@test.smtp>", "notice@test.smtp", { "notice@test.smtp" } },
    { "A, B <a@b.c>", '"A, B" <a@b.c>', { "a@b.c" } },
    { "a@b.c, d@e.f", "a@b.c, d@e.f", { "a@b.c", "d@e.f" } },
    { "a@b.c; d@e.f", "a@b.c, d@e.f", { "a@b.c", "d@e.f" } },
    { "Group: a@b.c, d@e.f;", "Group:a@b.c, d@e.f;", { "a@b.c", "d@e.f" } },
    { "a@b.c (comment)", "comment <a@b.c>", { "a@b.c" } },
    { "a@BÜCHER.example", "a@xn--bcher-kva.example", { "a@xn--bcher-kva.example" } },
    { "õ@BÜCHER.example", "õ@bücher.example", { "õ@bücher.example" } },
  }
  for _, row in ipairs(rows) do
    it(row[1] .. " is written as in the original", function()
      local octets, envelope = core.compose({ from = "x@y.z", to = row[1], text = "t" })
      assert.equal(row[2], octets:match("\r\nTo: (.-)\r\n"))
      assert.same(row[3], envelope.to)
    end)
  end

  for _, to in ipairs({ "foo", "", "Name", "Name <>", ";", "Group:;" }) do
    it(("%q is nobody"):format(to), function()
      local octets, err = core.compose({ from = "x@y.z", to = to, text = "t" })
      assert.is_true(octets == nil)
      assert.equal("EENVELOPE", err.code)
    end)
  end

  it("with a UTF-8 local part go to a server with SMTPUTF8 only", function()
    local _, with = mailing.start()
    assert(with:send(mailing.mail({ to = "õ@example.com" })))
    local without, client = mailing.start({ capabilities = { "PIPELINING", "8BITMIME" } })
    local info, err = client:send(mailing.mail({ to = "õ@example.com" }))
    assert.is_nil(info)
    assert.equal("EENVELOPE", err.code)
    assert.equal(0, without:counters().messages)
    mailing.stop()
  end)
end)

describe("check 37: recipients", function()
  after_each(mailing.stop)

  it("refused in part are told from those accepted, and the mail goes to these", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "RCPT", match = "b@example.com", code = 550, text = "5.1.1 unknown" })
    local info = assert(client:send(mailing.mail({ to = "a@example.com, b@example.com, c@example.com" })))
    assert.same({ "a@example.com", "c@example.com" }, info.accepted)
    assert.same({ "b@example.com" }, info.rejected)
    assert.equal("b@example.com", info.rejectedErrors[1].recipient)
    assert.same({ "a@example.com", "c@example.com" }, inbox:messages()[1].envelope.to)
  end)

  it("all refused give EENVELOPE, with each of them and its error", function()
    local inbox, client = mailing.start()
    for _ = 1, 2 do inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 unknown" }) end
    local info, err = client:send(mailing.mail({ to = "a@example.com, b@example.com" }))
    assert.is_nil(info)
    assert.equal("EENVELOPE", err.code)
    assert.same({ "a@example.com", "b@example.com" }, err.rejected)
    assert.equal(2, #err.rejectedErrors)
    assert.equal(550, err.rejectedErrors[2].responseCode)
    assert.equal(0, inbox:counters().messages)
  end)
end)

-- A server that holds back each answer counts how often the client waited for one.
describe("check 40: round trips", function()
  local latency = 0.1
  local login = { user = "user", pass = "pass" }

  after_each(mailing.stop)

  -- Of the first mail and of a second on the same connection. The greeting is waited for, too.
  local function trips(inbox, client)
    assert(client:send(mailing.mail()))
    local cold = inbox:connections()[1].flights
    assert(client:send(mailing.mail()))
    return cold + 1, inbox:connections()[1].flights - cold
  end

  it("are at most 5 in clear with a login, and 2 when the connection is warm", function()
    local cold, warm = trips(mailing.start({ auth = login, authInClear = true, latency = latency }))
    assert.is_true(cold <= 5, tostring(cold))
    assert.is_true(warm <= 2, tostring(warm))
  end)

  it("are at most 7 over STARTTLS, and 2 when the connection is warm", function()
    local cold, warm = trips(mailing.start({ tls = "starttls", auth = login, latency = latency }))
    assert.is_true(cold <= 7, tostring(cold))
    assert.is_true(warm <= 2, tostring(warm))
  end)

  it("are none for what a config may not say", function()
    for _, key in ipairs({ "sendmail", "path", "args", "url", "streamTransport", "jsonTransport", "SES",
                           "connection", "socket", "getSocket", "secured", "customAuth", "lmtp" }) do
      local ok, issues = core.validate(configs.config({ [key] = "x" }))
      assert.is_nil(ok, key)
      assert.same({ key }, issues[1].path)
      assert.equal("custom", issues[1].code)
    end
    for _, key in ipairs({ "host", "port", "path", "socket", "lookup" }) do
      local ok, issues = core.validate(configs.config({ tls = { [key] = "x" } }))
      assert.is_nil(ok, key)
      assert.same({ "tls", key }, issues[1].path)
    end
  end)
end)
