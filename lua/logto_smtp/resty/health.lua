-- SPDX-License-Identifier: MIT
--- The content handler of a health check: connects to the mail server and logs in, sends nothing, and keeps
-- the result for a while. However many ask, a worker runs one check at a time, in a timer of its own, so that
-- a client which goes away leaves nothing half done.

local ngx = require("ngx")
local semaphore = require("ngx.semaphore")
local arguments = require("logto_smtp.util.arguments")
local response = require("logto_smtp.resty.response")
local errors = require("logto_smtp.errors")
local failure = require("logto_smtp.resty.failure")

-- Seconds.
local TTL, FAILURE_TTL, TIMEOUT = 30, 5, 10

-- Makes one check.
local function examine(connector)
  local ok, seen, err = pcall(connector.verify)
  if ok and seen then return { up = true, times = seen.times, at = ngx.now() } end
  if not ok then err = seen end
  response.log(ngx.ERR, "health: " .. failure.line(err))
  local told = failure.of(err)
  return { up = false, code = told.code, reason = told.reason, message = told.message, at = ngx.now() }
end

local function is_fresh(self)
  local result = self.result
  if not result then return false end
  local age = ngx.now() - result.at
  return age >= 0 and age < (result.up and self.ttl or self.failure_ttl)
end

-- Runs a check that wakes whoever waits for it.
local function start(self)
  self.running = true
  local function run(premature)
    if not premature then self.result = examine(self.connector) end
    self.running = false
    local waiting = -self.done:count()
    if waiting > 0 then self.done:post(waiting) end
  end
  local ok, why = ngx.timer.at(0, run)
  if ok then return end
  self.running = false
  response.log(ngx.ERR, "health: no timer: " .. tostring(why))
end

-- The result to tell: one that is fresh, waited for if need be; nil when none came in time.
local function current(self)
  if is_fresh(self) then return self.result end
  self.done = self.done or semaphore.new()
  if not self.running then start(self) end
  if self.running then self.done:wait(self.timeout) end
  return is_fresh(self) and self.result or nil
end

local function serve(self)
  local method = ngx.req.get_method()
  if method ~= "GET" and method ~= "HEAD" then
    local refusal = { status = "unknown", message = "The method is to be GET." }
    return response.send(405, refusal, { Allow = "GET, HEAD" })
  end
  local result = current(self)
  if not result then
    local late = errors.make("no_result", ("No result within %g s."):format(self.timeout))
    return response.send(503, {
      status = "unknown", code = late.code, reason = late.reason, message = late.message,
    })
  end
  local age = math.floor((ngx.now() - result.at) * 1000 + 0.5) / 1000
  response.send(result.up and 200 or 503, {
    status = result.up and "up" or "down", code = result.code, reason = result.reason,
    message = result.message,
    age = age, times = result.times,
  })
end

local function seconds(options, name, default)
  local value = options[name]
  if value == nil then return default end
  if type(value) ~= "number" or value <= 0 then
    error(("bad argument #2 to 'health': `%s` is to be a number of seconds"):format(name), 3)
  end
  return value
end

---@class logto_smtp.HealthOptions
---@field ttl? number         seconds that a good result is kept; 30 without it
---@field failureTtl? number  seconds that a bad one is kept; 5 without it
---@field timeout? number     seconds that a request waits for a result; 10 without it

--- Makes the handler, for content_by_lua. Make it once, in init_by_lua: it is what keeps the result, for each
-- worker its own.
---@param connector {verify: fun(): table|nil, any}
---@param options? logto_smtp.HealthOptions
---@return fun() handler
local function health(connector, options)
  if type(connector) ~= "table" or type(connector.verify) ~= "function" then
    error("bad argument #1 to 'health' (a connector with `verify` expected)", 2)
  end
  arguments.check(options or {}, { ttl = true, failureTtl = true, timeout = true }, "health", 2)
  local self = {
    connector = connector,
    ttl = seconds(options or {}, "ttl", TTL),
    failure_ttl = seconds(options or {}, "failureTtl", FAILURE_TTL),
    timeout = seconds(options or {}, "timeout", TIMEOUT),
  }
  return function() return serve(self) end
end

return health
