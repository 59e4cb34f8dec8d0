-- SPDX-License-Identifier: MIT
--- shell: texts as words of the shell's language, and commands of which only the success counts.

local M = {}

--- A text as one word, whatever is in it.
---@param text string
---@return string
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a command without its output; whether it succeeded.
---@param command string
---@return boolean
function M.succeeds(command)
  local ok = os.execute(command .. " >/dev/null 2>&1")
  return ok == true or ok == 0
end

return M
