-- SPDX-License-Identifier: MIT
-- The assertions about mails, and the words in which they fail. Each runs against a capture; those that wait,
-- against an inbox.
local clock = require "spec.support.clock"
local mailing = require "spec.support.mailing"
local net = require "spec.support.net"
local shell = require "spec.support.shell"
local testing = require "logto_smtp.testing"
require "logto_smtp.testing.assertions"

local capture

local function send(fields) assert(capture.send({}, mailing.mail(fields))) end

-- The words a call fails with, without the position in front.
local function failure_of(call)
  local ok, err = pcall(call)
  assert(not ok, "it did not fail")
  if type(err) == "table" then err = err.message end
  return (tostring(err):gsub("^[^\n]-_spec%.lua:%d+: ", ""))
end

local function fails(lines, call)
  assert.equal(table.concat(lines, "\n"), failure_of(call))
end

before_each(function() capture = testing.captureTransport() end)
after_each(mailing.stop)

describe("assert.mail_sent()", function()
  it("answers the mail, or with n the mails", function()
    send { subject = "one" }
    send { subject = "two" }
    assert.equal("two", assert.mail_sent(capture, { subject = "two" }).subject)
    assert.equal(2, #assert.mail_sent(capture, { n = 2 }))
    assert.equal("one", assert.mail_sent(capture).subject)
  end)

  it("says what came instead", function()
    send { text = "Your code is 124356." }
    fails({
      'expected 1 mail with to "reader@example.com", code "123456", '
        .. "but the only one that arrived is another:",
      '  mail 1, to reader@example.com, subject "Your code", code 124356',
      "    code: expected 123456",
      "               got 124356",
      "                     ^^",
    }, function() assert.mail_sent(capture, { to = "reader@example.com", code = "123456" }) end)
  end)

  it("says that nothing came", function()
    fails({ "expected 1 mail, but none arrived; nothing was sent through this transport" },
      function() assert.mail_sent(capture) end)
  end)

  it("waits for an inbox", function()
    local inbox, client = mailing.start()
    fails({ 'expected 1 mail with to "a@b.example" within 0.1 s, but none arrived; nobody connected to '
      .. "127.0.0.1 port " .. inbox.port }, function()
      assert.mail_sent(inbox, { to = "a@b.example", timeout = 0.1 })
    end)
    assert(client:send(mailing.mail()))
    assert.equal("123456", assert.mail_sent(inbox, { to = "reader@example.com" }).code)
  end)

  it("refuses what cannot be meant", function()
    assert.matches("bad argument #1 to 'mail_sent' (an inbox or a capture expected, got string)",
      failure_of(function() assert.mail_sent("inbox", {}) end), 1, true)
    assert.matches("bad argument #2 to 'mail_sent' (unknown field \"too\"; did you mean `to`?)",
      failure_of(function() assert.mail_sent(capture, { too = "x" }) end), 1, true)
    local failure = failure_of(function() assert.no_mail_sent(capture, { n = 2 }) end)
    assert.matches("n has no meaning here", failure)
  end)
end)

describe("assert.no_mail_sent()", function()
  it("is content when none matches, and does not wait", function()
    local inbox = mailing.inbox { tls = "none" }
    local _, _, span = clock.timed(function()
      assert.no_mail_sent(inbox)
      assert.is_not.mail_sent(inbox, { to = "a@b.example" })
    end)
    span:ended()
    send {}
    assert.no.mail_sent(capture, { to = "other@example.com" })
  end)

  it("waits as long as told", function()
    local inbox = mailing.inbox { tls = "none" }
    local _, _, span = clock.timed(function() assert.no_mail_sent(inbox, { timeout = 0.15 }) end)
    span:at_least(150)
  end)

  it("shows the mail that should not be", function()
    send {}
    send { to = "other@example.com", subject = "Hi", text = "none" }
    fails({ 'expected no mail with to "other@example.com", but 1 arrived:',
      '  mail 2, to other@example.com, subject "Hi"' },
      function() assert.no_mail_sent(capture, { to = "other@example.com" }) end)
    fails({ "expected no mail, but 2 arrived:",
      '  mail 1, to reader@example.com, subject "Your code", code 123456',
      '  mail 2, to other@example.com, subject "Hi"' }, function() assert.is_not.mail_sent(capture) end)
  end)
end)

describe("assert.mail_count()", function()
  it("counts exactly", function()
    assert.mail_count(capture, 0)
    send {}
    send { subject = "Other" }
    assert.mail_count(capture, 2)
    assert.mail_count(capture, 1, { subject = "Other" })
    assert.is_not.mail_count(capture, 3)
  end)

  it("says how many there are, and which", function()
    send {}
    send { subject = "Other" }
    fails({ "expected exactly 1 mail, but 2 of the 2 that arrived are like that:",
      '  mail 1, to reader@example.com, subject "Your code", code 123456',
      '  mail 2, to reader@example.com, subject "Other", code 123456' },
      function() assert.mail_count(capture, 1) end)
    fails({ 'expected exactly 2 mails with subject "Other", but 1 of the 2 that arrived is like that:',
      '  mail 2, to reader@example.com, subject "Other", code 123456 (like that)',
      '  mail 1, to reader@example.com, subject "Your code", code 123456',
      '    subject: expected "Other" in it, got "Your code"' },
      function() assert.mail_count(capture, 2, { subject = "Other" }) end)
    fails({ "expected any number but 2 mails, and that many arrived:",
      '  mail 1, to reader@example.com, subject "Your code", code 123456',
      '  mail 2, to reader@example.com, subject "Other", code 123456' },
      function() assert.is_not.mail_count(capture, 2) end)
    assert.matches("bad argument #2 to 'mail_count' (number expected, got table)",
      failure_of(function() assert.mail_count(capture, {}) end), 1, true)
  end)

  it("waits for the last of them", function()
    local inbox, client = mailing.start()
    fails({ "expected exactly 1 mail within 0.1 s, but none arrived; nobody connected to 127.0.0.1 port "
      .. inbox.port }, function() assert.mail_count(inbox, 1, { timeout = 0.1 }) end)
    assert(client:send(mailing.mail()))
    assert.mail_count(inbox, 1)
  end)
end)

describe("assert.mail.matches_snapshot()", function()
  local dir, options

  before_each(function()
    dir = net.tmpdir()
    options = { directory = dir .. "/kept" }
  end)
  after_each(function() net.remove_dir(dir) end)

  local function keep(name, text)
    net.run("mkdir -p " .. dir .. "/kept")
    net.write_file(("%s/kept/%s.txt"):format(dir, name), text)
  end

  local SIGN_IN = [[
from <sender@example.com> to <reader@example.com>

From: sender@example.com
To: reader@example.com
Subject: Your code
Message-ID: (another each time)
Content-Transfer-Encoding: 7bit
Date: (another each time)
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

--- text/plain
Your code is 123456.
]]

  it("takes the mail in either way", function()
    send {}
    keep("sign-in", SIGN_IN)
    local mail = capture:waitFor()
    assert.mail(mail).matches_snapshot("sign-in", options)
    assert.mail.matches_snapshot(mail, "sign-in", options)
    assert.mail(capture:waitFor()).matches_snapshot("sign-in", options)
  end)

  it("shows the lines that differ", function()
    send { subject = "Your new code", text = "Your code is 654321.\nBye" }
    keep("sign-in", SIGN_IN)
    fails({
      ('the mail differs from the snapshot "sign-in" (%s/kept/sign-in.txt; - kept, + got):'):format(dir),
      "  ...",
      "  From: sender@example.com",
      "  To: reader@example.com",
      "- Subject: Your code",
      "+ Subject: Your new code",
      "  Message-ID: (another each time)",
      "  Content-Transfer-Encoding: 7bit",
      "  ...",
      "  ",
      "  --- text/plain",
      "- Your code is 123456.",
      "+ Your code is 654321.",
      "+ Bye",
      "If the new one is right, run again with UPDATE_SNAPSHOTS=1 to keep it.",
    }, function() assert.mail(capture:waitFor()).matches_snapshot("sign-in", options) end)
    assert.is_not.mail.matches_snapshot(capture:waitFor(), "sign-in", options)
  end)

  it("fails without a snapshot, and shows the mail", function()
    send {}
    fails({
      ('there is no snapshot "sign-in" (%s/kept/sign-in.txt). If this mail is right, run again with '
        .. "UPDATE_SNAPSHOTS=1 to keep it:"):format(dir), SIGN_IN,
    }, function() assert.mail(capture:waitFor()).matches_snapshot("sign-in", options) end)
    assert.matches("there is no snapshot", failure_of(function()
      assert.is_not.mail.matches_snapshot(capture:waitFor(), "sign-in", options)
    end))
    assert.is_nil(net.read_file(dir .. "/kept/sign-in.txt"))
  end)

  it("writes one only when UPDATE_SNAPSHOTS is set", function()
    local spec = dir .. "/a_spec.lua"
    net.write_file(spec, [[
      require "logto_smtp.testing.assertions"
      it("x", function()
        local capture = require("logto_smtp.testing").captureTransport()
        assert(capture.send({}, { from = "a@b.example", to = "c@d.example", text = "code 123456" }))
        local options = { directory = "]] .. dir .. [[/new/deep", code = true }
        assert.mail(capture:waitFor()).matches_snapshot("group/one", options)
      end)]])
    local command = shell.interpreter() .. " spec/busted.lua -o plainTerminal " .. spec
    assert.not_equal(0, select(2, net.run("env -u UPDATE_SNAPSHOTS " .. command)))
    assert.not_equal(0, select(2, net.run("UPDATE_SNAPSHOTS=0 " .. command)))
    assert.is_nil(net.read_file(dir .. "/new/deep/group/one.txt"))
    assert.equal(0, select(2, net.run("UPDATE_SNAPSHOTS=1 " .. command)))
    assert.matches("\n--- text/plain\ncode {code}\n$", net.read_file(dir .. "/new/deep/group/one.txt"))
    assert.equal(0, select(2, net.run("env -u UPDATE_SNAPSHOTS " .. command)))
  end)

  it("leaves out what is new each time, and what is asked", function()
    local mail = {
      subject = "\195\164 123456", html = '<b>123456</b> <img src="cid:random%d@x">',
      headers = { ["X-Request-Id"] = "%d" },
      attachments = {
        { filename = "a.bin", content = "\0\1\2%d", contentType = "application/octet-stream" },
        { filename = "p.png", content = "\137PNG", cid = "random%d@x", contentType = "image/png" },
        { filename = "n.txt", content = "note\nline\n" },
      },
    }
    local function numbered(value, i)
      if type(value) == "string" then return (value:gsub("%%d", i)) end
      local copy = {}
      for key, inner in pairs(value) do copy[key] = numbered(inner, i) end
      return copy
    end
    options.code, options.volatile = true, { "x-request-id" }
    local snapshot = require "logto_smtp.testing.snapshot"
    local texts = {}
    for i = 1, 2 do
      local fields = numbered(mail, i)
      fields.attachments[1].content = "\0\1\2"
      send(fields)
      texts[i] = snapshot.format(capture:messages()[i], options)
    end
    assert.equal(texts[1], texts[2])
    for _, part in ipairs {
      "Subject: \195\164 {code}\n", "X-Request-ID: (another each time)\n", "boundary=...",
      '--- application/octet-stream, attachment, "a.bin"\n(3 octets, sum 33)\n', "<b>{code}</b>",
      'src="cid:part', '"n.txt"\nnote\nline\n',
    } do
      assert.matches(part, texts[1], 1, true)
    end
    assert.is_nil(texts[1]:find("123456", 1, true))
    send { text = "changed" }
    assert.not_equal(texts[1], snapshot.format(capture:messages()[3], options))
  end)

  it("tells why there is no mail to compare", function()
    local failure = failure_of(function()
      assert.mail(capture:waitFor { to = "a@b.example" }).matches_snapshot("sign-in")
    end)
    assert.equal("a mail of an inbox or a capture expected, got nil: expected 1 mail with to "
      .. '"a@b.example", but none arrived; nothing was sent through this transport', failure)
    send {}
    for _, name in ipairs { "../x", "", "/etc/x", "a b" } do
      assert.matches("needs a name of letters", failure_of(function()
        assert.mail(capture:waitFor()).matches_snapshot(name, options)
      end))
    end
  end)
end)
