-- SPDX-License-Identifier: MIT
--- tables: copies and merges tables of plain values. An empty table counts as an object.

local M = {}

--- A copy that shares no table with the original.
---@generic T
---@param value T
---@return T
function M.copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for k, v in pairs(value) do out[k] = M.copy(v) end
  return out
end

--- Puts what is in `from` into `into`, sharing it.
---@generic T: table
---@param into T
---@param from table
---@return T into
function M.assign(into, from)
  for k, v in pairs(from) do into[k] = v end
  return into
end

--- Whether a value is a table that is no array with something in it.
---@param value any
---@return boolean
function M.isObject(value)
  return type(value) == "table" and #value == 0
end

--- Merges copies of what is in `over` into `base`: objects key by key; everything else is replaced.
---@param base table
---@param over table
---@return table base
function M.merge(base, over)
  for k, v in pairs(over) do
    if M.isObject(v) and M.isObject(base[k]) then M.merge(base[k], v) else base[k] = M.copy(v) end
  end
  return base
end

return M
