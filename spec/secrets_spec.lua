-- SPDX-License-Identifier: MIT
-- Peers that repeat what they were sent, in every encoding that is known of them, and that say what acts on a
-- terminal, at every place where they have a word. What leaves us is read whole: results and errors by a walk
-- through their tables, records, what commands print, the journal of a bulk run.
local cjson = require("cjson")
local core = require("logto_smtp.core")
local json = require("logto_smtp.util.json")
local mailing = require("spec.support.mailing")
local mime = require("mime")
local net = require("spec.support.net")
local proxy = require("spec.support.proxy")
local secret = require("spec.support.secrets")
local shell = require("spec.support.shell")
local smtp = require("logto_smtp")
local token_endpoint = require("spec.support.token_endpoint")

local command = net.quote(shell.interpreter()) .. " bin/logto-smtp "

-- Where a server has a word, and the codes that it may go with.
local PLACES = {
  { at = "CONNECT", codes = { 220, 554 } }, { at = "EHLO", codes = { 250, 421, 550 } },
  { at = "STARTTLS", codes = { 454 }, tls = "starttls" }, { at = "AUTH", codes = { 235, 454, 535 } },
  { at = "MAIL", codes = { 250, 421, 550 } }, { at = "RCPT", codes = { 250, 452, 550 } },
  { at = "DATA", codes = { 354, 554 } }, { at = "CONTENT", codes = { 250, 451, 554 } },
}

-- A login, a payload, and the secrets of both.
local function things()
  local auth = { user = secret.USER, pass = secret.random(14) }
  local payload = {
    code = ("%06d"):format(math.random(0, 999999)),
    link = "https://app.example.com/verify?t=" .. secret.random(30):gsub("%s", "_") .. "&lang=en",
  }
  return auth, payload, { auth.pass, payload.code, payload.link }
end

local function inbox_for(auth, rule, tls)
  rule.times = "always"
  return mailing.inbox({ tls = tls or "none", auth = auth, authInClear = true, script = { rule } })
end

local function config_for(inbox, auth, overrides)
  local config = inbox:config({ auth = { pass = auth.pass }, debug = true, maxRequeues = 0 })
  for k, v in pairs(overrides or {}) do config[k] = v end
  config.fromEmail, config.templates = "sender@example.com", {}
  for i, kind in ipairs({ "Register", "SignIn", "ForgotPassword", "Generic" }) do
    config.templates[i] = { usageType = kind, contentType = "text/html", subject = "{{code}}",
      content = "<a href='{{link}}'>{{code}}</a>" }
  end
  return config
end

-- All that a connector and a client give who calls them, and their logger.
local function told_by(config, payload)
  local told = {}
  local function logger(record) secret.texts(record, told) end
  local connector = smtp.createConnector({ logger = logger })
  local message = { to = "reader@example.com", type = "SignIn", payload = payload }
  local info, err = connector.sendMessage(message, config)
  secret.texts(info or err, told)
  local client = mailing.client(config)
  client:setLogger(logger)
  local mail = mailing.mail({ text = payload.code, secrets = { payload.code, payload.link } })
  for _, answers in ipairs({ { client:send(mail) }, { client:verify() } }) do
    for i = 1, 3 do secret.texts(answers[i], told) end
  end
  client:close()
  require("logto_smtp.transport").default.close()
  return table.concat(told, "\n")
end

local function assert_masked(told, secrets, place)
  secret.assert_none(told, secrets, place)
  assert.truthy(told:find("***", 1, true), place)
  assert.truthy(told:find(secret.HARMLESS, 1, true), place)
end

local seed = os.time()

describe("a peer that repeats secrets", function()
  math.randomseed(seed)
  after_each(function()
    mailing.stop()
    proxy.stop()
  end)

  for _, place in ipairs(PLACES) do
    it(("at %s is told without them (seed %d)"):format(place.at, seed), function()
      for _, code in ipairs(place.codes) do
        local auth, payload, secrets = things()
        local rule = { at = place.at, code = code, text = secret.repeated(secrets) }
        local inbox = inbox_for(auth, rule, place.tls)
        assert_masked(told_by(config_for(inbox, auth), payload), secrets, place.at .. " " .. code)
        mailing.stop()
      end
    end)
  end

  for _, place in ipairs(PLACES) do
    it(("at %s in what is no reply is told without them (seed %d)"):format(place.at, seed), function()
      local auth, payload, secrets = things()
      local forms = secret.forms(auth.pass)
      local form = forms[math.random(#forms)]
      local rule = { at = place.at, raw = secret.HARMLESS .. " " .. form .. "\r\n" }
      local inbox = inbox_for(auth, rule, place.tls)
      assert_masked(told_by(config_for(inbox, auth), payload), secrets, place.at)
    end)
  end

  it("cut to any length is told without sixteen octets of a long one", function()
    local auth = { user = secret.USER, pass = secret.random(60) }
    for _, n in ipairs({ 16, 17, 25, 40, 59 }) do
      local encoded = mime.b64(auth.pass):sub(1, math.ceil(n * 4 / 3) + 4)
      local inbox = inbox_for(auth,
        { at = "AUTH", code = 535, text = { auth.pass:sub(1, n), auth.pass:sub(-n), encoded } })
      local told = told_by(config_for(inbox, auth), { code = "112233" })
      for _, piece in ipairs({ auth.pass:sub(1, 16), auth.pass:sub(-16), encoded:sub(1, 20) }) do
        assert.is_nil(told:find(piece, 1, true))
      end
      mailing.stop()
    end
  end)

  it("as a proxy, in its status line and header, is told without them", function()
    local pass = secret.random(12):gsub("[%%'\\]", "_")
    local forms = secret.forms(pass)
    for i = 1, #forms, 6 do
      local answer = net.tmpdir() .. "/answer"
      net.write_file(answer, ("HTTP/1.1 407 %s (%s)\r\nProxy-Status: %s\r\nContent-Length: 0\r\n\r\n"):format(
        secret.HARMLESS, forms[i], forms[i]))
      local url = ("http://proxy:%s@127.0.0.1:%d"):format(secret.ENCODINGS.percent(pass),
        proxy.peer("read line; cat " .. answer))
      local auth, payload, secrets = things()
      local inbox = inbox_for(auth, { at = "QUIT", code = 221 })
      secrets[#secrets + 1] = pass
      assert_masked(told_by(config_for(inbox, auth, { proxy = url }), payload), secrets, "proxy")
      mailing.stop()
      proxy.stop()
    end
  end)

  it("in parts of a reply of several lines is told without them, and the rest stays", function()
    for _, text in ipairs({
      { "spam: 482", "913 it is" }, { "spam: 4", "8", "2-9", "1 3 it is" }, { "spam: 482=", "913 it is" },
      { "5.7.1 spam: 482", "5.7.1 913 it is" }, { "spam: 482.913 it is", "192.0.2.1, 2026-11-27" },
    }) do
      local inbox = mailing.inbox({ tls = "none", script = { { at = "CONTENT", code = 554, text = text } } })
      local client = mailing.client(inbox:config({ maxRequeues = 0 }))
      local _, err = client:send(mailing.mail({ text = "482913", secrets = { "482913" } }))
      assert.matches("spam: %*%*%* it is", err.response)
      assert.is_truthy(not text[2]:find("192") or err.response:find(text[2], 1, true))
      client:close()
      mailing.stop()
    end
  end)

  it("and breaks a password or its base64 over lines is told without them", function()
    local auth = { user = secret.USER, pass = "p4ssW0rd-Very" }
    local encoded = mime.b64(auth.pass)
    for _, text in ipairs({ { "p4ssW0r", "d-Very it is" },
      { encoded:sub(1, 8), encoded:sub(9, 16), encoded:sub(17) .. " it is" } }) do
      local inbox = inbox_for(auth, { at = "AUTH", code = 535, text = text })
      local told = told_by(config_for(inbox, auth), { code = "112233" })
      assert.truthy(told:find("535-*** it is", 1, true) or told:find("535-***= it is", 1, true), told)
      for _, piece in ipairs(text) do assert.is_nil(told:find(piece:sub(1, 5), 1, true), told) end
      mailing.stop()
    end
  end)

  it("to an enqueued or submitted message's neighbours is told without them, too", function()
    local auth, _, _ = things()
    local codes = {}
    for i = 1, 20 do codes[i] = ("%06d"):format(math.random(0, 999999)) end
    local inbox = inbox_for(auth, { at = "CONTENT", code = 554, text = table.concat(codes, " ") })
    local client = mailing.client(config_for(inbox, auth, { maxConnections = 2 }))
    for _, code in ipairs(codes) do
      assert(client:submit(mailing.mail({ text = code, secrets = { code } })))
    end
    for _, done in ipairs(mailing.drain(client, #codes)) do
      secret.assert_none(table.concat(secret.texts(done), "\n"), codes, "CONTENT")
    end
  end)
end)

describe("a token endpoint that repeats secrets", function()
  local endpoint = token_endpoint.start()
  teardown(function() endpoint:stop() end)
  after_each(mailing.stop)

  local function told_of(path, auth)
    local inbox = mailing.inbox({ tls = "none" })
    local told = {}
    local client = assert(core.client(inbox:config({ auth = auth, logger = true, debug = true }),
      { logger = function(record) secret.texts(record, told) end }))
    for _, answers in ipairs({ { client:send(mailing.mail()) }, { client:verify() } }) do
      for i = 1, 3 do secret.texts(answers[i], told) end
    end
    client:close()
    told = table.concat(told, "\n")
    assert.truthy(told:find("***", 1, true), path)
    return told
  end

  it("in its error, its description, its URI, its reason or a redirection is told without them", function()
    for _, path in ipairs({ "repeat", "repeat-redirect" }) do
      local clientSecret, refreshToken = secret.random(24), secret.random(40)
      local auth = endpoint:auth(path, { clientSecret = clientSecret, refreshToken = refreshToken })
      secret.assert_none(told_of(path, auth), { clientSecret, refreshToken }, path)
    end
  end)

  it("and was sent a login and a key in its URL is told without them", function()
    local pass, key = "p4ss-of-the-URL", "k3y-of-the-URL"
    local url = endpoint:url("repeat"):gsub("://", "://usr:" .. pass .. "@") .. "?apikey=" .. key
    local auth = endpoint:auth("repeat", { refreshToken = secret.random(40), accessUrl = url })
    secret.assert_none(told_of("repeat", auth), { pass, key }, "accessUrl")
  end)

  it("and was sent an assertion is told without that", function()
    local told = told_of("repeat", { type = "OAuth2", user = secret.USER, serviceClient = "service@p.example",
      privateKey = endpoint:file("rsa.pem"), accessUrl = endpoint:url("repeat"), tls = { ca = endpoint.ca } })
    for _, request in ipairs(endpoint:requests()) do
      if request.form.assertion then
        for part in request.form.assertion:gmatch("[^.]+") do assert.is_nil(told:find(part, 1, true)) end
      end
    end
  end)
end)

describe("a command, and a server that repeats secrets", function()
  local folder
  before_each(function() folder = net.tmpdir() end)
  after_each(function()
    mailing.stop()
    net.remove_dir(folder)
  end)

  for _, row in ipairs({ { "AUTH", 535 }, { "RCPT", 550 }, { "CONTENT", 250 }, { "CONTENT", 554 } }) do
    it(("at %s with %d: neither prints them, nor notes them in a journal"):format(row[1], row[2]), function()
      local auth, payload, secrets = things()
      local inbox = inbox_for(auth, { at = row[1], code = row[2], text = secret.repeated(secrets) })
      local config, list, journal = folder .. "/config.json", folder .. "/list.jsonl", folder .. "/journal"
      local given = config_for(inbox, auth)
      given.debug = nil
      net.write_file(config, cjson.encode(given))
      local row_of_list = { to = "reader@example.com", code = payload.code, link = payload.link }
      net.write_file(list, cjson.encode(row_of_list))
      net.write_file(folder .. "/payload", cjson.encode(payload))
      for _, words in ipairs({
        "send %s --to reader@example.com --payload @" .. folder .. "/payload -v",
        "send %s --to reader@example.com --payload @" .. folder .. "/payload --json",
        "bulk %s --recipients " .. list .. " --yes --retries 0 --journal " .. journal .. " -v",
        "bulk %s --recipients " .. list .. " --yes --retries 0 --json",
      }) do
        local said = net.run(command .. words:format(config) .. " 2>&1")
        secret.assert_none(said, secrets, words)
        assert.truthy(words:find("bulk", 1, true) and row[2] == 250 or said:find("***", 1, true), said)
      end
      secret.assert_none(net.read_file(journal), secrets, "journal")
    end)
  end
end)

-- Each acts on a terminal, a log or a reader, and is no part of any text here.
local CONTROLS = {
  "\27[2J", "\7", "\8", "\127", "\194\155", "\226\128\174", "\226\128\139", "\226\129\166", "\239\187\191",
  "\216\156", "\243\160\129\129", "\255", "\192\175", "\237\160\128",
}

local function assert_harmless(text, place)
  for _, control in ipairs(CONTROLS) do
    assert.is_nil(text:find(control, 1, true), ("%s: %q"):format(place, text))
  end
  assert.is_nil(text:find("[%z\1-\8\11-\31\127]"), ("%s: %q"):format(place, text))
  assert.is_true(json.isUtf8(text), place)
end

describe("a server's words that act on a terminal", function()
  after_each(mailing.stop)

  for _, place in ipairs(PLACES) do
    it("are shown and act on nothing, at " .. place.at, function()
      for _, code in ipairs(place.codes) do
        local auth, payload = things()
        local text = table.concat(CONTROLS, " | ") .. " a\rb " .. secret.HARMLESS
        local inbox = inbox_for(auth, { at = place.at, code = code, text = { text, text } }, place.tls)
        local told = told_by(config_for(inbox, auth), payload)
        assert_harmless(told, place.at .. code)
        assert.truthy(told:find("\\x1B[2J | \\x07 | \\x08 | \\x7F | \\u009B | \\u202E | \\u200B | \\u2066 | "
          .. "\\uFEFF | \\u061C | \\u{E0041} | \\xFF | \\xC0\\xAF", 1, true), told)
        mailing.stop()
      end
    end)
  end

  it("are lines as before where they are lines", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "RCPT", code = 550, text = { "5.1.1 one", "5.1.1 two\tthree" } })
    local _, err = client:send(mailing.mail())
    assert.equal("550-5.1.1 one\n550 5.1.1 two\tthree", err.response)
  end)
end)

describe("a command, and words of others that act on a terminal", function()
  after_each(mailing.stop)

  it("shows them in the names of files, options, recipients and templates, as text and as JSON", function()
    local folder, name = net.tmpdir(), table.concat(CONTROLS, "+", 1, 8)
    local inbox = mailing.inbox({ tls = "none" })
    local config = config_for(inbox, { pass = "unused" })
    config.auth = nil
    net.write_file(folder .. "/good.json", cjson.encode(config))
    config[name] = 1
    config.templates[5] = { usageType = name, contentType = name, subject = "s", content = "c" }
    net.write_file(folder .. "/bad.json", cjson.encode(config))
    net.write_file(folder .. "/list.csv", "to,code\n" .. name .. ",1\nreader@example.com,2\n")
    local good, bad, quoted = folder .. "/good.json ", folder .. "/bad.json ", net.quote(name)
    for _, words in ipairs({
      "send " .. quoted .. " --to a@example.com", "send " .. good .. "--to " .. quoted,
      "send " .. good .. "--to a@example.com --type " .. quoted,
      "send " .. good .. "--to a@example.com --payload " .. quoted,
      "send " .. bad .. "--to a@example.com", "validate " .. bad, "validate " .. quoted, "check " .. bad,
      "preview " .. bad .. "--out " .. folder .. "/page",
      "bulk " .. good .. "--recipients " .. folder .. "/list.csv --yes",
      "bulk " .. good .. "--recipients " .. quoted .. " --yes", quoted,
    }) do
      for _, flag in ipairs({ "", " --json" }) do
        local said = net.run(command .. words .. flag .. " 2>&1")
        assert_harmless(said, words)
        if words:find("^validate /") and flag ~= "" then assert.is_table(cjson.decode(said)) end
      end
    end
    net.remove_dir(folder)
  end)

  it("writes JSON whose values are what they were", function()
    local texts = { table.concat(CONTROLS, " ", 1, 11), "a\\u{41}\\u202E\\", "😀\127é", "\243\160\129\129" }
    for _, text in ipairs(texts) do
      local shown = json.shown(json.encode({ text }))
      assert_harmless(shown, "JSON")
      assert.same({ text }, cjson.decode(shown))
    end
  end)
end)

describe("core.mask()", function()
  it("takes secrets, and those of a config, out of a text", function()
    local config = {
      auth = { user = "user", pass = "p4ss-word", privateKey = { key = "k3y-of-it", passphrase = "phr4se" } },
      tls = { key = "tls-k3y" }, dkim = { keys = { { privateKey = "dkim-k3y" } } },
    }
    local text = "user p4ss-word k3y-of-it phr4se tls-k3y dkim-k3y 123456 12345 cDRzcy13b3Jk"
    assert.equal("user *** *** *** *** *** *** 12345 ***", core.mask(text, { "123456" }, config))
    assert.equal("abc", core.mask("abc", { "abc", "" }))
    assert.has_error(function() core.mask("x", { {} }) end)
    assert.has_error(function() core.mask("x") end)
  end)

  it("takes what a config's URLs have for their servers alone out of it, in each form", function()
    for url, words in pairs({
      ["https://usr:p%40ss-w0rd@t.example/token?apikey=k3y-of-it&x=l%26ng-value"] = {
        "p@ss-w0rd", "p%40ss-w0rd", mime.b64("usr:p@ss-w0rd"), "k3y-of-it", "K3Y-OF-IT",
        "l&ng-value", "l%26ng-value" },
      ["http://t0ken-alone@t.example"] = { "t0ken-alone", mime.b64("t0ken-alone:") },
      ["https://t.example/token?whole-query#part"] = { "whole-query" },
    }) do
      for _, config in ipairs({ { auth = { accessUrl = url } }, { proxy = url } }) do
        for _, word in ipairs(words) do
          local told = core.mask("t.example token usr said " .. word .. " twice", {}, config)
          assert.matches("^t%.example token usr said .*%*%*%*.* twice$", told)
          assert.is_nil(told:find(word, 1, true))
        end
      end
    end
  end)

  it("is what a connector's errors pass where its transport is another", function()
    for _, transport in ipairs({
      { send = function() error("no: 739518 of s3cret-pass", 0) end },
      { send = function() return nil, "no: 739518 of s3cret-pass" end },
      { send = function() return nil, { message = "no: 739518 of s3cret-pass" } end },
    }) do
      local auth = { user = "user", pass = "s3cret-pass" }
      local config = config_for(mailing.inbox({ tls = "none" }), auth, { auth = auth })
      local _, err = smtp.createConnector({ transport = transport }).sendMessage(
        { to = "a@example.com", type = "SignIn", payload = { code = 739518 } }, config)
      assert.equal('ConnectorError: "no: *** of ***"', err.message)
      mailing.stop()
    end
  end)
end)
