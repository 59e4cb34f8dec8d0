-- SPDX-License-Identifier: MIT
--- Runs a Lua program under the interpreter that runs the specs.

local M = {}

--- The program that runs the specs; it takes `-e CODE`.
---@return string path
function M.interpreter()
  local i = 0
  while _G.arg[i - 1] do i = i - 1 end
  return _G.arg[i]
end

--- What the program writes to both streams, and "exit <code>" behind it.
---@param line string  the program and its arguments, as for a shell
---@return string
function M.run(line)
  local pipe = assert(io.popen(M.interpreter() .. " " .. line .. ' 2>&1; echo "exit $?"'))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

return M
