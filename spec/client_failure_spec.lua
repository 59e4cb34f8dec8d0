-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")

local login = { user = "user", pass = "s3cret-pass" }

-- Sends one mail and asserts what the error says; fields given as functions are called with the value.
local function assert_failure(client, expected)
  local info, err = client:send(mailing.mail())
  assert.is_nil(info)
  for key, want in pairs(expected) do
    if type(want) == "function" then
      assert.is_true(want(err[key]), ("%s is %s"):format(key, tostring(err[key])))
    else
      assert.equal(want, err[key], key)
    end
  end
  assert.is_nil(err.message:find(login.pass, 1, true))
  return err
end

local function starts(text)
  return function(value) return value:sub(1, #text) == text end
end

-- One row: what the server does each time, and what the error says (check 38).
local rows = {
  { "a greeting other than 220", { at = "CONNECT", code = 554, text = "no service" }, {
    reason = "greeting_refused", code = "EPROTOCOL", command = "CONN", responseCode = 554,
    permanent = true, response = "554 no service",
    message = "Invalid greeting. response=554 no service: 554 no service",
  } },
  { "a greeting of 421", { at = "CONNECT", code = 421, text = "4.3.2 too many" }, {
    reason = "server_closing", code = "EPROTOCOL", command = "CONN", responseCode = 421, permanent = false,
    enhancedCode = "4.3.2",
  } },
  { "a greeting that is no reply", { at = "CONNECT", raw = "SSH-2.0-OpenSSH_9.2\r\n" }, {
    reason = "reply_unusable", code = "EPROTOCOL", command = "CONN",
    message = starts("Invalid greeting. response=SSH-2.0-OpenSSH_9.2"),
  } },
  { "garbage as a greeting", { at = "CONNECT", garbage = true }, {
    reason = "reply_unusable", code = "EPROTOCOL", command = "CONN",
  } },
  { "closing before the greeting", { at = "CONNECT", drop = "before" }, {
    reason = "greeting_missing", code = "ECONNECTION", command = "CONN", message = "Unexpected socket close",
  } },
  { "EHLO answered with 421", { at = "EHLO", code = 421, text = "bye" }, {
    reason = "server_closing", code = "ECONNECTION", command = "EHLO", responseCode = 421,
    response = "421 bye",
    message = "Server terminates connection. response=421 bye: 421 bye",
  } },
  { "closing after EHLO", { at = "EHLO", drop = "before" }, {
    reason = "connection_lost", code = "ECONNECTION", command = "CONN",
    message = "Connection closed unexpectedly",
  } },
  { "a login refused", { at = "AUTH", code = 535, text = "5.7.8 bad credentials" }, {
    reason = "auth_refused", code = "EAUTH", command = "AUTH PLAIN", responseCode = 535,
    enhancedCode = "5.7.8", permanent = true,
    response = "535 5.7.8 bad credentials", message = "Invalid login: 535 5.7.8 bad credentials",
  } },
  { "a login refused for now", { at = "AUTH", code = 454, text = "4.7.0 try later" }, {
    reason = "auth_unavailable", code = "EAUTH", command = "AUTH PLAIN", responseCode = 454,
    permanent = false,
    message = "Invalid login: 454 4.7.0 try later",
  } },
  { "a refusal in several lines", { at = "AUTH", code = 535, text = { "5.7.8 no", "5.7.8 see help" } }, {
    reason = "auth_refused", code = "EAUTH", response = "535-5.7.8 no\n535 5.7.8 see help",
  } },
  { "MAIL refused", { at = "MAIL", code = 550, text = "5.1.8 bad sender" }, {
    reason = "sender_refused", code = "EENVELOPE", command = "MAIL FROM", responseCode = 550,
    enhancedCode = "5.1.8",
    message = "Mail command failed: 550 5.1.8 bad sender", delivery = "not_sent",
  } },
  { "every recipient refused", { at = "RCPT", code = 550, text = "5.1.1 no such user" }, {
    reason = "recipient_refused", code = "EENVELOPE", command = "RCPT TO", responseCode = 550,
    message = "Can't send mail - all recipients were rejected: 550 5.1.1 no such user",
  } },
  { "DATA refused", { at = "DATA", code = 451, text = "4.3.0 not now" }, {
    reason = "data_refused", code = "EENVELOPE", command = "DATA", responseCode = 451, permanent = false,
    message = "Data command failed: 451 4.3.0 not now",
  } },
  { "421 for the rate", { at = "CONTENT", code = 421, text = "4.7.0 unusual rate of mail" }, {
    reason = "throttled", permanent = false,
  } },
  { "the message refused", { at = "CONTENT", code = 552, text = "5.3.4 too big" }, {
    reason = "size_refused", code = "EMESSAGE", command = "DATA", responseCode = 552, permanent = true,
    delivery = "not_sent",
    message = "Message failed: 552 5.3.4 too big",
  } },
}

describe("check 38: what an error says about", function()
  after_each(mailing.stop)

  for _, row in ipairs(rows) do
    it(row[1], function()
      local inbox, client = mailing.start({ auth = login, authInClear = true }, { totalTimeout = 700 })
      local rule = { times = "always" }
      for k, v in pairs(row[2]) do rule[k] = v end
      inbox:nextReply(rule)
      assert_failure(client, row[3])
    end)
  end

  it("a name that does not exist", function()
    local _, client = mailing.start(nil, { host = "no-such-host.invalid" })
    assert_failure(client, {
      reason = "name_not_found", code = "EDNS", command = "CONN",
      message = "getaddrinfo ENOTFOUND no-such-host.invalid",
    })
  end)

  it("a port nobody listens on", function()
    local port = net.free_port()
    local _, client = mailing.start(nil, { port = port })
    assert_failure(client, {
      reason = "connection_refused", code = "ESOCKET", command = "CONN",
      message = starts("connect ECONNREFUSED 127.0.0.1:" .. port),
    })
  end)

  it("EHLO and HELO refused", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "EHLO", code = 502, text = "what?" })
    inbox:nextReply({ at = "HELO", code = 550, text = "go away" })
    assert_failure(client, {
      reason = "hello_refused", code = "EPROTOCOL", command = "HELO", responseCode = 550,
      message = "Invalid HELO. response=550 go away: 550 go away",
    })
  end)

  for _, endless in ipairs({ "lines", "line" }) do
    for _, at in ipairs({ "CONNECT", "EHLO", "MAIL" }) do
      it(("a reply to %s without end, of %s"):format(at, endless), function()
        local inbox, client = mailing.start(nil, { totalTimeout = 60000 })
        inbox:nextReply({ at = at, endless = endless, times = "always" })
        local _, err, span = clock.timed(function() return client:send(mailing.mail()) end)
        assert.equal("EPROTOCOL", err.code)
        assert.is_true(#err.message < 5000)
        span:ended()
      end)
    end
  end

  for _, at in ipairs({ "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "CONTENT" }) do
    it("a connection reset after " .. at, function()
      local inbox, client = mailing.start({ auth = login, authInClear = true }, { totalTimeout = 700 })
      inbox:nextReply({ at = at, drop = "before", reset = true, times = "always" })
      local err = assert_failure(client, {})
      assert.is_true(err.code == "ESOCKET" or err.code == "ECONNECTION", err.code)
      assert.equal(at == "CONTENT" and "unknown" or "not_sent", err.delivery)
    end)
  end

  it("each recipient, when one of three is refused", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "RCPT", match = "b@example.com", code = 550, text = "5.1.1 unknown" })
    local info = assert(client:send(mailing.mail({ to = "a@example.com, b@example.com, c@example.com" })))
    assert.same({ "a@example.com", "c@example.com" }, info.accepted)
    assert.same({ "b@example.com" }, info.rejected)
    local refused = info.rejectedErrors[1]
    assert.equal("b@example.com", refused.recipient)
    assert.equal("EENVELOPE", refused.code)
    assert.equal(550, refused.responseCode)
  end)

  it("a client that is closed", function()
    local inbox = mailing.inbox({ tls = "none" })
    local client = core.client(inbox:config())
    client:close()
    assert.has_error(function() client:send(mailing.mail()) end)
    client:close()
  end)
end)

local REFUSED = {
  MAIL = "sender_refused", RCPT = "recipient_refused", DATA = "data_refused", CONTENT = "message_refused",
}

describe("err.reason", function()
  after_each(mailing.stop)

  for _, at in ipairs({ "MAIL", "RCPT", "DATA", "CONTENT" }) do
    it(("is throttled where a 4xx to %s is about a rate, and not of the message"):format(at), function()
      local inbox, client = mailing.start()
      local replies = {
        { 454, "Throttling failure: Maximum sending rate exceeded", "throttled" },
        { 450, "4.2.1 The user is receiving mail too quickly", "throttled" },
        { 451, "4.3.0 not now", REFUSED[at] },
      }
      for _, row in ipairs(replies) do
        inbox:nextReply({ at = at, code = row[1], text = row[2] })
        local _, err = client:send(mailing.mail())
        assert.equal(row[3], err.reason)
        assert.is_false(err.permanent)
        assert.equal("not_sent", err.delivery)
        if err.rejectedErrors then assert.equal(row[3], err.rejectedErrors[1].reason) end
      end
    end)
  end
end)

describe("HELO", function()
  after_each(mailing.stop)

  it("is said where EHLO is not known, and mail goes on", function()
    local inbox, client = mailing.start()
    inbox:nextReply({ at = "EHLO", code = 500, text = "unknown command" })
    local info = assert(client:send(mailing.mail()))
    assert.is_nil(info.ehlo)
    assert.equal(1, #inbox:messages())
  end)
end)

describe("check 17: the name in EHLO", function()
  after_each(mailing.stop)

  local function ehlo_name(overrides)
    local inbox, client = mailing.start(nil, overrides)
    assert(client:send(mailing.mail()))
    return inbox:connections()[1].commands[1].line
  end

  it("is the config's", function()
    assert.equal("EHLO app.example.com", ehlo_name({ name = "app.example.com" }))
  end)

  it("stands in brackets when it is an address", function()
    assert.equal("EHLO [192.0.2.7]", ehlo_name({ name = "192.0.2.7" }))
  end)

  it("is there without a config's: the machine's, or an address", function()
    local line = ehlo_name()
    assert.is_true(line == "EHLO [127.0.0.1]" or line:find("^EHLO [%w-]+%.[%w.-]+$") ~= nil, line)
  end)
end)

describe("check 40: the environment", function()
  after_each(mailing.stop)

  it("cannot send mail through a proxy", function()
    local inbox = mailing.inbox({ tls = "none" })
    local port = net.free_port()
    local proxy = ("http://127.0.0.1:%d"):format(port)
    local script = ([[
      local core = require("logto_smtp.core")
      local T = {}
      for i, u in ipairs({ "Register", "SignIn", "ForgotPassword", "Generic" }) do
        T[i] = { usageType = u, contentType = "text/plain", subject = "s", content = "c" }
      end
      local client = core.client({ host = "127.0.0.1", port = %d, auth = { type = "login" },
        fromEmail = "a@example.com", templates = T })
      local info, err = client:send({ from = "a@example.com", to = "b@example.com", text = "t" })
      io.write(info and "sent" or err.message)
    ]]):format(inbox.port)
    local file = os.tmpname()
    local f = assert(io.open(file, "w"))
    f:write(script)
    f:close()
    local variables = {}
    for _, name in ipairs({ "all_proxy", "ALL_PROXY", "smtp_proxy", "http_proxy", "https_proxy" }) do
      variables[#variables + 1] = name .. "=" .. proxy
    end
    local lua = arg and arg[-1] or "lua"
    local out = net.run(("env %s %s %s 2>&1"):format(table.concat(variables, " "), net.quote(lua), file))
    os.remove(file)
    assert.equal("sent", out)
  end)
end)
