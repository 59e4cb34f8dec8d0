-- SPDX-License-Identifier: MIT
-- Whatever calls into Lua may collect garbage, and so run a finalizer of somebody else's, in the middle of a
-- method; or Lua may have no memory for it. spec/support/every_place.lua does both, at every place of every
-- method.
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")

local interpreter = net.run("readlink /proc/$PPID/exe"):gsub("%s+$", "")
local SCRIPT = "spec/support/every_place.lua"

local REFUSE = { at = "RCPT", match = "refused", code = 550, text = "5.1.1 unknown", times = 1000000 }

-- What can go wrong depends on what a row holds and takes: a handle can be closed, an argument changed.
local ROWS = {
  {
    actions = { "close", "raise", "again" },
    names = { "verify", "stats", "pending", "setLogger", "tostring", "close", "engine:verify", "engine:stats",
      "engine:pending", "engine:path", "setLogging", "forget", "engine:tostring", "readLine", "drop" },
  },
  {
    actions = { "close", "wipe", "raise", "again" },
    names = { "send", "send refused", "send rejected", "probe", "submit", "poll", "take", "configure",
      "configure refused", "engine:submit", "engine:close" },
  },
  {
    actions = { "wipe", "raise", "again" },
    names = { "client", "client refused", "client unusable", "validate", "validate refused", "render",
      "compose", "compose refused", "addresses", "visible", "mask", "engine" },
  },
  { actions = { "raise" }, names = { "service", "version" } },
}

-- Rows whose results end with what is closed.
local GONE = { ["poll close"] = true, ["take close"] = true, ["engine:close close"] = true }

-- Places below which the collector was not at work.
local LEAST = { send = 40, poll = 60, take = 60, validate = 20, ["validate refused"] = 40, addresses = 10 }

local SCARCE = { "once", "twice", "ever" }

describe("every place in", function()
  local inbox

  setup(function() inbox = mailing.inbox({ tls = "none", script = { REFUSE } }) end)
  teardown(mailing.stop)

  local function run(name, action, turn, turns)
    local before = inbox:counters().messages
    local said, status = net.run(("timeout 300 %s %s %d %s %s %d %d"):format(net.quote(interpreter), SCRIPT,
      inbox:config().port, net.quote(name), action, turn, turns))
    local where = name .. ", " .. action .. ": " .. said
    assert.equal(0, status, where)
    local places, told = said:match("(%d+) (%d+) %d+$")
    assert.is_true(tonumber(places) >= (LEAST[name] or 0), where)
    -- the server has nothing of which nobody was told, and nobody was told of what it has not
    if not GONE[name .. " " .. action] then
      assert.equal(inbox:counters().messages - before, tonumber(told), where)
    end
    inbox:clear()
  end

  for _, group in ipairs(ROWS) do
    for _, name in ipairs(group.names) do
      it(name .. " bears a finalizer", function()
        for i, action in ipairs(group.actions) do run(name, action, i, #group.actions) end
      end)

      it(name .. " bears a lack of memory, and tells what it has done", function()
        for i, action in ipairs(SCARCE) do run(name, action, i, #SCARCE) end
      end)
    end
  end

  it("is tried in every row there is", function()
    local known = {}
    for _, group in ipairs(ROWS) do
      for _, name in ipairs(group.names) do known[name] = true end
    end
    local rows = net.read_file(SCRIPT):match("\nlocal rows = {\n(.-)\n}\n")
    local count = 0
    for name in ("\n" .. rows):gmatch("\n  %[?\"?([%a][%w: ]-)\"?%]? = ") do
      count = count + 1
      assert.is_true(known[name], name)
    end
    assert.is_true(count > 30)
  end)
end)

describe("a state that ends", function()
  after_each(mailing.stop)

  -- With sanitizers, what is left behind fails the run too.
  local function ends_well(port, code)
    local script = ([[
      local core = require("logto_smtp.core")
      local mail = { from = "a@example.com", to = "b@example.com", text = "x" }
      local config = { host = "127.0.0.1", port = %d, ignoreTLS = true }
      %s]]):format(port, code)
    local said, status = net.run(("%s -e %s"):format(net.quote(interpreter), net.quote(script)))
    assert.equal("", said)
    assert.equal(0, status)
  end

  it("ends clients, engines and what they have under way", function()
    local port = mailing.inbox({ tls = "none", latency = 0.05 }):config().port
    ends_well(port, [[
      client = core.client(config)
      for _ = 1, 20 do client:submit(mail) end
      client:poll(0.01)]])
    ends_well(port, "engine = core.engine(); engine:submit(engine:configure(config), mail)")
    ends_well(port, [[
      local client = core.client(config)
      thread = coroutine.create(function() client:submit(mail); coroutine.yield(); client:send(mail) end)
      coroutine.resume(thread)
      client:poll(0)]])
  end)

  it("lets a finalizer use a client that is gone, or make another", function()
    local port = mailing.inbox({ tls = "none" }):config().port
    ends_well(port, [[
      local function at_the_end()
        pcall(function() client:send(mail) end)
        client:close()
        pcall(function() tostring(client); client:poll(0) end)
        local other = core.client(config)
        other:submit(mail)
        core.render("{{a}}", { a = "x" })
      end
      if newproxy then
        early = newproxy(true)
        getmetatable(early).__gc = at_the_end
      else
        early = setmetatable({}, { __gc = at_the_end })
      end
      client = core.client(config)
      client:submit(mail)]])
  end)
end)
