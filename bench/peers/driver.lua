-- SPDX-License-Identifier: MIT
--- driver: what every driver in Lua needs: its arguments, the clocks, the three ways to measure, one line
-- of JSON.
local cjson = require "cjson"
local socket = require "socket"

local M = {}

--- KEY=VALUE arguments; texts that are numbers become numbers.
function M.arguments(list)
  local given = { host = "127.0.0.1", count = 1, warmup = 1, seconds = 1e9, connections = 1, tls = 0 }
  for _, text in ipairs(list) do
    local key, value = text:match("^(%w+)=(.*)$")
    given[key] = tonumber(value) or value
  end
  given.tls = given.tls == 1
  return given
end

function M.read_file(path)
  local file = assert(io.open(path, "rb"))
  local octets = file:read("a")
  file:close()
  return octets
end

--- A field of /proc/self/status in KiB, or nil.
function M.memory(field)
  local file = io.open("/proc/self/status")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return tonumber(text:match(field .. ":%s*(%d+)"))
end

function M.print(result)
  print(cjson.encode(result))
end

--- Calls send() over and over, the first `warmup` unmeasured, and prints the seconds each took. after(),
-- where
--- given, is not measured.
function M.latency(given, send, after)
  local samples, ends = {}, nil
  for i = 1, given.warmup + given.count do
    local began = socket.gettime()
    if i > given.warmup then ends = ends or began + given.seconds end
    send()
    local took = socket.gettime() - began
    if i > given.warmup then samples[#samples + 1] = took end
    if after then after() end
    if ends and socket.gettime() >= ends then break end
  end
  M.print { samples = samples }
end

--- Calls send() one after another and prints how many went out in how long.
function M.one_by_one(given, send)
  for _ = 1, given.warmup do send() end
  local cpu, began, sent = os.clock(), socket.gettime(), 0
  repeat
    send()
    sent = sent + 1
  until sent == given.count or socket.gettime() - began >= given.seconds
  M.print { sent = sent, seconds = socket.gettime() - began, cpu = os.clock() - cpu }
end

return M
