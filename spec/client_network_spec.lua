-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local mailing = require("spec.support.mailing")
local socket = require("socket")

describe("the way to the server", function()
  after_each(mailing.stop)

  it("host may be an IPv6 address, with and without brackets", function()
    local inbox = mailing.inbox({ tls = "none", host = "::1" })
    for _, host in ipairs({ "::1", "[::1]" }) do
      local seen = assert(mailing.client({ host = host, port = inbox.port }):verify())
      assert.equal(("[::1]:%d"):format(inbox.port), seen.address)
    end
  end)

  it("tries each address of a name: localhost is ::1 and 127.0.0.1", function()
    for _, address in ipairs({ "127.0.0.1", "::1" }) do
      local inbox = mailing.inbox({ tls = "none", host = address })
      assert(mailing.client({ host = "localhost", port = inbox.port }):send(mailing.mail()))
      assert.equal(1, inbox:counters().messages)
    end
  end)

  it("option localAddress that is none of ours is told by its name", function()
    local _, client = mailing.start(nil, { localAddress = "192.0.2.1" })
    local _, err = client:send(mailing.mail())
    assert.equal("ESOCKET", err.code)
    assert.truthy(err.message:find("localAddress 192.0.2.1", 1, true))
  end)

  it("option localAddress is where the connection comes from", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local config = require("spec.support.configs").config({
      host = "127.0.0.1", port = tonumber(port), auth = {}, localAddress = "127.0.0.7",
    })
    local client = mailing.client(config)
    assert(client:submit(mailing.mail()))
    listener:settimeout(0)
    local peer = assert(clock.eventually(function()
      client:poll(0.01)
      return listener:accept()
    end))
    local from = peer:getpeername()
    peer:close()
    listener:close()
    assert.equal("127.0.0.7", from)
  end)

  it("dnsTtl is a time in milliseconds, or an issue", function()
    local _, client = mailing.start(nil, { host = "localhost", dnsTtl = 1, maxMessages = 1 })
    for _ = 1, 2 do assert(client:send(mailing.mail())) end
    local none, issues = require("logto_smtp.core").client({ host = "h", port = 25, dnsTtl = -1 })
    assert.is_nil(none)
    assert.truthy(issues[1].message:find("dnsTtl must be", 1, true))
  end)
end)
