-- SPDX-License-Identifier: MIT
-- OAuth 2.0 from the config to the wire: a token endpoint over HTTPS, an inbox that takes access tokens.

local clock = require "spec.support.clock"
local core = require "logto_smtp.core"
local logto = require "logto_smtp"
local mailing = require "spec.support.mailing"
local mime = require "mime"
local token_endpoint = require "spec.support.token_endpoint"

local USER = "user@example.com"
local endpoint

-- The endpoint numbers its tokens: the next one it will give, and the one `ahead` of that.
local granted = 0
local function token(ahead) return "ya29.token-" .. granted + 1 + (ahead or 0) end

local function forget()
  for _, request in ipairs(endpoint:requests()) do
    if request.path == "/hour" or request.path == "/second" or request.path == "/rotate" or
      request.path == "/jwt" and request.claims then
      granted = granted + 1
    end
  end
  endpoint:forget()
end

--- An inbox that knows these access tokens.
local function inbox_for(tokens, more)
  local users = {}
  for i, known in ipairs(tokens) do users[i] = { user = USER, accessToken = known } end
  local options = { tls = "none", auth = users, authInClear = true, mechanisms = { "XOAUTH2" } }
  for name, value in pairs(more or {}) do options[name] = value end
  return mailing.inbox(options)
end

local function client_for(inbox, auth, more)
  local config = inbox:config(more)
  config.auth = auth
  return mailing.client(config), config
end

local function auth_commands(inbox)
  local list = {}
  for _, connection in ipairs(inbox:connections()) do
    for _, command in ipairs(connection.commands) do
      if command.verb == "AUTH" then list[#list + 1] = command end
    end
  end
  return list
end

local function xoauth2(value)
  return "AUTH XOAUTH2 " .. mime.b64(("user=%s\1auth=Bearer %s\1\1"):format(USER, value))
end

local function refused(auth, more)
  local config = { host = "127.0.0.1", port = 25, auth = auth }
  for name, value in pairs(more or {}) do config[name] = value end
  local client, issues = core.client(config)
  assert.is_nil(client)
  assert.equal("custom", issues[1].code)
  return issues[1]
end

describe("OAuth 2.0", function()
  setup(function() endpoint = token_endpoint.start() end)
  teardown(function() endpoint:stop() end)
  before_each(forget)
  after_each(mailing.stop)

  it("check 23: sends the token as XOAUTH2 has it, in a single line", function()
    local inbox = inbox_for({ "static-token" })
    local client = client_for(inbox, { type = "oauth2", user = USER, accessToken = "static-token" })
    assert(client:send(mailing.mail()))
    assert.equal(xoauth2("static-token"), auth_commands(inbox)[1].line)
    assert.equal("XOAUTH2", inbox:messages()[1].auth.mechanism)
    assert.equal("XOAUTH2", assert(client:verify()).mechanism)
  end)

  it("takes OAUTHBEARER where it is offered, and XOAUTH2 where auth.method says so", function()
    for method, wanted in pairs({ [""] = "OAUTHBEARER", OAUTHBEARER = "OAUTHBEARER", xoauth2 = "XOAUTH2" }) do
      local inbox = inbox_for({ "static-token" }, { mechanisms = { "PLAIN", "XOAUTH2", "OAUTHBEARER" } })
      local client = client_for(inbox, {
        type = "oauth2", user = USER, accessToken = "static-token", method = method })
      assert(client:send(mailing.mail()))
      assert.equal(wanted, inbox:messages()[1].auth.mechanism)
      if wanted == "OAUTHBEARER" then
        local line = mime.unb64(auth_commands(inbox)[1].line:match("%S+$"))
        local wanted_line = "n,a=%s,\1host=127.0.0.1\1port=%d\1auth=Bearer static-token\1\1"
        assert.equal(wanted_line:format(USER, inbox.port), line)
      end
    end
  end)

  it("carries a token of several kilobytes", function()
    local long = ("ey"):rep(1500)
    local inbox = inbox_for({ long }, { lineLimit = 12288 })
    assert(client_for(inbox, { type = "oauth2", user = USER, accessToken = long }):send(mailing.mail()))
  end)

  it("check 24: auth.refreshToken, auth.clientId, auth.clientSecret: asks once for many messages", function()
    local inbox = inbox_for({ token() })
    local client = client_for(inbox, endpoint:auth("hour"), { maxMessages = 3 })
    for _ = 1, 40 do assert(client:submit(mailing.mail())) end
    local sent = 0
    while client:pending() > 0 do
      for _, done in ipairs(client:poll(5)) do
        assert.is_nil(done.err)
        sent = sent + 1
      end
    end
    assert.equal(40, sent)
    assert(client:verify())
    assert.is_true(inbox:counters().connections > 3)
    assert.equal(1, #endpoint:requests())
    local form = endpoint:requests()[1].form
    assert.same({ client_id = "client-id", client_secret = "client-secret", refresh_token = "refresh-token",
      grant_type = "refresh_token" }, form)
  end)

  it("check 24: the connector keeps the token over messages", function()
    local inbox = inbox_for({ token() })
    local config = inbox:config({ fromEmail = "no-reply@example.com", maxMessages = 1 })
    config.auth = endpoint:auth("hour")
    for _ = 1, 3 do
      assert(logto.createConnector({}).sendMessage({
        to = "reader@example.com", type = "SignIn", payload = { code = "123456" } }, config))
    end
    assert.equal(3, inbox:counters().auths)
    assert.equal(1, #endpoint:requests())
  end)

  it("check 24: renews a token before it expires", function()
    local inbox = inbox_for({ token(), token(1) })
    local client = client_for(inbox, endpoint:auth("second"), { maxMessages = 1 })
    assert(client:send(mailing.mail()))
    clock.pass(0.9) -- it lives for one second
    assert(client:send(mailing.mail()))
    assert.equal(2, #endpoint:requests())
    assert.equal(xoauth2(token(1)), auth_commands(inbox)[2].line)
    assert.equal(0, inbox:counters().authFailures)
  end)

  it("auth.accessToken is used for auth.timeout seconds, then renewed", function()
    local inbox = inbox_for({ "given-token", token() })
    local auth = endpoint:auth("hour", { accessToken = "given-token", timeout = 10 })
    local client = client_for(inbox, auth, { maxMessages = 1 })
    assert(client:send(mailing.mail()))
    assert.equal(0, #endpoint:requests())
    clock.pass(10.1)
    assert(client:send(mailing.mail()))
    assert.equal(1, #endpoint:requests())
  end)

  it("auth.accessToken is used until its auth.expires, then renewed", function()
    local inbox = inbox_for({ "given-token", token() })
    local living = endpoint:auth("hour", { accessToken = "given-token", expires = (os.time() + 3600) * 1000 })
    assert(client_for(inbox, living):send(mailing.mail()))
    assert.equal(0, #endpoint:requests())
    local ended = endpoint:auth("hour", { accessToken = "given-token", expires = (os.time() - 5) * 1000 })
    assert(client_for(inbox, ended):send(mailing.mail()))
    assert.equal(1, #endpoint:requests())
    assert.equal(xoauth2(token()), auth_commands(inbox)[2].line)
  end)

  for mechanism, answers in pairs({ XOAUTH2 = false, OAUTHBEARER = { "AQ==" } }) do
    it("check 23: after a 334 the token is renewed once, and AUTH said once more: " .. mechanism, function()
      local inbox = inbox_for({ token(1) }, { mechanisms = { mechanism } })
      local client = client_for(inbox, endpoint:auth("hour"))
      assert(client:send(mailing.mail()))
      local commands = auth_commands(inbox)
      assert.equal(2, #commands)
      assert.same(answers or nil, commands[1].answers) -- libcurl hangs up on the challenge of XOAUTH2
      assert.is_not.equal(commands[1].line, commands[2].line)
      if mechanism == "XOAUTH2" then
        assert.equal(xoauth2(token()), commands[1].line)
        assert.equal(xoauth2(token(1)), commands[2].line)
      end
      assert.equal(2, #endpoint:requests())
      assert.equal(1, inbox:counters().messages)
    end)
  end

  it("check 23: so for verify, and for each of many messages at once", function()
    local inbox = inbox_for({ token(1), token(3) })
    assert(client_for(inbox, endpoint:auth("hour"), { totalTimeout = 20000 }):verify())
    assert.equal(2, #endpoint:requests())
    local client = client_for(inbox, endpoint:auth("hour"))
    for _ = 1, 30 do assert(client:submit(mailing.mail())) end
    while client:pending() > 0 do
      for _, done in ipairs(client:poll(5)) do assert.is_nil(done.err) end
    end
    assert.equal(4, #endpoint:requests())
    assert.equal(30, inbox:counters().messages)
  end)

  it("check 23: 535 at once renews once too, and a second refusal is the end", function()
    local inbox = inbox_for({ token() })
    inbox:nextReply({ at = "AUTH", code = 535, text = "5.7.8 expired" })
    assert(client_for(inbox, endpoint:auth("hour")):send(mailing.mail()) == nil)
    assert.equal(2, #endpoint:requests())
    assert.equal(2, #auth_commands(inbox))
  end)

  it("a token refused for good fails all that wait, with the server's words, without the token", function()
    local inbox = inbox_for({ "another-token" })
    local client = client_for(inbox, endpoint:auth("hour"))
    for _ = 1, 20 do assert(client:submit(mailing.mail())) end
    local failed = 0
    while client:pending() > 0 do
      for _, done in ipairs(client:poll(5)) do
        failed = failed + 1
        assert.equal("EAUTH", done.err.code)
        assert.equal(334, done.err.responseCode)
        assert.is_true(done.err.permanent)
        assert.is_truthy(done.err.message:find("status 401, needs scope https://mail.example/", 1, true))
        assert.is_nil(done.err.message:find("ya29", 1, true))
      end
    end
    assert.equal(20, failed)
    assert.equal(2, #endpoint:requests())
    assert.is_true(#auth_commands(inbox) <= 6)
  end)

  it("a server that repeats the token is reported without it", function()
    local inbox = inbox_for({ "static-token" })
    local client = client_for(inbox, { type = "oauth2", user = USER, accessToken = "static-token" })
    local text = "no: " .. xoauth2("static-token") .. " or static-token"
    inbox:nextReply({ at = "AUTH", code = 535, text = text })
    local _, err = client:send(mailing.mail())
    assert.equal("EAUTH", err.code)
    for _, field in ipairs({ "message", "response" }) do
      assert.is_nil(err[field]:find("static-token", 1, true))
      assert.is_nil(err[field]:find(xoauth2("static-token"):match("%S+$"), 1, true))
    end
  end)

  it("is not tried where no such mechanism, or no AUTH, is offered", function()
    local auth = { type = "oauth2", user = USER, accessToken = "static-token" }
    local inbox = inbox_for({ "static-token" }, { mechanisms = { "PLAIN", "LOGIN" } })
    local _, err = client_for(inbox, auth):send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.is_truthy(err.message:find("an access token; it offers: AUTH PLAIN LOGIN", 1, true))
    assert.same({}, auth_commands(inbox))
    local without = mailing.inbox({ tls = "none" })
    _, err = client_for(without, auth):send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.equal(0, without:counters().messages)
  end)

  it("check 25: auth.serviceClient, auth.privateKey, auth.scope, auth.serviceRequestTimeout, auth.accessUrl, "
    .. "auth.customParams, auth.customHeaders, auth.tls: an assertion that the endpoint verifies", function()
    for _, key in ipairs({
      endpoint:file("rsa.pem"), { key = endpoint:file("rsa-encrypted.pem"), passphrase = "open sesame" },
    }) do
      forget()
      local inbox = inbox_for({ token() })
      local auth = {
        type = "OAuth2", user = USER, serviceClient = "service@project.example", privateKey = key,
        accessUrl = endpoint:url("jwt"), tls = { ca = endpoint.ca }, scope = "https://mail.example/send",
        serviceRequestTimeout = 600, customParams = { tenant = "t-1" },
        customHeaders = { ["X-Api-Key"] = "k" },
      }
      assert(client_for(inbox, auth):send(mailing.mail()))
      local request = endpoint:requests()[1]
      assert.is_nil(request.bad)
      assert.equal("service@project.example", request.claims.iss)
      assert.equal(USER, request.claims.sub)
      assert.equal("https://mail.example/send", request.claims.scope)
      assert.equal(endpoint:url("jwt"), request.claims.aud)
      assert.equal(600, request.claims.exp - request.claims.iat)
      assert.equal("t-1", request.form.tenant)
      assert.equal("k", request.headers["X-Api-Key"])
    end
  end)

  it("check 25: a key that signs for somebody else is the endpoint's refusal", function()
    local auth = { type = "OAuth2", user = USER, serviceClient = "service@project.example",
      privateKey = endpoint:file("rsa1024.pem"), accessUrl = endpoint:url("jwt"), tls = { ca = endpoint.ca } }
    local _, err = client_for(inbox_for({ "x" }), auth):send(mailing.mail())
    assert.equal("EOAUTH2", err.code)
    assert.is_truthy(err.message:find("invalid_grant: Bad signature", 1, true))
    assert.is_true(err.permanent)
  end)

  local rows = {
    { "denied", "invalid_grant: Token has been revoked. (https://docs.example/revoked)", true },
    { "denied-with-200", "invalid_client", true },
    { "garbage", "Invalid authentication response", false },
    { "nothing", "No access token in the reply", false },
    { "long", "The access token has 40005 octets, more than the 32767 that one may have", false },
    { "long-refresh", "The refresh token has 40000 octets, more than the 32767 that one may have", false },
    { "empty", "Invalid authentication response", false },
    { "hang-up", "cannot be reached", false },
    { "redirect", "redirects to", false },
    { "endless", "no token reply has", false },
  }
  for _, row in ipairs(rows) do
    it("an endpoint's answer gives EOAUTH2 to all that wait, after one request: " .. row[1], function()
      local inbox = inbox_for({ "x" })
      local client = client_for(inbox, endpoint:auth(row[1]))
      for _ = 1, 5 do assert(client:submit(mailing.mail())) end
      local failed = 0
      while client:pending() > 0 do
        for _, done in ipairs(client:poll(5)) do
          failed = failed + 1
          assert.equal("EOAUTH2", done.err.code)
          assert.equal("AUTH XOAUTH2", done.err.command)
          assert.is_truthy(done.err.message:find(row[2], 1, true), done.err.message)
          assert.equal(row[3], done.err.permanent)
          for _, secret in ipairs({ "client-secret", "refresh-token", "ya29" }) do
            assert.is_nil(done.err.message:find(secret, 1, true))
          end
        end
      end
      assert.equal(5, failed)
      assert.equal(1, #endpoint:requests())
      assert.equal(0, inbox:counters().connections)
      local _, err = client:verify()
      assert.equal("EOAUTH2", err.code)
    end)
  end

  it("check 24: an endpoint that hangs is bounded, and holds up nobody else", function()
    local inbox = inbox_for({ "x" })
    local client = client_for(inbox, endpoint:auth("slow"), { connectionTimeout = 600 })
    assert(client:submit(mailing.mail()))
    local _, _, turn = clock.timed(function() return client:poll(0) end)
    turn:ended()
    local done, _, span = clock.timed(function() return client:poll(60) end)
    assert.equal("EOAUTH2", done[1].err.code)
    assert.is_truthy(done[1].err.message:find("did not answer within 600 ms", 1, true))
    assert.is_false(done[1].err.permanent)
    span:ended()
    local other = client_for(inbox, endpoint:auth("slow"), { totalTimeout = 500 })
    local _, err, total = clock.timed(function() return other:send(mailing.mail()) end)
    assert.equal("ETIMEDOUT", err.code)
    assert.equal("AUTH XOAUTH2", err.command)
    total:at_least(500)
    total:ended()
  end)

  it("tries again with the next message after a failure", function()
    local client = client_for(inbox_for({ "x" }), endpoint:auth("denied"))
    for n = 1, 3 do
      local _, err = client:send(mailing.mail())
      assert.equal("EOAUTH2", err.code)
      assert.equal(n, #endpoint:requests())
    end
  end)

  it("a refused token costs the next message one request and one login", function()
    local inbox = inbox_for({ "another-token" })
    local client = client_for(inbox, endpoint:auth("hour"))
    for n = 1, 3 do
      assert.equal("EAUTH", select(2, client:send(mailing.mail())).code)
      assert.equal(n + 1, #endpoint:requests())
      assert.equal(n + 1, #auth_commands(inbox))
    end
  end)

  it("does not trust an endpoint with a certificate of an unknown authority", function()
    local client = client_for(inbox_for({ "x" }), endpoint:auth("hour", { tls = false }))
    local _, err = client:send(mailing.mail())
    assert.equal("EOAUTH2", err.code)
    assert.is_truthy(err.message:find("certificate", 1, true))
    assert.equal(0, #endpoint:requests())
  end)

  it("goes in clear to an endpoint on this machine only", function()
    local inbox = inbox_for({ token() })
    local here = ("http://127.0.0.1:%s/hour"):format(endpoint.clear_port)
    assert(client_for(inbox, endpoint:auth("", { accessUrl = here })):send(mailing.mail()))
    local issue = refused(endpoint:auth("", { accessUrl = "http://login.example.com/token" }))
    assert.same({ "auth", "accessUrl" }, issue.path)
    assert.is_truthy(issue.message:find("https://", 1, true))
  end)

  local shapes = {
    { "no type", { user = USER, refreshToken = "refresh-token" }, "set auth.type", { "auth", "type" } },
    { "no type, a service account", { user = USER, serviceClient = "c", privateKey = "secret-key" },
      "set auth.type", { "auth", "type" } },
    { "an empty user", { type = "oauth2", user = "", accessToken = "t0ken-secret" }, "auth.user",
      { "auth", "user" } },
    { "nothing to get a token with", { type = "oauth2", user = USER }, "give accessToken, refreshToken" },
    { "an empty key", { type = "oauth2", user = USER, serviceClient = "c", privateKey = "" },
      "auth.privateKey", { "auth", "privateKey" } },
    { "a key that is none", { type = "oauth2", user = USER, serviceClient = "c", privateKey = "secret-key" },
      "auth.privateKey", { "auth", "privateKey" } },
    { "a URL that is none",
      { type = "oauth2", user = USER, refreshToken = "t0ken-secret", accessUrl = "ftp://x/" },
      "auth.accessUrl", { "auth", "accessUrl" } },
    { "a token with a line end", { type = "oauth2", user = USER, accessToken = "secret\r\nRSET" },
      "auth.accessToken", { "auth", "accessToken" } },
  }
  for _, row in ipairs(shapes) do
    it("a config that the guard takes and that cannot work is refused: " .. row[1], function()
      local issue = refused(row[2])
      assert.is_truthy(issue.message:find(row[3], 1, true), issue.message)
      assert.is_nil(issue.message:find("secret", 1, true))
      if row[4] then assert.same(row[4], issue.path) end
    end)
  end
end)
