-- SPDX-License-Identifier: MIT
--- attempt: calls what may raise over what others wrote (a row of a list, a payload, a callback), so that one
-- of them is never the end of all.

local LONGEST = 300 -- octets of a reason

-- What was raised as one short line. A table's own tostring may raise in turn.
local function text_of(raised)
  local ok, text = pcall(tostring, raised)
  if not ok or type(text) ~= "string" or text == "" then return "an error without a text" end
  text = text:match("^[^\r\n]+") or "an error without a text"
  return #text > LONGEST and text:sub(1, LONGEST) .. "..." or text
end

local function outcome(fine, ...)
  if fine then return true, ... end
  return false, text_of((...))
end

---@param call function
---@return boolean fine
---@return any ...  what it answered; or why it could not, as one line
return function(call, ...)
  return outcome(pcall(call, ...))
end
