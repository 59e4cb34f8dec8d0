-- SPDX-License-Identifier: MIT
-- No function of a Lua module that nobody calls. What C has of these, cppcheck finds (make lint).

local net = require("spec.support.net")
local pages = require("spec.support.pages")

-- Found by a name that is computed.
local EXCEPT = {
  ["lua/logto_smtp/inbox/commands.lua: EXPN"] = true,
}

local function read_all(paths)
  local texts = {}
  for path in paths:gmatch("[^\n]+") do texts[path] = assert(net.read_file(path)) end
  return texts
end

-- What a module makes public, as "path: name".
local function defined(path, text, list)
  for _, pattern in ipairs({ "\nfunction [%w_]+[.:]([%w_]+)%(", "\nM%.([%w_]+) = " }) do
    for name in text:gmatch(pattern) do list[#list + 1] = { key = path .. ": " .. name, name = name } end
  end
end

local function uses_of(name, texts)
  local count = 0
  for _, text in pairs(texts) do
    count = count + select(2, text:gsub("%f[%w_]" .. name .. "%f[^%w_]", ""))
  end
  return count
end

-- Those whose name stands nowhere else in the code, and in no page for users.
local function unused(texts, told)
  local list, found = {}, {}
  for path, text in pairs(texts) do defined(path, text, list) end
  for _, item in ipairs(list) do
    if uses_of(item.name, texts) < 2 and uses_of(item.name, told) == 0 then found[#found + 1] = item.key end
  end
  table.sort(found)
  return found
end

describe("the Lua modules", function()
  it("have no function that nobody calls", function()
    local texts = read_all(net.run("find lua -name '*.lua'; echo bin/logto-smtp"))
    local found = {}
    for _, key in ipairs(unused(texts, read_all(table.concat(pages.paths(), "\n")))) do
      if not EXCEPT[key] then found[#found + 1] = key end
    end
    assert.same({}, found)
  end)

  it("are known by this spec when they have one", function()
    local texts = { a = "\nfunction M.one(x)\nfunction M:two()\nM.three = 3\n", b = "\na.one(1)\n" }
    assert.same({ "a: three", "a: two" }, unused(texts, {}))
    assert.same({ "a: two" }, unused(texts, { page = "`three`" }))
  end)
end)
