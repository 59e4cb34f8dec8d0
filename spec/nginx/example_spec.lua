-- SPDX-License-Identifier: MIT
-- The example as it stands but for its port and modules: nginx.conf, config.json with a real Postfix in
-- it that wants STARTTLS and a login, and Logto's own HTTP email connector in front. Once more with the Perl
-- module of nginx-extras, which empties the environment early.
local cjson = require("cjson")
local endpoint = require("spec.support.endpoint")
local logto = require("spec.support.logto")
local net = require("spec.support.net")
local nginx = require("spec.support.nginx")
local postfix = require("spec.support.postfix")

local FOLDER = "examples/openresty"
local AUTHORIZATION = { "Bearer the-old-one", "Bearer the-new-one" }

local function replaced(text, what, by)
  local from, to = text:find(what, 1, true)
  assert(from, what)
  return text:sub(1, from - 1) .. by .. text:sub(to + 1)
end

local function conf_with(modules)
  return function(port)
    local text = assert(net.read_file(FOLDER .. "/nginx.conf"))
    text = replaced(text, "listen 127.0.0.1:8080;", ("listen 127.0.0.1:%d;"):format(port))
    return replaced(text, "include /etc/nginx/modules-enabled/*.conf;", modules)
  end
end

local function workers()
  return assert(tonumber((net.run("nproc"))))
end

local function examine(perl)
  local mta, server

  local function config_for(fields)
    local config = cjson.decode((assert(net.read_file(FOLDER .. "/config.json"))))
    config.host, config.port, config.tls = mta.host, mta.port, { ca = mta.ca }
    config.auth = { user = mta.user, pass = mta.pass }
    for name, value in pairs(fields or {}) do config[name] = value end
    return config
  end

  local function start(config, authorization)
    return nginx.start({
      conf = conf_with(nginx.modules(perl)), workers = workers(),
      files = { ["config.json"] = cjson.encode(config) },
      env = { LOGTO_SMTP_AUTHORIZATION = authorization },
    })
  end

  setup(function()
    mta = assert(postfix.start({ refusals = true }))
    server = assert(start(config_for(), table.concat(AUTHORIZATION, "\n")))
  end)
  teardown(function()
    server:stop()
    mta:stop()
  end)
  before_each(function() mta:clear() end)

  local function post(data, headers)
    local request = endpoint.request(data, headers or { Authorization = AUTHORIZATION[2] })
    return server:fetch({ request })[1]
  end

  local function url(path_)
    return ("http://%s:%d%s"):format(server.host, server.port, path_)
  end

  it("sends what is posted, over TLS and with a login", function()
    for _, authorization in ipairs(AUTHORIZATION) do
      local got = post(nil, { Authorization = authorization })
      assert.equal(200, got.status, got.body)
      assert.truthy(cjson.decode(got.body).messageId:find("^<.+@example%.com>$"))
    end
    local mail = assert(mta:wait_for(2))[1]
    assert.equal("box@test.example", mail.deliveredTo)
    assert.equal("123456 is your sign-in code", mail.subject)
    assert.truthy(mail.received:find("TLSv1", 1, true))
    assert.truthy(mail.received:find("Authenticated sender: " .. mta.user, 1, true))
  end)

  it("answers every refusal with its status, and in JSON", function()
    for _, row in ipairs({
      { 400, "invalid_request_parameters", { "{}" } },
      { 401, "authorization_failed", { nil, { Authorization = "Bearer else" } } },
      { 413, "invalid_request_parameters", { (" "):rep(65537) } },
      { 415, "invalid_request_parameters", { nil,
        { Authorization = AUTHORIZATION[1], ["Content-Type"] = "text/plain" } } },
      { 502, "EENVELOPE", { { to = "nobody@test.example" } } },
    }) do
      local got = post(row[3][1], row[3][2])
      assert.equal(row[1], got.status, got.body)
      assert.equal("application/json", got.headers["content-type"])
      assert.equal(row[2], cjson.decode(got.body).code)
    end
    local got = server:get("/sent")
    assert.equal(404, got.status)
    assert.equal("invalid_request_parameters", cjson.decode(got.body).code)
  end)

  it("sends five codes in ten minutes to one recipient, and no more", function()
    local statuses = {}
    for i = 1, 7 do
      local got = post({ to = "third@test.example", ip = "192.0.2." .. i })
      statuses[i] = got.status
      assert.equal(i > 5, got.headers["retry-after"] ~= nil)
    end
    assert.same({ 200, 200, 200, 200, 200, 429, 429 }, statuses)
    assert(mta:wait_for(5))
  end)

  it("tells that it is healthy, and counts what it sent", function()
    local got = server:get("/health")
    assert.equal(200, got.status, got.body)
    assert.equal("up", cjson.decode(got.body).status)
    assert.equal(200, post({ to = "second@test.example" }).status)
    local metrics = server:get("/metrics")
    assert.equal(200, metrics.status)
    assert.matches("^text/plain; version=0%.0%.4", metrics.headers["content-type"])
    local sent = 0
    for count in metrics.body:gmatch("\n[%w_]*sent[%w_]*{?[^}\n]*}? (%d+)") do
      sent = sent + tonumber(count)
    end
    assert.is_true(sent >= 1, metrics.body)
  end)

  describe("behind Logto's own connector", function()
    local missing = logto.missing()
    if missing then
      it("sends", function() pending(missing) end)
      return
    end

    it("delivers the mails of each type to Postfix", function()
      local messages = {}
      for i, usage in ipairs({ "SignIn", "Register", "ForgotPassword", "OrganizationInvitation" }) do
        messages[i] = {
          to = ("logto%d@test.example"):format(i), type = usage, ip = "::ffff:192.0.2.50",
          payload = { code = "98765" .. i, locale = "en", application = { name = "Shop ☕" } },
        }
      end
      local results = logto.send({ endpoint = url("/send"), authorization = AUTHORIZATION[1] }, messages)
      local subject = {}
      for i, message in ipairs(messages) do
        assert.equal(200, results[i].status, results[i].message)
        subject[message.to] = false
      end
      for _, mail in ipairs(assert(mta:wait_for(#messages))) do subject[mail.deliveredTo] = mail.subject end
      assert.same({
        ["logto1@test.example"] = "987651 is your sign-in code",
        ["logto2@test.example"] = "987652 is your sign-up code",
        ["logto3@test.example"] = "987653 is your code to reset the password",
        ["logto4@test.example"] = "Your verification code is 987654",
      }, subject)
    end)

    it("tells Logto the code and a text that whoever signs in may read", function()
      local function told(authorization, to)
        local message = { to = to, type = "SignIn", payload = { code = "424242" } }
        local result = logto.send({ endpoint = url("/send"), authorization = authorization }, { message })[1]
        assert.equal("general", result.code)
        return cjson.decode(result.message)
      end
      assert.same({
        code = "EENVELOPE", reason = "recipient_refused",
        message = "The server refused the recipient (550 5.1.1).",
      }, told(AUTHORIZATION[1], "no-one@test.example"))
      assert.equal("authorization_failed", told(nil, "box@test.example").code)
      assert.equal("authorization_failed", told("Bearer else", "box@test.example").code)
      assert.equal("invalid_request_parameters", told(AUTHORIZATION[1], "a@test.example,b@test.example").code)
    end)
  end)

  it("has no secret in its log", function()
    local log = server:log()
    for _, secret in ipairs({ "123456", "424242", mta.pass, AUTHORIZATION[1], AUTHORIZATION[2] }) do
      assert.is_nil(log:find(secret, 1, true), secret)
    end
  end)

  it("does not start with a config that is wrong, or without an authorization", function()
    local none, err = start(config_for({ fromEmail = false }), AUTHORIZATION[1])
    assert.is_nil(none)
    assert.truthy(err:find("fromEmail: Expected string, received boolean", 1, true), err)
    none, err = start(config_for(), "")
    assert.is_nil(none)
    assert.truthy(err:find("`authorization` is to be a string or a list of strings", 1, true), err)
  end)
end

describe("examples/openresty", function() examine(false) end)

describe("examples/openresty with nginx-extras", function()
  local missing = nginx.missing_perl()
  if missing then
    it("starts", function() pending(missing) end)
    return
  end
  examine(true)
end)
