-- SPDX-License-Identifier: MIT
-- How the guard's result relates to the config it was made from, and how tables of every shape are read.
local core = require "logto_smtp.core"

local function template(usage)
  return { usageType = usage, contentType = "text/plain", subject = "Code", content = "{{code}}" }
end

local function config(fields)
  local c = {
    host = "smtp.example.com", port = 587, fromEmail = "a@example.com", auth = { user = "u", pass = "p" },
    templates = { template "Register", template "SignIn", template "ForgotPassword", template "Generic" },
    tls = { servername = "smtp.example.com", ca = { "one", "two" } },
    customHeaders = { ["X-Tags"] = { "a", "b" } },
  }
  for name, value in pairs(fields or {}) do c[name] = value end
  return c
end

local function tables_in(value, list)
  if type(value) == "table" then
    list[value] = true
    for _, part in pairs(value) do tables_in(part, list) end
  end
  return list
end

describe("guard", function()
  it("answers tables of its own, equal to the caller's where nothing was added", function()
    local given = config()
    local result = assert(core.validate(given))
    local own = tables_in(result, {})
    for t in pairs(tables_in(given, {})) do assert.is_nil(own[t]) end
    for _, name in ipairs { "host", "port", "auth", "templates", "tls", "customHeaders" } do
      assert.same(given[name], result[name])
    end
    assert.equal(120000, result.connectionTimeout)
  end)

  it("keeps apart names that differ by a NUL or by being a number", function()
    local tls = { ["a\0b"] = "one", a = "two", [1] = "three", [2.5] = "four", ["3"] = "five" }
    assert.same({ ["a\0b"] = "one", a = "two", ["1"] = "three", ["2.5"] = "four", ["3"] = "five" },
      assert(core.validate(config { tls = tls })).tls)
  end)

  it("reads arrays however they came to be, and objects of any size", function()
    local backwards, holes, many = {}, { "a", nil, "c" }, {}
    for i = 20, 1, -1 do backwards[i] = "item" .. i end
    for i = 1, 300 do many["name" .. i] = "value" .. i end
    local result = assert(core.validate(config {
      tls = { backwards = backwards, holes = holes, many = many, mixed = { "a", "b", x = "c" } },
    })).tls
    assert.same(backwards, result.backwards)
    assert.same({ ["1"] = "a", ["3"] = "c" }, result.holes)
    assert.same(many, result.many)
    assert.same({ ["1"] = "a", ["2"] = "b", x = "c" }, result.mixed)
  end)

  it("answers the same whatever was asked before", function()
    local before = assert(core.validate(config()))
    assert.is_nil(core.validate { host = 1, templates = { {}, {}, {} } })
    assert.is_truthy(core.validate(config { tls = { x = ("y"):rep(1e5) } }))
    assert.same(before, core.validate(config()))
  end)
end)
