-- SPDX-License-Identifier: MIT
-- What a server does not say in its answer to EHLO, and what a client makes of it.
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local unix = require("socket.unix")

-- What a template's author, or a user's name in it, would say to the server.
local SMUGGLED = table.concat({
  "RSET", "MAIL FROM:<evil@example.com>", "RCPT TO:<victim@example.com>", "DATA", "Subject: smuggled", "",
  "x", ".", "",
}, "\r\n")

describe("a server that lists CHUNKING, does not know BDAT and does not read its octets", function()
  after_each(mailing.stop)

  for _, pipelining in ipairs({ true, false }) do
    it("gets each mail once and no command out of one, pipelining = " .. tostring(pipelining), function()
      local inbox, client = mailing.start(nil, { pipelining = pipelining, maxConnections = 1 })
      inbox:nextReply({ at = "EHLO", text = { "old.example", "PIPELINING", "CHUNKING" }, times = "always" })
      for _ = 1, 20 do assert(client:submit(mailing.mail({ text = SMUGGLED, subject = "RSET" }))) end
      for _, item in ipairs(mailing.drain(client, 20)) do assert(item.info, item.err and item.err.message) end
      assert.equal(20, #inbox:messages())
      for _, message in ipairs(inbox:messages()) do
        assert.same({ "reader@example.com" }, message.envelope.to)
        assert.equal(SMUGGLED, message.text)
      end
      local tried = 0
      for _, command in ipairs(inbox:connections()[1].commands) do
        assert.is_nil(command.line:find("evil", 1, true))
        tried = tried + (command.verb == "BDAT" and 1 or 0)
      end
      assert.equal(1, tried)
      assert.equal(1, inbox:counters().connections)
    end)
  end
end)

-- How a server ends a connection that has carried as many messages as it takes on one, and whether it says
-- so: who hears nothing can know nothing of the window that was on it.
local ENDS = {
  { "says 421 and closes", { code = 421, text = "4.7.0 enough", drop = "after" }, told = true },
  { "says 421, and to all behind it", { code = 421, text = "4.7.0 enough", times = "always" }, told = true },
  { "says 421 and waits for our end", { code = 421, text = "4.7.0 enough", partial = 1000 }, told = true },
  { "says 421 and resets", { code = 421, text = "4.7.0 enough", drop = "after", reset = true }, told = true },
  { "says 451 4.4.2 and closes", { code = 451, text = "4.4.2 enough", drop = "after" }, told = true },
  { "says 452 4.5.3 and stays",
    { code = 452, text = "4.5.3 too many messages on this connection", times = "always" }, told = true },
  { "closes right behind the last it has accepted", { at = "CONTENT", drop = "after" }, last = true },
  { "closes", { drop = "before" } },
  { "resets", { drop = "before", reset = true } },
}
local MAILS, WINDOW = 300, 16

local function limited(how, limit, chunking)
  local rules, skip = {}, how.last and limit - 1 or limit
  for connection = 1, MAILS + 20 do
    local rule = { at = "MAIL", connection = connection, skip = skip, times = "always" }
    for k, v in pairs(how[2]) do rule[k] = v end
    rules[connection] = rule
  end
  return mailing.inbox({ tls = "none", chunking = chunking, script = rules })
end

local function assert_each_once(inbox, outcomes, most_unknown, title)
  local arrived, unknown = {}, 0
  for _, message in ipairs(inbox:messages()) do
    assert.is_nil(arrived[message.subject], title)
    arrived[message.subject] = true
  end
  for i = 1, MAILS do
    local outcome = assert(outcomes[i], title)
    if outcome.info then
      assert.is_true(arrived["mail " .. i], title)
    else
      assert.equal("unknown", outcome.err.delivery, title .. ": " .. outcome.err.message)
      unknown = unknown + 1
    end
  end
  assert.is_true(unknown <= most_unknown, title .. ": " .. unknown .. " unknown")
end

local function by_client(inbox)
  local client, index, outcomes = mailing.client(inbox:config()), {}, {}
  for i = 1, MAILS do index[assert(client:submit(mailing.mail({ subject = "mail " .. i })))] = i end
  for _, item in ipairs(mailing.drain(client, MAILS)) do outcomes[index[item.id]] = item end
  return outcomes
end

local function by_engine(inbox)
  local engine = assert(core.engine({ directory = net.tmpdir() }))
  local handle = assert(engine:configure(inbox:config()))
  local reader, index, outcomes = (type(unix) == "table" and unix.stream or unix)(), {}, {}
  assert(reader:connect(engine:path()))
  reader:settimeout(120)
  for i = 1, MAILS do index[assert(engine:submit(handle, mailing.mail({ subject = "mail " .. i })))] = i end
  while engine:pending() > 0 do
    assert(reader:receive(1))
    for _, item in ipairs((engine:take())) do outcomes[index[item.id]] = item end
  end
  reader:close()
  engine:close(0)
  return outcomes
end

describe("a server that takes so many messages on a connection", function()
  after_each(mailing.stop)

  for _, how in ipairs(ENDS) do
    it(("and then %s gets each mail once"):format(how[1]), function()
      for _, limit in ipairs({ 1, 5, 10 }) do
        for _, chunking in ipairs({ true, false }) do
          local title = ("limit %d, chunking %s"):format(limit, tostring(chunking))
          local inbox = limited(how, limit, chunking)
          assert_each_once(inbox, by_client(inbox), (chunking and not how.told) and WINDOW or 0, title)
          assert.is_true(inbox:counters().connections <= MAILS / limit + 15, title)
          mailing.stop()
        end
      end
    end)
  end

  it("gets each mail where even the first MAIL of a connection is told its end", function()
    local rules = {}
    for i, text in ipairs({ "4.4.2 Timeout waiting for data from client.", "4.3.2 Please retry" }) do
      rules[i] = { at = "MAIL", connection = i, code = 451, text = text, drop = "after" }
    end
    local inbox = mailing.inbox({ tls = "none", chunking = true, script = rules })
    assert_each_once(inbox, by_client(inbox), 0, "at the first MAIL")
  end)

  it("gets each mail once from an engine", function()
    for _, how in ipairs({ ENDS[1], ENDS[3], ENDS[4] }) do
      local inbox = limited(how, 5, true)
      assert_each_once(inbox, by_engine(inbox), 0, how[1])
      mailing.stop()
    end
  end)

  it("ends one connection behind a mail, and then none, is no such server", function()
    for _, extra in ipairs({ "421 4.3.2 shutting down\r\n", "421 4.7.0 bye\r\n", "" }) do
      local inbox = mailing.inbox({ tls = "none", chunking = true })
      inbox:nextReply({ at = "CONTENT", extra = extra, drop = "after" })
      assert_each_once(inbox, by_client(inbox), WINDOW, extra)
      assert.is_true(inbox:counters().connections <= 2 * 5 + 1, extra .. inbox:counters().connections)
      mailing.stop()
    end
  end)

  it("teaches it to all clients of this process, and QUIT comes before its limit", function()
    local inbox = limited(ENDS[1], 5, true)
    by_client(inbox)
    local before = inbox:counters().connections
    local client = mailing.client(inbox:config())
    mailing.send_all(client, 20)
    assert.equal(before + 4, inbox:counters().connections)
    assert.equal(0, client:stats().retries)
    local list = inbox:connections()
    for i = before + 1, before + 4 do
      assert.equal(5, list[i].messages)
      if i < before + 4 then assert.equal("QUIT", list[i].commands[#list[i].commands].verb) end
    end
  end)
end)
