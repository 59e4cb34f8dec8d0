-- SPDX-License-Identifier: MIT
--- The report of a run as text for people.

local numbers = require("logto_smtp.cli.views.numbers")

local M = {}

local BAR = 30     -- columns of the longest row of the histogram
local LISTED = 20  -- entries of unknown delivery that are named

local function plural(n, one, many)
  return numbers.count(n) .. " " .. (n == 1 and one or many)
end

local function write_counts(out, r, journal)
  local function with(hint) return journal and hint or "" end
  local rows = {
    { r.dryRun and "fine" or "sent", r.sent, "green" },
    { "refused for good", r.refused, "red" },
    { "cannot be sent", r.invalid, "red" },
    { "put off", r.deferred, "yellow", "not sent" .. with("; --resume tries again") },
    { "unknown", r.unknown, "yellow", "may have arrived" .. with(": look, then --resume --resend-unknown") },
    { "skipped", r.skipped, nil, "another domain than --only-to names" },
    { "duplicates", r.duplicates, nil, "each recipient was sent to once" },
    { "sent before", r.before.sent, nil, "by earlier runs of the journal" },
    { "refused before", r.before.refused, nil, "by earlier runs of the journal" },
  }
  for i, row in ipairs(rows) do
    if row[2] > 0 or i == 1 then
      local text = ("  %-17s%12s"):format(row[1], numbers.count(row[2]))
      out(row[3] and row[2] > 0 and out.style[row[3]](text) or text, row[4] and "   " .. row[4] or "", "\n")
    end
  end
end

local function write_replies(out, r)
  if #r.replies == 0 then return end
  out("\nreplies\n")
  for _, reply in ipairs(r.replies) do
    out(("  %-17s%12s\n"):format(tostring(reply.code), numbers.count(reply.count)))
  end
  if r.retries > 0 then out("  ", plural(r.retries, "further try", "further tries"), "\n") end
end

local function write_latency(out, r)
  local l = r.latency
  if l.count == 0 then return end
  out("\nlatency of a message on its connection\n  p50 ", numbers.milliseconds(l.p50), ", p95 ",
    numbers.milliseconds(l.p95), ", p99 ", numbers.milliseconds(l.p99), ", longest ",
    numbers.milliseconds(l.max), "\n")
  local most = 0
  for _, row in ipairs(l.histogram) do most = math.max(most, row.count) end
  for _, row in ipairs(l.histogram) do
    local bound = (row.below and "< " or ">= ") .. numbers.milliseconds(row.below or row.from)
    local bar = ("#"):rep(math.ceil(row.count / most * BAR))
    out(("  %-12s%12s  %s\n"):format(bound, numbers.count(row.count), bar))
  end
  if r.slowest[1].ms >= 1 then
    out("  slowest:")
    for i, slow in ipairs(r.slowest) do
      out(i > 1 and "," or "", (" line %d (%s)"):format(slow.line, numbers.milliseconds(slow.ms)))
    end
    out("\n")
  end
end

local function write_failures(out, r)
  local failed = r.refused + r.invalid + r.deferred
  if failed == 0 then return end
  local some = ("the first %d of %s not sent\n"):format(#r.failures, numbers.count(failed))
  out("\n", #r.failures < failed and some or "not sent\n")
  for _, f in ipairs(r.failures) do
    out("  ", out.style.line(("line %d: %s: %s"):format(f.line, f.to or "-", f.message or f.code)), "\n")
  end
end

local function write_unknown(out, r)
  if r.unknown == 0 then return end
  out("\nof unknown delivery\n")
  for i = 1, math.min(LISTED, #r.unknownEntries) do
    local entry = r.unknownEntries[i]
    out("  ", out.style.line(("line %d: %s"):format(entry.line, entry.to or "-")), "\n")
  end
  if r.unknown > LISTED then
    out(("  and %s more; --json lists %s\n"):format(numbers.count(r.unknown - LISTED),
      r.unknown <= #r.unknownEntries and "all" or "the first " .. numbers.count(#r.unknownEntries)))
  end
end

local function write_placeholders(out, r)
  if not r.placeholders or #r.placeholders == 0 then return end
  out("\nplaceholders that nothing fills (--yes sends them as they are)\n")
  for _, p in ipairs(r.placeholders) do
    out("  ", out.style.line(("{{%s}} in %s"):format(p.name, plural(p.count, "place", "places"))), "\n")
  end
end

local function write_end(out, r, journal)
  if r.stopped then out("\n", out.style.red("ended early"), ": ", out.style.line(r.stopped.message), "\n") end
  if r.interrupted then out("\n", out.style.yellow("interrupted"), ": what was in flight is finished\n") end
  for _, raised in ipairs(r.raised) do
    out("  ", raised.callback, " raised ", plural(raised.count, "time", "times"), ": ",
      out.style.line(raised.message), "\n")
  end
  if r.next then out("  nothing was done from line ", ("%d"):format(r.next), " on\n") end
  if (r.interrupted or r.stopped or r.deferred > 0) and not r.dryRun then
    out(journal and "  the same command with --resume goes on\n"
      or "  no journal says who got the mail: with --journal FILE, a run can go on by --resume\n")
  end
end

--- Writes the report.
---@param r logto_smtp.bulk.Report
---@param stream { write: function }
---@param style logto_smtp.cli.Style  of that stream; `line` makes what others wrote harmless
---@param journal? string
function M.write(r, stream, style, journal)
  local out = setmetatable({ style = style }, { __call = function(_, ...) stream:write(...) end })
  out(plural(r.recipients, "recipient", "recipients"), r.dryRun and ", nothing sent" or "", " in ",
    ("%.1f s"):format(r.seconds), r.dryRun and "" or ", " .. numbers.rate(r.rate) .. " over "
      .. plural(r.connections.opened, "connection", "connections"), "\n")
  write_counts(out, r, journal)
  write_replies(out, r)
  write_latency(out, r)
  write_failures(out, r)
  write_unknown(out, r)
  write_placeholders(out, r)
  write_end(out, r, journal)
end

return M
