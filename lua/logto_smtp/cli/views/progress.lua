-- SPDX-License-Identifier: MIT
--- A run while it goes on: a bar on a terminal, a line every few seconds elsewhere.

local numbers = require("logto_smtp.cli.views.numbers")

local M = {}

local NARROWEST, WIDEST = 10, 40 -- columns of the bar
local EVERY = 5                  -- seconds between two plain lines

local function latency_of(p)
  if p.latency.count == 0 then return nil end
  return ("p50 %d p95 %d p99 %d ms"):format(p.latency:percentile(0.5), p.latency:percentile(0.95),
    p.latency:percentile(0.99))
end

-- The parts of a line, the dispensable ones last, each as { text, how it is painted }.
local function parts_of(p)
  local parts = {
    { p.fraction and ("%3d%%"):format(math.floor(p.fraction * 100)) or numbers.count(p.done) },
    { numbers.count(p.sent) .. " sent", "green" },
    { numbers.count(p.failed) .. " failed", p.failed > 0 and "red" or "dim" },
    { p.stopping and numbers.count(p.inFlight) .. " in flight" or numbers.rate(p.rate) },
    { p.eta and not p.stopping and "ETA " .. numbers.duration(p.eta) or numbers.duration(p.seconds) },
  }
  if p.waiting > 0 then parts[#parts + 1] = { numbers.count(p.waiting) .. " to retry", "yellow" } end
  local latency = latency_of(p)
  if latency then parts[#parts + 1] = { latency, "dim" } end
  return parts
end

local function bar(fraction, width)
  local full = math.floor(fraction * (width - 2))
  local tip = full < width - 2 and full > 0 and ">" or ""
  return "[" .. ("="):rep(full - #tip) .. tip .. ("-"):rep(width - 2 - full) .. "]"
end

--- One line, no wider than the terminal.
---@param p logto_smtp.bulk.Progress
---@param style logto_smtp.cli.Style
---@return string text, integer columns  that it takes
function M.line(p, style)
  local parts, room, used = parts_of(p), style.columns - 1, 0
  local painted = {}
  for _, part in ipairs(parts) do
    local width = #part[1] + (#painted > 0 and 2 or 0)
    if used + width <= room then
      painted[#painted + 1] = part[2] and style[part[2]](part[1]) or part[1]
      used = used + width
    end
  end
  local text = table.concat(painted, "  ")
  local left = math.min(WIDEST, room - used - 1)
  if not p.fraction or left < NARROWEST then return text, used end
  return bar(p.fraction, left) .. " " .. text, used + left + 1
end

---@class logto_smtp.bulk.ProgressView
---@field show fun(p: logto_smtp.bulk.Progress)
---@field clear fun()  removes the bar, so that other text can follow

--- Shows progress on a stream.
---@param stream { write: function }
---@param style logto_smtp.cli.Style  of that stream
---@param has_bar boolean  it is a terminal that can go back to the start of a line
---@return logto_smtp.bulk.ProgressView
function M.view(stream, style, has_bar)
  local shown, last = 0, 0
  local view = {}
  function view.show(p)
    if has_bar then
      local text, width = M.line(p, style)
      stream:write("\r", text, (" "):rep(shown - width))
      shown = width
    elseif p.seconds - last >= EVERY then
      last = p.seconds
      local texts = {}
      for i, part in ipairs(parts_of(p)) do texts[i] = part[1]:match("^%s*(.*)$") end
      stream:write(table.concat(texts, ", "), "\n")
    end
  end
  function view.clear()
    if shown > 0 then stream:write("\r", (" "):rep(shown), "\r") end
    shown = 0
  end
  return view
end

return M
