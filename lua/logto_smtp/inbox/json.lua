-- SPDX-License-Identifier: MIT
--- json: JSON between the inbox and its process. Integral numbers come back as integers on every Lua.
local cjson = require("cjson").new()

local M = { encode = cjson.encode }

local function restore(value)
  for key, inner in pairs(value) do
    if type(inner) == "table" then
      restore(inner)
    elseif type(inner) == "number" and inner == math.floor(inner) then
      value[key] = math.floor(inner)
    end
  end
  return value
end

--- Decodes an object or array.
---@param text string
---@return table
function M.decode(text)
  return restore(cjson.decode(text))
end

return M
