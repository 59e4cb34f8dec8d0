-- SPDX-License-Identifier: MIT
-- What a config says about TLS and the way out, judged by what the server saw.

local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local socket = require("socket")

describe("of the way to the server,", function()
  after_each(mailing.stop)

  it("option tls.ciphers is what is offered, for TLS 1.2 and for TLS 1.3", function()
    for cipher, version in pairs({
      ["ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"] = "TLSv1.2",
      ["TLS_AES_128_GCM_SHA256"] = "TLSv1.3",
    }) do
      local inbox = mailing.inbox({ tls = "starttls" })
      local config = inbox:config()
      config.tls.ciphers = cipher
      local info, err = mailing.client(config):send(mailing.mail())
      assert(info, err and err.message)
      local seen = inbox:messages()[1].tls
      assert.equal(version, seen.version)
      assert.is_truthy(cipher:find(seen.cipher, 1, true), seen.cipher)
      mailing.stop()
    end
  end)

  it("option opportunisticTLS goes on in clear where STARTTLS is refused; without it nothing goes", function()
    for _, opportunistic in ipairs({ true, false }) do
      local inbox = mailing.inbox({ tls = "starttls" })
      inbox:nextReply({ at = "STARTTLS", code = 454, text = "4.7.0 not now" })
      local info = mailing.client(inbox:config({ opportunisticTLS = opportunistic })):send(mailing.mail())
      assert.equal(opportunistic, info ~= nil)
      assert.equal(opportunistic and 1 or 0, inbox:counters().messages)
      if opportunistic then assert.is_false(inbox:messages()[1].tls) end
      mailing.stop()
    end
  end)

  it("option localAddress is where the connection comes from", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local config = require("spec.support.configs").config({
      host = "127.0.0.1", port = tonumber(port), auth = {}, localAddress = "127.0.0.7", greetingTimeout = 300,
    })
    local client = mailing.client(config)
    assert(client:submit(mailing.mail()))
    client:poll(0.1)
    listener:settimeout(2)
    local peer = assert(listener:accept())
    local from = peer:getpeername()
    peer:close()
    listener:close()
    assert.equal("127.0.0.7", from)
  end)

  it("option localAddress that this machine does not have ends the attempt", function()
    local inbox = mailing.inbox({ tls = "none" })
    local _, err = mailing.client(inbox:config({ localAddress = "192.0.2.77" })):send(mailing.mail())
    assert.is_truthy(err)
    assert.equal("not_sent", err.delivery)
    assert.is_true(net.is_open(inbox.port))
  end)
end)
