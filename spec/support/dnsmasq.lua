-- SPDX-License-Identifier: MIT
--- dnsmasq: a DNS server of Debian's package on a loopback port that knows the records it is given and
-- answers NXDOMAIN to everything else. Ends with `stop`, or with this process.
local clock = require "spec.support.clock"
local net = require "spec.support.net"
local socket = require "socket"

local M = {}

-- The shell keeps the server until its standard input closes.
local RUN = net.IS_CHILD .. [[
exec 2>/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file --no-resolv --no-hosts --local='/#/' \
  --listen-address=127.0.0.1 --bind-interfaces --port=%d --user="$(id -un)" %s >/dev/null 2>&1 </dev/null &
pid=$!
cat >/dev/null
is_child $pid && kill $pid
wait $pid
]]

-- Listening on TCP, too, so that its start can be seen.
local function is_up(port)
  local sock = socket.tcp4()
  sock:settimeout(60)
  local connected = sock:connect("127.0.0.1", port)
  sock:close()
  return connected
end

---@class spec.Dnsmasq
---@field address string  "127.0.0.1#PORT"
---@field private pipe file*
local Dnsmasq = {}
Dnsmasq.__index = Dnsmasq

--- Starts a server. records: options of dnsmasq, such as "host-record=mail.example,127.0.0.1",
--- "mx-host=shop.example,mail.example,10", "txt-record=shop.example,v=spf1 -all".
---@param records string[]
---@return spec.Dnsmasq
function M.start(records)
  local options = {}
  for i, record in ipairs(records) do options[i] = net.quote("--" .. record) end
  local port = net.free_port()
  local pipe = assert(io.popen(RUN:format(port, table.concat(options, " ")), "w"))
  assert(clock.eventually(function() return is_up(port) end), "dnsmasq does not start")
  return setmetatable({ address = ("127.0.0.1#%d"):format(port), pipe = pipe }, Dnsmasq)
end

function Dnsmasq:stop()
  self.pipe:close()
end

return M
