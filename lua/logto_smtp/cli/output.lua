-- SPDX-License-Identifier: MIT
--- A standard stream that does not lose what could not be written: a write that fails ends the command, with
-- the exit code that fits (`| head` is no error, a full disk is).

local exit = require("logto_smtp.cli.exit")

local EPIPE = 32

---@class logto_smtp.cli.Output
---@field fd integer  for asking whether it is a terminal
---@field private file file*
local Output = {}
Output.__index = Output

---@class logto_smtp.cli.OutputError
---@field output true
---@field code integer  exit code
---@field message string

local M = {}

---@param file file*
---@param fd integer
---@return logto_smtp.cli.Output
function M.new(file, fd)
  return setmetatable({ file = file, fd = fd }, Output)
end

local function check(ok, message, number)
  if ok then return end
  error({ output = true, code = number == EPIPE and exit.PIPE or exit.IO, message = tostring(message) }, 0)
end

--- Writes all or raises an OutputError.
function Output:write(...)
  check(self.file:write(...))
  return self
end

--- Writes what is buffered or raises an OutputError.
function Output:flush()
  check(self.file:flush())
end

return M
