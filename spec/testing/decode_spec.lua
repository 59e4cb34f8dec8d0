-- SPDX-License-Identifier: MIT
local decode = require "logto_smtp.inbox.decode"
local md5 = require "logto_smtp.inbox.md5"

describe("decode.words() (RFC 2047)", function()
  for _, row in ipairs {
    { "plain text", "plain text" },
    { "=?utf-8?Q?caf=C3=A9_au_lait?=", "caf\195\169 au lait" },
    { "=?UTF-8?B?w6k=?= =?utf-8?b?w6g=?= tail", "\195\169\195\168 tail" },
    { "=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "\226\130\172" },
    { "=?iso-8859-1?Q?=E9?= and =?windows-1252?Q?=80?=", "\195\169 and \226\130\172" },
    { "=?utf-8*en?Q?x?=", "x" },
    { "=?broken?=", "=?broken?=" },
  } do
    it("reads " .. row[1], function() assert.equal(row[2], decode.words(row[1])) end)
  end
end)

describe("decode.parameters() (RFC 2231)", function()
  it("joins continuations and decodes charsets", function()
    local value, parameters = decode.parameters("Attachment; filename*0*=utf-8''na%C3%AF; filename*1=ve.txt;"
      .. ' x="a;\\"b"; y=plain')
    assert.equal("attachment", value)
    assert.same({ filename = "na\195\175ve.txt", x = 'a;"b', y = "plain" }, parameters)
  end)
end)

describe("decode.message()", function()
  local raw = table.concat({
    "Subject: =?utf-8?Q?=C3=A9?=", "From: A <a@b.example>", "X-Folded: one", "\ttwo", "x-folded: three",
    "Content-Type: multipart/mixed; boundary=\"m\"", "", "preamble", "--m",
    "Content-Type: multipart/alternative; boundary=m1", "", "--m1",
    "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "",
    "Code: 482913, not 1=", "2345 or 2024-01-01.", "--m1", "Content-Type: text/html",
    "Content-Transfer-Encoding: base64",
    "", "PGI+aGk8L2I+", "--m1--", "", "--m", "Content-Type: application/pdf; name=a.pdf",
    "Content-Disposition: attachment; filename=a.pdf", "Content-Transfer-Encoding: base64", "", "AAEC",
    "--m--", "epilogue", "",
  }, "\r\n")

  it("finds texts, attachments and headers", function()
    local message = decode.message { raw = raw }
    assert.equal("\195\169", message.subject)
    assert.equal("Code: 482913, not 12345 or 2024-01-01.", message.text)
    assert.equal("<b>hi</b>", message.html)
    assert.equal("482913", message.code)
    assert.same({ { filename = "a.pdf", contentType = "application/pdf", content = "\0\1\2",
      contentDisposition = "attachment" } }, message.attachments)
    assert.equal("one\ttwo", message.headers["x-folded"])
    assert.equal("three", message.headers[4].value)
  end)

  it("survives every cut of it", function()
    for n = 0, #raw do assert.is_table(decode.message { raw = raw:sub(1, n) }) end
  end)
end)

-- Each shape made long: what takes a time that grows with the square of it does not end here.
describe("decode.message() of a hostile mail", function()
  local OCTETS = 262144
  local HTML = "Content-Type: text/html\r\n\r\n"
  local QUOTED = "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
  for name, row in pairs {
    comments = { HTML, "<!--" }, styles = { HTML, "<style" }, scripts = { HTML, "<script" },
    ["closed scripts"] = { HTML, "<script></script  " }, ["open tags"] = { HTML, "<" },
    entities = { HTML, "&#" }, ["a long entity"] = { HTML .. "&#", "9", ";" },
    dots = { "\r\nhttps://", ".", "x" }, links = { "\r\n", "https://" },
    spaces = { QUOTED, " ", "x" }, equals = { QUOTED, "=" },
    ["folded lines"] = { "Subject: x\r\n", " x\r\n", "\r\n" }, headers = { "", "a:b\r\n", "\r\n" },
    ["open words"] = { "Subject: ", "=?a?b?", "\r\n\r\n" },
    words = { "Subject: ", "=?utf-8?q?a?= ", "\r\n\r\n" },
    ["a long charset"] = { "Subject: =?", "a", "\r\n\r\n" },
    parameters = { "Content-Type: text/plain", "; a*0=b", "\r\n\r\n" },
    ["an open quote"] = { 'Content-Type: text/plain; a="', "\\", "\r\n\r\n" },
    semicolons = { "Content-Type: text/plain", ";", "\r\n\r\n" },
    percents = { "Content-Disposition: a", "; %a=%", "\r\n\r\n" },
    parts = { "Content-Type: multipart/mixed; boundary=a\r\n\r\n", "--a\r\n" },
    ["parts without a name"] = { 'Content-Type: multipart/mixed; boundary=""\r\n\r\n', "--\r\n" },
    ["parts in parts"] = { "", "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" },
    ["a number of pieces"] = { "Content-Type: a/b; a*", "9", "=b; a*0=c\r\n\r\n" },
    digits = { "\r\n", "1" }, ["lone digits"] = { "\r\n", "1 " }, ["a long name"] = { "", "a", "\r\n\r\n" },
    NUL = { "", "\0" }, ["octets that are no text"] = { "\r\n", "\255" },
    padding = { "Content-Transfer-Encoding: base64\r\n\r\n", "A=" },
    ["no encoding"] = { "Content-Transfer-Encoding: ", " ", "\r\n\r\n" },
    ["no type"] = { "Content-Type: ;;=;", "=", "\r\n\r\n" }, ["no name"] = { "", " x\r\n" },
  } do
    it("comes to its end: " .. name, function()
      local raw = row[1] .. row[2]:rep(math.floor(OCTETS / #row[2])) .. (row[3] or "")
      local message = decode.message { raw = raw }
      assert.is_table(message.headers)
      assert.is_table(message.attachments)
    end)
  end

  it("keeps the octets of one that it cannot read", function()
    local split = decode.split
    decode.split = error -- luacheck: ignore 122
    local message = decode.message { raw = "Subject: x\r\n\r\nbody" }
    decode.split = split -- luacheck: ignore 122
    assert.equal("Subject: x\r\n\r\nbody", message.text)
    assert.same({ {}, {} }, { message.headers, message.attachments })
  end)
end)

describe("decode.visible()", function()
  for _, row in ipairs {
    { "<b>a</b> > b", " a  > b" }, { "a<!-- x > y -->b<!-- open", "ab<!-- open" },
    { "<STYLE type=x>p > a {}</Style  >c", "c" }, { "<script>a < b</script>d<i", "d<i" },
    { "&lt;&#233;&amp;&#99999999999;", "<\195\169&&#99999999999;" },
  } do
    it("leaves of " .. row[1], function() assert.equal(row[2], decode.visible(row[1])) end)
  end
end)

describe("decode.code()", function()
  for _, row in ipairs {
    { "Your code is 123456.", "123456" }, { "code:123456", nil }, { "In 2024 your code 000000 is", "000000" },
    { "PIN 4821", "4821" }, { "https://x.example/123456?a=654321", nil }, { "abc123456", nil },
    { "12345678901", nil },
    { "123456", "123456" },
  } do
    it(("finds %s in %q"):format(tostring(row[2]), row[1]), function()
      assert.equal(row[2], decode.code(row[1]))
    end)
  end
end)

describe("decode.link()", function()
  it("gives the first link without the sentence around it", function()
    assert.equal("https://x.example/a?b=1&c=2", decode.link('<a href="https://x.example/a?b=1&amp;c=2">'))
    assert.equal("http://x.example/a", decode.link("See http://x.example/a."))
  end)
end)

describe("md5", function()
  local function hex(octets)
    return (octets:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  it("matches RFC 1321 and RFC 2195", function()
    assert.equal("d41d8cd98f00b204e9800998ecf8427e", hex(md5.digest("")))
    assert.equal("900150983cd24fb0d6963f7d28e17f72", hex(md5.digest("abc")))
    assert.equal("b913a602c7eda7a495b4e6e7334d3890",
      md5.hmac_hex("tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>"))
  end)
end)
