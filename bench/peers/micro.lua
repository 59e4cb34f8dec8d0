-- SPDX-License-Identifier: MIT
-- micro FILE: nanoseconds a call of validate, render and compose.
local cjson = require "cjson"
local core = require "logto_smtp.core"
local driver = require "driver"

local input = cjson.decode(driver.read_file(arg[1]))
local SECONDS = 0.08

-- The median of five stretches, behind a stretch that is not counted.
local function time(call)
  local stretches, batch = {}, 1
  for round = 0, 5 do
    local began, calls = os.clock(), 0
    local took
    repeat
      for _ = 1, batch do call() end
      calls = calls + batch
      took = os.clock() - began
      if took < SECONDS / 100 then batch = batch * 2 end
    until took >= SECONDS
    if round > 0 then stretches[round] = took / calls * 1e9 end
  end
  table.sort(stretches)
  return stretches[3]
end

local function rendered(template)
  local payload = input.payload
  return time(function() return core.render(template, payload) end)
end

local function composed(mail)
  return time(function() return assert(core.compose(mail)) end)
end

-- A connector whose transport composes what would go out; every thousandth message forgets those before.
local function sent()
  local capture = require("logto_smtp.testing.capture").new()
  local connector = require("logto_smtp").createConnector {
    getConfig = function() return input.good end, transport = capture,
  }
  local data = { to = "jane@example.com", type = "SignIn", payload = input.payload }
  local count = 0
  return time(function()
    assert(connector.sendMessage(data))
    count = count + 1
    if count % 1000 == 0 then capture:clear() end
  end)
end

assert(core.validate(input.good))
assert(not core.validate(input.bad))
driver.print {
  guard = time(function() return core.validate(input.good) end),
  refuse = time(function() return core.validate(input.bad) end),
  render2k = rendered(input.render2k),
  render50k = rendered(input.render50k),
  compose2k = composed(input.compose2k),
  compose50k = composed(input.compose50k),
  send = sent(),
  composeAttachment = composed(input.composeAttachment),
}
