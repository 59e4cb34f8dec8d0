-- SPDX-License-Identifier: MIT
-- A real Exim on loopback. What it must get from us is in spec.support.interop; its log tells how it got it.

local bodies = require "spec.support.bodies"
local core = require "logto_smtp.core"
local exim = require "spec.support.exim"

require("spec.support.interop").describe("Exim", exim, { content = 554, tls = true })

describe("the log of a real Exim", function()
  local missing = exim.missing()
  if missing then
    it("is read", function() pending(missing) end)
    return
  end

  local ways = {
    { title = "BDAT in one flight with the envelope", config = {}, chunking = true, pipelining = true },
    { title = "DATA in one flight with the envelope", config = { chunking = false }, pipelining = true },
    { title = "BDAT, one command at a time", config = { pipelining = false }, chunking = true },
    { title = "DATA, one command at a time", config = { chunking = false, pipelining = false } },
  }

  -- In the log K stands for CHUNKING, L for PIPELINING, L- for PIPELINING not used; a dot says that
  -- PIPECONNECT was offered.
  local FLAGS = { chunking = " K ", pipelining = " L%.? " }

  for _, way in ipairs(ways) do
    it("shows " .. way.title, function()
      local server = assert(exim.start())
      local config = { host = server.host, port = server.port, auth = {}, ignoreTLS = true }
      for name, value in pairs(way.config) do config[name] = value end
      local client = assert(core.client(config))
      for _ = 1, 10 do
        assert(client:submit(bodies.mail()))
      end
      while client:pending() > 0 do
        for _, done in ipairs(client:poll(5)) do assert(done.info, done.err and done.err.message) end
      end
      client:close()
      local arrived, err = server:wait_for(10)
      local count = { chunking = 0, pipelining = 0 }
      for line in server:log():gmatch("[^\n]+ <= [^\n]+") do
        for name, flag in pairs(FLAGS) do
          if line:find(flag) then count[name] = count[name] + 1 end
        end
      end
      server:stop()
      assert(arrived, err)
      local want = { chunking = way.chunking and 10 or 0, pipelining = way.pipelining and 10 or 0 }
      assert.same(want, count)
    end)
  end
end)
