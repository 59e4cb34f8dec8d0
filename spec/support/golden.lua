-- SPDX-License-Identifier: MIT
--- Reads golden cases, and compares tables so that the first difference is named.

local cjson = require("cjson")

local M = {}

--- The rows of spec/oracle/<name>.jsonl, and the same as text.
---@param name string
---@return table[] rows
---@return string[] lines
function M.rows(name)
  local rows, lines = {}, {}
  for line in assert(io.open("spec/oracle/" .. name .. ".jsonl")):lines() do
    rows[#rows + 1], lines[#lines + 1] = cjson.decode(line), line
  end
  return rows, lines
end

--- The value of spec/oracle/<name>.json.
---@param name string
---@return table
function M.value(name)
  local file = assert(io.open("spec/oracle/" .. name .. ".json"))
  local text = file:read("*a")
  file:close()
  return cjson.decode(text)
end

local function show(v)
  if v == cjson.null then return "null" end
  if type(v) == "string" then return ("%q"):format(#v > 120 and v:sub(1, 120) .. "..." or v) end
  return type(v) == "table" and cjson.encode(v) or tostring(v)
end

--- The first difference between two values, as "path: got, wanted"; nil if there is none.
---@param got any
---@param want any
---@param path? string
---@return string?
function M.difference(got, want, path)
  path = path or "value"
  if type(got) ~= "table" or type(want) ~= "table" then
    if got == want then return nil end
    return ("%s: got %s, wanted %s"):format(path, show(got), show(want))
  end
  for k, v in pairs(want) do
    local difference = M.difference(got[k], v, path .. "." .. tostring(k))
    if difference then return difference end
  end
  for k, v in pairs(got) do
    if want[k] == nil then return ("%s.%s: got %s, wanted nothing"):format(path, tostring(k), show(v)) end
  end
  return nil
end

return M
