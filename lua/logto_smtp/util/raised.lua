-- SPDX-License-Identifier: MIT
--- raised: what was raised, as one short line to read. Where in which Lua file is nothing to whoever reads
-- why a mail, a row or a template cannot be sent; whoever wrote the function that raised wants it.

local M = {}

local LONGEST = 300 -- octets of a line
local NONE = "an error without a text"

-- Where Lua says that an error was raised: a file, a script or a text that was loaded.
local PLACES = {
  "^[^\r\n:]*%.lua:%d+: ", '^%[string "[^\r\n]-"%]:%d+: ', "^%(command line%):%d+: ", "^stdin:%d+: ",
  "^[%w%._/%-]*logto%-smtp:%d+: ", "^%[C%]:%-?%d+: ", "^%?:%-?%d+: ",
}

local function without_place(text)
  for _, place in ipairs(PLACES) do
    local _, last = text:find(place)
    if last then return without_place(text:sub(last + 1)) end
  end
  return text
end

-- A table's own tostring may raise in turn.
local function text_of(value)
  local ok, text = pcall(tostring, value)
  return ok and type(text) == "string" and text or ""
end

local function short(text)
  text = text:match("^[^\r\n]+") or NONE
  return #text > LONGEST and text:sub(1, LONGEST) .. "..." or text
end

--- With the place, for whoever wrote it.
---@param value any
---@return string
function M.line(value)
  return short(text_of(value))
end

--- Without the place, for everybody else.
---@param value any
---@return string
function M.reason(value)
  return short(without_place(text_of(value)))
end

return M
