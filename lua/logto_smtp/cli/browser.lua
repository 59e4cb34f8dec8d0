-- SPDX-License-Identifier: MIT
--- Opens a file in the user's browser.

local M = {}

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Tries $BROWSER, then what desktops bring. The program is not waited for.
---@param path string
---@param context table  getenv
---@return boolean opened
function M.open(path, context)
  if not path:find("^/") then path = "./" .. path end
  for _, program in ipairs({ context.getenv("BROWSER") or false, "xdg-open", "open" }) do
    if program and program ~= "" then
      local found = os.execute("command -v " .. quote(program) .. " >/dev/null 2>&1")
      if found == true or found == 0 then
        os.execute(quote(program) .. " " .. quote(path) .. " >/dev/null 2>&1 &")
        return true
      end
    end
  end
  return false
end

return M
