-- SPDX-License-Identifier: MIT
--- sink: Postfix's smtp-sink, which writes down who got mail. A transaction appears there when its content is
--- whole, and not before.
local clock = require "spec.support.clock"
local net = require "spec.support.net"

local M = {}

---@class spec.Sink
---@field host string
---@field port integer
local Sink = {}
Sink.__index = Sink

---@return spec.Sink
function M.start()
  local dir, port = net.tmpdir(), net.free_port()
  net.run("chmod 777 " .. dir)
  local pipe = assert(io.popen(net.fill(net.IS_CHILD .. [[
exec 3<&0
smtp-sink -u nobody -D $dir/mails 127.0.0.1:$port 100 <&- 3<&- >/dev/null 2>&1 &
pid=$!
cat <&3
is_child $pid && kill $pid
rm -rf $dir]], { dir = dir, port = port }), "w"))
  assert(clock.eventually(function() return net.is_open(port) end), "smtp-sink does not listen")
  return setmetatable({ host = "127.0.0.1", port = port, dir = dir, pipe = pipe }, Sink)
end

--- How many mails each recipient got.
---@return table<string, integer>
function Sink:counts()
  local counts = {}
  local file = io.open(self.dir .. "/mails", "rb")
  if not file then return counts end
  for line in file:lines() do
    local to = line:match("^X%-Rcpt%-Args: <(.-)>")
    if to then counts[to] = (counts[to] or 0) + 1 end
  end
  file:close()
  return counts
end

--- Stops it. Safe twice.
function Sink:stop()
  if self.pipe then self.pipe:close() end
  self.pipe = nil
end

return M
