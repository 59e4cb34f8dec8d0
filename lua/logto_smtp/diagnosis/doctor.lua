-- SPDX-License-Identifier: MIT
--- The doctor: goes the way of a mail step by step, up to the recipient, and says where it ends and what to
-- try. Nothing is sent. Every step ends within a time limit.

local address = require("logto_smtp.util.address")
local arguments = require("logto_smtp.util.arguments")
local core = require("logto_smtp.core")
local dns = require("logto_smtp.diagnosis.dns")
local helpers = require("logto_smtp.connector.helpers")
local names = require("logto_smtp.diagnosis.names")
local providers = require("logto_smtp.diagnosis.providers")
local smtp = require("logto_smtp.diagnosis.smtp")
local tables = require("logto_smtp.util.tables")
local socket = require("socket")
local tcp = require("logto_smtp.diagnosis.tcp")

local M = {}

local STEP_SECONDS, DNS_SECONDS, LOOK_MS = 10, 5, 3000

local AFTER_CONFIG = {
  "advice", "dns", "mx", "spf", "dkim", "dmarc", "tcp", "greeting", "ehlo", "tls", "auth", "probe",
}
local AFTER_DNS = { "mx", "spf", "dkim", "dmarc", "tcp" }
local AFTER_TCP = { "greeting", "ehlo", "tls", "auth", "probe" }

---@class logto_smtp.doctor.Step
---@field name string       config, advice, dns, mx, spf, dkim, dmarc, tcp (one per address), greeting, ehlo,
---                         tls, auth, probe; proxy where it fails
---@field ok? boolean       nil: not checked
---@field skipped? boolean  not checked because of a failure before
---@field ms integer
---@field detail string     what was seen; lines joined by LF
---@field advice string[]   what to try; also of a step that passed
---@field fault? string     the name of a fault that is well known
---@field source? string    URL of who documents it
---@field err? table        the error: code, message, responseCode, ...
---@field issues? table[]   of the guard
---@field chain? table[]    certificates: subject, issuer, expires

---@class logto_smtp.doctor.Options
---@field to? string        recipient of the probe; the sender without it
---@field probe? boolean    false: no MAIL FROM and RCPT TO
---@field resolver? string  IP address of a DNS server, with or without "#port"; needs lua-unbound
---@field timeout? number   seconds for each step, 10 without it; the config's own limits where they are lower
---@field onBegin? fun(name: string)                 before a step that may take its time
---@field onStep? fun(step: logto_smtp.doctor.Step)  as each step ends
---@field logger? fun(record: table)                 gets the conversation

local OPTIONS = {
  to = "string", probe = "boolean", resolver = "string", timeout = "number", onBegin = "function",
  onStep = "function", logger = "function",
}

---@class logto_smtp.doctor.Report
---@field ok boolean
---@field host? string
---@field port? integer
---@field steps logto_smtp.doctor.Step[]

---@class logto_smtp.doctor.Run
---@field report logto_smtp.doctor.Report
---@field private options logto_smtp.doctor.Options
local Run = {}
Run.__index = Run

function Run:begin(name)
  if self.options.onBegin then self.options.onBegin(name) end
end

--- Takes a step that has ended.
function Run:add(name, step, ms)
  step.name, step.ms, step.advice, step.detail = name, ms, step.advice or {}, step.detail or ""
  self.report.steps[#self.report.steps + 1] = step
  if step.ok == false then self.report.ok = false end
  if self.options.onStep then self.options.onStep(step) end
end

--- Runs a step and takes the time.
function Run:step(name, action)
  self:begin(name)
  local began = socket.gettime()
  local step = action()
  self:add(name, step, math.floor((socket.gettime() - began) * 1000 + 0.5))
  return step
end

--- The steps that a failure leaves out.
function Run:skip(list, from)
  for i = from or 1, #list do self:add(list[i], { detail = "skipped", skipped = true }, 0) end
end

local function judge_config(config)
  local result = helpers.configGuard.safeParse(config)
  if not result.success then return { ok = false, issues = result.error.issues } end
  local client, issues = core.client(config)
  if client then client:close() end
  if issues and issues.code then return smtp.failed(issues, config) end
  return { ok = issues == nil, issues = issues }
end

local function check_config(config)
  local step = judge_config(config)
  if step.err then return step end
  local count = #(step.issues or {})
  step.detail = step.ok and "valid" or ("%d %s"):format(count, count == 1 and "issue" or "issues")
  return step
end

local function check_advice(config)
  local lines = {}
  for i, hint in ipairs(providers.advise(config)) do lines[i] = hint.path .. " " .. hint.message end
  return { ok = true, detail = #lines == 0 and "nothing stands out" or "see below", advice = lines }
end

-- The step fails with its err explained, unless it has passed.
local function explained(step, config)
  if step.ok ~= false then return step end
  local failed = smtp.failed(step.err, config)
  failed.detail = step.detail
  return failed
end

-- Answers the first address that takes connections; nil: none does.
local function check_tcp(run, config, addresses, seconds)
  run:begin("tcp")
  local local_address = type(config.localAddress) == "string" and config.localAddress or nil
  local attempts = tcp.connect(addresses, tonumber(config.port), seconds, local_address)
  local reached
  for _, attempt in ipairs(attempts) do
    if not attempt.err then reached = reached or attempt.address end
  end
  for _, attempt in ipairs(attempts) do
    if not attempt.err then
      run:add("tcp", { ok = true, detail = attempt.where }, attempt.ms)
    elseif reached then
      local advice = "this address does not work; the others are tried in turn, which costs time"
      run:add("tcp", { ok = true, detail = attempt.err.message, advice = { advice } }, attempt.ms)
    else
      run:add("tcp", smtp.failed(attempt.err, config), attempt.ms)
    end
  end
  return reached
end

-- Finds the way to the server. Answers the config to go it by; nil: there is none.
local function check_way(run, config, options, resolver, seconds)
  local addresses = {}
  if type(config.proxy) == "string" and config.proxy ~= "" then
    run:add("dns", { detail = "not checked: the proxy looks the name up" }, 0)
  else
    local step = run:step("dns", function()
      local step, found = names.host(resolver, config.host, math.min(seconds, DNS_SECONDS))
      addresses = found
      return explained(step, config)
    end)
    if step.ok == false then
      run:skip(AFTER_DNS)
      return nil
    end
  end
  local sender = helpers.parseSendFrom(config.fromEmail, "").email
  local domain = address.key(sender):match("@([%w%-%._]+)$")
  names.sender(resolver, config, domain, function(name, action) run:step(name, action) end)
  if #addresses == 0 then
    run:add("tcp", { detail = "not checked" }, 0)
    return config
  end
  local reached = check_tcp(run, config, addresses, seconds)
  if not reached or not options.resolver then return reached and config end
  -- the transport asks the system's resolver: what another one found goes in as an address
  local direct = tables.assign({}, config)
  direct.service, direct.host = nil, reached
  local named = config.servername or type(config.tls) == "table" and config.tls.servername
  if not named then direct.servername = config.host end
  return direct
end

--- Examines a config and the server it names. Sends nothing; no secret is in the report.
---@param config any
---@param options? logto_smtp.doctor.Options
---@return logto_smtp.doctor.Report
function M.examine(config, options)
  options = options or {}
  arguments.check(options, OPTIONS, "examine", 2)
  local run = setmetatable({ report = { ok = true, steps = {} }, options = options }, Run)
  if not run:step("config", function() return check_config(config) end).ok then
    run:skip(AFTER_CONFIG)
    return run.report
  end
  local seconds = options.timeout or STEP_SECONDS
  local effective = providers.effective(config)
  run.report.host, run.report.port = effective.host, tonumber(effective.port)
  run:step("advice", function() return check_advice(config) end)
  local resolver = dns.new(options.resolver, math.min(seconds, DNS_SECONDS))
  local way = check_way(run, effective, options, resolver, seconds)
  if not way then
    run:skip(AFTER_TCP)
    return run.report
  end
  smtp.run(run, way, {
    seconds = seconds, look_ms = math.min(LOOK_MS, seconds * 1000), named = effective,
    probe = options.probe ~= false, to = options.to, logger = options.logger,
    sender = helpers.parseSendFrom(config.fromEmail, "").email,
  })
  return run.report
end

return M
