-- SPDX-License-Identifier: MIT
-- The forty numbered checks against the original: each is the number of some test here.

local walk = require("spec.support.walk")

local LAST = 40

local function missing(titles)
  local found, list = walk.checks(titles), {}
  for number = 1, LAST do
    if not found[number] then list[#list + 1] = number end
  end
  return list
end

describe("the forty checks", function()
  it("are all there", function()
    assert.same({}, missing(walk.titles()))
  end)

  it("would be missed", function()
    local titles = {}
    for number = 1, LAST do
      if number ~= 17 then titles[#titles + 1] = ('"check %d: x", function()'):format(number) end
    end
    assert.same({ 17 }, missing(titles))
  end)
end)
