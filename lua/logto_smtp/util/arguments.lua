-- SPDX-License-Identifier: MIT
--- arguments: checks tables of options, and calls with a colon. A misspelt name must not vanish in silence.

local M = {}

local LONGEST = 40 -- octets of a name that is told

--- What to say behind a name that is none: "; did you mean `to`?", or "".
---@param name any
---@param known table<string, any>  by name
---@return string
function M.meant(name, known)
  -- asked for when it is needed: the inbox's process, which uses this room, runs without the C module
  local near = type(name) == "string" and require("logto_smtp.core").nearest(name, known)
  return near and ("; did you mean `%s`?"):format(near) or ""
end

--- What is wrong with a table of options, or nil.
---@param options any
---@param known table<string, string|true>  the type of each; true: any
---@return string?
function M.fault(options, known)
  if type(options) ~= "table" then return ("table expected, got %s"):format(type(options)) end
  for name, value in pairs(options) do
    local expected = known[name]
    if not expected then
      return ("no option is named `%s`%s"):format(tostring(name):sub(1, LONGEST), M.meant(name, known))
    end
    if expected ~= true and type(value) ~= expected then
      return ("field `%s`: %s expected, got %s"):format(name, expected, type(value))
    end
  end
  return nil
end

--- Raises when a table of options is none, names what there is not, or has a value of the wrong type.
---@param options any
---@param known table<string, string|true>
---@param where string   "createConnector"
---@param number? integer of the argument, 1 without it
---@param level? integer as for error() of who calls this, 2 without it
function M.check(options, known, where, number, level)
  local fault = M.fault(options, known)
  if not fault then return end
  error(("bad argument #%d to '%s' (%s)"):format(number or 1, where, fault), (level or 2) + 1)
end

--- Raises when a function was called with a colon: what it stands in is then its first argument.
---@param value any
---@param owner table
---@param call string  "connector.sendMessage"
function M.dot(value, owner, call)
  if not rawequal(value, owner) then return end
  error(("bad argument #1 to '%s' (call it with a dot, as %s{...}: a colon passes what is in front of it)")
    :format(call:match("[^.]*$"), call), 3)
end

return M
