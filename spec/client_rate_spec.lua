-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local helpers = require("logto_smtp.connector.helpers")
local mailing = require("spec.support.mailing")

local send_all, drain = mailing.send_all, mailing.drain

local function verbs(connection)
  local list = {}
  for i, command in ipairs(connection.commands) do list[i] = command.verb end
  return table.concat(list, " ")
end

local function issue_of(overrides)
  local config = { host = "smtp.example.com", port = 587 }
  for k, v in pairs(overrides) do config[k] = v end
  local client, issues = core.client(config)
  if client then client:close() end
  return issues and issues[1]
end

describe("rateLimit and rateDelta", function()
  after_each(mailing.stop)

  it("start no more than rateLimit mails within rateDelta, however many connections there are", function()
    local inbox, client
    for wanted = 10, 40, 10 do -- the one behind so many cannot be done before their windows are over
      mailing.stop()
      inbox, client = mailing.start({ latency = 0.005 }, { rateLimit = 10, rateDelta = 300 })
      for _ = 1, wanted + 1 do client:submit(mailing.mail()) end
      local _, _, span = clock.timed(function()
        for _, item in ipairs(drain(client, wanted + 1)) do assert.is_table(item.info) end
      end)
      span:at_least(wanted / 10 * 300)
      assert.equal(wanted + 1, inbox:counters().messages)
    end
  end)

  it("hold back a blocking send too; a new window begins with the first mail behind the old one", function()
    local _, client = mailing.start(nil, { rateLimit = 2, rateDelta = 200 })
    local _, _, span = clock.timed(function() send_all(client, 3) end)
    span:at_least(200)
    clock.pass(0.21)
    _, _, span = clock.timed(function() send_all(client, 5) end)
    span:at_least(400)
    span:ended()
  end)

  it("wait without using the processor, and without opening connections early", function()
    local inbox, client = mailing.start(nil, { rateLimit = 1, rateDelta = 400 })
    for _ = 1, 20 do client:submit(mailing.mail()) end
    clock.spares_processor(0.35, function()
      client:poll(0.1)
      client:poll(0.6)
    end)
    assert.equal(1, inbox:counters().connections)
  end)

  it("do not count the wait into totalTimeout", function()
    local _, client = mailing.start(nil, { rateLimit = 1, rateDelta = 1500, totalTimeout = 4000 })
    for _ = 1, 5 do client:submit(mailing.mail()) end
    for _, item in ipairs(drain(client, 5)) do assert.is_table(item.info) end
  end)
end)

describe("pool", function()
  after_each(mailing.stop)

  for _, row in ipairs({ { true, 1 }, { false, 3 } }) do
    it(("%s gives three mails %d connection(s)"):format(tostring(row[1]), row[2]), function()
      local inbox, client = mailing.start(nil, { pool = row[1] })
      send_all(client, 3)
      assert.equal(row[2], inbox:counters().connections)
      assert.equal(3, inbox:counters().messages)
    end)
  end

  it("false leaves no connection open behind the last mail", function()
    local inbox, client = mailing.start(nil, { pool = false })
    send_all(client, 1)
    client:poll(0)
    assert.is_true(clock.eventually(function() return inbox:counters().open == 0 end))
  end)
end)

describe("maxRequeues", function()
  after_each(mailing.stop)

  for _, row in ipairs({ { nil, 2 }, { 0, 1 }, { 3, 4 } }) do
    it(("%s gives a mail that none keeps %d connections"):format(tostring(row[1]), row[2]), function()
      local inbox, client = mailing.start(nil, { maxRequeues = row[1] })
      inbox:nextReply({ at = "MAIL", drop = "before", times = "always" })
      local _, err = client:send(mailing.mail())
      assert.equal("ECONNECTION", err.code)
      assert.equal("not_sent", err.delivery)
      assert.equal(row[2], inbox:counters().connections)
    end)
  end
end)

describe("a connection idle for longer than checkIdle", function()
  after_each(mailing.stop)

  it("answers NOOP before a mail goes over it; one in use is not asked", function()
    for limit, asked in pairs({ [50] = true, [60000] = false }) do
      local inbox, client = mailing.start({ chunking = true }, { checkIdle = limit })
      send_all(client, 1)
      clock.pass(0.08)
      send_all(client, 1)
      assert.equal(1, inbox:counters().connections)
      assert.equal(asked, verbs(inbox:connections()[1]):find("NOOP", 1, true) ~= nil)
    end
  end)

  it("is replaced when it has become silent, and the mail goes once", function()
    local inbox, client = mailing.start({ chunking = true }, { checkIdle = 50, greetingTimeout = 2000 })
    send_all(client, 1)
    clock.pass(0.08)
    inbox:nextReply({ at = "NOOP", silent = true })
    send_all(client, 1)
    assert.equal(2, inbox:counters().messages)
    assert.equal(2, inbox:counters().connections)
    assert.equal(0, client:stats().retries)
  end)

  for _, farewell in ipairs({ { drop = "before" }, { code = 421, text = "Timeout", drop = "after" } }) do
    it("is replaced when it ends at NOOP: " .. (farewell.code or "closed"), function()
      local inbox, client = mailing.start({ chunking = true }, { checkIdle = 50 })
      send_all(client, 1)
      clock.pass(0.08)
      farewell.at = "NOOP"
      inbox:nextReply(farewell)
      send_all(client, 1)
      assert.equal(2, inbox:counters().messages)
    end)
  end

  it("is asked for as many connections as the waiting mails need", function()
    local inbox, client = mailing.start({ latency = 0.01 }, { checkIdle = 50, maxConnections = 3 })
    for _ = 1, 60 do client:submit(mailing.mail()) end
    drain(client, 60)
    clock.pass(0.08)
    for _ = 1, 60 do client:submit(mailing.mail()) end
    for _, item in ipairs(drain(client, 60)) do assert.is_table(item.info) end
    assert.equal(3, inbox:counters().connections)
    for _, connection in ipairs(inbox:connections()) do
      assert.truthy(verbs(connection):find("NOOP"))
    end
  end)
end)

describe("the options of the pool", function()
  local nan, huge = 0 / 0, math.huge

  local names = {
    "maxConnections", "maxMessages", "rateLimit", "rateDelta", "maxIdle", "maxAge", "checkIdle",
  }
  for _, name in ipairs(names) do
    it(name .. " takes what nodemailer takes, and refuses what can never work", function()
      for _, value in ipairs({ 0, 1, 2.5, 1e9, huge, nan, false }) do
        assert.is_nil(issue_of({ [name] = value }))
      end
      for _, value in ipairs({ -1, -huge, "5", true, {} }) do
        local issue = issue_of({ [name] = value })
        assert.equal("custom", issue.code)
        assert.same({ name }, issue.path)
        assert.truthy(issue.message:find(name .. " must be", 1, true))
      end
    end)
  end

  it("maxRequeues takes 0 and refuses less", function()
    assert.is_nil(issue_of({ maxRequeues = 0 }))
    assert.same({ "maxRequeues" }, issue_of({ maxRequeues = -1 }).path)
    assert.same({ "maxRequeues" }, issue_of({ maxRequeues = "1" }).path)
  end)

  it("option pool takes true and false only", function()
    assert.is_nil(issue_of({ pool = true }))
    for _, value in ipairs({ 1, "yes", {} }) do assert.same({ "pool" }, issue_of({ pool = value }).path) end
  end)

  it("are checked by the connector's guard as well", function()
    local config = { host = "h", port = 25, auth = {}, fromEmail = "a@b.c", templates = {} }
    config.maxConnections = -1
    local _, err = helpers.validateConfig(config)
    local found
    for _, issue in ipairs(err.data.issues) do found = found or issue.path[1] == "maxConnections" end
    assert.is_true(found)
  end)
end)
