-- SPDX-License-Identifier: MIT
--- untakeable: values that no call takes.
local M = {}

--- A value nested so many tables deep.
---@param levels integer
function M.deep(levels)
  local value = "end"
  for _ = 1, levels do value = { a = value } end
  return value
end

--- A table that holds itself.
function M.cyclic()
  local value = {}
  value.value = value
  return value
end

return M
