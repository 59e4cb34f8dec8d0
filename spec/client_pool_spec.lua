-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")

local login = { user = "user", pass = "pass" }

local send_all, drain = mailing.send_all, mailing.drain

describe("warm connections", function()
  after_each(mailing.stop)

  it("check 39: carries many mails over one connection and one login", function()
    local inbox, client = mailing.start({ auth = login, authInClear = true })
    send_all(client, 20)
    local counters = inbox:counters()
    assert.equal(1, counters.connections)
    assert.equal(1, counters.auths)
    assert.equal(20, counters.messages)
    local stats = client:stats()
    assert.equal(20, stats.sent)
    assert.equal(1, stats.connectionsOpened)
    assert.equal(1, stats.connectionsIdle)
  end)

  it("check 39: replaces a connection the server closed in silence, and sends once", function()
    local inbox, client = mailing.start()
    send_all(client, 1)
    inbox:disconnect()
    send_all(client, 1)
    assert.equal(2, #inbox:messages())
    assert.equal(2, inbox:counters().connections)
  end)

  it("replaces a connection that was reset", function()
    local inbox, client = mailing.start()
    send_all(client, 1)
    inbox:disconnect({ reset = true })
    send_all(client, 1)
    assert.equal(2, #inbox:messages())
  end)

  it("replaces a connection that said 421 while idle", function()
    local inbox, client = mailing.start()
    send_all(client, 1)
    inbox:disconnect({ farewell = "421 4.4.2 Timeout\r\n" })
    send_all(client, 1)
    assert.equal(2, #inbox:messages())
    assert.equal(0, client:stats().failed)
  end)

  it("opens the next connection before maxMessages ends the last", function()
    local inbox, client = mailing.start({ latency = 0.01 }, { maxMessages = 60 })
    inbox:nextReply({ at = "CONNECT", delay = 0.3, times = "always" })
    send_all(client, 100)
    local first, second = inbox:connections()[1], inbox:connections()[2]
    assert.is_true(first.messages <= 60)
    assert.is_true(second.opened < first.commands[#first.commands].time)
    assert.is_true(inbox:counters().connections <= 3)
  end)

  it("replaces a TLS connection the server closed", function()
    local inbox, client = mailing.start({ tls = "starttls", auth = login })
    send_all(client, 1)
    inbox:disconnect()
    send_all(client, 1)
    assert.equal(2, #inbox:messages())
    assert.equal(2, inbox:counters().auths)
  end)

  it("check 39: gives a mail a second connection when the first ends at MAIL", function()
    local inbox, client = mailing.start()
    send_all(client, 1)
    inbox:nextReply({ at = "MAIL", drop = "before" })
    send_all(client, 1)
    assert.equal(2, #inbox:messages())
    assert.equal(1, client:stats().retries)
  end)

  it("gives a mail a second connection when the first answers MAIL with 421", function()
    local inbox, client = mailing.start({ maxMessages = 2 })
    send_all(client, 5)
    assert.equal(5, #inbox:messages())
    assert.equal(3, inbox:counters().connections)
  end)

  it("does not try for ever: the second connection's failure is the answer", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "MAIL", drop = "before", times = "always" })
    local info, err = client:send(mailing.mail())
    assert.is_nil(info)
    assert.equal("ECONNECTION", err.code)
    assert.equal("not_sent", err.delivery)
    assert.equal(2, inbox:counters().connections)
  end)

  it("never repeats a mail whose fate is unknown", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "CONTENT", drop = "before" })
    local info, err = client:send(mailing.mail())
    assert.is_nil(info)
    assert.equal("unknown", err.delivery)
    assert.equal(1, inbox:counters().connections)
  end)

  it("ends a connection after maxMessages", function()
    local inbox, client = mailing.start(nil, { maxMessages = 3 })
    send_all(client, 7)
    assert.equal(3, inbox:counters().connections)
    assert.equal(7, #inbox:messages())
  end)

  it("ends a connection that was idle for maxIdle", function()
    local inbox, client = mailing.start(nil, { maxIdle = 100 })
    send_all(client, 1)
    clock.pass(0.15)
    send_all(client, 1)
    assert.equal(2, inbox:counters().connections)
  end)

  it("ends a connection of maxAge", function()
    local inbox, client = mailing.start(nil, { maxAge = 100 })
    for _ = 1, 4 do
      send_all(client, 1)
      clock.pass(0.06)
    end
    assert.is_true(inbox:counters().connections >= 2)
    assert.equal(4, #inbox:messages())
  end)

  it("says QUIT to a connection it ends", function()
    local inbox, client = mailing.start()
    send_all(client, 1)
    client:close()
    assert.is_true(clock.eventually(function() return inbox:counters().open == 0 end))
    local commands = inbox:connections()[1].commands
    assert.equal("QUIT", commands[#commands].verb)
  end)

  it("check 29: closes at once although the server never answers QUIT", function()
    for _, tls in ipairs({ "none", "starttls" }) do
      local inbox, client = mailing.start({ tls = tls })
      inbox:nextReply({ at = "QUIT", silent = true })
      send_all(client, 1)
      local _, _, span = clock.timed(function() client:close() end)
      span:ended()
    end
  end)

  it("closes at once while a connection is being made", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "CONNECT", silent = true })
    client:submit(mailing.mail())
    client:poll(0.1)
    local _, _, span = clock.timed(function() client:close() end)
    span:ended()
  end)
end)

describe("client:submit() and client:poll()", function()
  after_each(mailing.stop)

  it("finishes every mail once, whatever the order", function()
    local inbox, client = mailing.start()
    local ids = {}
    for i = 1, 200 do ids[client:submit(mailing.mail({ subject = "mail " .. i }))] = true end
    assert.equal(200, client:pending())
    for _, item in ipairs(drain(client, 200)) do
      assert.is_true(ids[item.id])
      ids[item.id] = nil
      assert.is_table(item.info)
    end
    assert.is_nil(next(ids))
    assert.equal(0, client:pending())
    assert.equal(200, inbox:counters().messages)
  end)

  it("opens no more than maxConnections", function()
    local inbox, client = mailing.start({ latency = 0.01 }, { maxConnections = 3 })
    for _ = 1, 100 do client:submit(mailing.mail()) end
    drain(client, 100)
    assert.equal(3, inbox:counters().connections)
  end)

  it("gives a slow server as many connections as are allowed, and keeps each busy", function()
    local inbox, client = mailing.start({ latency = 0.1 }, { maxConnections = 40 })
    for _ = 1, 200 do client:submit(mailing.mail()) end
    drain(client, 200)
    local most = 0
    for _, connection in ipairs(inbox:connections()) do most = math.max(most, connection.messages) end
    assert.equal(40, inbox:counters().connections)
    assert.is_true(most <= 10, ("one connection took %d of 200"):format(most))
  end)

  it("stays with one connection for a few mails", function()
    local inbox, client = mailing.start()
    for _ = 1, 8 do client:submit(mailing.mail()) end
    drain(client, 8)
    assert.equal(1, inbox:counters().connections)
  end)

  it("goes on with the connections it has when the server takes no more", function()
    local inbox, client = mailing.start({ latency = 0.005 })
    send_all(client, 1)
    inbox:nextReply({ at = "CONNECT", code = 421, text = "too many", drop = "after", times = "always" })
    for _ = 1, 50 do client:submit(mailing.mail()) end
    for _, item in ipairs(drain(client, 50)) do assert.is_table(item.info) end
    assert.equal(51, inbox:counters().messages)
  end)

  it("fails all that wait when no connection can be made", function()
    local port = net.free_port()
    local _, client = mailing.start(nil, { port = port })
    for _ = 1, 30 do client:submit(mailing.mail()) end
    for _, item in ipairs(drain(client, 30)) do assert.equal("ESOCKET", item.err.code) end
  end)

  it("works again when the server is back", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "CONNECT", code = 554, text = "not today", drop = "after" })
    local _, err = client:send(mailing.mail())
    assert.equal("EPROTOCOL", err.code)
    assert.is_table(client:send(mailing.mail()))
  end)

  it("refuses with EBUSY what its queue does not hold", function()
    local _, client = mailing.start()
    local err
    for _ = 1, 1001 do
      local _, e = client:submit(mailing.mail())
      err = err or e
    end
    assert.equal("EBUSY", err.code)
    assert.equal(1000, client:pending())
  end)

  it("returns at once with 0 seconds, and when nothing is pending", function()
    local inbox, client = mailing.start()
    assert.same({}, client:poll())
    inbox:nextReply({ at = "CONNECT", silent = true, times = "always" })
    client:submit(mailing.mail())
    local list, _, span = clock.timed(function() return client:poll(0) end)
    assert.same({}, list)
    span:ended()
    list, _, span = clock.timed(function() return client:poll(0.1) end)
    assert.same({}, list)
    span:at_least(100)
    span:ended()
  end)

  it("check 39: leaves no descriptor behind after a thousand mails", function()
    local function descriptors()
      return tonumber((net.run("ls /proc/$PPID/fd | wc -l")))
    end
    local before = descriptors()
    local inbox, client = mailing.start(nil, { maxMessages = 7 })
    local started = descriptors() - before
    for _ = 1, 10 do
      for _ = 1, 100 do client:submit(mailing.mail()) end
      drain(client, 100)
    end
    assert.equal(1000, inbox:counters().messages)
    client:close()
    mailing.stop()
    assert.is_true(descriptors() <= before + math.max(0, started - 3))
  end)

  it("uses the processor only when there is something to do", function()
    local inbox, client = mailing.start({ latency = 0.7 })
    clock.spares_processor(1, function() return assert(client:send(mailing.mail())) end)
    inbox:stop()
  end)
end)
