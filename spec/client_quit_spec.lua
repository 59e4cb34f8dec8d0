-- SPDX-License-Identifier: MIT
-- QUIT, and the wait for its answer (RFC 5321 4.1.1.10): wherever nobody is held up by it.
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")

local login = { user = "user", pass = "s3cret-pass" }

-- A client that is gone by the second piece makes it an end that the server did not want.
local SLOWLY = {
  at = "QUIT", code = 221, text = "bye for now", drip = { octets = 5, seconds = 0.02 }, times = "always",
}

local function start(options, overrides)
  local settings = { auth = login, authInClear = true }
  for k, v in pairs(options or {}) do settings[k] = v end
  local inbox, client = mailing.start(settings, overrides)
  inbox:nextReply(SLOWLY)
  return inbox, client
end

-- Waits until the server has seen the end of connection `number`, and asserts that it was QUIT, answered.
local function assert_answered(inbox, client, number)
  local function record() return inbox:connections()[number] end
  assert.is_true(clock.eventually(function()
    if client then client:poll(0.01) end
    return record() and record().closed
  end) ~= nil)
  local commands = record().commands
  assert.equal("QUIT", commands[#commands].verb)
  assert.equal("quit", record().why)
end

describe("QUIT is answered before a connection ends", function()
  after_each(mailing.stop)

  it("that was idle", function()
    local inbox, client = start(nil, { maxIdle = 1 })
    mailing.send_all(client, 1)
    assert_answered(inbox, client, 1)
    assert.equal(0, client:stats().connectionsOpen)
  end)

  it("that has carried as many as it may, and the next message waits for nothing", function()
    local inbox, client = start(nil, { maxMessages = 1 })
    mailing.send_all(client, 3)
    for i = 1, 3 do assert_answered(inbox, client, i) end
  end)

  it("of an engine, which needs nobody to turn it", function()
    local inbox = start()
    local directory = net.tmpdir()
    local engine = assert(core.engine({ directory = directory }))
    local handle = assert(engine:configure(inbox:config({ maxIdle = 1 })))
    engine:verify(handle)
    engine:submit(handle, mailing.mail())
    for i = 1, 2 do assert_answered(inbox, nil, i) end
    engine:close()
    net.remove_dir(directory)
  end)

  for _, tls in ipairs({ "none", "starttls", "implicit" }) do
    it("of verify(), with TLS: " .. tls, function()
      local inbox, client = start({ tls = tls })
      assert(client:verify())
      assert.equal("quit", inbox:connections()[1].why)
    end)

    it("whose login was refused, with TLS: " .. tls, function()
      local inbox, client = start({ tls = tls })
      inbox:nextReply({ at = "AUTH", code = 535, text = { "5.7.8 no", "5.7.8 really" }, times = "always" })
      local _, err = client:send(mailing.mail())
      assert.equal("auth_refused", err.reason)
      assert.equal("535-5.7.8 no\n535 5.7.8 really", err.response)
      assert_answered(inbox, client, 1)
      local seen, why = client:verify()
      assert.is_nil(seen)
      assert.equal("auth_refused", why.reason)
      assert_answered(inbox, client, 2)
    end)

    it("after which CRAM-MD5 is tried, as all that is offered, with TLS: " .. tls, function()
      local inbox, client = start({ tls = tls, mechanisms = { "CRAM-MD5" } })
      mailing.send_all(client, 1)
      assert_answered(inbox, client, 1)
      assert.equal(2, inbox:counters().connections)
    end)
  end

  for _, method in ipairs({ "LOGIN", "PLAIN", "CRAM-MD5" }) do
    it("whose password was refused by " .. method, function()
      local wrong = { user = login.user, pass = "another" }
      local inbox, client = start({ mechanisms = { method } }, { auth = wrong })
      local _, err = client:send(mailing.mail())
      assert.equal("auth_refused", err.reason)
      for i = 1, inbox:counters().connections do assert_answered(inbox, client, i) end
    end)
  end

  it("where no mechanism can be used, and where no login is offered", function()
    for _, options in ipairs({ { auth = login, authInClear = true, mechanisms = { "XOAUTH2" } }, {} }) do
      local inbox, client = mailing.start(options, { auth = login })
      inbox:nextReply(SLOWLY)
      local _, err = client:send(mailing.mail())
      assert.equal("EAUTH", err.code)
      assert_answered(inbox, client, 1)
    end
  end)
end)

describe("QUIT holds up nobody", function()
  after_each(mailing.stop)

  it("where a server does not answer it", function()
    local inbox, client = mailing.start(nil, { maxMessages = 1, maxConnections = 1 })
    inbox:nextReply({ at = "QUIT", silent = true, times = "always" })
    local _, _, span = clock.timed(function() mailing.send_all(client, 20) end)
    span:ended()
    assert.equal(20, #inbox:messages())
    -- nor is the server held up by those who wait: some may, the others are gone
    assert.is_true(clock.eventually(function() return inbox:counters().open <= 5 end))
    _, _, span = clock.timed(function() client:close() end)
    span:ended()
    assert.is_true(clock.eventually(function() return inbox:counters().open == 0 end))
  end)

  it("where a client is closed: it says QUIT and goes", function()
    local inbox, client = start()
    mailing.send_all(client, 1)
    client:close()
    assert.is_true(clock.eventually(function() return inbox:counters().open == 0 end))
    local commands = inbox:connections()[1].commands
    assert.equal("QUIT", commands[#commands].verb)
  end)
end)
