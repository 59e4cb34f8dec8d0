-- SPDX-License-Identifier: MIT
--- reader: the one light thread of a worker that fetches results. It runs in a timer, waits on the engine's
-- socket, and is there only while results are awaited: a worker on its way out ends when the last one is in.

local semaphore = require("ngx.semaphore")

local M = {}

-- Seconds. Between two mails a reader stays for a moment, which saves the next one its start; after trouble
-- with the socket it looks by itself; and one that has not come in time is asked for again, since nginx drops
-- timers above lua_max_running_timers.
local LINGER, PAUSE, PATIENCE = 0.05, 0.05, 0.5
local CONNECT_MS, FOREVER_MS = 5000, 2 ^ 31 - 1

---@class logto_smtp.resty.Host
---@field path fun(): string      of the unix socket that gets an octet when there are results
---@field collect fun(): integer  hands out the results that are there; how many are still awaited
---@field abandon fun()           ends everything awaited: nginx takes the sockets away

---@class logto_smtp.resty.Reader
---@field private host logto_smtp.resty.Host
---@field private wake table?     posted to, a reader that lingers goes on
---@field private asked? number  when a timer was asked for
---@field private running boolean
local Reader = {}
Reader.__index = Reader

---@param host logto_smtp.resty.Host
---@return logto_smtp.resty.Reader
function M.new(host)
  return setmetatable({ host = host, running = false }, Reader)
end

local function connect(path)
  local sock = ngx.socket.tcp()
  sock:settimeouts(CONNECT_MS, CONNECT_MS, FOREVER_MS)
  local ok, err = sock:connect("unix:" .. path)
  if not ok then return nil, err end
  return sock
end

-- Something to do within the time for which a reader stays?
local function linger(self)
  if ngx.worker.exiting() then return false end
  self.wake = semaphore.new()
  local woken = self.wake:wait(LINGER)
  self.wake = nil
  return woken or self.host.collect() > 0
end

-- Serves until nobody waits any more; raises what the socket says when it fails.
local function serve(self)
  local sock, err = connect(self.host.path())
  if not sock then error(err, 0) end
  repeat
    while self.host.collect() > 0 do
      local octets
      octets, err = sock:receiveany(4096)
      if not octets then error(err, 0) end
    end
  until not linger(self)
  sock:close()
end

local function run(self)
  if self.running then return end
  self.asked, self.running = nil, true
  repeat
    local ok, err = pcall(serve, self)
    if not ok then
      -- worker_shutdown_timeout closes what is open; a close for another reason does not come from nginx
      if err == "closed" and ngx.worker.exiting() then
        self.host.abandon()
      else
        ngx.log(ngx.ERR, "smtp: cannot be told of results: ", err)
        ngx.sleep(PAUSE)
      end
    end
  until ok or self.host.collect() == 0
  self.running = false
end

--- Sees to it that somebody reads. Never waits.
---@return true|nil, string? err  no timer can be had
function Reader:start()
  if self.running then
    if self.wake then self.wake:post(1) end
    return true
  end
  if self.asked and ngx.now() - self.asked < PATIENCE then return true end
  local ok, err = ngx.timer.at(0, function() run(self) end)
  if not ok then return nil, err end
  self.asked = ngx.now()
  return true
end

--- Whether a reader is at work; false for one whose timer has not come yet.
---@return boolean
function Reader:isRunning()
  return self.running
end

return M
