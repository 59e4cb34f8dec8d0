-- SPDX-License-Identifier: MIT
-- What a server does not say in its answer to EHLO, and what a client makes of it.
local mailing = require("spec.support.mailing")

-- What a template's author, or a user's name in it, would say to the server.
local SMUGGLED = table.concat({
  "RSET", "MAIL FROM:<evil@example.com>", "RCPT TO:<victim@example.com>", "DATA", "Subject: smuggled", "", "x",
  ".", "",
}, "\r\n")

describe("a server that lists CHUNKING, does not know BDAT and does not read its octets", function()
  after_each(mailing.stop)

  for _, pipelining in ipairs({ true, false }) do
    it("gets each mail once and no command out of one, pipelining = " .. tostring(pipelining), function()
      local inbox, client = mailing.start(nil, { pipelining = pipelining, maxConnections = 1 })
      inbox:nextReply({ at = "EHLO", text = { "old.example", "PIPELINING", "CHUNKING" }, times = "always" })
      for _ = 1, 20 do assert(client:submit(mailing.mail({ text = SMUGGLED, subject = "RSET" }))) end
      for _, item in ipairs(mailing.drain(client, 20)) do assert(item.info, item.err and item.err.message) end
      assert.equal(20, #inbox:messages())
      for _, message in ipairs(inbox:messages()) do
        assert.same({ "reader@example.com" }, message.envelope.to)
        assert.equal(SMUGGLED, message.text)
      end
      local tried = 0
      for _, command in ipairs(inbox:connections()[1].commands) do
        assert.is_nil(command.line:find("evil", 1, true))
        tried = tried + (command.verb == "BDAT" and 1 or 0)
      end
      assert.equal(1, tried)
      assert.equal(1, inbox:counters().connections)
    end)
  end
end)
