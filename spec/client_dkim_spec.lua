-- SPDX-License-Identifier: MIT
-- Signatures on what a server received, judged by dkimpy and opendkim.

local core = require "logto_smtp.core"
local logto = require "logto_smtp"
local mailing = require "spec.support.mailing"
local net = require "spec.support.net"
local postfix = require "spec.support.postfix"

local PYTHON = "/usr/bin/python3"

local folder, keys

local function key(name, file, domain)
  return { domainName = domain or "example.com", keySelector = name, privateKey = keys[file or name] }
end

local function with(first, more)
  for name, value in pairs(more) do first[name] = value end
  return first
end

--- Has both verifiers judge received octets, which must carry `count` signatures that are good.
local function assert_signed(raw, count)
  net.run("rm -f " .. net.quote(folder) .. "/*.eml")
  net.write_file(("%s/received-%d.eml"):format(folder, count), raw)
  local said, status = net.run(PYTHON .. " spec/transport/verify_dkim.py " .. net.quote(folder))
  assert.equal("1 messages checked, 0 wrong", said)
  assert.equal(0, status)
end

local function tag(raw, name)
  local value = raw:gsub("\r\n[ \t]+", " "):match("^DKIM%-Signature:[^\r]-[ ;]" .. name .. "=([^;\r]*)")
  return value and (value:gsub("%s", ""))
end

local MAIL = {
  from = "Büro <sender@example.com>", subject = ("Grüße, %s"):format(("lang "):rep(30)),
  text = "Your code is 123456.  \n.\n\n  trailing   \n\n\n", html = "<p>Your code is 123456.</p>",
  headers = { ["X-Long"] = ("word "):rep(60), ["List-Unsubscribe"] = "<https://example.com/u>" },
}

describe("option dkim", function()
  setup(function()
    folder, keys = net.tmpdir(), {}
    assert.equal(0, select(2, net.run("sh spec/transport/dkim_keys.sh " .. net.quote(folder))))
    for _, name in ipairs({ "rsa", "rsa1024", "rsa768", "ed25519", "ec", "damaged", "rsa-encrypted" }) do
      keys[name] = assert(net.read_file(folder .. "/" .. name .. ".pem"))
    end
  end)
  teardown(function() net.remove_dir(folder) end)
  after_each(mailing.stop)

  local rows = {
    { "rsa-sha256", function() return key("rsa") end, 1, "rsa-sha256" },
    { "ed25519-sha256", function() return key("ed", "ed25519") end, 1, "ed25519-sha256" },
    { "hashAlgo sha256", function() return with(key("rsa"), { hashAlgo = "sha256" }) end, 1 },
    { "an encrypted key", function()
      return with(key("rsa"), { privateKey = { key = keys["rsa-encrypted"], passphrase = "open sesame" } })
    end, 1 },
    { "a domain in Unicode", function() return key("rsa", "rsa", "bücher.example") end, 1 },
    { "two keys", function()
      return { keys = { key("rsa"), key("ed", "ed25519") } }
    end, 2 },
    { "skipFields", function()
      return with(key("rsa"), { skipFields = "message-id:date" })
    end, 1, "rsa-sha256", { "Subject", "To" }, { "Message-ID", "Date" } },
    { "headerFieldNames", function()
      return with(key("rsa"), { headerFieldNames = "from:subject:x-long" })
    end, 1, "rsa-sha256", { "From", "X-Long" }, { "To", "Date" } },
    { "cacheDir, which has no effect", function()
      return with(key("rsa"), { cacheDir = folder .. "/cache" })
    end, 1 },
  }

  for _, row in ipairs(rows) do
    it("signs what the server receives: " .. row[1], function()
      local inbox, client = mailing.start(nil, { dkim = row[2]() })
      local info = assert(client:send(mailing.mail(MAIL)))
      local raw = inbox:messages()[1].raw
      assert_signed(raw, row[3])
      assert.equal(info.messageId, inbox:messages()[1].headers["message-id"])
      if row[4] then assert.equal(row[4], tag(raw, "a")) end
      local fields = ":" .. tag(raw, "h"):lower() .. ":"
      for _, name in ipairs(row[5] or {}) do
        assert.is_truthy(fields:find(":" .. name:lower() .. ":", 1, true), name)
      end
      for _, name in ipairs(row[6] or {}) do
        assert.is_nil(fields:find(":" .. name:lower() .. ":", 1, true), name)
      end
    end)
  end

  it("signs each of many messages, submitted or sent", function()
    local inbox, client = mailing.start({ chunking = true }, { dkim = key("ed", "ed25519") })
    for i = 1, 6 do assert(client:submit(mailing.mail({ text = ("line %d\n"):format(i):rep(i * 200) }))) end
    while client:pending() > 0 do
      for _, done in ipairs(client:poll(5)) do assert.is_nil(done.err) end
    end
    assert.equal(6, #inbox:messages())
    for _, message in ipairs(inbox:messages()) do assert_signed(message.raw, 1) end
  end)

  it("signs what a connector sends", function()
    local inbox = mailing.inbox({ tls = "none" })
    local connector = logto.createConnector({})
    local config = inbox:config({ dkim = key("rsa") })
    config.fromEmail = "Shop <no-reply@example.com>"
    assert(connector.sendMessage({
      to = "reader@example.com", type = "SignIn", payload = { code = "123456" } }, config))
    assert_signed(inbox:waitFor({ to = "reader@example.com" }).raw, 1)
  end)

  it("survives a real Postfix", function()
    local server = assert(postfix.start())
    local client = mailing.client({ host = server.host, port = server.port, tls = { ca = server.ca },
      auth = { user = server.user, pass = server.pass },
      dkim = { keys = { key("rsa"), key("ed", "ed25519") } } })
    local info, refused = client:send(mailing.mail(MAIL))
    local list, err = server:wait_for(info and 1 or 0)
    server:stop()
    assert(info, refused and refused.message)
    assert_signed(assert(list, err)[1].raw, 2)
  end)

  it("leaves messages unsigned where it is false", function()
    local inbox, client = mailing.start(nil, { dkim = false })
    assert(client:send(mailing.mail()))
    assert.is_nil(inbox:messages()[1].raw:find("DKIM", 1, true))
  end)

  local bad = {
    { "no PEM", function() return with(key("rsa"), { privateKey = "secret-key-text" }) end, "privateKey" },
    { "a damaged key", function() return key("rsa", "damaged") end, "privateKey" },
    { "an elliptic curve", function() return key("rsa", "ec") end, "privateKey" },
    { "a key too short", function() return key("rsa", "rsa768") end, "privateKey" },
    { "a wrong passphrase", function()
      return with(key("rsa"), { privateKey = { key = keys["rsa-encrypted"], passphrase = "secret-words" } })
    end, "privateKey" },
    { "no selector", function()
      return { domainName = "example.com", privateKey = keys.rsa }
    end, "keySelector" },
    { "a domain that is none", function() return key("rsa", "rsa", "exa mple.com") end, "domainName" },
    { "SHA-1", function() return with(key("rsa"), { hashAlgo = "sha1" }) end, "hashAlgo" },
  }

  for _, row in ipairs(bad) do
    it("is refused when the client is made, never sent unsigned: " .. row[1], function()
      local config = { host = "127.0.0.1", port = 25, dkim = row[2]() }
      local client, issues = core.client(config)
      assert.is_nil(client)
      assert.equal("custom", issues[1].code)
      assert.same({ "dkim", row[3] }, issues[1].path)
      assert.is_nil(issues[1].message:find("secret", 1, true))
    end)
  end

  it("names the key among several", function()
    local dkim = { keys = { key("rsa"), key("rsa", "damaged") } }
    local _, issues = core.client({ host = "127.0.0.1", port = 25, dkim = dkim })
    assert.same({ "dkim", "keys", 1, "privateKey" }, issues[1].path)
  end)

  it("is refused for a connector too: the message does not go out", function()
    local inbox = mailing.inbox({ tls = "none" })
    local config = inbox:config({ dkim = key("rsa", "damaged") })
    local info, err = logto.createConnector({}).sendMessage({
      to = "reader@example.com", type = "SignIn", payload = { code = "123456" } }, config)
    assert.is_nil(info)
    assert.equal("invalid_config", err.code)
    assert.same({ "dkim", "privateKey" }, err.data.issues[1].path)
    assert.is_truthy(err.message:find("dkim.privateKey", 1, true))
    assert.equal(0, inbox:counters().messages)
  end)
end)
