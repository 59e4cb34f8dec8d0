-- SPDX-License-Identifier: MIT
--- attempt: calls what may raise over what others wrote (a row of a list, a payload, a callback), so that one
-- of them is never the end of all.

local raised = require("logto_smtp.util.raised")

local function outcome(fine, ...)
  if fine then return true, ... end
  return false, raised.reason((...))
end

---@param call function
---@return boolean fine
---@return any ...  what it answered; or why it could not, as one line
return function(call, ...)
  return outcome(pcall(call, ...))
end
