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

describe("a real Exim that takes 10 messages on a connection", function()
  local missing = exim.missing()
  if missing then
    it("gets each of 300 once", function() pending(missing) end)
    return
  end

  for _, chunking in ipairs({ true, false }) do
    it("gets each of 300 once, chunking = " .. tostring(chunking), function()
      local server = assert(exim.start(10))
      local config = { host = server.host, port = server.port, auth = {}, ignoreTLS = true,
        chunking = chunking }
      local client = assert(core.client(config))
      for i = 1, 300 do assert(client:submit(bodies.mail({ subject = "mail " .. i }))) end
      local failures = {}
      while client:pending() > 0 do
        for _, done in ipairs(client:poll(5)) do failures[#failures + 1] = done.err end
      end
      local stats = client:stats()
      client:close()
      local _, accepted = server:log():gsub(" <= ", "")
      server:stop()
      assert.same({}, failures)
      assert.equal(300, accepted)
      -- the five that were open together have run into the limit, with a window each, and none after them
      assert.is_true(stats.connectionsOpened <= 40, stats.connectionsOpened .. " connections")
      assert.is_true(stats.retries <= 5 * 16, stats.retries .. " retries")
    end)
  end
end)
