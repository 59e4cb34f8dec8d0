-- SPDX-License-Identifier: MIT
local configs = require("spec.support.configs")
local testing = require("logto_smtp.testing")
local transport = require("logto_smtp.transport")

local MAIL = { from = "a@example.com", to = "b@example.com", subject = "s", text = "t" }

describe("the default transport", function()
  local inbox, warm

  before_each(function()
    inbox = assert(testing.startInbox({ tls = "none" }))
    warm = transport.new({ maxClients = 2 })
  end)

  after_each(function()
    warm.close()
    inbox:stop()
  end)

  local function send(overrides)
    local info, err = warm.send(inbox:config(overrides), MAIL)
    assert.is_truthy(info, err and err.message)
  end

  it("check 39: sends many mails over one connection, whatever the templates are", function()
    send()
    send({ fromEmail = "other@example.com", replyTo = "r@example.com", customHeaders = { ["X-A"] = "1" } })
    send({ templates = configs.config().templates })
    assert.are.equal(3, #inbox:messages())
    assert.are.equal(1, inbox:counters().connections)
    assert.are.equal(1, warm.count())
  end)

  it("keeps connections of different settings apart", function()
    send({ name = "one.example" })
    send({ name = "two.example" })
    send({ name = "one.example" })
    assert.are.equal(2, inbox:counters().connections)
    assert.are.equal(2, warm.count())
  end)

  it("closes the client that was idle the longest when there are too many", function()
    send({ name = "one.example" })
    send({ name = "two.example" })
    send({ name = "one.example" })
    send({ name = "three.example" })
    assert.are.equal(2, warm.count())
    send({ name = "one.example" })
    assert.are.equal(3, inbox:counters().connections)
    send({ name = "two.example" })
    assert.are.equal(4, inbox:counters().connections)
  end)

  it("closes every client on close(), and can be used again", function()
    send()
    warm.close()
    assert.are.equal(0, warm.count())
    send()
    assert.are.equal(2, inbox:counters().connections)
  end)

  it("answers an error with the issues for a config that no client takes", function()
    local info, err = warm.send({ host = 5 }, MAIL)
    assert.is_nil(info)
    assert.is_true(#err.issues > 0)
    assert.are.equal(0, warm.count())
  end)

  it("answers the client's error as it is", function()
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 no such user" })
    local info, err = warm.send(inbox:config(), MAIL)
    assert.is_nil(info)
    assert.are.equal(550, err.responseCode)
    assert.are.equal("EENVELOPE", err.code)
  end)
end)
