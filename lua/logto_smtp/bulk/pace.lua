-- SPDX-License-Identifier: MIT
--- When the next messages may start: the rate that was asked for, and the waits between tries.

local M = {}

local SECONDS = { s = 1, m = 60, h = 3600 }

--- Reads a rate: "20/s", "1200/m", "50000/h", or a number of messages a second.
---@param text string|number
---@return number|nil per_second
---@return string? reason
function M.parse(text)
  local count, unit = tostring(text):match("^(%d+%.?%d*)/([smh])$")
  local per_second = tonumber(count or text)
  if not per_second or per_second <= 0 or per_second == math.huge then
    return nil, ("the rate %q is none; write 20/s, 1200/m or 50000/h"):format(tostring(text))
  end
  return per_second / (unit and SECONDS[unit] or 1)
end

---@class logto_smtp.bulk.Pace
---@field allowed fun(now: number): number  how many may start now
---@field take fun(count: integer)
---@field wait fun(now: number): number  seconds until one may start

--- Lets messages start evenly: what was not used is kept for a tenth of a second only, so that a pause is not
-- followed by a flood.
---@param per_second? number  nil: as many as one likes
---@param now number  seconds, of any clock that never goes back
---@return logto_smtp.bulk.Pace
function M.new(per_second, now)
  if not per_second then
    local function none() return 0 end
    return { allowed = function() return math.huge end, take = none, wait = none }
  end
  local most = math.max(1, per_second / 10)
  local tokens, at = 1, now
  local pace = {}
  function pace.allowed(time)
    tokens = math.min(most, tokens + (time - at) * per_second)
    at = time
    return math.floor(tokens + 1e-9)
  end
  function pace.take(count) tokens = tokens - count end
  function pace.wait(time)
    if pace.allowed(time) >= 1 then return 0 end
    return (1 - tokens) / per_second
  end
  return pace
end

local LONGEST_DELAY = 300

--- Seconds to wait before a further try: twice as long after each, half of it by chance.
---@param tries integer  how many have failed, 1 or more
---@param first number   seconds
---@param chance number  0 to 1
---@return number
function M.backoff(tries, first, chance)
  local delay = math.min(LONGEST_DELAY, first * 2 ^ (tries - 1))
  return delay * (0.5 + chance / 2)
end

-- How many messages are given to the client at a time: twice what its connections have under way and finish
-- in SLACK seconds. So it never runs dry, a crash leaves few of which nobody knows, and Ctrl-C is soon done.
local SPAN, SLACK, SMALLEST, LARGEST = 0.1, 0.01, 16, 1000

---@class logto_smtp.bulk.Window
---@field size integer
---@field done fun(count: integer, seconds: number, now: number)  so many have finished, in so long in sum

---@param connections integer
---@param now number
---@return logto_smtp.bulk.Window
function M.window(connections, now)
  local least = math.min(LARGEST, SMALLEST * connections)
  local window = { size = least }
  local since, finished, took = now, 0, 0
  function window.done(count, seconds, time)
    finished, took = finished + count, took + seconds
    if time - since < SPAN then return end
    local rate = finished / (time - since)
    local latency = finished > 0 and took / finished or 0
    window.size = math.max(least, math.min(LARGEST, math.floor(2 * rate * (latency + SLACK))))
    since, finished, took = time, 0, 0
  end
  return window
end

return M
