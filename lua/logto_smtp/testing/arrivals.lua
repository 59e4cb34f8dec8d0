-- SPDX-License-Identifier: MIT
--- arrivals: what an inbox and a capture have in common: mails that arrived, or will within a time.
local filter_module = require "logto_smtp.testing.filter"

---@class logto_smtp.testing.Arrivals
---@field usage logto_smtp.testing.Usage the templates known
---@field patience number seconds to wait when the filter does not say
---@field now fun(): number seconds on any clock
---@field messages fun(self): logto_smtp.testing.Message[] all since the start or the last `clear`
---@field await fun(self, seconds: number): boolean waits for one more, no longer; false: it is no use
---@field situation fun(self): string why nothing may have arrived
local Arrivals = {}

local M = { methods = Arrivals }

--- Whether a value has mails to assert about.
---@param value any
---@return boolean
function M.is(value)
  return type(value) == "table" and type(value.waitFor) == "function" and type(value.usage) == "table"
end

--- Raises when the filter cannot be meant.
---@param arrivals logto_smtp.testing.Arrivals
---@param filter any
---@param where string the function and argument to blame
---@param level integer as for `error`
function M.check(arrivals, filter, where, level)
  local fault = filter_module.fault(filter, arrivals.usage:types())
  if fault then error(("bad argument %s (%s)"):format(where, fault), level + 1) end
end

--- The mails that match as soon as there are `wanted` of them, or those that do when the time is over.
---@param arrivals logto_smtp.testing.Arrivals
---@param filter logto_smtp.testing.Filter
---@param wanted integer
---@param timeout number seconds
---@return logto_smtp.testing.Message[] matching, logto_smtp.testing.Message[] all
function M.gather(arrivals, filter, wanted, timeout)
  local deadline = arrivals.now() + timeout
  while true do
    local all = arrivals:messages()
    local matching = filter_module.matching(all, filter)
    local left = deadline - arrivals.now()
    if #matching >= wanted or left <= 0 or not arrivals:await(left) then return matching, all end
  end
end

--- What was expected and what came instead, for a person.
---@param arrivals logto_smtp.testing.Arrivals
---@param filter logto_smtp.testing.Filter
---@param expected string the beginning of the sentence
---@param count integer of mails that match
---@param all logto_smtp.testing.Message[]
---@return string
function M.explain(arrivals, filter, expected, count, all)
  if #all == 0 then return ("%s, but none arrived; %s"):format(expected, arrivals:situation()) end
  local which = ("the only one that arrived is %s"):format(count == 1 and "like that" or "another")
  if #all > 1 then
    which = ("%s of the %d that arrived %s like that"):format(count == 0 and "none" or count, #all,
      count > 1 and "are" or "is")
  end
  return ("%s, but %s:%s"):format(expected, which, filter_module.listing(all, filter))
end

--- Waits until `n` mails match. Without `n`: the first of them; with `n`: the list of all that match.
--- nil, err when the time is over: a text that tells what did arrive and how it differs.
---@param filter? logto_smtp.testing.Filter
---@return logto_smtp.testing.Message|logto_smtp.testing.Message[]|nil, string? err
function Arrivals:waitFor(filter)
  filter = filter or {}
  M.check(self, filter, "#1 to 'waitFor'", 2)
  local wanted, timeout = filter.n or 1, filter.timeout or self.patience
  local matching, all = M.gather(self, filter, wanted, timeout)
  if #matching >= wanted then return filter.n and matching or matching[1] end
  local within = timeout > 0 and (" within %g s"):format(timeout) or ""
  local expected = ("expected %s%s"):format(filter_module.describe(wanted, filter), within)
  return nil, M.explain(self, filter, expected, #matching, all)
end

return M
