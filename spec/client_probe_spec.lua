-- SPDX-License-Identifier: MIT
local mailing = require("spec.support.mailing")

local ENVELOPE = { from = "sender@example.com", to = "reader@example.com" }

local function verbs(inbox, number)
  local out = {}
  for _, command in ipairs(inbox:connections()[number].commands) do out[#out + 1] = command.verb end
  return table.concat(out, " ")
end

describe("client:probe()", function()
  after_each(mailing.stop)

  it("asks for sender and recipient, and sends no mail", function()
    local inbox, client = mailing.start({ chunking = true })
    inbox:nextReply({ at = "RCPT", code = 250, text = { "2.1.5 reader", "2.1.5 is known" } })
    local info = assert(client:probe(ENVELOPE))
    assert.are.same({ "reader@example.com" }, info.accepted)
    assert.are.equal("250-2.1.5 reader\n250 2.1.5 is known", info.response)
    assert.are.equal(0, info.messageSize)
    assert.are.equal("EHLO MAIL RCPT RSET", verbs(inbox, 1))
    assert.are.equal(0, inbox:counters().messages)
    assert.are.equal(0, client:stats().sent)
  end)

  for _, row in ipairs({
    { "RCPT", 554, "5.7.1 Relay access denied", "RCPT TO" },
    { "MAIL", 553, "5.7.1 Sender address rejected: not owned by user", "MAIL FROM" },
  }) do
    it("answers what a mail would be told at " .. row[1] .. ", and the next mail goes out", function()
      local inbox, client = mailing.start()
      inbox:nextReply({ at = row[1], code = row[2], text = row[3] })
      local info, err = client:probe(ENVELOPE)
      assert.is_nil(info)
      assert.are.equal("EENVELOPE", err.code)
      assert.are.equal(row[4], err.command)
      assert.are.equal(row[2], err.responseCode)
      assert.are.equal(0, client:stats().failed)
      assert(client:send(mailing.mail()))
      assert.are.equal(1, inbox:counters().messages)
      assert.are.equal(1, inbox:counters().connections)
    end)
  end

  it("refuses what is no address, as client:send() does", function()
    local _, client = mailing.start()
    local _, err = client:probe({ from = "sender@example.com", to = "nobody" })
    assert.are.equal("EENVELOPE", err.code)
  end)
end)

describe("what client:verify() saw", function()
  after_each(mailing.stop)

  it("holds the certificates that came over the line, and when EHLO was answered", function()
    local _, client = mailing.start({ tls = "starttls" })
    local seen = assert(client:verify())
    local leaf = { subject = seen.tls.peer, issuer = seen.tls.issuer, expires = seen.tls.expires }
    assert.are.same({ leaf }, seen.chain)
  end)

  for tls, steps in pairs({
    none = { "lookup", "connect", "greeting", "ehlo", "ready" },
    starttls = { "lookup", "connect", "greeting", "ehlo", "tls", "ready" },
    implicit = { "lookup", "connect", "tls", "greeting", "ehlo", "ready" },
  }) do
    it("has its steps in the order in which they came: " .. tls, function()
      local _, client = mailing.start({ tls = tls })
      for _ = 1, 20 do
        local times, last = assert(client:verify()).times, 0
        for _, step in ipairs(steps) do
          assert.is_true(times[step] >= last, ("%s at %s, after %s"):format(step, times[step], last))
          last = times[step]
        end
      end
    end)
  end

  it("is told beside the error, as far as it got", function()
    local inbox, client = mailing.start({ auth = { user = "u", pass = "p" } })
    inbox:nextReply({ at = "AUTH", code = 535, text = "no" })
    local nothing, err, seen = client:verify()
    assert.is_nil(nothing)
    assert.are.equal("EAUTH", err.code)
    assert.is_string(seen.greeting)
    assert.is_number(seen.times.ehlo)
    assert.is_nil(seen.times.ready)
  end)
end)
