-- SPDX-License-Identifier: MIT
local mailing = require("spec.support.mailing")

local ROUNDS, MAILS = 30, 20
local STEPS = { "CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "CONTENT", "ANY" }

-- A generator of its own: the same rounds on every Lua.
local state = 20260101
local function random(n)
  state = (state * 16807) % 2147483647
  return state % n + 1
end

local function pick(list) return list[random(#list)] end

local MISHAPS = {
  function() return { code = pick({ 451, 452, 550, 554 }), text = "no" } end,
  function() return { code = 421, text = "closing", drop = "after" } end,
  function() return { drop = "before" } end,
  function() return { drop = "after" } end,
  function() return { drop = "before", reset = true } end,
  function() return { at = "CONTENT", drop = "middle", octets = random(500) } end,
  function() return { delay = random(30) / 1000 } end,
  function() return { silent = true } end,
  function() return { garbage = true } end,
  function() return { partial = random(4) } end,
}

local function mishap()
  local rule = pick(MISHAPS)()
  rule.at, rule.skip, rule.times = rule.at or pick(STEPS), random(12) - 1, random(3)
  return rule
end

local function start()
  local inbox, client = mailing.start({
    tls = pick({ "none", "none", "starttls" }), chunking = random(2) == 1, authInClear = true,
    auth = { user = "u", pass = "p" },
  }, {
    socketTimeout = 150, greetingTimeout = 150, totalTimeout = 1500, maxConnections = random(4),
    maxMessages = pick({ 3, 100 }), pipelining = random(3) > 1, chunking = random(3) > 1,
  })
  local rules = {}
  for i = 1, random(4) do
    rules[i] = mishap()
    inbox:nextReply(rules[i])
  end
  return inbox, client
end

-- Submits mails and waits for all: what each was told, by subject.
local function run(client, round)
  local subjects, fates = {}, {}
  for i = 1, MAILS do
    local subject = ("mail %d of round %d"):format(i, round)
    subjects[assert(client:submit(mailing.mail({ subject = subject })))] = subject
  end
  while client:pending() > 0 do -- each wait ends: at its totalTimeout, if at nothing else
    for _, item in ipairs(client:poll(5)) do
      local subject = subjects[item.id]
      assert.is_nil(fates[subject])
      fates[subject] = item.info and "sent" or item.err.delivery
    end
  end
  return fates
end

describe("a server with every kind of mishap", function()
  after_each(mailing.stop)

  it("never gets a mail twice, and the caller is told the truth about each #slow", function()
    local allowed = { sent = { [1] = true }, not_sent = { [0] = true }, unknown = { [0] = true, [1] = true } }
    for round = 1, ROUNDS do
      local inbox, client = start()
      local fates = run(client, round)
      local arrived = {}
      for _, message in ipairs(inbox:messages()) do
        arrived[message.subject] = (arrived[message.subject] or 0) + 1
      end
      local count = 0
      for subject, fate in pairs(fates) do
        count = count + 1
        local n = arrived[subject] or 0
        assert.is_true(allowed[fate][n], ("%s: told %s, arrived %d times"):format(subject, fate, n))
      end
      assert.equal(MAILS, count)
      for _, connection in ipairs(inbox:connections()) do assert.same({}, connection.violations) end
      mailing.stop()
    end
  end)
end)
