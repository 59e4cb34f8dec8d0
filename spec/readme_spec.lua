-- SPDX-License-Identifier: MIT
-- The examples of the README, run as they stand.

local cjson = require("cjson")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")

local function blocks(language)
  local list = {}
  for block in assert(net.read_file("README.md")):gmatch("\n```" .. language .. "\n(.-)\n```") do
    list[#list + 1] = block
  end
  return list
end

-- Runs code with its globals in front of ours; what it prints, a line for each call.
local function run(code, globals)
  local lines = {}
  globals.print = function(...)
    local words = {}
    for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
    lines[#lines + 1] = table.concat(words, " ")
  end
  local env = setmetatable(globals, { __index = _G })
  local chunk
  if rawget(_G, "setfenv") then
    chunk = _G.setfenv(assert(_G.loadstring(code)), env)
  else
    chunk = assert(load(code, "README", "t", env))
  end
  chunk()
  return lines
end

describe("the README's", function()
  after_each(mailing.stop)

  it("first example sends the code of a config.json", function()
    local inbox = mailing.inbox({ auth = { user = "u", pass = "p" } })
    local path = os.tmpname()
    net.write_file(path, cjson.encode(inbox:config()))
    local files = { open = function() return assert(io.open(path)) end }
    local lines = run(blocks("lua")[1], { io = files })
    os.remove(path)
    require("logto_smtp.transport").default.close()
    assert.equal("250 2.0.0 Ok: queued as 1", lines[1])
    assert.equal("123456", inbox:messages()[1].code)
  end)

  it("example of an inbox shows the mail", function()
    local connector = require("logto_smtp").createConnector({})
    local lines = run(blocks("lua")[2], { connector = connector })
    require("logto_smtp.transport").default.close()
    assert.matches("123456", lines[1], 1, true)
    assert.matches("TLSv1", lines[1], 1, true)
  end)

  it("commands are commands", function()
    local lua = net.quote(arg and arg[-1] or "lua")
    local seen = 0
    for _, block in ipairs(blocks("sh")) do
      for command in block:gmatch("%f[^\n%z]logto%-smtp (%w+)") do
        seen = seen + 1
        assert.equal(0, select(2, net.run(lua .. " bin/logto-smtp " .. command .. " --help")), command)
      end
    end
    assert.is_true(seen >= 4)
  end)
end)
