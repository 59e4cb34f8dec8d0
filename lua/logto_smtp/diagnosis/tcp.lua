-- SPDX-License-Identifier: MIT
--- Connects to several addresses at once and hangs up: which of them can be reached.

local errors = require("logto_smtp.errors")
local socket = require("socket")

local M = {}

-- What LuaSocket says, which has words only and no numbers; as the transport says it, and its reason.
local WORDS = {
  { "refused", "ECONNREFUSED", "connection_refused" },
  { "network is unreachable", "ENETUNREACH", "unreachable" },
  { "no route", "EHOSTUNREACH", "unreachable" }, { "timed out", "ETIMEDOUT", "connect_unanswered" },
  { "reset", "ECONNRESET", "connection_reset" }, { "cannot assign", "EADDRNOTAVAIL", "connect_failed" },
  { "permission", "EACCES", "connect_failed" }, { "too many open files", "EMFILE", "no_descriptor" },
}

--- `[::1]:25`, `127.0.0.1:25`
---@param address string
---@param port integer
---@return string
function M.show(address, port)
  return (address:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(address, port)
end

local function failure(where, said)
  for _, word in ipairs(WORDS) do
    if said:lower():find(word[1], 1, true) then
      return errors.make(word[3], ("connect %s %s"):format(word[2], where))
    end
  end
  return errors.make("connect_failed", ("connect to %s failed: %s"):format(where, said))
end

local function start(address, port, local_address)
  local sock, err = (address:find(":", 1, true) and socket.tcp6 or socket.tcp4)()
  if not sock then return nil, err end
  sock:settimeout(0)
  if local_address then
    local bound, bind_err = sock:bind(local_address, 0)
    if not bound then
      sock:close()
      return nil, bind_err
    end
  end
  local connected, connect_err = sock:connect(address, ("%d"):format(port))
  if connected or connect_err == "timeout" or connect_err:lower():find("in progress", 1, true) then
    return sock, nil, connected
  end
  sock:close()
  return nil, connect_err
end

local function settle(attempt, err)
  attempt.ms = math.floor((socket.gettime() - attempt.began) * 1000 + 0.5)
  attempt.done, attempt.err = true, err
  if attempt.sock then attempt.sock:close() end
end

---@class logto_smtp.doctor.Attempt
---@field address string
---@field ms integer
---@field err? { code: string, message: string }

--- Tries all addresses, for so many seconds.
---@param addresses string[]
---@param port integer
---@param seconds number
---@param local_address? string
---@return logto_smtp.doctor.Attempt[]
function M.connect(addresses, port, seconds, local_address)
  local attempts, waiting = {}, {}
  for i, address in ipairs(addresses) do
    local attempt = { address = address, where = M.show(address, port), began = socket.gettime() }
    local sock, err, connected = start(address, port, local_address)
    attempt.sock, attempts[i] = sock, attempt
    if not sock or connected then
      settle(attempt, err and failure(attempt.where, err))
    else
      waiting[#waiting + 1], waiting[sock] = sock, attempt
    end
  end
  local deadline = socket.gettime() + seconds
  while #waiting > 0 and socket.gettime() < deadline do
    local _, ready = socket.select(nil, waiting, math.max(0, deadline - socket.gettime()))
    for _, sock in ipairs(ready) do
      local said = sock:getoption("error")
      settle(waiting[sock], said and failure(waiting[sock].where, said))
    end
    local left = {}
    for _, sock in ipairs(waiting) do
      if not waiting[sock].done then left[#left + 1], left[sock] = sock, waiting[sock] end
    end
    waiting = left
  end
  for _, sock in ipairs(waiting) do
    local message = "Connection timeout: " .. waiting[sock].where .. " does not answer"
    settle(waiting[sock], errors.make("timeout_connect", message))
  end
  return attempts
end

return M
