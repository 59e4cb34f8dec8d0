-- SPDX-License-Identifier: MIT
-- JSON is read by the letter of RFC 8259 wherever it comes from people or from other programs: what one
-- reader takes and another does not is a way past whoever looked at it first.

local cjson = require("cjson")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local shell = require("spec.support.shell")

-- A value in its place in a text, and whether that is JSON.
local VALUES = {
  ["1"] = true, ["-0"] = true, ["0.5e-3"] = true, ["1E+2"] = true, ["true"] = true, ["null"] = true,
  ['"\\u00e9\\n\\/\\ud83d\\ude00"'] = true, ["[ ]"] = true, ["{ }"] = true,
  ['"\127"'] = true, ['"é"'] = true,
  ["123456789012345678901234567890"] = true,
  ["01"] = false, ["-01"] = false, ["+1"] = false, ["1."] = false, [".5"] = false, ["1.e3"] = false,
  ["1e"] = false, ["0x10"] = false, ["-"] = false, ["NaN"] = false, ["Infinity"] = false,
  ["-Infinity"] = false,
  ["nan"] = false, ["1e999"] = false, ["1 2"] = false, ["TRUE"] = false, ["nul"] = false, ["'a'"] = false,
  ["[1,]"] = false, ["[,1]"] = false, ['{"a":1,}'] = false, ["{a:1}"] = false, ['{"a" 1}'] = false,
  ["/* */ 1"] = false, ["1 // x"] = false, ['"\\x41"'] = false, ['"\\u12"'] = false, ['"\\ud800"'] = false,
  ['"\\udc00\\ud800"'] = false, ['"\\'] = false, ['"a'] = false, [""] = false,
  ['"\255"'] = false, ['"\192\128"'] = false, ['"\237\160\128"'] = false, ['"\244\144\128\128"'] = false,
}
for c = 0, 31 do
  local raw, space = string.char(c), c == 9 or c == 10 or c == 13
  VALUES['"a' .. raw .. 'b"'] = false
  VALUES['{"a' .. raw .. 'b":1}'] = false
  VALUES[raw .. "1" .. raw] = space
  VALUES[('"\\u%04x"'):format(c)] = true
end

local function shown(text) return (("%q"):format(text):gsub("\\\n", "\\n"):gsub("%c", "?")) end

describe("core.fromJson()", function()
  it("takes what is JSON, and nothing else", function()
    for value, is_json in pairs(VALUES) do
      for _, form in ipairs({ "%s", '{"a":%s}', "[%s]", '[0,{"b":[%s]}]' }) do
        local text = form:gsub("%%s", function() return value end)
        if value ~= "" or not form:find("[%s]", 1, true) then
          local read, at = core.fromJson(text)
          assert.equal(is_json, read ~= nil, shown(text))
          assert.is_true(is_json or at >= 0 and at <= #text + 1, shown(text))
        end
      end
    end
  end)

  it("reads the values that were written", function()
    local value = { a = { 1, 2.5, "é\n\0", true, cjson.null, {} }, b = { c = { d = "" } }, ["é"] = -1e300 }
    assert.same(value, core.fromJson(cjson.encode(value)))
    assert.equal("587", core.render("{{port}}", core.fromJson('{"port":587}')))
    assert.equal(cjson.null, core.fromJson("null"))
  end)

  it("takes no object that has a name twice, however it is written, and tells the name", function()
    for text, name in pairs({
      ['{"a":"a","a":"b"}'] = "a", ['[{"b":{"to":1,"t\\u006f" : null}}]'] = "to", ['{"":1,"":2}'] = "",
      ['{"a\\"":1,"a\\"":2}'] = 'a"', ['{"a":{"a":{}},"a":1}'] = "a",
    }) do
      local value, at, twin = core.fromJson(text)
      assert.is_nil(value)
      assert.equal(name, twin)
      assert.equal('"', text:sub(at, at))
    end
    assert.same({ a = { a = 1 }, b = { a = 1 } }, core.fromJson('{"a":{"a":1},"b":{"a":1}}'))
  end)

  it("tells where it ends to be JSON, and of what is nested too deeply", function()
    assert.same({ nil, 10 }, { core.fromJson('{"a": 1, b}') })
    assert.same({ nil, 0 }, { core.fromJson(("["):rep(101) .. ("]"):rep(101)) })
    assert.is_table(core.fromJson(("["):rep(100) .. ("]"):rep(100)))
    assert.same({ nil, 0 }, { core.fromJson("[[[]]]", 2) })
    assert.is_table(core.fromJson("[[]]", 2))
    for _, wrong in ipairs({ 0, 101 }) do assert.has_error(function() core.fromJson("1", wrong) end) end
    assert.has_error(function() core.fromJson({}) end)
  end)
end)

describe("JSON that is none", function()
  local dir

  before_each(function() dir = net.tmpdir() end)
  after_each(function()
    mailing.stop()
    net.remove_dir(dir)
  end)

  -- a raw line end cannot stand within one line of a list
  local TWICE = "`code` twice in one object"
  local SAMPLES = { '"a\tb"', '"a\1b"', "01", "NaN", "0x10", '"\255"', '"\\ud800"', "1." }

  it("is no config and no payload of the command", function()
    local inbox = mailing.inbox { tls = "none" }
    local config = cjson.encode(inbox:config())
    net.write_file(dir .. "/config.json", config)
    for _, value in ipairs(SAMPLES) do
      net.write_file(dir .. "/bad.json", config:sub(1, -2) .. ',"name":' .. value .. "}")
      assert.matches("is not JSON.*exit 78", shell.run("bin/logto-smtp validate " .. dir .. "/bad.json"))
      net.write_file(dir .. "/payload.json", '{"code":' .. value .. "}")
      local line = "bin/logto-smtp send $/config.json --to a@example.com --payload @$/payload.json"
      line = line:gsub("%$", dir)
      assert.matches("is not JSON.*exit 65", shell.run(line))
    end
    net.write_file(dir .. "/bad.json", config:sub(1, -2) .. ',"name":"a","n\\u0061me":"b"}')
    local said = shell.run("bin/logto-smtp validate " .. dir .. "/bad.json")
    assert.matches("has the name `name` twice in one object.*exit 78", said)
    for _, payload in ipairs({ "@" .. dir .. "/payload.json", '\'{"code":"1","code":"2"}\'' }) do
      net.write_file(dir .. "/payload.json", '{"code":"1","code":"2"}')
      net.write_file(dir .. "/config.json", config)
      local line = "bin/logto-smtp send $/config.json --to a@example.com --payload "
      assert.matches(TWICE .. ".*exit 65", shell.run(line:gsub("%$", dir) .. payload))
    end
    assert.equal(0, #inbox:messages())
  end)

  it("is no line of a list", function()
    local inbox = mailing.inbox { tls = "none" }
    local lines = {}
    for i, value in ipairs(SAMPLES) do lines[i] = ('{"to":"r%d@example.com","code":%s}'):format(i, value) end
    lines[#lines + 1] = '{"to":"bad@example.com","code":"1","code":"2"}'
    lines[#lines + 1] = '{"to":"good@example.com","code":"1"}'
    net.write_file(dir .. "/list", table.concat(lines, "\n") .. "\n")
    local report = assert(require("logto_smtp.bulk").run {
      config = inbox:config(), recipients = dir .. "/list", type = "SignIn",
    })
    assert.equal(#SAMPLES + 1, report.invalid)
    assert.matches(TWICE, report.failures[#SAMPLES + 1].message)
    assert.equal(1, report.sent)
    assert.equal("good@example.com", inbox:messages()[1].envelope.to[1])
  end)
end)
