-- SPDX-License-Identifier: MIT
--- Durations in constant memory: percentiles to within 5 %, and counts between round numbers.

local M = {}

local EDGES = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, math.huge }
local EXACT = 32            -- below it each millisecond has its own bucket
local STEP = math.log(1.05) -- above it each is 5 % wider than the last

local function bucket_of(ms)
  if ms < EXACT then return math.floor(ms) end
  return EXACT + math.floor(math.log(ms / EXACT) / STEP + 1e-9)
end

-- The largest duration that falls into a bucket, near enough.
local function top_of(bucket)
  if bucket < EXACT then return bucket end
  return math.floor(EXACT * math.exp((bucket - EXACT + 1) * STEP))
end

---@class logto_smtp.bulk.Histogram
---@field count integer
---@field max number
local Histogram = {}
Histogram.__index = Histogram

---@return logto_smtp.bulk.Histogram
function M.new()
  local rows = {}
  for i = 1, #EDGES do rows[i] = 0 end
  return setmetatable({ count = 0, sum = 0, max = 0, rows = rows, buckets = {}, last = 0 }, Histogram)
end

---@param ms number
function Histogram:add(ms)
  local bucket, row = bucket_of(ms), 1
  self.buckets[bucket] = (self.buckets[bucket] or 0) + 1
  while ms >= EDGES[row] do row = row + 1 end
  self.rows[row] = self.rows[row] + 1
  self.count, self.sum = self.count + 1, self.sum + ms
  if bucket > self.last then self.last = bucket end
  if ms > self.max then self.max = ms end
end

--- The duration that a share of all did not exceed.
---@param share number  0 to 1
---@return number|nil ms
function Histogram:percentile(share)
  local wanted, seen = math.ceil(self.count * share), 0
  for bucket = 0, self.last do
    seen = seen + (self.buckets[bucket] or 0)
    if seen >= wanted and seen > 0 then return math.min(top_of(bucket), self.max) end
  end
  return nil
end

--- Counts between round numbers, without the empty rows at both ends.
---@return { from: number, below?: number, count: integer }[]
function Histogram:table()
  local out, first, last = {}, nil, 0
  for row, count in ipairs(self.rows) do
    if count > 0 then first, last = first or row, row end
  end
  for row = first or 1, last do
    local below = EDGES[row] < math.huge and EDGES[row] or nil
    out[#out + 1] = { from = EDGES[row - 1] or 0, below = below, count = self.rows[row] }
  end
  return out
end

---@return table summary  count, mean, p50, p95, p99, max (ms), histogram
function Histogram:summary()
  if self.count == 0 then return { count = 0, histogram = {} } end
  return {
    count = self.count, mean = self.sum / self.count, max = self.max,
    p50 = self:percentile(0.5), p95 = self:percentile(0.95), p99 = self:percentile(0.99),
    histogram = self:table(),
  }
end

return M
