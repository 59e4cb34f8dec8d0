-- SPDX-License-Identifier: MIT
-- What no spec may do: let the time of a loaded machine decide. spec/support/clock.lua does it instead.

local net = require("spec.support.net")

-- { pattern of a line, what is wrong with it }; a pattern may find a number, which `least` allows.
local RULES = {
  { "gettime%(", "spec.support.clock is the only clock" },
  { "os%.clock%(", "clock.spares_processor() measures the processor" },
  { "process%.clock%(", "spec.support.clock is the only clock" },
  { "socket%.sleep%(", "clock.eventually() waits for a condition, clock.pass() lets a time pass" },
  { "process%.sleep%(%d", "clock.eventually() waits for a condition, clock.pass() lets a time pass" },
  { "socket\"%)%.sleep%(", "clock.eventually() waits for a condition, clock.pass() lets a time pass" },
  { "os%.time%(%)%s*[-<]%s*%l", "clock.timed() measures" },
  { "%f[%w]m?s%s*<=?%s*%d", "a loaded machine takes longer: span:ended(), or count what the server saw" },
  { "%f[%w]took%s*<=?", "a loaded machine takes longer: span:ended(), or count what the server saw" },
  { "seconds%s*<=?%s*%d", "a loaded machine takes longer: span:ended(), or count what the server saw" },
  { "Time%s*<=?%s*%d", "a loaded machine takes longer: count what the server saw" },
  { "%.age%s*<=?%s*[%d.]", "a loaded machine takes longer" },
  { "settimeout%((%d[%d.]*)", "an answer may take longer on a loaded machine", least = 60, or_none = true },
  { "%f[%w]timeout %-*[%a-]*%s*(%d+) ", "a program may take longer on a loaded machine", least = 60 },
  { "curl .*%-m (%d+)", "an answer may take longer on a loaded machine", least = 60 },
}

-- Where the clock is, and this list.
local EXCEPT = { ["spec/support/clock.lua"] = true, ["spec/specs_spec.lua"] = true }

local function is_broken(rule, line)
  local found = line:match(rule[1])
  if not found then return false end
  local number = tonumber(found)
  return not (rule.least and (number >= rule.least or rule.or_none and number == 0))
end

local function faults(line)
  local out = {}
  for _, rule in ipairs(RULES) do
    if is_broken(rule, line) then out[#out + 1] = rule[2] end
  end
  return out
end

describe("the specs", function()
  it("let no time decide", function()
    local found = {}
    for path in net.run("find spec -name '*.lua'"):gmatch("[^\n]+") do
      local number = 0
      for line in (EXCEPT[path] and "" or net.read_file(path)):gmatch("([^\n]*)\n") do
        number = number + 1
        for _, fault in ipairs(faults(line)) do
          found[#found + 1] = ("%s:%d: %s: %s"):format(path, number, fault, line)
        end
      end
    end
    assert.equal("", table.concat(found, "\n"))
  end)

  for line, count in pairs({
    ["local began = socket.gettime()"] = 1, ["assert.is_true(ms < 100, ms)"] = 1,
    ["assert.is_true(os.clock() - start < 0.1)"] = 1, ["assert.is_true(report.seconds < 3)"] = 1,
    ["assert.is_true(took > 1 and took < 5)"] = 1, ["sock:settimeout(5)"] = 1, ["sock:settimeout(0.5)"] = 1,
    ["sock:settimeout(0)"] = 0, ["sock:settimeout(120)"] = 0, ["timeout --foreground 30 x"] = 1,
    ["timeout -s KILL 300 x"] = 0, ["socket.sleep(0.1)"] = 1, ["ngx.sleep(0.1)"] = 0,
    ["assert.is_true(info.messageTime < 500)"] = 1, ["assert.is_true(os.time() - began < 5)"] = 1,
    ["assert.is_true(got.told.age < 0.2)"] = 1, ["assert.is_true(report.seconds > 0.85)"] = 0,
    ["curl -sS -m 20 x"] = 1,
  }) do
    it(("find %d in `%s`"):format(count, line), function() assert.equal(count, #faults(line)) end)
  end
end)

describe("spec.support.clock", function()
  local clock = require("spec.support.clock")

  it("tells a limit that struck early, a wait that has its own bound, and a spinning call", function()
    local answer, err, span = clock.timed(function()
      clock.pass(0.05)
      return nil, "why"
    end)
    assert.same({ nil, "why" }, { answer, err })
    span:at_least(50)
    span:ended()
    span:holds(1, 1, 0)
    assert.has_error(function() span:at_least(60000) end)
    assert.has_error(function() span:holds(100, 1, 0) end)
    assert.has_error(function() clock.eventually(function() return true end, 5) end)
    assert.has_error(function() clock.spares_processor(-1, function() end) end)
    local calls = 0
    assert.equal(3, clock.eventually(function()
      calls = calls + 1
      return calls == 3 and calls or nil
    end))
    assert.is_false(clock.never(function() return true end))
    assert.is_true(clock.never(function() return nil end))
  end)
end)
