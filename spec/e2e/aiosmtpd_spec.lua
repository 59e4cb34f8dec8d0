-- SPDX-License-Identifier: MIT
-- A real aiosmtpd on loopback, a second server that is not ours: what arrives is what was composed, octet by
-- octet, in clear, over STARTTLS and over TLS from the first octet, with and without login.

local aiosmtpd = require "spec.support.aiosmtpd"
local clock = require "spec.support.clock"
local core = require "logto_smtp.core"
local logto = require "logto_smtp"
local configs = require "spec.support.configs"
local net = require "spec.support.net"
local bodies = require "spec.support.bodies"

local function config_of(server, more)
  local config = {
    host = server.host, port = server.port, tls = { ca = server.ca },
    auth = { user = server.user, pass = server.pass },
  }
  for name, value in pairs(more or {}) do config[name] = value end
  return config
end

local ways = {
  { title = "in clear, without login", start = { tls = "none", auth = false }, tls = false },
  { title = "in clear, with AUTH", start = { tls = "none" }, tls = false },
  { title = "over STARTTLS, without login", start = { auth = false }, tls = "TLSv1.3" },
  { title = "over STARTTLS, with AUTH", start = {}, tls = "TLSv1.3" },
  { title = "over STARTTLS, one command at a time", start = {}, tls = "TLSv1.3",
    config = { pipelining = false } },
  { title = "over TLS from the first octet, with AUTH", start = { tls = "implicit" }, tls = "TLSv1.3",
    config = { secure = true } },
}

for _, way in ipairs(ways) do
  describe("a real aiosmtpd, " .. way.title, function()
    local server, client
    local sent = 0

    setup(function()
      server = assert(aiosmtpd.start(way.start))
      client = assert(core.client(config_of(server, way.config)))
    end)

    teardown(function()
      client:close()
      server:stop()
    end)

    local function deliver(fields)
      local mail = bodies.mail(fields)
      local info, err = client:send(mail)
      assert(info, err and err.message)
      sent = sent + 1
      return assert(server:wait_for(sent))[sent], info, mail
    end

    for _, body in ipairs(bodies.list) do
      it("gets " .. body.title .. " unchanged", function()
        local got, info, mail = deliver { text = body.text }
        assert.equal((assert(core.compose(mail))), got.raw)
        assert.equal("no-reply@shop.example", got.envelope.from)
        assert.same({ "box@test.example" }, got.envelope.to)
        assert.equal(way.tls, got.tls)
        assert.equal(server.user, got.user)
        assert.same({ "box@test.example" }, info.accepted)
      end)
    end

    it("gets a mail to an address with a UTF-8 local part (RFC 6531)", function()
      local got, _, mail = deliver { to = "õ@test.example", subject = "õ" }
      assert.same({ "õ@test.example" }, got.envelope.to)
      assert.equal((assert(core.compose(mail))), got.raw)
      local options = table.concat(got.mailOptions, " ")
      assert.matches("SMTPUTF8", options, 1, true)
      assert.matches("BODY=8BITMIME", options, 1, true)
    end)

    it("gets all of it over one connection and one login", function()
      local stats = client:stats()
      assert.equal(1, stats.connectionsOpened)
      assert.equal(server.user and 1 or 0, stats.logins)
    end)
  end)
end

describe("a real aiosmtpd", function()
  it("refuses a wrong password, and the error says so without it", function()
    local server = assert(aiosmtpd.start())
    local client = assert(core.client(config_of(server, { auth = { user = server.user, pass = "wrong!" } })))
    local info, err = client:send(bodies.mail())
    client:close()
    server:stop()
    assert.is_nil(info)
    assert.equal("EAUTH", err.code)
    assert.equal(535, err.responseCode)
    assert.is_nil(err.message:find("wrong!", 1, true))
    assert.equal(0, #server:messages())
  end)

  for _, method in ipairs({ "PLAIN", "LOGIN" }) do
    it("is told the user by " .. method, function()
      local server = assert(aiosmtpd.start())
      local config = config_of(server)
      config.auth.method = method
      local client = assert(core.client(config))
      local info, err = client:send(bodies.mail())
      local arrived = info and server:wait_for(1)
      client:close()
      server:stop()
      assert(info, err and err.message)
      assert.equal(server.user, arrived[1].user)
    end)
  end

  it("gets the code that a connector sends", function()
    local server = assert(aiosmtpd.start())
    local config = configs.config(config_of(server))
    local connector = logto.createConnector { getConfig = function() return config end }
    local info, err = connector.sendMessage {
      to = "ada@test.example", type = "SignIn", payload = { code = "123456" },
    }
    local arrived = info and server:wait_for(1)
    require("logto_smtp.transport").default.close()
    server:stop()
    assert(info, err and err.message)
    assert.equal("SignIn subject", arrived[1].subject)
    assert.equal("SignIn: 123456", (arrived[1].text:gsub("%s+$", "")))
  end)

  it("leaves nothing behind", function()
    local server = assert(aiosmtpd.start())
    local port = server.port
    server:stop()
    assert.is_truthy(clock.eventually(function() return not net.is_open(port) end))
  end)
end)
