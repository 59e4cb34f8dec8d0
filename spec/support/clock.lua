-- SPDX-License-Identifier: MIT
--- clock: the only clock of the specs. A machine may be loaded, so a spec waits for what it needs and not for
--- a time: `eventually`, with a bound that only a hang reaches. How long something took is a span: it can be
--- asked whether it was long enough, and whether it ended. That something is fast is said by bench/, and that
--- it waits for less, by counting what a server saw.
--    clock.eventually(function() return inbox:counters().open == 0 end)
--    local info, err, span = clock.timed(function() return client:send(mail) end)
--    span:at_least(300)  -- ms: the limit did not strike early
--    span:ended()        -- and it was this limit of 300 ms, no default of 30 s and more
local socket = require("socket")

local M = {}

local PATIENCE_S = 120 -- until a wait is a hang
local ENDED_MS = 25000 -- less than any of our own defaults
local TICK_MS = 10     -- by which two clocks may differ

---@class spec.Span
---@field private ms number
local Span = {}
Span.__index = Span

--- Fails when it was shorter: what may not come early came early.
---@param ms number
function Span:at_least(ms)
  if self.ms >= ms - TICK_MS then return end
  error(("took %.0f ms, and %.0f at least were due"):format(self.ms, ms), 2)
end

--- Fails when something else than the short time of the spec must have ended it, or nothing did.
function Span:ended()
  if self.ms > ENDED_MS then error(("took %.1f s"):format(self.ms / 1000), 2) end
end

--- Fails when more happened than `at_once` and so many a second: a bound that grows with the time.
---@param count integer
---@param at_once number
---@param per_second number
function Span:holds(count, at_once, per_second)
  local most = at_once + self.ms / 1000 * per_second
  if count > most then error(("%d in %.1f s, %.1f at most"):format(count, self.ms / 1000, most), 2) end
end

--- What a call answers, and how long it took.
---@param call fun(): any, any
---@return any, any, spec.Span
function M.timed(call)
  local began = socket.gettime()
  local result, err = call()
  return result, err, setmetatable({ ms = (socket.gettime() - began) * 1000 }, Span)
end

--- Calls `condition` until it gives something true, and returns that; nil when that must be a hang.
---@generic T
---@param condition fun(): T?
---@return T?
function M.eventually(condition, ...)
  assert(select("#", ...) == 0, "eventually() has its own bound")
  local deadline = socket.gettime() + PATIENCE_S
  while true do
    local value = condition()
    if value or socket.gettime() >= deadline then return value or nil end
    socket.sleep(0.01)
  end
end

--- Looks for a moment whether a condition comes true that must not: true when it does not.
---@param condition fun(): any
---@return boolean
function M.never(condition)
  local deadline = socket.gettime() + 0.2
  while socket.gettime() < deadline do
    if condition() then return false end
    socket.sleep(0.01)
  end
  return true
end

--- Lets time pass where time itself is what a spec is about: a lifetime ends, a limit's window closes.
--- Nothing may depend on it that something has been done meanwhile.
---@param seconds number
function M.pass(seconds)
  socket.sleep(seconds)
end

--- Fails when a call uses the processor for longer than so many seconds: it spins instead of waiting, or
--- takes a time that grows with a square. Others who use the processor do not count.
---@param seconds number  many times of what it needs
---@param call fun(): any, any
---@return any, any
function M.spares_processor(seconds, call)
  local began = os.clock()
  local result, err = call()
  local used = os.clock() - began
  if used > seconds then error(("used the processor for %.2f s"):format(used), 2) end
  return result, err
end

return M
