-- SPDX-License-Identifier: MIT
--- trim: a text without the white space of ASCII around it, in a time that grows with its length alone: the
-- pattern that is usually taken for it looks at a long run of spaces again from each of them.

local M = {}

--- Without what is behind it.
---@param text string
---@return string
function M.right(text)
  return text:match("^.*%S") or ""
end

--- Without what is on both sides.
---@param text string
---@return string
function M.both(text)
  local from = text:find("%S")
  return from and M.right(text:sub(from)) or ""
end

--- Each line without what is behind it.
---@param text string
---@return string
function M.lines(text)
  return (text:gsub("[^\n]+", M.right))
end

return M
