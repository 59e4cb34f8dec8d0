-- SPDX-License-Identifier: MIT
local clock = require "spec.support.clock"
local guard = require "spec.support.guard"
local raw = require "spec.support.raw"
local testing = require "logto_smtp.testing"

local mark, inbox, client

local function start(rule, options)
  options = options or { tls = "none" }
  options.script = { rule }
  inbox = assert(testing.startInbox(options))
  client = raw.connect(inbox)
end

before_each(function() mark = guard.mark() end)

after_each(function()
  if client then client:close() end
  if inbox then inbox:stop() end
  client, inbox = nil, nil
  guard.check(mark)
end)

local AUTH = "AUTH PLAIN AHUAcA=="

-- The commands that lead through a whole transaction; the code that is right for each.
local STEPS = {
  { "EHLO", "EHLO x", 250 }, { "AUTH", AUTH, 235 }, { "NOOP", "NOOP", 250 },
  { "MAIL", "MAIL FROM:<a@b.c>", 250 },
  { "RCPT", "RCPT TO:<d@e.f>", 250 }, { "DATA", "DATA", 354 }, { "CONTENT", "x\r\n.", 250 },
  { "RSET", "RSET", 250 }, { "QUIT", "QUIT", 221 },
}

-- Walks up to a step and sends its command.
local function walk(at)
  if at == "CONNECT" then return end
  assert.equal(220, (client:reply()))
  for _, step in ipairs(STEPS) do
    if step[1] == at then return client:send(step[2] .. "\r\n") end
    client:expect(step[2], step[3])
  end
end

local function each_step(check)
  check("CONNECT")
  for _, step in ipairs(STEPS) do
    client:close()
    inbox:stop()
    check(step[1])
  end
end

local function options() return { tls = "none", auth = { user = "u", pass = "p" } } end

describe("a rule of the script", function()
  it("refuses at every step, for now or for good", function()
    each_step(function(at)
      for _, code in ipairs { 451, 554 } do
        start({ at = at, code = code, text = { "first", "5.1.1 last" } }, options())
        walk(at)
        local got, text = client:reply()
        assert.equal(code, got)
        assert.equal("first\n5.1.1 last", text)
        local accepted = (at == "RSET" or at == "QUIT") and 1 or 0
        assert.equal(accepted, inbox:counters().messages)
        client:close()
        inbox:stop()
      end
    end)
  end)

  it("closes before the reply or after it at every step", function()
    each_step(function(at)
      for _, reset in ipairs { false, true } do
        start({ at = at, drop = "before", reset = reset }, options())
        walk(at)
        local octets, why = client:rest()
        assert.equal("", octets)
        assert.equal("closed", why)
        client:close()
        inbox:stop()
      end
      start({ at = at, drop = "after" }, options())
      walk(at)
      assert.matches("^%d%d%d.*\r\n$", (client:rest()))
    end)
  end)

  it("keeps the message when only the reply to its content is lost", function()
    start({ at = "CONTENT", drop = "before" }, options())
    walk("CONTENT")
    client:rest()
    assert.equal(1, #inbox:messages())
  end)

  it("closes in the middle of the content", function()
    start({ at = "CONTENT", drop = "middle", octets = 3 }, options())
    walk("CONTENT")
    assert.equal("", (client:rest()))
    assert.equal(0, #inbox:messages())
  end)

  it("refuses the recipient it names and takes the others", function()
    start { at = "RCPT", match = "BAD@", code = 550, times = "always" }
    client:reply()
    client:expect("EHLO x", 250, "MAIL FROM:<a@b.c>", 250, "RCPT TO:<one@d.e>", 250, "RCPT TO:<bad@d.e>", 550,
      "RCPT TO:<two@d.e>", 250, "RCPT TO:<bad@d.f>", 550, "DATA", 354, ".", 250)
    assert.same({ "one@d.e", "two@d.e" }, inbox:waitFor().envelope.to)
  end)

  it("acts as often as told, from when told, on the connection told", function()
    start { at = "NOOP", code = 450, skip = 1, times = 2 }
    client:reply()
    client:expect("NOOP", 250, "NOOP", 450, "NOOP", 450, "NOOP", 250)
    inbox:nextReply { at = "NOOP", code = 451, connection = 2 }
    client:expect("NOOP", 250)
    local second = raw.connect(inbox)
    second:reply()
    second:expect("NOOP", 451)
    second:close()
    inbox:nextReply { at = "NOOP", code = 452 }
    inbox:clearScript()
    client:expect("NOOP", 250)
    assert.has_error(function() inbox:nextReply { at = "NOOP", kode = 1 } end)
  end)

  it("greylists: each recipient is refused at first", function()
    start(testing.greylisting())
    client:reply()
    client:expect("EHLO x", 250, "MAIL FROM:<a@b.c>", 250, "RCPT TO:<one@d.e>", 450, "RCPT TO:<two@d.e>", 450,
      "RCPT TO:<One@d.e>", 250, "RCPT TO:<two@d.e>", 250, "RCPT TO:<one@d.e>", 250, "RCPT TO:<new@d.e>", 450)
    inbox:clearScript()
    inbox:nextReply(testing.greylisting { seconds = 60 })
    client:expect("RCPT TO:<one@d.e>", 450, "RCPT TO:<one@d.e>", 450)
    inbox:clearScript()
    inbox:nextReply(testing.greylisting { seconds = 0.15 })
    client:expect("RCPT TO:<one@d.e>", 450)
    clock.pass(0.16)
    client:expect("RCPT TO:<one@d.e>", 250, "RCPT TO:<two@d.e>", 450)
  end)

  it("acts for the seconds told", function()
    start { at = "NOOP", code = 451, seconds = 60, times = 2, skip = 1 }
    client:reply()
    client:expect("NOOP", 250, "NOOP", 451, "NOOP", 451, "NOOP", 250)
    inbox:nextReply { at = "NOOP", code = 452, seconds = 60 }
    client:expect("NOOP", 452, "NOOP", 452)
    inbox:clearScript()
    inbox:nextReply { at = "NOOP", code = 452, seconds = 0.2 }
    client:expect("NOOP", 452)
    clock.pass(0.21)
    client:expect("NOOP", 250)
  end)

  it("sends exact octets, garbage, and replies nobody asked for", function()
    start { at = "NOOP", raw = "250-half\r\n250 x\r\n" }
    client:reply()
    assert.equal(250, (client:ask("NOOP")))
    inbox:nextReply { at = "NOOP", extra = "250 unasked\r\n" }
    client:expect("NOOP", 250)
    local _, text = client:reply()
    assert.equal("unasked", text)
    inbox:nextReply { at = "NOOP", garbage = true, drop = "after" }
    client:send("NOOP\r\n")
    assert.is_nil((client:rest()):match("^%d%d%d"))
  end)

  it("delays, drips, and sends a part", function()
    start { at = "CONNECT", delay = 0.1 }
    client:reply()
    inbox:nextReply { at = "NOOP", delay = 0.1 }
    local _, _, span = clock.timed(function() client:expect("NOOP", 250) end)
    span:at_least(100)
    inbox:nextReply { at = "NOOP", text = "12345", drip = { octets = 2, seconds = 0.02 } }
    _, _, span = clock.timed(function() client:expect("NOOP", 250) end)
    span:at_least(100)
    inbox:nextReply { at = "NOOP", partial = 5 }
    client:send("NOOP\r\n")
    local octets, why = client:rest(0.1)
    assert.equal("250 2", octets)
    assert.equal("timeout", why)
  end)

  it("is silent and stays connected", function()
    start { at = "QUIT", silent = true }
    client:reply()
    client:send("QUIT\r\nNOOP\r\n")
    local octets, why = client:rest(0.1)
    assert.equal("", octets)
    assert.equal("timeout", why)
    assert.equal(1, inbox:counters().open)
  end)

  it("replies without end, in lines or in one line, until the client goes", function()
    for _, endless in ipairs { "lines", "line" } do
      start { at = "NOOP", endless = endless }
      client:reply()
      client:send("NOOP\r\n")
      local octets = assert(client.sock:receive(500000))
      local _, lines = octets:gsub("\n", "")
      assert.equal(endless == "line", lines == 0)
      client:close()
      inbox:stop()
    end
  end)

  it("refuses STARTTLS, is silent after it, or speaks no TLS", function()
    start({ at = "STARTTLS", code = 454 }, {})
    client:reply()
    client:expect("EHLO x", 250, "STARTTLS", 454)
    inbox:nextReply { at = "TLS", silent = true }
    client:expect("STARTTLS", 220)
    assert.equal("timeout", select(2, client:rest(0.1)))
    client:close()
    inbox:nextReply { at = "TLS", raw = "no TLS here\r\n", drop = "after" }
    client = raw.connect(inbox)
    client:reply()
    client:expect("STARTTLS", 220)
    assert.equal("no TLS here\r\n", (client:rest()))
  end)

  it("slips octets in clear in front of TLS", function()
    start({ at = "STARTTLS", raw = "220 go\r\n250 AUTH PLAIN\r\n" }, {})
    client:reply()
    client:expect("EHLO x", 250, "STARTTLS", 220)
    local code, text = client:reply()
    assert.equal(250, code)
    assert.equal("AUTH PLAIN", text)
    client:tls()
    client:expect("EHLO x", 250)
  end)

  it("acts on BDAT LAST as on content", function()
    start({ at = "CONTENT", code = 452 }, { tls = "none", chunking = true })
    client:reply()
    client:expect("EHLO x", 250, "MAIL FROM:<a@b.c>", 250, "RCPT TO:<d@e.f>", 250)
    client:send("BDAT 2 LAST\r\nx\n")
    assert.equal(452, (client:reply()))
  end)
end)

describe("inbox:disconnect()", function()
  it("closes what is idle, with a farewell or with RST", function()
    start()
    client:reply()
    assert.equal(1, inbox:disconnect { farewell = "421 bye\r\n" })
    assert.equal("421 bye\r\n", (client:rest()))
    assert.equal(0, inbox:counters().open)
    assert.equal(0, inbox:disconnect { reset = true })
  end)
end)
