-- SPDX-License-Identifier: MIT
--- Opens a file in the user's browser.

local shell = require("logto_smtp.util.shell")

local M = {}

--- Tries $BROWSER, then what desktops bring. The program is not waited for.
---@param path string
---@param context table  getenv
---@return boolean opened
function M.open(path, context)
  if not path:find("^/") then path = "./" .. path end
  for _, program in ipairs({ context.getenv("BROWSER") or false, "xdg-open", "open" }) do
    if program and program ~= "" then
      if shell.succeeds("command -v " .. shell.quote(program)) then
        os.execute(shell.quote(program) .. " " .. shell.quote(path) .. " >/dev/null 2>&1 &")
        return true
      end
    end
  end
  return false
end

return M
