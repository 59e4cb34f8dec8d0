-- SPDX-License-Identifier: MIT
--- Numbers as people read them.

local M = {}

--- 1234567 as "1,234,567".
---@param n number
---@return string
function M.count(n)
  local text = ("%.0f"):format(n)
  local rest = #text % 3
  local head = text:sub(1, rest) .. text:sub(rest + 1):gsub("%d%d%d", ",%0")
  return (head:gsub("^,", ""))
end

--- Seconds as "0:07", "12:03" or "1:02:03".
---@param seconds number
---@return string
function M.duration(seconds)
  local s = math.floor(seconds + 0.5)
  local hours, minutes = math.floor(s / 3600), math.floor(s / 60) % 60
  if hours > 0 then return ("%d:%02d:%02d"):format(hours, minutes, s % 60) end
  return ("%d:%02d"):format(minutes, s % 60)
end

--- Messages a second: "0.33/s", "20/s", "18,204/s".
---@param rate number
---@return string
function M.rate(rate)
  if rate > 0 and rate < 10 then return ("%.2g/s"):format(rate) end
  return M.count(rate) .. "/s"
end

--- Milliseconds: "<1 ms", "12 ms", "1.5 s".
---@param ms number
---@return string
function M.milliseconds(ms)
  if ms < 1 then return "<1 ms" end
  if ms < 10000 then return ("%.0f ms"):format(ms) end
  return ("%.1f s"):format(ms / 1000)
end

return M
