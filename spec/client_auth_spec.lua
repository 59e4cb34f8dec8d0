-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local mime = require("mime")
local net = require("spec.support.net")

local login = { user = "user", pass = "s3cret-pass" }

local function server(mechanisms, more)
  local options = { auth = login, authInClear = true, mechanisms = mechanisms }
  for k, v in pairs(more or {}) do options[k] = v end
  return options
end

local function auth_lines(inbox)
  local lines = {}
  for _, connection in ipairs(inbox:connections()) do
    for _, command in ipairs(connection.commands) do
      if command.verb == "AUTH" then lines[#lines + 1] = command.line end
    end
  end
  return lines
end

describe("check 18: the mechanism", function()
  after_each(mailing.stop)

  local rows = {
    { { "PLAIN", "LOGIN", "CRAM-MD5" }, "PLAIN" },
    { { "CRAM-MD5", "LOGIN", "PLAIN" }, "PLAIN" },
    { { "XOAUTH2", "CRAM-MD5", "LOGIN" }, "LOGIN" },
    { { "LOGIN" }, "LOGIN" },
    { { "CRAM-MD5" }, "CRAM-MD5" },
    { { "XOAUTH2", "CRAM-MD5" }, "CRAM-MD5" },
  }

  for _, row in ipairs(rows) do
    it(("is %s where %s are offered"):format(row[2], table.concat(row[1], " ")), function()
      local inbox, client = mailing.start(server(row[1]))
      assert(client:send(mailing.mail()))
      assert.equal(row[2], inbox:messages()[1].auth.mechanism)
      assert.equal(1, inbox:counters().auths)
      assert.equal(row[2], assert(client:verify()).mechanism)
    end)
  end

  it("PLAIN goes in a single line", function()
    local inbox, client = mailing.start(server({ "PLAIN" }))
    assert(client:send(mailing.mail()))
    assert.same({ "AUTH PLAIN AHVzZXIAczNjcmV0LXBhc3M=" }, auth_lines(inbox))
  end)

  it("LOGIN goes in three steps: some servers take the password for the name in a shorter one", function()
    local inbox, client = mailing.start(server({ "LOGIN" }))
    assert(client:send(mailing.mail()))
    assert.same({ "AUTH LOGIN" }, auth_lines(inbox))
  end)

  it("CRAM-MD5 is remembered, so that only the first connection asks twice", function()
    local inbox, client = mailing.start(server({ "CRAM-MD5" }), { maxMessages = 1 })
    for _ = 1, 4 do assert(client:send(mailing.mail())) end
    assert.equal(5, inbox:counters().connections)
    assert.equal(4, inbox:counters().auths)
  end)

  for _, method in ipairs({ "PLAIN", "LOGIN", "CRAM-MD5" }) do
    it(("check 19: is %s where auth.method says so"):format(method), function()
      local inbox, client = mailing.start(server({ "PLAIN", "LOGIN", "CRAM-MD5" }), { authMethod = method })
      assert(client:send(mailing.mail()))
      assert.equal(method, inbox:messages()[1].auth.mechanism)
    end)
  end

  for _, pass in ipairs({ false, "" }) do
    it("check 19: EXTERNAL needs a user and no password", function()
      local inbox = mailing.inbox(server({ "PLAIN", "EXTERNAL" }, { tls = "starttls" }))
      local config = inbox:config()
      config.auth = { user = login.user, pass = pass or nil, method = "external" }
      assert(mailing.client(config):send(mailing.mail()))
      assert.same({ "AUTH EXTERNAL dXNlcg==" }, auth_lines(inbox))
      assert.equal("EXTERNAL", inbox:messages()[1].auth.mechanism)
    end)
  end

  it("check 19: auth.method wins over authMethod, in any case and with blanks around", function()
    local inbox = mailing.inbox(server({ "PLAIN", "LOGIN", "CRAM-MD5" }, { tls = "none" }))
    local config = inbox:config({ authMethod = "PLAIN" })
    config.auth.method = " cram-md5\n"
    assert(mailing.client(config):send(mailing.mail()))
    assert.equal("CRAM-MD5", inbox:messages()[1].auth.mechanism)
  end)

  it("check 19: GSSAPI without a ticket is an error that says so, not a hang or a fallback", function()
    local inbox = mailing.inbox({ tls = "none", capabilities = { "AUTH GSSAPI PLAIN" } })
    local config = inbox:config()
    config.auth = { user = "user@EXAMPLE.COM", method = "GSSAPI" }
    local _, err = mailing.client(config):send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.is_truthy(err.message:find("GSSAPI", 1, true), err.message)
    assert.equal(0, inbox:counters().messages)
  end)

  local forced = {
    { "an unknown one", { user = "u", pass = "p4ss", method = "ROT13" }, "Unknown authentication method" },
    { "XOAUTH2 with a password", { user = "u", pass = "p4ss", method = "XOAUTH2" }, "OAuth 2.0" },
    { "PLAIN with OAuth 2.0",
      { type = "oauth2", user = "u", accessToken = "p4ss", method = "PLAIN" }, "XOAUTH2 or OAUTHBEARER" },
    { "GSSAPI and no realm", { user = "u", method = "GSSAPI" }, "user@EXAMPLE.COM", "user" },
    { "one that is no string", { user = "u", pass = "p4ss", method = 5 }, "auth.method must be a string" },
  }
  for _, row in ipairs(forced) do
    it("check 19: is refused with the config: " .. row[1], function()
      local client, issues = core.client({ host = "h", port = 25, auth = row[2] })
      assert.is_nil(client)
      assert.same({ "auth", row[4] or "method" }, issues[1].path)
      assert.is_truthy(issues[1].message:find(row[3], 1, true), issues[1].message)
      assert.is_nil(issues[1].message:find("p4ss", 1, true))
    end)
  end

  -- The original sends without login where no AUTH is offered, and fails where it is.
  local halves = {
    { user = "u" }, { pass = "p4ss" }, { user = "u", pass = "" }, { user = "", pass = "p4ss" },
  }
  for i, half in ipairs(halves) do
    it("check 20: half a login is refused with the config, whatever the server offers: " .. i, function()
      for _, options in ipairs({ { tls = "none" }, server({ "PLAIN" }, { tls = "none" }) }) do
        local inbox = mailing.inbox(options)
        local config = inbox:config()
        config.auth = half
        local client, issues = core.client(config)
        assert.is_nil(client)
        assert.same({ "auth" }, issues[1].path)
        local lacks = half.pass == "p4ss" and "auth has no user" or "auth has no pass"
        assert.is_truthy(issues[1].message:find(lacks, 1, true), issues[1].message)
        assert.is_nil(issues[1].message:find("p4ss", 1, true))
        assert.equal(0, inbox:counters().connections)
      end
    end)
  end

  it("forceAuth has no effect: without AUTH on offer there is no login and no mail", function()
    local inbox, client = mailing.start(nil, { auth = login, forceAuth = true })
    local _, err = client:send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.equal(0, inbox:counters().messages)
  end)

  it("check 19: forced and not offered gives EAUTH", function()
    local inbox, client = mailing.start(server({ "PLAIN" }), { authMethod = "CRAM-MD5" })
    local _, err = client:send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.equal(1, inbox:counters().connections)
    assert.same({}, auth_lines(inbox))
  end)

  it("check 22: a password and a server with XOAUTH2 only give EAUTH, which names what is offered", function()
    local inbox, client = mailing.start(server({ "XOAUTH2" }))
    local _, err = client:send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.equal("EHLO", err.command)
    assert.is_true(err.message:find("XOAUTH2", 1, true) ~= nil)
    assert.equal(1, inbox:counters().connections)
  end)

  it("check 20: a login and a server without AUTH give EAUTH, and no mail goes out", function()
    local inbox, client = mailing.start(nil, { auth = login })
    local _, err = client:send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.equal(0, inbox:counters().messages)
  end)

  it("check 20: a login and a server that knows HELO only give EAUTH", function()
    local inbox, client = mailing.start(nil, { auth = login })
    inbox:nextReply({ at = "EHLO", code = 500, text = "unknown" })
    local _, err = client:send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.equal(0, inbox:counters().messages)
  end)

  it("check 21: is none where there is no login, although AUTH is offered", function()
    local inbox = mailing.inbox(server({ "PLAIN" }, { requireAuth = false, tls = "none" }))
    local config = inbox:config()
    config.auth = { type = "login" }
    assert(mailing.client(config):send(mailing.mail()))
    assert.equal(0, inbox:counters().auths)
    assert.is_false(inbox:messages()[1].auth)
  end)

  it("carries any octets in user and password", function()
    local odd = { user = "us er;AUTH=LOGIN@exämple", pass = "p@ss:w/ö%20rd;\"'\\ " }
    for _, mechanism in ipairs({ "PLAIN", "LOGIN", "CRAM-MD5" }) do
      local inbox, client = mailing.start({ auth = odd, authInClear = true, mechanisms = { mechanism } })
      assert(client:send(mailing.mail()))
      assert.equal(odd.user, inbox:messages()[1].auth.user)
    end
  end)

  it("carries a password that does not fit in one line", function()
    local long = { user = "user", pass = ("x"):rep(600) }
    local inbox, client = mailing.start({ auth = long, authInClear = true, lineLimit = 12288 })
    assert(client:send(mailing.mail()))
    assert.equal(1, inbox:counters().auths)
  end)

  it("a refusal that repeats the login is reported without it", function()
    local plain, pass = "AHVzZXIAczNjcmV0LXBhc3M=", "czNjcmV0LXBhc3M="
    local inbox, client = mailing.start(server({ "PLAIN" }))
    local text = { "not understood: AUTH PLAIN " .. plain, "password " .. login.pass .. " or " .. pass }
    inbox:nextReply({ at = "AUTH", code = 535, text = text })
    local _, err = client:send(mailing.mail())
    assert.equal("EAUTH", err.code)
    assert.equal(535, err.responseCode)
    for _, field in ipairs({ "message", "response" }) do
      assert.is_true(err[field]:find("not understood: AUTH PLAIN ***", 1, true) ~= nil)
      for _, secret in ipairs({ plain, pass, login.pass }) do
        assert.is_nil(err[field]:find(secret, 1, true))
      end
    end
  end)

  it("a wrong password fails every mail that waits, after one attempt", function()
    local inbox = mailing.inbox(server({ "PLAIN" }, { tls = "none" }))
    local client = mailing.client(inbox:config({ auth = { pass = "wrong-pass" } }))
    for _ = 1, 20 do client:submit(mailing.mail()) end
    local failed = 0
    while client:pending() > 0 do
      for _, item in ipairs(client:poll(5)) do
        assert.equal("EAUTH", item.err.code)
        assert.is_nil(item.err.message:find("wrong-pass", 1, true))
        failed = failed + 1
      end
    end
    assert.equal(20, failed)
    assert.is_true(inbox:counters().connections <= 3)
  end)
end)

-- The first response of a mechanism goes in the line of AUTH where RFC 4954 allows it and the server looks.
describe("the response in the line of AUTH", function()
  after_each(mailing.stop)

  local token = { user = "user", accessToken = "ya29.the-token" }
  local initial = {
    PLAIN = "AUTH PLAIN AHVzZXIAczNjcmV0LXBhc3M=",
    EXTERNAL = "AUTH EXTERNAL dXNlcg==",
    XOAUTH2 = "AUTH XOAUTH2 " .. mime.b64("user=user\1auth=Bearer ya29.the-token\1\1"),
  }
  local rows = {
    { offers = { "PLAIN", "LOGIN" }, takes = "PLAIN" },
    { offers = { "LOGIN", "XOAUTH2" }, takes = "LOGIN" },
    { offers = { "CRAM-MD5" }, takes = "CRAM-MD5" },
    { offers = { "PLAIN", "LOGIN", "CRAM-MD5" }, method = "LOGIN", takes = "LOGIN" },
    { offers = { "PLAIN", "LOGIN", "CRAM-MD5" }, method = "CRAM-MD5", takes = "CRAM-MD5" },
    { offers = { "LOGIN", "PLAIN" }, method = "PLAIN", takes = "PLAIN" },
    { offers = { "PLAIN", "EXTERNAL" }, method = "EXTERNAL", takes = "EXTERNAL" },
    { offers = { "LOGIN", "XOAUTH2" }, token = true, takes = "XOAUTH2" },
    { offers = { "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER" }, token = true, takes = "OAUTHBEARER" },
    { offers = { "OAUTHBEARER", "XOAUTH2" }, method = "XOAUTH2", token = true, takes = "XOAUTH2" },
  }

  local function auth_of(row)
    local auth = { user = "user", method = row.method }
    if row.token then
      auth.type, auth.accessToken = "OAuth2", token.accessToken
    elseif row.method ~= "EXTERNAL" then
      auth.pass = login.pass
    end
    return auth
  end

  local function start(row, way, tls, more)
    local inbox = mailing.inbox {
      auth = row.token and token or login, authInClear = true, mechanisms = row.offers, tls = tls,
      initialResponse = way,
    }
    local config = inbox:config(more)
    config.auth = auth_of(row)
    return inbox, mailing.client(config), config
  end

  -- what a server that looks at it gets, and what one that does not
  local function expected(row, way)
    local bare, first = "AUTH " .. row.takes, initial[row.takes]
    if row.takes == "OAUTHBEARER" then first = "AUTH OAUTHBEARER n,a=user," end
    if not first then return { bare, bare } end
    if way == "taken" then return { first, first } end
    return { first, bare, bare }
  end

  local function lines(inbox, row)
    local list = auth_lines(inbox)
    for i, line in ipairs(list) do
      local name, octets = line:match("^AUTH (OAUTHBEARER) (%S+)$")
      if name and row.token then
        list[i] = "AUTH OAUTHBEARER " .. mime.unb64(octets):match("^[^\1]*")
      end
    end
    return list
  end

  for _, row in ipairs(rows) do
    for _, way in ipairs({ "taken", "refused", "ignored" }) do
      it(("of %s%s, where it is %s"):format(row.takes, row.method and ", forced," or "", way), function()
        local inbox, client = start(row, way, row.method and "none" or "starttls", { maxMessages = 1 })
        for i = 1, 2 do
          assert(client:send(mailing.mail()))
          local seen = inbox:messages()[i].auth
          assert.equal(row.takes, seen.mechanism)
          assert.equal("user", seen.user)
        end
        assert.same(expected(row, way), lines(inbox, row))
        assert.equal(2, inbox:counters().auths)
        assert.is_true(inbox:counters().connections <= 3)
      end)
    end
  end

  -- Each of these takes a second attempt. One that begins only when the time is up is too late.
  local twice = {
    { row = { offers = { "CRAM-MD5" }, takes = "CRAM-MD5" }, way = "taken" },
    { row = rows[1], way = "ignored" }, { row = rows[1], way = "refused" },
    { row = rows[8], way = "ignored" }, { row = rows[9], way = "ignored" },
  }
  for _, case in ipairs(twice) do
    it(("of %s, where it is %s, lets verify begin anew at once"):format(case.row.takes, case.way), function()
      local inbox, client, config = start(case.row, case.way, "none", { totalTimeout = 20000 })
      assert.equal(case.row.takes, assert(client:verify()).mechanism)
      local directory = net.tmpdir()
      local engine = assert(core.engine({ directory = directory }))
      local handle = assert(engine:configure(config))
      local id = assert(engine:verify(handle))
      local results = {}
      clock.eventually(function()
        for _, result in ipairs((engine:take())) do results[#results + 1] = result end
        return results[1]
      end)
      engine:close()
      net.remove_dir(directory)
      assert.equal(id, results[1] and results[1].id)
      assert.equal(case.row.takes, results[1].verification and results[1].verification.mechanism)
      assert.equal(4, inbox:counters().connections)
    end)
  end

  for _, way in ipairs({ "refused", "ignored" }) do
    it("is tried twice at most, where it is " .. way .. " and nothing else is taken either", function()
      local inbox, client = start(rows[1], way, "none")
      inbox:nextReply { at = "AUTH", code = 501, text = "5.5.2 no", times = "always", match = "AUTH PLAIN" }
      local _, err = client:send(mailing.mail())
      assert.equal("EAUTH", err.code)
      assert.equal(501, err.responseCode)
      assert.equal(2, inbox:counters().connections)
      assert.is_nil(client:verify())
      assert.equal(3, inbox:counters().connections)
    end)
  end

  -- RFC 4954, 4: 512 octets with CRLF
  for _, way in ipairs({ "PLAIN", "XOAUTH2", "OAUTHBEARER" }) do
    it("of " .. way .. " goes behind a challenge where it does not fit into the line", function()
      local longest, alone = 0, 0
      for n = 300, 440, 7 do
        local secret = ("s"):rep(n)
        local users = { { user = "user", pass = secret, accessToken = secret } }
        local inbox = mailing.inbox { auth = users, authInClear = true, tls = "none", mechanisms = { way } }
        local config = inbox:config()
        config.auth = way == "PLAIN" and { user = "user", pass = secret }
          or { type = "OAuth2", user = "user", accessToken = secret }
        assert(mailing.client(config):verify())
        local line = auth_lines(inbox)[1]
        if line == "AUTH " .. way then alone = alone + 1 else longest = math.max(longest, #line) end
        mailing.stop()
      end
      assert.is_true(longest > 490 and longest <= 510, longest)
      assert.is_true(alone > 0)
    end)
  end
end)

describe("client:verify()", function()
  after_each(mailing.stop)

  it("tells what the server offers and how it was reached, and sends no mail", function()
    local inbox, client = mailing.start({ tls = "starttls", auth = login })
    local seen = assert(client:verify())
    assert.equal("PLAIN", seen.mechanism)
    assert.equal(("127.0.0.1:%d"):format(inbox.port), seen.address)
    assert.equal("TLSv1.3", seen.tls.version)
    assert.equal("CN=localhost", seen.tls.peer)
    assert.is_true(seen.tls.issuer:find("^CN=Test CA") ~= nil)
    assert.is_true(seen.tls.expires:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$") ~= nil)
    assert.is_true(seen.greeting:find("^220 ") ~= nil)
    assert.is_true(#seen.ehlo > 2)
    local t = seen.times
    assert.is_true(t.lookup <= t.connect and t.connect <= t.greeting)
    assert.is_true(t.greeting <= t.tls and t.tls <= t.ready)
    assert.equal(0, inbox:counters().messages)
    assert.equal(1, inbox:counters().auths)
  end)

  it("tells of implicit TLS and of no login", function()
    local _, client = mailing.start({ tls = "implicit" })
    local seen = assert(client:verify())
    assert.is_nil(seen.mechanism)
    assert.equal("TLSv1.3", seen.tls.version)
    assert.is_true(seen.times.tls <= seen.times.greeting)
  end)

  it("answers the error a mail would get", function()
    local inbox, client = mailing.start(server({ "PLAIN" }))
    inbox:nextReply({ at = "AUTH", code = 535, text = "no" })
    local seen, err = client:verify()
    assert.is_nil(seen)
    assert.equal("EAUTH", err.code)
    assert.equal("Invalid login: 535 no", err.message)
  end)

  it("leaves the mails that wait alone", function()
    local inbox, client = mailing.start()
    for _ = 1, 5 do client:submit(mailing.mail()) end
    assert(client:verify())
    local done = 0
    while done < 5 do done = done + #client:poll(5) end
    assert.equal(5, inbox:counters().messages)
  end)
end)
