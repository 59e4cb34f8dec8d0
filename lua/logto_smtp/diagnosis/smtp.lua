-- SPDX-License-Identifier: MIT
--- What the server says, by the same client that sends: greeting, EHLO, TLS, AUTH, and a transaction that is
-- taken back.

local core = require("logto_smtp.core")
local errors = require("logto_smtp.errors")
local options_room = require("logto_smtp.config.options")
local providers = require("logto_smtp.diagnosis.providers")
local socket = require("socket")

local M = {}

local WAITS = { "connectionTimeout", "greetingTimeout", "socketTimeout", "dnsTimeout" }
local TOTAL_STEPS = 4

local EXPIRES_SOON_DAYS = 14

local function copy(t)
  local out = {}
  for key, value in pairs(t) do out[key] = value end
  return out
end

-- The config with each of its waits cut down to `ms`.
local function hasty(config, ms)
  local out = copy(config)
  for _, name in ipairs(WAITS) do out[name] = math.min(options_room.number(config, name), ms) end
  out.totalTimeout = math.min(options_room.number(config, "totalTimeout"), ms * TOTAL_STEPS)
  out.logger = false
  return out
end

-- Another look at the server, for what the first one left open: without login, and whatever its certificate.
local function look(config, secure, ms)
  local other = hasty(config, ms)
  other.auth, other.secure, other.dkim = { type = "login" }, secure, nil
  other.requireTLS, other.ignoreTLS = nil, nil
  other.tls = copy(type(config.tls) == "table" and config.tls or {})
  other.tls.rejectUnauthorized = false
  local client = core.client(other)
  if not client then return {} end
  local seen, _, partly = client:verify()
  client:close()
  return seen or partly or {}
end

-- Whether a port that gives no greeting speaks TLS from the first octet.
local function is_tls_port(err, step, config, ms)
  local silent = step == "greeting" and not err.responseCode and not providers.isSecure(config)
  return silent and (look(config, true, ms).times or {}).tls ~= nil
end

-- The step at which the attempt failed.
local function step_of(err, times)
  local command = err.command or ""
  if err.code == "EDNS" then return "dns" end
  if err.code == "EAUTH" or err.code == "EOAUTH2" or command:find("^AUTH") then return "auth" end
  if err.code == "ETLS" and not err.responseCode or command == "STARTTLS" then return "tls" end
  if not times.connect then return err.code == "EPROXY" and "proxy" or "tcp" end
  if not times.greeting then return "greeting" end
  if command == "EHLO" or command == "HELO" or not times.ehlo then return "ehlo" end
  return times.tls and "auth" or "tls"
end

-- Whole days, give or take the time zone.
local function days_until(rfc3339)
  local year, month, day = rfc3339:match("^(%d+)%-(%d+)%-(%d+)T")
  if not year then return nil end
  local at = os.time({ year = tonumber(year), month = tonumber(month), day = tonumber(day), hour = 12 })
  return math.floor((at - os.time()) / 86400)
end

local function show_chain(chain)
  local lines = {}
  for i, certificate in ipairs(chain or {}) do
    lines[i] = ("certificate %d: %s, issued by %s, until %s"):format(i, certificate.subject or "?",
      certificate.issuer or "?", certificate.expires or "?")
  end
  return lines
end

local function is_loopback(address)
  return address ~= nil and (address:find("^127%.") ~= nil or address:find("^%[::1%]") ~= nil)
end

local PASSED = {}

function PASSED.greeting(seen) return { detail = seen.greeting } end

function PASSED.ehlo(seen) return { detail = table.concat(seen.ehlo, ", ") } end

function PASSED.tls(seen)
  local tls = seen.tls
  if not tls then
    local step = { detail = "none: the connection is not encrypted" }
    if not is_loopback(seen.address) then
      step.advice = { "the password and the codes go in clear text: set `requireTLS` true, or `secure` true "
        .. "on port 465" }
    end
    return step
  end
  local lines = show_chain(seen.chain)
  table.insert(lines, 1, ("%s, %s"):format(tls.version, tls.cipher or "?"))
  local step = { detail = table.concat(lines, "\n"), chain = seen.chain }
  for _, certificate in ipairs(seen.chain or {}) do
    local days = certificate.expires and days_until(certificate.expires)
    if days and days < EXPIRES_SOON_DAYS then
      local advice = "the certificate of %s expires in %d days: see that it is renewed"
      step.advice = { advice:format(certificate.subject or "?", days) }
    end
  end
  return step
end

function PASSED.auth(seen, config)
  if not seen.mechanism then return { detail = "no login: the config has none" } end
  return { detail = ("%s as %s"):format(seen.mechanism, tostring(config.auth.user)) }
end

local ORDER = {
  [true] = { "tls", "greeting", "ehlo", "auth" },
  [false] = { "greeting", "ehlo", "tls", "auth" },
}

local END_OF = { tls = "tls", greeting = "greeting", ehlo = "ehlo", auth = "ready" }

-- A failed step: what was said, what that is, and what to try.
local function failed(err, config, tls_port)
  local step = { ok = false, detail = err.message, err = err }
  local fault = providers.diagnose(err, config, tls_port)
  if fault then
    step.fault, step.advice, step.source = fault.name, { fault.try }, fault.source
  end
  return step
end

M.failed = failed

local function explain(name, err, config, options)
  local step = failed(err, options.named, is_tls_port(err, name, config, options.look_ms))
  if name == "tls" and errors.says(err, "certificate") then
    step.chain = look(config, providers.isSecure(config), options.look_ms).chain
    local lines = show_chain(step.chain)
    table.insert(lines, 1, step.detail)
    step.detail = table.concat(lines, "\n")
  end
  return step
end

local function report_connection(run, config, options, seen, err, took_ms)
  local times = seen.times or {}
  local order, culprit = ORDER[providers.isSecure(config)], err and step_of(err, times)
  local known, at = false, times.connect or 0
  for _, name in ipairs(order) do known = known or name == culprit end
  if culprit and not known then
    run:add(culprit, explain(culprit, err, config, options), took_ms)
    return run:skip(order)
  end
  for i, name in ipairs(order) do
    if name == culprit then
      run:add(name, explain(name, err, config, options), math.max(0, took_ms - at))
      return run:skip(order, i + 1)
    end
    local step, ended = PASSED[name](seen, config), times[END_OF[name]] or at
    step.ok = true
    run:add(name, step, math.max(0, ended - at))
    at = math.max(at, ended)
  end
end

local function probe(client, options)
  if not options.probe then return { detail = "skipped: not wanted" } end
  if not options.sender:find("@", 1, true) then
    return failed(errors.make("address_unusable", "fromEmail holds no mail address"), options.named)
  end
  local envelope = { from = options.sender, to = options.to or options.sender }
  local info, err = client:probe(envelope)
  if not info then return failed(err, options.named) end
  return { ok = true, detail = ("MAIL FROM:<%s>, RCPT TO:<%s>: %s; taken back, nothing was sent"):format(
    info.envelope.from, info.envelope.to[1], info.response) }
end

---@class logto_smtp.doctor.SmtpOptions
---@field seconds number   for each step
---@field look_ms number   for a second look at a server that fails
---@field named table      the config with the host's own name, for telling faults
---@field probe boolean
---@field sender string
---@field to? string
---@field logger? fun(record: table)

--- Runs the steps greeting, ehlo, tls, auth and probe.
---@param run logto_smtp.doctor.Run
---@param config table
---@param options logto_smtp.doctor.SmtpOptions
function M.run(run, config, options)
  local hurried = hasty(config, options.seconds * 1000)
  hurried.debug = options.logger ~= nil
  run:begin("connection")
  local client, lack = core.client(hurried, { logger = options.logger })
  if not client then
    report_connection(run, config, options, {}, lack, 0)
    return run:skip({ "probe" })
  end
  local began = socket.gettime()
  local seen, err, partly = client:verify()
  local took_ms = math.floor((socket.gettime() - began) * 1000)
  report_connection(run, config, options, seen or partly or {}, err, took_ms)
  if err then
    run:skip({ "probe" })
  else
    run:step("probe", function() return probe(client, options) end)
  end
  client:close()
end

return M
