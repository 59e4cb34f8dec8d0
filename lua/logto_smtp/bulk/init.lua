-- SPDX-License-Identifier: MIT
--- Sends one message of a type to many recipients, and reports: rate, connections, journal, resume.
--
--     local report, err = require("logto_smtp.bulk").run{ config = config, recipients = "list.csv",
--                                                         type = "SignIn", journal = "run.jsonl" }
--
-- The list is read as messages leave, so memory does not grow with it. With a journal nothing is sent twice,
-- however the run ends. What a row, a template or a callback does never ends it: a row that raises is a row
-- that cannot be sent.

local address = require("logto_smtp.util.address")
local arguments = require("logto_smtp.util.arguments")
local attempt = require("logto_smtp.util.attempt")
local core = require("logto_smtp.core")
local digest = require("logto_smtp.bulk.digest")
local errors = require("logto_smtp.errors")
local journal_room = require("logto_smtp.bulk.journal")
local json = require("logto_smtp.util.json")
local helpers = require("logto_smtp.connector.helpers")
local mailer = require("logto_smtp.connector.template_mail")
local pace = require("logto_smtp.bulk.pace")
local raised = require("logto_smtp.util.raised")
local recipients = require("logto_smtp.bulk.recipients")
local rehearsal = require("logto_smtp.bulk.rehearsal")
local smtp = require("logto_smtp")
local tally = require("logto_smtp.bulk.tally")
local consequence = require("logto_smtp.bulk.consequence")
local tables = require("logto_smtp.util.tables")

local process = core.process

local M = {}

local DEFAULT_RETRIES, DEFAULT_RETRY_DELAY = 3, 1
local DEFAULT_CONNECTIONS = 5   -- the client's own
local MOST_WAITING = 1000       -- messages between two tries; while there are more, none is read
local MOST_SKIPPED = 1000       -- entries passed over before the connections are looked after again
local UNREACHABLE = 10          -- messages in a row that found no server: the run ends
local TICK = 0.1                -- seconds between two looks at interrupts and progress
local SHORTEST = 0.02           -- seconds between two small batches: each costs a sync of the journal
local MOST_PLACEHOLDERS = 100   -- distinct ones that a report names
local MOST_FAULTS = 3           -- of our own, before what is in flight is given up

---@class logto_smtp.bulk.Options
---@field config table
---@field recipients string|table|fun(): table?  a file (CSV or JSONL), "-" for stdin, an array or iterator
---@field type? string         "Generic" without it
---@field payload? table       variables for all; those of a recipient win
---@field encoding? string     of a list in a file: "windows-1252", "shift_jis", ...; UTF-8 without it
---@field allowUnfilled? boolean  sends mails with placeholders that nothing fills, too
---@field rate? string|number  "20/s", "1200/m", or messages a second
---@field connections? integer instead of the config's maxConnections
---@field limit? integer       messages to send at most
---@field onlyTo? string[]     domains; recipients elsewhere are skipped
---@field unique? boolean      each recipient once; keeps all of them in memory
---@field dryRun? boolean      renders and composes everything, connects to nothing
---@field retries? integer     further tries of a message that was put off, 3 without it
---@field retryDelay? number   seconds before the first of them, 1 without it; doubled each time
---@field journal? string      a file
---@field resume? boolean      goes on with that journal
---@field resendUnknown? boolean  also what may have been sent
---@field getI18nEmailTemplate? fun(type: string, locale?: string): table|nil
---@field escapeHtml? boolean
---@field logger? fun(record: logto_smtp.LogRecord)
---@field onProgress? fun(progress: logto_smtp.bulk.Progress)  ten times a second at most
---@field interrupted? fun(): boolean  true: finish what is in flight, begin nothing more. What either raises
---  is in the report's `raised`, and the run goes on
---@field stdin? file*

local OPTIONS = {
  config = "table", recipients = true, type = "string", payload = "table", encoding = "string", rate = true,
  connections = "number", limit = "number", onlyTo = "table", unique = "boolean", dryRun = "boolean",
  retries = "number", retryDelay = "number", journal = "string", resume = "boolean",
  allowUnfilled = "boolean", resendUnknown = "boolean", getI18nEmailTemplate = true, escapeHtml = "boolean",
  logger = "function", onProgress = true, interrupted = true, stdin = true,
}

---@class logto_smtp.bulk.Progress
---@field done integer      entries that need no more work, of earlier runs too
---@field sent integer
---@field failed integer    refused, invalid, deferred or unknown
---@field inFlight integer
---@field waiting integer   for another try
---@field rate number       messages finished in the last second or so, a second
---@field fraction? number  of the list, 0 to 1; nil when its length is unknown
---@field eta? number       seconds
---@field seconds number
---@field latency logto_smtp.bulk.Histogram
---@field stopping boolean

local Run = {}
Run.__index = Run

-- The config with what the options say of connections.
local function config_of(options)
  if not options.connections then return options.config end
  local config = tables.assign({}, options.config)
  config.maxConnections = options.connections
  return config
end

local function domains(list)
  if not list then return nil end
  local set = {}
  for _, domain in ipairs(list) do set[address.domainKey(domain)] = true end
  return set
end

local function open_journal(options, payload, usage_type)
  if not options.journal then
    if not options.resume then return nil end
    return nil, errors.make("option_unusable", "`resume` wants the journal to go on with")
  end
  local written, text = attempt(json.encode, payload)
  if not written then return nil, errors.make("option_unusable", "`payload`: " .. text) end
  local settings = digest(usage_type .. "\n" .. text)
  local journal, reason = journal_room.open(options.journal, {
    resume = options.resume, settings = settings, type = usage_type, now = os.date("!%Y-%m-%dT%H:%M:%SZ"),
  })
  return journal, reason and errors.make("journal_unusable", reason)
end

-- Opens all that a run needs, or nothing.
local function open(run, options)
  local config = config_of(options)
  local valid, invalid = helpers.validateConfig(config)
  if not valid then return nil, invalid end
  local err, issues
  err = not options.getI18nEmailTemplate and helpers.usageTypeFault(run.type, config)
  if err then return nil, errors.make("option_unusable", err) end
  run.reader, err = recipients.open(options.recipients, run.payload, options)
  if not run.reader then return nil, errors.make("list_not_opened", err) end
  run.client, issues = core.client(config, { logger = options.logger })
  if not run.client and issues.code then return nil, issues end
  if not run.client then
    return nil, smtp.ConnectorError(smtp.ConnectorErrorCodes.InvalidConfig, helpers.zodError(issues))
  end
  if not options.dryRun then
    run.journal, err = open_journal(options, run.payload, run.type)
    if err then return nil, err end
  end
  run.config = config
  return true
end

local function new_run(options)
  local now = process.clock()
  return setmetatable({
    options = options, type = options.type or "Generic", payload = options.payload or {},
    only_to = domains(options.onlyTo), seen = options.unique and {} or nil,
    tally = tally.new(), in_flight = {}, pending = 0, gathered = {}, ready = {}, waiting = {},
    next_due = math.huge, faults = 0,
    began = now, looked = now, filled = 0, taken = 0, unreachable = 0,
    retries = options.retries or DEFAULT_RETRIES, retry_delay = options.retryDelay or DEFAULT_RETRY_DELAY,
    placeholders = setmetatable({}, { __mode = "k" }), unfilled = { count = 0, names = {} },
    connector = smtp.createConnector({
      transport = { send = function(_, mail, sending)
        return { mail = mailer.withSecrets(mail, sending), template = sending.template }
      end },
      getI18nEmailTemplate = options.getI18nEmailTemplate, escapeHtml = options.escapeHtml,
    }),
  }, Run)
end

function Run:close()
  for _, name in ipairs({ "reader", "client", "journal" }) do
    if self[name] then self[name]:close() end
    self[name] = nil
  end
end

--- Begins nothing more. why: nil: it was interrupted.
function Run:stop(why)
  self.stopping = true
  if why and not self.stopped then
    self.stopped = { code = why.code, reason = why.reason, message = why.message }
  end
  if not why then self.interrupted = true end
end

function Run:is_allowed(entry)
  if not self.only_to then return true end
  local domain = address.domainOf(entry.to)
  return domain ~= nil and self.only_to[domain] == true
end

-- Whether an entry is to be sent by what earlier runs say of it.
function Run:is_open(entry)
  if not self.journal then return true end
  local outcome, changed = self.journal:outcome(entry)
  if changed then
    self.next_line = entry.line
    local message = "line %d of the list is not what it was when the journal was written; "
      .. "go on with the same list, or begin with another journal"
    self:stop(errors.make("list_changed", message:format(entry.line)))
    return false
  end
  if outcome == "sent" or outcome == "refused" then
    self.tally.before[outcome] = self.tally.before[outcome] + 1
    return false
  end
  if (outcome == "started" or outcome == "unknown") and not self.options.resendUnknown then
    self.tally:failed_one("unknown", entry)
    return false
  end
  return true
end

function Run:is_first(entry)
  if not self.seen then return true end
  local key = address.key(entry.to)
  if self.seen[key] then return false end
  self.seen[key] = true
  return true
end

-- Another row may name the recipient of one that could not be sent.
function Run:forget(entry)
  if self.seen then self.seen[address.key(entry.to)] = nil end
end

function Run:end_of_list(reason)
  self.exhausted = true
  if self:call("interrupted") then
    self:stop() -- reading may have ended for that reason
  elseif reason then
    self:stop(errors.make("list_unreadable", reason))
  elseif self.journal and self.journal.last > self.tally.recipients then
    self:stop(errors.make("list_changed", ("the list ends after %d recipients, and the journal knows %d; "
      .. "go on with the same list"):format(self.tally.recipients, self.journal.last)))
  end
end

-- Whether an entry is one to send; else its count, and what is wrong with it.
function Run:sort_out(entry)
  if entry.invalid then return "invalid", entry.invalid end
  if not self:is_allowed(entry) then return "skipped" end
  return not self:is_first(entry) and "duplicates" or nil
end

-- The next entry of the list, when it is one to send.
function Run:next_entry()
  local entry, reason = self.reader.next()
  if entry and self.taken >= (self.options.limit or math.huge) then
    self.exhausted, self.next_line = true, entry.line
    return nil
  end
  if not entry then
    self:end_of_list(reason)
    return nil
  end
  self.tally:count("recipients")
  local fine, why, reason_of_row = attempt(self.sort_out, self, entry)
  if not fine then why, reason_of_row = "invalid", why end
  if why == "invalid" then
    self.taken = self.taken + 1
    self:give_up(entry, "invalid", "invalid", reason_of_row)
  elseif why then
    self.tally:count(why)
  elseif self:is_open(entry) then
    self.taken = self.taken + 1
    return entry
  end
  return nil
end

-- The placeholders that an entry does not fill, counted for the report.
function Run:unfilled_by(entry, template)
  local list = self.placeholders[template] or mailer.placeholders(template)
  self.placeholders[template] = list
  local names, found = mailer.unfilled(list, entry.payload), self.unfilled
  for _, name in ipairs(names) do
    local seen = found.names[name]
    if seen or found.count < MOST_PLACEHOLDERS then found.names[name] = (seen or 0) + 1 end
    if not seen then found.count = found.count + 1 end
  end
  return names
end

---@return table|nil mail
---@return string? reason
function Run:render(entry)
  local fine, made, err = attempt(self.connector.sendMessage,
    { to = entry.to, type = self.type, payload = entry.payload }, self.config)
  if not fine then return nil, made end
  if not made then return nil, type(err.data) == "table" and err.data.message or err.message end
  local names = self:unfilled_by(entry, made.template)
  if #names == 0 or self.options.allowUnfilled then return made.mail end
  return nil, mailer.unfilledReason(names)
end

-- An entry that will not be sent, and the journal's line on it.
function Run:give_up(entry, name, code, message)
  self.tally:failed_one(name, entry, code, message)
  if self.journal then
    self.journal:finish(entry, name == "invalid" and "deferred" or name, code, message)
  end
end

-- Messages that may start now: those whose wait is over, then new ones. They are the run's from here on, so
-- that whatever happens next, the report has them.
function Run:gather(room, now)
  local batch = self.gathered
  if now >= self.next_due then
    local rest = {}
    self.next_due = math.huge
    for _, job in ipairs(self.waiting) do
      if job.due <= now and #batch < room then
        batch[#batch + 1] = job
      else
        rest[#rest + 1] = job
        self.next_due = math.min(self.next_due, job.due)
      end
    end
    self.waiting = rest
  end
  local passed = 0
  while #batch < room and passed < MOST_SKIPPED and #self.waiting < MOST_WAITING
    and not self.exhausted and not self.stopping do
    local entry = self:next_entry()
    local mail, reason
    if entry then mail, reason = self:render(entry) end
    if mail then
      batch[#batch + 1] = { entry = entry, mail = mail, tries = 0 }
    else
      passed = passed + 1
      if entry then
        self:forget(entry)
        self:give_up(entry, "invalid", "invalid", reason)
      end
    end
  end
  self.hurried = passed == MOST_SKIPPED
end

-- What is about to leave is on the disk first.
function Run:write_starts(batch)
  if not self.journal or #batch == 0 then return true end
  local entries = {}
  for i, job in ipairs(batch) do entries[i] = job.entry end
  local written, reason = self.journal:start(entries)
  if written then return true end
  self:stop(errors.make("journal_unwritable",
    ("cannot write the journal %s: %s"):format(self.options.journal, reason)))
  return false
end

-- Gives a message to the client; false where that has no room for it now.
function Run:submit(job)
  local fine, id, err = attempt(self.client.submit, self.client, job.mail)
  if fine and id then
    job.tries = job.tries + 1
    self.in_flight[id] = job
    self.pending = self.pending + 1
  elseif not fine then
    self:give_up(job.entry, "invalid", "invalid", id)
  elseif err.code == "EBUSY" then
    return false
  else
    self:judge(job, err)
  end
  return true
end

-- Those that the client had no room for stay; the last ready one goes first.
function Run:submit_ready()
  local ready = self.ready
  while #ready > 0 and self:submit(ready[#ready]) do ready[#ready] = nil end
end

-- Starts what may start.
function Run:fill(now)
  self.hurried = false
  self:submit_ready()
  local room = math.min(self.window.size - self.pending - #self.ready, self.pace.allowed(now))
  local enough = room >= self.window.size / 4 or now - self.filled >= SHORTEST
  if room < 1 or not enough or self.stopping then return end
  self:gather(room, now)
  local batch = self.gathered
  self.filled = now
  self.pace.take(#batch)
  if not self:write_starts(batch) then return end
  for i = #batch, 1, -1 do self.ready[#self.ready + 1] = batch[i] end
  self.gathered = {}
  self:submit_ready()
end

function Run:try_later(job, now)
  local delay = pace.backoff(job.tries, self.retry_delay, math.random())
  job.due = now + delay
  self.next_due = math.min(self.next_due, job.due)
  self.waiting[#self.waiting + 1] = job
  self.tally:count("retries")
end

-- A try that failed.
function Run:judge(job, err)
  local v = consequence.of(err)
  local code = err.responseCode or err.code
  self.tally:reply(code)
  if not v.unreachable then self.unreachable = 0 end
  if v.retry and job.tries <= self.retries and not self.stopping then
    if self.journal then self.journal:finish(job.entry, "deferred", code, err.message) end
    self:try_later(job, process.clock())
    return
  end
  self:give_up(job.entry, v.outcome, code, err.message)
  if v.unreachable then self.unreachable = self.unreachable + 1 end
  if v.hopeless or self.unreachable >= UNREACHABLE then self:stop(err) end
end

---@return number seconds  that it took
function Run:accept(job, info)
  local code = tonumber(info.response:match("^%d%d%d")) or 250
  local ms = info.envelopeTime + info.messageTime
  self.unreachable = 0
  self.tally:sent_one(job.entry, code, ms)
  if self.journal then self.journal:finish(job.entry, "sent", code, ms) end
  return ms / 1000
end

-- Waits for replies, and takes them.
function Run:collect(wait)
  if self.pending == 0 then
    process.sleep(wait)
    return
  end
  -- what a fault leaves of them is taken by the next turn
  local finished = self.finished or self.client:poll(wait)
  self.finished = finished
  local count, took = #finished, 0
  for i = #finished, 1, -1 do
    local result = finished[i]
    finished[i] = nil
    took = took + self:finish(result)
  end
  self.finished = nil
  if self.journal and count > 0 then
    local written, reason = self.journal:flush()
    if not written then
      self:stop(errors.make("journal_unwritable", "cannot write the journal: " .. tostring(reason)))
    end
  end
  self.window.done(count, took, process.clock())
end

---@return number seconds  that it took, where it was sent
function Run:finish(result)
  local job = self.in_flight[result.id]
  self.in_flight[result.id] = nil
  self.pending = self.pending - 1
  if result.info then return self:accept(job, result.info) end
  self:judge(job, result.err)
  return 0
end

-- Seconds until there may be something to do.
function Run:wait_time(now)
  if self.hurried and not self.stopping then return 0 end
  local wait = math.min(TICK, self.next_due - now)
  local has_room = self.pending + #self.ready < self.window.size and #self.waiting < MOST_WAITING
  if has_room and not self.exhausted and not self.stopping then
    wait = math.min(wait, math.max(SHORTEST - (now - self.filled), self.pace.wait(now)))
  end
  return math.max(wait, 0.001)
end

function Run:progress(now)
  local t = self.tally
  local open_now = self.pending + #self.ready + #self.waiting
  local read = self.reader.fraction()
  if self.options.limit then read = math.max(read or 0, self.taken / self.options.limit) end
  local done = t.recipients - open_now
  local fraction = read and (t.recipients > 0 and read * done / t.recipients or 0)
  local seconds = now - self.began
  local sample = self.sample or { done = 0, fraction = fraction or 0, at = self.began, rate = 0 }
  if now - sample.at >= 1 or not self.sample then
    local span = math.max(now - sample.at, 1e-3)
    sample = { done = t:done(), fraction = sample.first or fraction, at = now,
      rate = self.sample and (t:done() - sample.done) / span or 0, first = sample.first or fraction }
    self.sample = sample
  end
  local gained = fraction and sample.first and fraction - sample.first or 0
  return {
    done = done, sent = t.sent, failed = t.refused + t.invalid + t.deferred + t.unknown, retries = t.retries,
    inFlight = self.pending, waiting = #self.waiting, rate = sample.rate, fraction = fraction,
    eta = gained > 0 and (1 - fraction) * seconds / gained or nil, seconds = seconds, latency = t.latency,
    stopping = self.stopping or false,
  }
end

-- Interrupts and progress, ten times a second.
function Run:look_around()
  local now = process.clock()
  if now - self.looked < TICK then return end
  self.looked = now
  if not self.stopping and self:call("interrupted") then self:stop() end
  if self.options.onProgress then self:call("onProgress", self:progress(now)) end
end

-- Calls one of the caller's functions, if there is one. What it raises is told, and changes nothing.
function Run:call(name, ...)
  local callback = self.options[name]
  if not callback then return nil end
  local fine, answer = pcall(callback, ...)
  if fine then return answer end
  self.tally:raised_one(name, raised.line(answer))
  return nil
end

function Run:is_over()
  if self.pending > 0 then return false end
  return self.stopping or self.exhausted and #self.waiting == 0 and #self.ready == 0
end

function Run:work()
  local now = process.clock()
  self.window = pace.window(self.config.maxConnections or DEFAULT_CONNECTIONS, now)
  self.pace = pace.new(self.per_second, now)
  repeat
    local fine, reason = attempt(self.turn, self, now)
    if not fine then self:fault(reason) end
    now = process.clock()
  until self:is_over()
  local code = self.stopped and self.stopped.code or "interrupted"
  for _, list in ipairs({ self.gathered, self.ready }) do
    for _, job in ipairs(list) do self:give_up(job.entry, "deferred", code, "not sent") end
  end
  for _, job in ipairs(self.waiting) do
    self.tally:failed_one("deferred", job.entry, code, "the run ended before another try")
  end
end

function Run:turn(now)
  self:fill(now)
  self:collect(self:wait_time(now))
  self:look_around()
end

-- A mistake of ours, or no memory. What is in flight gets its end where that is still possible, and is listed
-- as unknown where it is not.
function Run:fault(reason)
  self.faults = self.faults + 1
  self:stop(errors.make("fault_here", "a fault of this program: " .. reason))
  if self.faults < MOST_FAULTS and (self.finished or self.client:pending() > 0) then return end
  for _, job in pairs(self.in_flight) do self:give_up(job.entry, "unknown", "EINTERNAL", reason) end
  self.in_flight, self.pending = {}, 0
end

local function sorted(found)
  local out = {}
  for name, count in pairs(found) do out[#out + 1] = { name = name, count = count } end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

function Run:report()
  if self.stopping and not self.exhausted and not self.next_line then
    local entry = self.reader.next()
    self.next_line = entry and entry.line
  end
  local report = self.tally:report(process.clock() - self.began, self.client:stats())
  report.interrupted = self.interrupted or false
  report.stopped, report.next, report.dryRun = self.stopped, self.next_line, self.options.dryRun
  report.placeholders = sorted(self.unfilled.names)
  return report
end

local function check_options(options)
  arguments.check(options, OPTIONS, "run", 1, 3)
  if type(options.config) ~= "table" then
    error("bad argument #1 to 'run' (a table with `config` and `recipients` expected)", 3)
  end
  local kind = type(options.recipients)
  if kind ~= "string" and kind ~= "table" and kind ~= "function" then
    error("bad argument #1 to 'run': `recipients` must name a file, or be an array or an iterator", 3)
  end
end

--- Sends to a whole list.
-- nil, err: nothing was sent, because config, list, journal or options are wrong; err has code and message.
-- Whatever goes wrong later is in the report.
---@param options logto_smtp.bulk.Options
---@return logto_smtp.bulk.Report|nil
---@return table? err
function M.run(options)
  check_options(options)
  local run = new_run(options)
  if options.rate then
    local reason
    run.per_second, reason = pace.parse(options.rate)
    if not run.per_second then return nil, errors.make("option_unusable", reason) end
  end
  local ran, report, err = xpcall(function()
    local opened, why = open(run, options)
    if not opened then return nil, why end
    if options.dryRun then rehearsal.rehearse(run) else run:work() end
    return run:report()
  end, debug.traceback)
  run:close()
  if not ran then error(report, 0) end
  return report, err
end

return M
