-- SPDX-License-Identifier: MIT
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local mime = require("mime")
local net = require("spec.support.net")
local shell = require("spec.support.shell")
local smtp = require("logto_smtp")

local PASS = "p4ss.W0rd-of-mine"
local CODE = "739518"
local login = { user = "user@example.com", pass = PASS }

local function recorder()
  local records = {}
  return function(record) records[#records + 1] = record end, records
end

local function start(options, overrides, logger)
  local settings = { tls = "none", auth = login, authInClear = true }
  for k, v in pairs(options or {}) do settings[k] = v end
  local inbox = mailing.inbox(settings)
  local config = inbox:config(overrides)
  local client = assert(core.client(config, logger and { logger = logger }))
  return inbox, client
end

local function events(records)
  local list = {}
  for i, record in ipairs(records) do list[i] = record.event end
  return table.concat(list, " ")
end

local function text_of(records)
  local list = {}
  for _, record in ipairs(records) do
    for _, value in pairs(record) do list[#list + 1] = tostring(value) end
  end
  return table.concat(list, "\n")
end

-- A secret in any of the forms in which it is on the wire; of the base64 of PLAIN the part that holds it too.
local function forms(secret)
  local user = login.user
  local list = { secret, secret:sub(1, 6), secret:sub(-6) }
  for _, form in ipairs({ secret, "\0" .. user .. "\0" .. secret, user .. "\0" .. user .. "\0" .. secret }) do
    list[#list + 1] = mime.b64(form):gsub("=+$", ""):sub(-12)
  end
  return list
end

local function assert_silent(text, secrets)
  for _, secret in ipairs(secrets) do
    for _, form in ipairs(forms(secret)) do
      assert.is_nil(text:find(form, 1, true), "a secret is in the log: " .. text)
    end
  end
end

local function secret_mail()
  return mailing.mail({ subject = "Your code " .. CODE, text = "Use " .. CODE .. " now.\n.\n" .. CODE,
    headers = { ["X-Code"] = CODE } })
end

describe("the log", function()
  after_each(mailing.stop)

  it("tells connect, login, ready, accepted and close to a function", function()
    local logger, records = recorder()
    local began = os.time()
    local _, client = start({ tls = "starttls" }, nil, logger)
    assert.is_table(client:send(mailing.mail()))
    client:close()
    assert.equal("connect tls login ready accepted close", events(records))
    local sid = records[1].sid
    assert.truthy(sid:match("^%x+%-1$"))
    for _, record in ipairs(records) do
      assert.equal(sid, record.sid)
      assert.truthy(({ debug = 1, info = 1, warn = 1, error = 1 })[record.level])
      assert.is_string(record.message)
      assert.is_true(record.time >= began and record.time <= os.time() + 1)
    end
    assert.equal(1, records[5].id)
    assert.truthy(records[5].messageId:find("@", 1, true))
  end)

  it("tells what was refused, with its code, and a retry", function()
    local logger, records = recorder()
    local inbox, client = start(nil, nil, logger)
    inbox:nextReply({ at = "MAIL", drop = "before" })
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 no such user\27[31m" })
    local _, err = client:send(mailing.mail())
    assert.equal("EENVELOPE", err.code)
    local refused = records[#records]
    assert.equal("refused", refused.event)
    assert.equal("error", refused.level)
    assert.equal("EENVELOPE", refused.code)
    assert.equal(550, refused.responseCode)
    assert.is_nil(refused.message:find("%c"))
    assert.truthy(events(records):find("retry", 1, true))
  end)

  it("tells why no connection could be made", function()
    local logger, records = recorder()
    local inbox, client = start(nil, nil, logger)
    inbox:nextReply({ at = "AUTH", code = 535, text = "5.7.8 no" })
    client:send(mailing.mail())
    assert.equal("connect failed close refused", events(records))
    assert.equal("EAUTH", records[2].code)
  end)

  it("has the conversation too with option debug, or option transactionLog", function()
    for _, option in ipairs({ "debug", "transactionLog" }) do
      local logger, records = recorder()
      local _, client = start({ chunking = true }, { [option] = true, logger = false }, logger)
      client:send(mailing.mail())
      client:send(mailing.mail())
      local text = text_of(records)
      for _, line in ipairs({
        "S: 220 inbox.example", "C: EHLO ", "C: AUTH PLAIN /* secret */", "S: 235 ",
        "C: MAIL FROM:<sender@example.com>", "C: RCPT TO:<reader@example.com>", "S: 250 ", "C: BDAT ",
        " octets of content>",
      }) do
        assert.truthy(text:find(line, 1, true), line)
      end
      assert.is_nil(text:find("Your code", 1, true))
    end
  end)

  it("is silent without option logger, also with debug, and with no function when it is false", function()
    local script = [[
      local inbox = require("logto_smtp.testing").startInbox({ tls = "none" })
      local client = require("logto_smtp.core").client(inbox:config({ logger = %s, debug = true }))
      client:send({ from = "a@b.c", to = "d@e.f", text = "x" })
      client:close()
      inbox:stop()]]
    local interpreter = net.run("readlink /proc/$PPID/exe"):gsub("%s+$", "")
    local function said(logger)
      return net.run(("%s -e '%s' 2>&1"):format(interpreter, script:format(logger)))
    end
    assert.equal("", said("false"))
    local text = said("true")
    assert.truthy(text:find("^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ INFO %[%x+%-1%] Connecting to"), text)
    assert.truthy(text:find("DEBUG [^\n]+ C: MAIL FROM"))
  end)

  it("takes a logger that raises, and one that uses or closes the client", function()
    local inbox, client
    local calls = 0
    inbox, client = start(nil, nil, function()
      calls = calls + 1
      if calls == 2 then assert(client:send(mailing.mail())) end
      if calls == 3 then client:close() end
    end)
    assert.is_table(client:send(mailing.mail()))
    assert.equal(2, inbox:counters().messages)
    assert.has_error(function() client:send(mailing.mail()) end)
    local _, other = start(nil, nil, function() error({}) end)
    for _ = 1, 3 do assert.is_table(other:send(mailing.mail())) end
  end)

  for name, misbehave in pairs({
    raises = function() error({}) end,
    ["raises nil"] = function() error(nil) end,
    yields = function() coroutine.yield() end,
    collects = function() collectgarbage() end,
    ["sends again"] = function(client, again) if again then assert(client:send(mailing.mail())) end end,
    ["polls, probes and verifies"] = function(client, again)
      if not again then return end
      client:poll(0)
      assert(client:probe({ from = "a@example.com", to = "b@example.com" }))
      assert(client:verify())
    end,
    ["takes its own place"] = function(client) client:setLogger(function() end) end,
    ["closes the client"] = function(client) client:close() end,
    ["closes the client from another coroutine"] = function(client)
      coroutine.wrap(function() client:close() end)()
    end,
  }) do
    it("takes a logger that " .. name .. ", and tells what became of the mail", function()
      local depth = 0
      local inbox, client
      inbox, client = start(nil, { debug = true }, function()
        depth = depth + 1
        if depth < 3 then misbehave(client, depth == 1) end
        depth = depth - 1
      end)
      for _, method in ipairs({ "send", "probe" }) do
        local fine, info = pcall(client[method], client, mailing.mail())
        if fine then assert.same({ "reader@example.com" }, info.accepted) end
        assert.is_true(fine or name:find("closes") ~= nil, info)
      end
      assert.is_true(inbox:counters().messages >= 1)
      local thread = coroutine.create(function() return client:verify() end)
      coroutine.resume(thread)
      client:close()
    end)
  end

  it("takes a logger from setLogger, and forgets it with nil", function()
    local logger, records = recorder()
    local _, client = start()
    client:send(mailing.mail())
    client:setLogger(logger)
    client:send(mailing.mail())
    assert.equal("accepted", events(records))
    client:setLogger(nil)
    client:send(mailing.mail())
    assert.equal(1, #records)
    assert.has_error(function() client:setLogger("x") end)
    assert.has_error(function() core.client({ host = "h", port = 1 }, { logger = true }) end)
  end)

  it("leaves what no logger takes to stderr where the config has `logger`, and to nobody else", function()
    local inbox = start()
    local code = [[local core, client = require("logto_smtp.core")
      client = core.client({ host = "127.0.0.1", port = %d, ignoreTLS = true, debug = true, logger = %s },
        { logger = function() %s end })
      client:send({ from = "a@b.example", to = "c@d.example", text = "x" })
      client:submit({ from = "a@b.example", to = "c@d.example", text = "x" })
      client:setLogger(nil)
      while client:pending() > 0 do client:poll() end]]
    for _, what in ipairs({ "client:setLogger(nil)", "" }) do
      for _, on in ipairs({ true, false }) do
        local script = code:format(inbox.port, tostring(on), what)
        local said = net.run(("%s -e %s 2>&1"):format(net.quote(shell.interpreter()), net.quote(script)))
        assert.equal(on, said:find("MAIL FROM", 1, true) ~= nil, said)
        assert.is_true(on or said == "", said)
      end
    end
  end)

  it("keeps no client or logger alive", function()
    local weak = setmetatable({}, { __mode = "v" })
    do
      local client = assert(core.client({ host = "127.0.0.1", port = 1 }))
      local function logger() return client end
      client:setLogger(logger)
      weak.client = client
    end
    if not _G.jit and _VERSION ~= "Lua 5.1" then
      collectgarbage()
      collectgarbage()
      assert.is_nil(weak.client)
    end
  end)

  it("bounds what waits, and says how much is lost", function()
    local logger, records = recorder()
    local _, client = start(nil, { debug = true }, logger)
    for _ = 1, 999 do client:submit(mailing.mail()) end
    assert.is_table(client:send(mailing.mail()))
    local last = records[#records]
    assert.equal(4097, #records)
    assert.equal("dropped", last.event)
    assert.truthy(last.message:find("^%d+ records"))
  end)
end)

describe("no secret is in any record", function()
  after_each(mailing.stop)

  for _, mechanism in ipairs({ "PLAIN", "LOGIN", "CRAM-MD5" }) do
    it("of " .. mechanism .. ", whatever the server answers", function()
      local plain = mime.b64("\0" .. login.user .. "\0" .. PASS)
      for _, rule in ipairs({
        {}, { at = "AUTH", code = 535, text = "no " .. PASS }, { at = "AUTH", code = 535, text = plain },
        { at = "AUTH", code = 454, text = mime.b64(PASS) },
        { at = "AUTH", code = 235, text = "ok " .. PASS .. plain }, { at = "AUTH", drop = "before" },
        { at = "AUTH", garbage = true },
      }) do
        local logger, records = recorder()
        local inbox, client = start({ mechanisms = { mechanism } }, { debug = true }, logger)
        if rule.at then inbox:nextReply(rule) end
        client:send(secret_mail())
        client:verify()
        client:close()
        assert.is_true(#records > 4)
        assert_silent(text_of(records), { PASS, CODE })
        mailing.stop()
      end
    end)
  end

  it("of XOAUTH2, whatever the server answers", function()
    local token = "ya29.t0ken-of-mine"
    for _, given in ipairs({ token, "another" }) do
      for _, rule in ipairs({
        {}, { at = "AUTH", code = 535, text = "no " .. token }, { at = "AUTH", drop = "before" },
      }) do
        local logger, records = recorder()
        local known = { user = login.user, accessToken = given }
        local inbox, client = start({ mechanisms = { "XOAUTH2" }, auth = known },
          { debug = true, auth = { type = "OAuth2", user = login.user, accessToken = token } }, logger)
        if rule.at then inbox:nextReply(rule) end
        client:send(secret_mail())
        client:close()
        assert.is_true(#records > 4)
        assert_silent(text_of(records), { token, CODE })
        local wire = mime.b64(("user=%s\1auth=Bearer %s\1\1"):format(login.user, token))
        assert.is_nil(text_of(records):find(wire:sub(1, 20), 1, true))
        mailing.stop()
      end
    end
  end)

  for _, chunking in ipairs({ false, true }) do
    it("of a mail that fails at any step, chunking = " .. tostring(chunking), function()
      for _, at in ipairs({ "CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "CONTENT" }) do
        for _, how in ipairs({ { code = 451, text = "4.0.0 later" }, { code = 554, text = "5.0.0 no" },
          { drop = "before" }, { garbage = true }, { code = 421, text = "bye", drop = "after" } }) do
          local logger, records = recorder()
          local inbox, client = start({ chunking = chunking }, { debug = true, totalTimeout = 500 }, logger)
          local rule = { at = at, times = "always" }
          for k, v in pairs(how) do rule[k] = v end
          inbox:nextReply(rule)
          local _, err = client:send(secret_mail())
          client:close()
          assert_silent(text_of(records) .. (err and err.message or ""), { PASS, CODE })
          mailing.stop()
        end
      end
    end)
  end

  it("of a mail of any size, cut anywhere", function()
    local logger, records = recorder()
    local _, client = start(nil, { debug = true }, logger)
    for _, n in ipairs({ 1, 100, 5000, 70000, 400000 }) do
      assert.is_table(client:send(mailing.mail({ text = (CODE .. "\n.\n"):rep(math.ceil(n / 9)) })))
    end
    assert_silent(text_of(records), { PASS, CODE })
  end)
end)

describe("the connector's logger", function()
  after_each(mailing.stop)

  local templates = {}
  for i, usage in ipairs({ "SignIn", "Register", "ForgotPassword", "Generic" }) do
    templates[i] = { usageType = usage, contentType = "text/plain" }
    templates[i].subject, templates[i].content = "Code {{code}}", "{{code}}"
  end

  local function connector_config(overrides)
    local inbox = mailing.inbox({ tls = "none", auth = login, authInClear = true })
    local config = inbox:config(overrides)
    config.fromEmail, config.templates = "a@b.c", templates
    return config
  end

  it("gets the records, and no code", function()
    local logger, records = recorder()
    local config = connector_config({ debug = true })
    local connector = smtp.createConnector({ logger = logger })
    local data = { to = "user@example.com", type = "SignIn", payload = { code = CODE } }
    assert(connector.sendMessage(data, config))
    assert.truthy(events(records):find("accepted", 1, true))
    assert_silent(text_of(records), { PASS, CODE })
    assert.has_error(function() smtp.createConnector({ logger = true }) end)
    require("logto_smtp.transport").default.close()
  end)

  it("is nginx's own log where there is one", function()
    local lines = {}
    rawset(_G, "ngx", { INFO = 7, ERR = 4, WARN = 5, DEBUG = 8, log = function(level, ...)
      lines[#lines + 1] = level .. " " .. table.concat({ ... })
    end })
    local config = connector_config({ logger = true })
    local transport = require("logto_smtp.transport").new()
    local info = transport.send(config, mailing.mail())
    rawset(_G, "ngx", nil)
    transport.close()
    assert.is_table(info)
    assert.truthy(table.concat(lines, "\n"):find("7 smtp [", 1, true))
  end)
end)
