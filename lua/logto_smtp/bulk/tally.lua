-- SPDX-License-Identifier: MIT
--- Counts what became of a run's messages, in constant memory, and makes its report.

local histogram = require("logto_smtp.bulk.histogram")

local M = {}

local FAILURES, SLOWEST, UNKNOWN = 20, 5, 10000 -- entries that a report names

---@class logto_smtp.bulk.Report
---@field recipients integer  entries read from the list
---@field sent integer
---@field refused integer     for good, by the server
---@field invalid integer     rows that cannot be sent whatever the server says
---@field deferred integer    not sent, and worth another try: `resume` sends them
---@field unknown integer     perhaps sent; `resendUnknown` sends them again
---@field skipped integer     of another domain than `onlyTo` allows
---@field duplicates integer  the same recipient once more, with `unique`
---@field before {sent: integer, refused: integer}  by earlier runs of the journal; not counted above
---@field retries integer     further tries, all messages together
---@field replies {code: string|integer, count: integer}[]  the most frequent first
---@field latency table       count, mean, p50, p95, p99, max (ms of the transaction) and histogram
---@field slowest {number: integer, line: integer, to: string, ms: integer}[]
---@field failures table[]    the first: number, line, to, code, message
---@field unknownEntries table[]  the first 10,000: number, line, to
---@field raised {callback: string, message: string, count: integer}[]  what the caller's functions raised
---@field connections {opened: integer, failed: integer}
---@field seconds number
---@field rate number         messages finished a second
---@field interrupted boolean
---@field stopped? {code: string, reason?: string, message: string}  why the run ended early
---@field next? integer       the line at which nothing was done any more, of a run that ended early

---@class logto_smtp.bulk.Tally
local Tally = {}
Tally.__index = Tally

local COUNTS = { "recipients", "sent", "refused", "invalid", "deferred", "unknown", "skipped", "duplicates",
  "retries" }

---@return logto_smtp.bulk.Tally
function M.new()
  local tally = {
    replies = {}, latency = histogram.new(), slowest = {}, failures = {}, unknownEntries = {},
    before = { sent = 0, refused = 0 }, raised = {},
  }
  for _, name in ipairs(COUNTS) do tally[name] = 0 end
  return setmetatable(tally, Tally)
end

local LONGEST = 1000 -- octets of a recipient that a report repeats

local function named(entry)
  return { number = entry.number, line = entry.line, to = entry.to and entry.to:sub(1, LONGEST) }
end

---@param name string
function Tally:count(name)
  self[name] = self[name] + 1
end

function Tally:add_slow(entry, ms)
  local list = self.slowest
  if #list == SLOWEST and ms <= list[SLOWEST].ms then return end
  local slow = named(entry)
  slow.ms = ms
  local at = #list + 1
  while at > 1 and list[at - 1].ms < ms do at = at - 1 end
  table.insert(list, at, slow)
  list[SLOWEST + 1] = nil
end

--- A message that a server took.
---@param entry logto_smtp.bulk.Entry
---@param code integer
---@param ms integer
function Tally:sent_one(entry, code, ms)
  self.sent = self.sent + 1
  self.replies[code] = (self.replies[code] or 0) + 1
  self.latency:add(ms)
  self:add_slow(entry, ms)
end

--- A reply that was no acceptance, or an error, of one try.
---@param code string|integer
function Tally:reply(code)
  self.replies[code] = (self.replies[code] or 0) + 1
end

--- An entry that did not go out, for now or for good.
---@param name "refused"|"invalid"|"deferred"|"unknown"
---@param entry logto_smtp.bulk.Entry
---@param code string|integer
---@param message string
function Tally:failed_one(name, entry, code, message)
  self[name] = self[name] + 1
  if name == "unknown" then
    if #self.unknownEntries < UNKNOWN then table.insert(self.unknownEntries, named(entry)) end
  elseif #self.failures < FAILURES then
    local failure = named(entry)
    failure.code, failure.message = code, message
    table.insert(self.failures, failure)
  end
end

--- A function of the caller's that raised.
---@param callback string
---@param message string
function Tally:raised_one(callback, message)
  for _, known in ipairs(self.raised) do
    if known.callback == callback then
      known.count = known.count + 1
      return
    end
  end
  table.insert(self.raised, { callback = callback, message = message, count = 1 })
end

--- How many entries have come to their end in this run.
---@return integer
function Tally:done()
  return self.sent + self.refused + self.invalid + self.deferred + self.unknown
end

local function sorted_replies(replies)
  local out = {}
  for code, count in pairs(replies) do out[#out + 1] = { code = code, count = count } end
  table.sort(out, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return tostring(a.code) < tostring(b.code)
  end)
  return out
end

---@param seconds number
---@param stats table  of the client
---@return logto_smtp.bulk.Report
function Tally:report(seconds, stats)
  local report = {
    before = self.before, replies = sorted_replies(self.replies), latency = self.latency:summary(),
    slowest = self.slowest, failures = self.failures, unknownEntries = self.unknownEntries,
    raised = self.raised,
    connections = { opened = stats.connectionsOpened, failed = stats.connectionsFailed },
    seconds = seconds, rate = seconds > 0 and self:done() / seconds or 0, interrupted = false,
  }
  for _, name in ipairs(COUNTS) do report[name] = self[name] end
  return report
end

return M
