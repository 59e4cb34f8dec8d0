-- SPDX-License-Identifier: MIT
-- The JSON Schema of a config, judged by a validator of others.

local cjson = require("cjson")
local net = require("spec.support.net")
local option_schema = require("logto_smtp.config.schema")
local options = require("logto_smtp.config.options")
local values = require("spec.support.option_values")

local function each(wanted, action)
  for _, option in ipairs(options.list) do
    if wanted(option) then action(option, options.path(option)) end
  end
end

-- Validates cases by the schema that the command prints, with Python's jsonschema.
local VALIDATOR = [==[
import json, sys
try:
    from jsonschema import Draft202012Validator
except ImportError:
    print('none')
    sys.exit(0)
given = json.load(sys.stdin)
Draft202012Validator.check_schema(given['schema'])
validator = Draft202012Validator(given['schema'])
errors = [[e.message[:200] for e in validator.iter_errors(case)] for case in given['cases']]
print(json.dumps(errors))
]==]

local function validate(cases)
  local path = os.tmpname()
  local json = require("logto_smtp.util.json")
  local schema, order = option_schema.document()
  local texts = {}
  for i, case in ipairs(cases) do texts[i] = type(case) == "string" and case or json.encode(case) end
  net.write_file(path, '{"schema":' .. json.encode(schema, { order = order }) .. ',"cases":['
    .. table.concat(texts, ",") .. "]}")
  local out = net.run("python3 -c " .. net.quote(VALIDATOR) .. " < " .. path)
  os.remove(path)
  if out:find("^none") then return nil end
  return cjson.decode(out)
end

describe("logto-smtp schema", function()
  it("takes each option's values, and none of a wrong type", function()
    local cases, about = {}, {}
    each(function(o) return o.effect == nil end, function(option, path)
      local one, two = values.two(option)
      for _, value in ipairs({ one, two }) do
        cases[#cases + 1] = values.config(option, value)
        about[#about + 1] = { path = path, fits = true }
      end
      cases[#cases + 1] = values.config(option, values.wrong(option))
      about[#about + 1] = { path = path, fits = false }
    end)
    each(function(o) return o.effect == "refused" end, function(option, path)
      cases[#cases + 1] = values.config(option, "x")
      about[#about + 1] = { path = path, fits = false }
    end)
    local found = validate(cases)
    if not found then return pending("no jsonschema for python3") end
    for i, errors in ipairs(found) do
      assert.equal(about[i].fits, #errors == 0, about[i].path .. ": " .. (errors[1] or "taken"))
    end
  end)

  it("takes every example that init prints, and refuses a name that is no option", function()
    local providers = require("logto_smtp.providers")
    local cases = {}
    for i, provider in ipairs(providers.list()) do cases[i] = providers.example(provider) end
    local typo = providers.example(providers.list()[1])
    typo.maxConections = 3
    cases[#cases + 1] = typo
    local found = validate(cases)
    if not found then return pending("no jsonschema for python3") end
    for i = 1, #cases - 1 do assert.same({}, found[i]) end
    assert.is_true(#found[#cases] > 0)
  end)

  it("has each option of the table in its place, and no others", function()
    local schema = option_schema.document()
    local objects = {
      [""] = schema, auth = schema.properties.auth, tls = schema.properties.tls,
      ["auth.tls"] = schema.properties.auth.properties.tls, dkim = schema.properties.dkim.anyOf[2],
      templates = schema.properties.templates.items,
    }
    for place, names in pairs(options.places) do
      local properties = {}
      for name in pairs(objects[place].properties) do
        if name ~= "$schema" then properties[name] = true end
      end
      local wanted = {}
      for name in pairs(names) do wanted[name] = true end
      assert.same(wanted, properties, place)
    end
  end)
end)
