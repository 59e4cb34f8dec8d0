-- SPDX-License-Identifier: MIT
--- worker: what one nginx worker sends with: its engine, begun with the first mail, and who waits for what.
-- A transport for connectors: `send` and `verify` let the coroutine wait, `enqueue` hands over and returns.

local arguments = require("logto_smtp.util.arguments")
local clients_room = require("logto_smtp.transport.client_cache")
local core = require("logto_smtp.core")
local errors = require("logto_smtp.errors")
local logger = require("logto_smtp.transport.logger")
local mailer = require("logto_smtp.connector.template_mail")
local options_room = require("logto_smtp.config.options")
local metrics_room = require("logto_smtp.resty.metrics")
local phase = require("logto_smtp.resty.phase")
local reader_room = require("logto_smtp.resty.reader")
local semaphore = require("ngx.semaphore")

local M = { keyed = true }

-- Seconds by which a result may come later than totalTimeout says, and between two looks at a reader that has
-- not begun.
local GRACE, NUDGE = 5, 0.5

local OPTIONS = {
  queueLimit = "number", queueOctets = "number", maxClients = "number",
  directory = "string", metrics = "string",
}

---@class logto_smtp.resty.SetupOptions
---@field queueLimit? integer   mails of a worker without a result, above which a send answers EBUSY; 10000
---@field queueOctets? integer  what these may hold; 256 MiB
---@field maxClients? integer   sets of connection settings whose connections are kept; 16
---@field directory? string     where a private directory with the engine's socket is made; $TMPDIR or /tmp
---@field metrics? string       name of the lua_shared_dict over which metrics are added up

local settings = {}
local engine, clients, metrics
local waiting = {}  -- id -> waiter
local loggers = {}  -- handle -> function
local logging = false  -- some connector has a logger of its own
local over = false     -- this worker has closed its engine for good

---@class logto_smtp.resty.Waiter
---@field since number
---@field mail? boolean    and no verification
---@field sem? table       posted to when there is a result; of a send
---@field done? fun(info?: table, err?: table)  of an enqueued mail
---@field finished? boolean
---@field answer? table
---@field err? table

local reader

--- Says how the engines of all workers are made. In `init` or `init_worker`, before the first mail.
---@param options logto_smtp.resty.SetupOptions
function M.setup(options)
  if engine then error("setup() comes before the first mail of a worker", 2) end
  arguments.check(options, OPTIONS, "setup")
  if options.metrics and not ngx.shared[options.metrics] then
    error(("setup: there is no `lua_shared_dict %s`"):format(options.metrics), 2)
  end
  settings, metrics = options, nil
end

local function counts()
  metrics = metrics or metrics_room.new(settings.metrics and ngx.shared[settings.metrics] or nil)
  return metrics
end

local function open_client(config)
  return engine:configure(config)
end

local function close_client(handle)
  loggers[handle] = nil
  engine:forget(handle)
end

local function start_engine()
  if engine then return true end
  if over then
    return nil, errors.make("worker_ending", "This nginx worker is ending and sends nothing any more")
  end
  local err
  engine, err = core.engine({
    maxQueue = settings.queueLimit, maxOctets = settings.queueOctets, maxClients = settings.maxClients,
    directory = settings.directory,
  })
  if not engine then return nil, err end
  clients = clients_room.new(settings.maxClients or 16, open_client, close_client)
  return true
end

-- A server may repeat the content it refuses, code and all: of its words only the numbers reach the log.
local function log_failure(err)
  local what = err.message
  if err.response then
    what = ("%s: %s %s"):format(err.command or "", err.responseCode or "", err.enhancedCode or "")
  end
  ngx.log(ngx.ERR, "smtp: a mail was not sent, and nobody waits for its error: ", err.code or "", " ",
    logger.line(what), " (delivery: ", err.delivery or "not_sent", ")")
end

-- A callback gets a light thread of its own, so that it may wait and nobody waits for it; in the phases that
-- have none, it runs at once.
local function call_back(done, info, err)
  local function call()
    local ok, raised = pcall(done, info, err)
    if ok then return end
    ngx.log(ngx.ERR, "smtp: the callback of an enqueued mail raised: ", logger.line(tostring(raised)))
  end
  if phase.canWait() then ngx.thread.spawn(call) else call() end
end

local function finish(id, answer, err)
  local waiter = waiting[id]
  if not waiter then return end
  waiting[id] = nil
  if waiter.mail then counts().finished(ngx.now() - waiter.since, err) end
  if waiter.sem then
    -- who was to wait may be gone: its request was given up, its thread killed; or is about to go
    if err and (over or waiter.sem:count() >= 0) then log_failure(err) end
    waiter.finished, waiter.answer, waiter.err = true, answer, err
    waiter.sem:post(1)
  elseif waiter.done then
    call_back(waiter.done, answer, err)
  elseif err then
    log_failure(err)
  end
end

local function tell(records)
  for _, record in ipairs(records) do
    local log = loggers[record.handle]
    if log then
      record.handle = nil
      local ok, raised = pcall(log, record)
      if not ok then ngx.log(ngx.ERR, "smtp: the logger raised: ", logger.line(tostring(raised))) end
    end
  end
end

local function hand_out(results, records)
  if not results then return end
  tell(records)
  for _, result in ipairs(results) do
    finish(result.id, result.info or result.verification, result.err)
  end
end

local function collect()
  if not engine then return 0 end
  hand_out(engine:take())
  counts().observe(engine:stats())
  return engine:pending()
end

--- Ends the engine of this worker: what is in flight gets so many seconds, in which nginx waits; callers,
-- callbacks and the log are told of the rest. For `exit_worker_by_lua`, where nginx was told to end at once.
---@param seconds? number  0 without it
function M.close(seconds)
  if not engine then return end
  over = true
  hand_out(engine:close(seconds or 0))
  counts().observe(engine:stats())
  engine, clients, logging = nil, nil, false
end

reader = reader_room.new({
  path = function() return engine:path() end,
  collect = collect,
  abandon = M.close,
})

-- Hands one thing over: call(engine, handle) answers its id. Answers the waiter and its id, or nil, err.
local function begin(config, options, waiter, call)
  local ok, err = start_engine()
  if not ok then return nil, err end
  local handle
  handle, err = clients.get(config, options and options.key)
  if not handle then return nil, err end
  loggers[handle] = options and options.logger or logger.default(config)
  if options and options.logger and not logging then logging = engine:setLogging(true) end
  ok, err = reader:start()
  if not ok then
    return nil, errors.make("no_timer", "No timer can be had to read results with: " .. err)
  end
  local id
  id, err = call(handle)
  if not id then return nil, err end
  waiter.since = ngx.now()
  waiting[id] = waiter
  return id
end

local function refused(err)
  counts().refused(err)
  return nil, err
end

-- Lets the coroutine wait for a result. The engine's own limit comes first; the bound here is for a reader
-- that fails.
local function wait(id, waiter, config)
  local deadline = waiter.since + options_room.number(config, "totalTimeout") / 1000 + GRACE
  repeat
    waiter.sem:wait(reader:isRunning() and math.max(deadline - ngx.now(), 0) or NUDGE)
    if waiter.finished then return waiter.answer, waiter.err end
    reader:start()
    if not reader:isRunning() then collect() end
  until waiter.finished or ngx.now() >= deadline
  if waiter.finished then return waiter.answer, waiter.err end
  waiting[id] = nil
  local err = errors.make("no_result", "No result came in time")
  err.delivery = "unknown"
  if waiter.mail then counts().finished(ngx.now() - waiter.since, err) end
  return nil, err
end

local function run(config, options, waiter, call)
  local ok, err = phase.canWait()
  if not ok then return nil, err end
  waiter.sem = semaphore.new()
  local id
  id, err = begin(config, options, waiter, call)
  if not id then return refused(err) end
  return wait(id, waiter, config)
end

local function submission(mail, options)
  local whole = mailer.withSecrets(mail, options)
  return function(handle) return engine:submit(handle, whole) end
end

--- Sends a mail; the coroutine waits, and the worker does not.
---@param config table
---@param mail table
---@param options? logto_smtp.SendOptions
---@return table|nil info, table? err
function M.send(config, mail, options)
  return run(config, options, { mail = true }, submission(mail, options))
end

--- Connects and logs in without a mail, as client:verify() does; the coroutine waits.
---@param config table
---@param options? logto_smtp.SendOptions
---@return table|nil facts, table? err
function M.verify(config, options)
  return run(config, options, {}, function(handle) return engine:verify(handle) end)
end

--- Hands a mail over and returns. Its result goes to `done`, in a timer's context, or a failure to the log.
---@param config table
---@param mail table
---@param options? logto_smtp.SendOptions
---@param done? fun(info?: table, err?: table)
---@return true|nil, table? err
function M.enqueue(config, mail, options, done)
  local ok, err = phase.canBegin()
  if not ok then return nil, err end
  local id
  id, err = begin(config, options, { mail = true, done = done },
    submission(mail, options))
  if not id then return refused(err) end
  return true
end

--- Counts of what was sent, in Prometheus' text format.
---@return string
function M.metrics()
  if engine then counts().observe(engine:stats()) end
  return counts().text()
end

return M
