-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")

-- Asserts that a send fails with ETIMEDOUT, not before `ms`.
local function times_out(client, ms, message, command)
  local info, err, span = clock.timed(function() return client:send(mailing.mail()) end)
  assert.is_nil(info)
  assert.equal("ETIMEDOUT", err.code)
  assert.equal(message, err.message:sub(1, #message))
  if command then assert.equal(command, err.command) end
  span:at_least(ms)
  span:ended()
  return err
end

describe("check 29: time limits", function()
  after_each(mailing.stop)

  it("connectionTimeout ends a connect that nobody answers", function()
    local port, release = net.blackhole()
    local _, client = mailing.start(nil, { port = port, connectionTimeout = 300 })
    times_out(client, 300, "Connection timeout", "CONN")
    release()
  end)

  it("connectionTimeout ends an implicit TLS handshake that hangs", function()
    local inbox, client = mailing.start({ tls = "implicit" }, { connectionTimeout = 300 })
    inbox:nextReply({ at = "TLS", silent = true })
    times_out(client, 300, "Connection timeout", "CONN")
  end)

  it("connectionTimeout leaves a server alone that is slow only after the connect", function()
    local inbox, client = mailing.start(nil, { connectionTimeout = 1000 })
    inbox:nextReply({ at = "EHLO", delay = 1.5 })
    assert.is_table(client:send(mailing.mail()))
  end)

  it("greetingTimeout ends the wait for a greeting", function()
    local inbox, client = mailing.start(nil, { greetingTimeout = 300 })
    inbox:nextReply({ at = "CONNECT", silent = true })
    times_out(client, 300, "Greeting never received", "CONN")
  end)

  it("greetingTimeout is not put off by a greeting that drips", function()
    local inbox, client = mailing.start(nil, { greetingTimeout = 300 })
    inbox:nextReply({ at = "CONNECT", drip = { octets = 1, seconds = 0.05 } })
    times_out(client, 300, "Greeting never received", "CONN")
  end)

  it("greetingTimeout is not put off by the first lines of a greeting", function()
    local inbox, client = mailing.start({ greeting = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" } },
      { greetingTimeout = 300 })
    inbox:nextReply({ at = "CONNECT", drip = { octets = 7, seconds = 0.1 } })
    times_out(client, 300, "Greeting never received", "CONN")
  end)

  for _, at in ipairs({ "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "CONTENT" }) do
    it("socketTimeout ends a silence after " .. at, function()
      local inbox, client = mailing.start({ auth = { user = "u", pass = "p" }, authInClear = true },
        { socketTimeout = 300 })
      inbox:nextReply({ at = at, silent = true, times = "always" })
      local err = times_out(client, 300, "Timeout")
      assert.equal(at == "CONTENT" and "unknown" or "not_sent", err.delivery)
    end)
  end

  it("socketTimeout ends a STARTTLS handshake that hangs", function()
    local inbox, client = mailing.start({ tls = "starttls" }, { socketTimeout = 300 })
    inbox:nextReply({ at = "TLS", silent = true })
    times_out(client, 300, "Timeout", "CONN")
  end)

  it("socketTimeout leaves a slow server alone that goes on speaking", function()
    local inbox, client = mailing.start(nil, { socketTimeout = 1500 })
    for _, at in ipairs({ "EHLO", "MAIL", "RCPT", "CONTENT" }) do
      inbox:nextReply({ at = at, delay = 0.5 })
    end
    assert.is_table(client:send(mailing.mail()))
  end)

  it("totalTimeout ends an EHLO reply that drips", function()
    local inbox, client = mailing.start(nil, { totalTimeout = 400, socketTimeout = 2000 })
    inbox:nextReply({ at = "EHLO", drip = { octets = 1, seconds = 0.1 } })
    times_out(client, 400, "Timeout")
  end)

  it("totalTimeout ends a final reply that drips", function()
    local inbox, client = mailing.start(nil, { totalTimeout = 400, socketTimeout = 300 })
    inbox:nextReply({ at = "CONTENT", drip = { octets = 1, seconds = 0.1 } })
    local err = times_out(client, 400, "Timeout")
    assert.equal("unknown", err.delivery)
  end)

  it("totalTimeout counts from submission for mails that wait behind others", function()
    local inbox, client = mailing.start(nil, { totalTimeout = 300, pipelining = false, maxConnections = 1 })
    inbox:nextReply({ at = "MAIL", silent = true, times = "always" })
    local ids = {}
    for _ = 1, 3 do ids[#ids + 1] = client:submit(mailing.mail()) end
    local failed = {}
    local _, _, span = clock.timed(function()
      while client:pending() > 0 do
        for _, item in ipairs(client:poll(5)) do failed[#failed + 1] = item.err.code end
      end
    end)
    assert.same({ "ETIMEDOUT", "ETIMEDOUT", "ETIMEDOUT" }, failed)
    span:ended()
  end)

  it("totalTimeout ends client:verify() too", function()
    local inbox, client = mailing.start(nil, { totalTimeout = 300 })
    inbox:nextReply({ at = "EHLO", silent = true })
    local result, err, span = clock.timed(function() return client:verify() end)
    assert.is_nil(result)
    assert.equal("ETIMEDOUT", err.code)
    span:at_least(300)
    span:ended()
  end)

  -- A name server that never answers needs a network and an /etc of its own.
  it("dnsTimeout ends a name lookup that nobody answers", function()
    if select(2, net.run("unshare -rnm ip link set lo up")) ~= 0 then
      return pending("no namespaces (unshare) or no ip on this machine")
    end
    local script, resolver = os.tmpname(), os.tmpname()
    net.write_file(resolver, "nameserver 127.0.0.1\n")
    net.write_file(script, [[
      local socket = require("socket")
      local silent = assert(socket.udp())
      assert(silent:setsockname("127.0.0.1", 53))
      local config = require("spec.support.configs").config({ host = "mail.example.test", dnsTimeout = 300 })
      local client = assert(require("logto_smtp.core").client(config))
      local _, err, span = require("spec.support.clock").timed(function()
        return client:send({ from = "a@example.com", to = "b@example.com", text = "t" })
      end)
      span:at_least(300)
      span:ended()
      io.write(err.code, " ", err.message)
      io.stdout:flush()
      os.exit(0, false)
    ]])
    local inside = ("ip link set lo up; mount --bind %s /etc/resolv.conf; %s %s 2>&1")
      :format(resolver, net.quote(arg and arg[-1] or "lua"), script)
    local out = net.run("unshare -rnm sh -c " .. net.quote(inside))
    os.remove(script)
    os.remove(resolver)
    assert.equal("ETIMEDOUT getaddrinfo ETIMEOUT mail.example.test", out)
  end)
end)
