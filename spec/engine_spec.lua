-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local shell = require("spec.support.shell")
local unix = require("socket.unix")

local login = { user = "user", pass = "s3cret-pass" }
local engines = {}
local directory

local function start(options)
  local settings = { directory = directory }
  for k, v in pairs(options or {}) do settings[k] = v end
  local engine = assert(core.engine(settings))
  engines[#engines + 1] = engine
  return engine
end

-- An event loop's part: waits for the octet, then takes.
local function reader_of(engine)
  local reader = (type(unix) == "table" and unix.stream or unix)()
  assert(reader:connect(engine:path()))
  reader:settimeout(120)
  return reader
end

-- Takes by the octet until nothing is pending: results by id, their number, and the records.
local function finish(engine)
  local reader, by_id, all = reader_of(engine), {}, {}
  local count = 0
  while engine:pending() > 0 do
    assert(reader:receive(1))
    local results, records = engine:take()
    for _, result in ipairs(results) do
      by_id[result.id] = result
      count = count + 1
    end
    for _, record in ipairs(records) do all[#all + 1] = record end
  end
  reader:close()
  return by_id, count, all
end

local function configure(engine, inbox, overrides)
  local handle, issues = engine:configure(inbox:config(overrides))
  assert(handle, issues and issues[1] and issues[1].message)
  return handle
end

local function inbox_of(options)
  local settings = { tls = "none" }
  for k, v in pairs(options or {}) do settings[k] = v end
  return mailing.inbox(settings)
end

local function of_this_process(what)
  return tonumber((net.run(("ls /proc/$PPID/%s | wc -l"):format(what))))
end

describe("core.engine", function()
  before_each(function() directory = net.tmpdir() end)

  after_each(function()
    for _, engine in ipairs(engines) do pcall(engine.close, engine) end
    engines = {}
    mailing.stop()
    net.remove_dir(directory)
  end)

  it("sends what it is given, and answers what client:send() would", function()
    local inbox, engine = inbox_of({ tls = "starttls", auth = login }), start()
    local id = assert(engine:submit(configure(engine, inbox), mailing.mail()))
    local info = assert(finish(engine)[id].info)
    assert.same({ "reader@example.com" }, info.accepted)
    assert.same({ from = "sender@example.com", to = { "reader@example.com" } }, info.envelope)
    assert.truthy(info.response:find("^250 "))
    assert.equal("TLSv1.3", info.tls.version)
    assert.is_number(info.messageSize)
    assert.equal("Your code", inbox:messages()[1].subject)
  end)

  it("sends many over few connections that stay warm", function()
    local inbox, engine = inbox_of(), start()
    local handle = configure(engine, inbox)
    for _ = 1, 3 do
      for _ = 1, 100 do assert(engine:submit(handle, mailing.mail())) end
      assert.equal(100, (select(2, finish(engine))))
    end
    assert.equal(300, inbox:counters().messages)
    assert.is_true(inbox:counters().connections <= 5)
    local stats = engine:stats()
    assert.equal(300, stats.sent)
    assert.equal(0, stats.pending)
    assert.equal(stats.connectionsOpen, stats.connectionsIdle)
  end)

  it("reads the mail before it returns: what happens to the table later does not matter", function()
    local inbox, engine = inbox_of(), start()
    local handle = configure(engine, inbox)
    local mail = mailing.mail({ text = ("a line\n"):rep(1000), headers = { ["X-Tag"] = "a" .. "b" } })
    assert(engine:submit(handle, mail))
    mail.text, mail.headers["X-Tag"] = "other", nil
    for _ = 1, 20 do collectgarbage() end
    finish(engine)
    assert.equal(("a line\n"):rep(1000), (inbox:messages()[1].text:gsub("\r\n", "\n")))
    assert.equal("ab", inbox:messages()[1].headers["x-tag"])
  end)

  it("answers a refusal as client:send() does", function()
    local inbox, engine = inbox_of(), start()
    local handle = configure(engine, inbox)
    inbox:nextReply({ at = "CONTENT", code = 552, text = "5.3.4 too big" })
    local refused = assert(engine:submit(handle, mailing.mail()))
    local err = finish(engine)[refused].err
    assert.equal("EMESSAGE", err.code)
    assert.equal("5.3.4", err.enhancedCode)
    assert.equal("not_sent", err.delivery)
    assert.equal(err.message, tostring(err))
    inbox:nextReply({ at = "RCPT", match = "b@example.com", code = 550, text = "5.1.1 unknown" })
    local both = assert(engine:submit(handle, mailing.mail({ to = "a@example.com, b@example.com" })))
    local info = finish(engine)[both].info
    assert.same({ "a@example.com" }, info.accepted)
    assert.equal(550, info.rejectedErrors[1].responseCode)
  end)

  it("finds what is wrong with a mail in the thread", function()
    local inbox, engine = inbox_of(), start()
    local id = assert(engine:submit(configure(engine, inbox), mailing.mail({ to = "nobody at all" })))
    local err = finish(engine)[id].err
    assert.equal("EENVELOPE", err.code)
    assert.equal(1, engine:stats().failed)
  end)

  it("refuses a config at once where the guard does", function()
    local handle, issues = start():configure({ host = "mail.example.com" })
    assert.is_nil(handle)
    assert.same({ "port" }, issues[1].path)
  end)

  it("answers each mail with issues where the client cannot be made", function()
    local inbox, engine = inbox_of(), start()
    local dkim = { domainName = "example.com", keySelector = "s", privateKey = "none" }
    local handle = configure(engine, inbox, { dkim = dkim })
    local ids = {}
    for i = 1, 2 do ids[i] = assert(engine:submit(handle, mailing.mail())) end
    ids[3] = assert(engine:verify(handle))
    local _, issues = core.client(inbox:config({ dkim = dkim }))
    local results = finish(engine)
    for _, id in ipairs(ids) do
      assert.same(issues, results[id].err.issues)
      assert.equal("The config is not valid: " .. issues[1].message, results[id].err.message)
    end
  end)

  it("says busy when the queue is full", function()
    local inbox, engine = inbox_of({ latency = 0.2 }), start({ maxQueue = 3 })
    local handle = configure(engine, inbox)
    for _ = 1, 3 do assert(engine:submit(handle, mailing.mail())) end
    local id, err = engine:submit(handle, mailing.mail())
    assert.is_nil(id)
    assert.equal("EBUSY", err.code)
    assert.equal("3 messages wait already, as many as maxQueue allows; try again when some are done",
      err.message)
    assert.is_false(err.permanent)
    finish(engine)
    assert.is_number(engine:submit(handle, mailing.mail()))
  end)

  it("says busy when what waits is too large, but takes a single mail of any size", function()
    local inbox, engine = inbox_of(), start({ maxOctets = 20000 })
    local handle = configure(engine, inbox)
    assert(engine:submit(handle, mailing.mail({ text = ("x"):rep(100000) })))
    local _, err = engine:submit(handle, mailing.mail())
    assert.equal("EBUSY", err.code)
    assert.truthy(err.message:find("maxOctets allows 20000", 1, true))
    finish(engine)
    assert(engine:submit(handle, mailing.mail()))
  end)

  it("serves clients of different configs at once", function()
    local engine, inboxes, handles = start(), {}, {}
    for i = 1, 2 do
      inboxes[i] = inbox_of({ latency = i == 1 and 0.2 or nil })
      handles[i] = configure(engine, inboxes[i])
    end
    local first, order = {}, {}
    for i = 1, 20 do first[assert(engine:submit(handles[i % 2 + 1], mailing.mail()))] = i % 2 + 1 end
    local reader = reader_of(engine)
    while engine:pending() > 0 do
      assert(reader:receive(1))
      for _, result in ipairs(engine:take()) do
        assert(result.info, result.err and result.err.message)
        order[#order + 1] = first[result.id]
      end
    end
    reader:close()
    assert.equal(("2"):rep(10), table.concat(order):sub(1, 10)) -- the slow server holds up its own only
    for i = 1, 2 do assert.equal(10, inboxes[i]:counters().messages) end
  end)

  it("verifies like client:verify(), without a mail", function()
    local inbox, engine = inbox_of({ tls = "starttls", auth = login }), start()
    local good = configure(engine, inbox)
    local bad = configure(engine, inbox, { auth = { user = "user", pass = "wrong-pass" } })
    local ids = { assert(engine:verify(good)), assert(engine:verify(bad)) }
    local results = finish(engine)
    local verification = assert(results[ids[1]].verification)
    assert.equal("PLAIN", verification.mechanism)
    assert.equal("TLSv1.3", verification.tls.version)
    assert.is_number(verification.times.ready)
    assert.equal("EAUTH", results[ids[2]].err.code)
    assert.is_number(results[ids[2]].seen.times.ehlo)
    assert.equal(0, inbox:counters().messages)
  end)

  it("forgets a client when its mails are done, and takes no more for it", function()
    local inbox, engine = inbox_of(), start()
    local handle = configure(engine, inbox)
    local id = assert(engine:submit(handle, mailing.mail()))
    assert.is_true(engine:forget(handle))
    local _, err = engine:submit(handle, mailing.mail())
    assert.equal("EARGUMENT", err.code)
    assert.is_table(finish(engine)[id].info)
    assert.is_true(clock.eventually(function() return engine:stats().connectionsOpen == 0 end))
  end)

  it("ends idle connections in time, with nobody asking", function()
    local inbox, engine = inbox_of(), start()
    assert(engine:submit(configure(engine, inbox, { maxIdle = 200 }), mailing.mail()))
    finish(engine)
    assert.equal(1, engine:stats().connectionsOpened)
    assert.is_true(clock.eventually(function() return engine:stats().connectionsOpen == 0 end))
  end)

  it("tells what happens, of the clients whose config asks for it, or of all", function()
    local inbox, engine = inbox_of(), start()
    local quiet, telling = configure(engine, inbox), configure(engine, inbox, { logger = true })
    local id = assert(engine:submit(telling, mailing.mail()))
    assert(engine:submit(quiet, mailing.mail()))
    local _, _, records = finish(engine)
    local accepted
    for _, record in ipairs(records) do
      assert.equal(telling, record.handle)
      if record.event == "accepted" then accepted = record end
    end
    assert.equal(id, accepted.id)
    assert.equal("info", accepted.level)
    assert.is_true(engine:setLogging(true))
    assert(engine:submit(quiet, mailing.mail()))
    _, _, records = finish(engine)
    assert.equal(quiet, records[1].handle)
  end)

  it("answers at close what became of each mail", function()
    local inbox, engine = inbox_of(), start()
    inbox:nextReply({ at = "CONNECT", silent = true, times = "always" })
    local handle = configure(engine, inbox)
    for _ = 1, 4 do assert(engine:submit(handle, mailing.mail())) end
    local results, _, span = clock.timed(function() return engine:close() end)
    span:ended()
    assert.equal(4, #results)
    for _, result in ipairs(results) do
      assert.equal("ECONNECTION", result.err.code)
      assert.equal("The engine was closed before the message was done", result.err.message)
      assert.equal("not_sent", result.err.delivery)
    end
    assert.same({}, engine:close())
    local _, err = engine:submit(handle, mailing.mail())
    assert.equal("The engine is closed", err.message)
    assert.equal("logto_smtp.engine (closed)", tostring(engine))
  end)

  it("waits at close for what is in flight, as long as it is told", function()
    local inbox, engine = inbox_of({ latency = 0.1 }), start()
    assert(engine:submit(configure(engine, inbox), mailing.mail()))
    local results = engine:close(60)
    assert.is_table(results[1].info)
    assert.equal(1, inbox:counters().messages)
  end)

  it("leaves no descriptor, thread or file behind, closed or collected", function()
    local inbox = inbox_of()
    start():close()
    local fds, tasks = of_this_process("fd"), of_this_process("task")
    local endings = {
      function(engine) engine:close() end,
      function(engine) engine:close(1) end,
      function() end,
    }
    for i = 1, 12 do
      local engine = assert(core.engine({ directory = directory }))
      if i % 4 > 0 then assert(engine:submit(configure(engine, inbox), mailing.mail())) end
      if i % 2 == 0 then clock.pass(0.05) end
      endings[i % 3 + 1](engine)
    end
    collectgarbage()
    collectgarbage()
    assert.equal(0, tonumber((net.run(("ls -A %s | wc -l"):format(net.quote(directory))))))
    assert.is_true(clock.eventually(function() return of_this_process("task") <= tasks end), "threads")
    assert.is_true(clock.eventually(function() return of_this_process("fd") <= fds end), "descriptors")
  end)

  it("may be at work over TLS when the process exits", function()
    local inbox = inbox_of({ tls = "starttls" })
    local script = directory .. "/exit.lua"
    net.write_file(script, [[
      local core, port, seconds, directory = require("logto_smtp.core"), arg[1], arg[2], arg[3]
      local engine = assert(core.engine({ directory = directory }))
      local handle = assert(engine:configure({
        host = "127.0.0.1", port = tonumber(port), requireTLS = true, tls = { rejectUnauthorized = false },
      }))
      for _ = 1, 200 do
        assert(engine:submit(handle, { from = "a@example.com", to = "b@example.com", text = "t" }))
      end
      require("spec.support.clock").pass(tonumber(seconds))
      os.exit(0, false)
    ]])
    local run = ("%s %s %d %%.3f %s 2>&1; echo $?"):format(shell.interpreter(), net.quote(script), inbox.port,
      net.quote(directory))
    for i = 1, 30 do assert.equal("0", (net.run(run:format(i * 0.002)))) end
    -- what these processes have left goes with the next engine
    local engine = start()
    assert(engine:verify(configure(engine, inbox)))
    finish(engine)
    assert.equal(2, tonumber((net.run(("ls %s | wc -l"):format(net.quote(directory))))))
  end)

  it("keeps its socket where only its user can reach it", function()
    local engine = start()
    local path = engine:path()
    assert.equal(directory, path:sub(1, #directory))
    assert.truthy(path:find("^/logto%-smtp%-%d+%-%w+/socket$", #directory + 1))
    local holder = net.quote((path:gsub("/socket$", "")))
    assert.equal("700", (net.run("stat -c %a " .. holder)):match("%d+"))
  end)

  it("says what is wrong with its directory", function()
    for path, words in pairs({
      ["/nonexistent/here"] = "set `directory` to one that can be written to",
      ["/tmp/" .. ("x"):rep(100)] = "set `directory` to a shorter one",
    }) do
      local engine, err = core.engine({ directory = path })
      assert.is_nil(engine)
      assert.truthy(err.message:find(words, 1, true))
    end
  end)

  it("raises for what is no option, handle or mail", function()
    local engine = start()
    assert.has_error(function() core.engine(1) end)
    for _, value in ipairs({ 0, 1.5, -1, "many", 0 / 0 }) do
      assert.has_error(function() core.engine({ maxQueue = value }) end)
    end
    assert.has_error(function() core.engine({ directory = 1 }) end)
    assert.has_error(function() engine:configure("config") end)
    assert.has_error(function() engine:submit("handle", {}) end)
    assert.has_error(function() engine:submit(0, {}) end)
    assert.has_error(function() engine:submit(1) end)
    assert.has_error(function() engine:close(-1) end)
    assert.has_error(function() engine:setLogging(1) end)
    assert.has_error(function() engine:take(1) end)
    local _, err = engine:submit(1, {})
    assert.equal("The engine has no client 1; configure one first", err.message)
  end)
end)
