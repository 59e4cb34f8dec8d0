-- SPDX-License-Identifier: MIT
-- The benchmarks run by hand: what they ask of modules of ours must still be there.

local net = require("spec.support.net")

-- What is asked for in a text by a module's name there and is not in the module.
local function missing(text)
  local list = {}
  for name, module in text:gmatch('%f[^\n%z]local (%w+) = require "([%w_.]+)"') do
    local loaded, value = pcall(require, (module:gsub("^support%.", "spec.support.")))
    local ours = module:find("^support%.") or module:find("^spec%.") or module:find("^logto_smtp")
    if ours and loaded and type(value) == "table" then
      for field in text:gmatch("%f[%w_.]" .. name .. "%.([%a_][%w_]*)") do
        if value[field] == nil then list[#list + 1] = name .. "." .. field end
      end
    end
  end
  return list
end

describe("the benchmarks", function()
  for path in net.run("find bench -name '*.lua'"):gmatch("[^\n]+") do
    it("ask for nothing that is gone: " .. path, function()
      assert.same({}, missing(assert(net.read_file(path))))
    end)
  end

  it("are seen to ask for what is gone", function()
    assert.same({ "net.wait_until" },
      missing('local net = require "support.net"\nnet.wait_until(net.run)\nlocal x = y.net.z\n'))
  end)
end)
