-- SPDX-License-Identifier: MIT
--- servers: what the drivers talk to, all on loopback: smtp-sink, a private Postfix that discards, and
-- relays that
--- add a round trip. Each ends with this process.
local clock = require "support.clock"
local net = require "support.net"
local postfix = require "support.postfix"
local socket = require "socket"

local M = {}

-- Runs a command in the background for as long as the pipe is open.
local function background(command)
  return assert(io.popen(([[
exec 3<&0
%s <&- 3<&- &
pid=$!
cat <&3
kill $pid]]):format(command), "w"))
end

local function wait_open(port, what)
  assert(clock.eventually(function() return net.is_open(port) end), what .. " does not listen")
end

--- smtp-sink, which takes everything and offers PIPELINING.
---@return { host: string, port: integer, stop: fun() }
function M.sink()
  local port = net.free_port()
  local pipe = background(("smtp-sink -u nobody 127.0.0.1:%d 100"):format(port))
  wait_open(port, "smtp-sink")
  return { host = "127.0.0.1", port = port, stop = function() pipe:close() end }
end

-- Postfix takes mail with and without login, discards it, and never slows a client down on purpose.
local SETTINGS = {
  "virtual_transport=discard:", "mynetworks=127.0.0.0/8",
  "smtpd_relay_restrictions=permit_sasl_authenticated, permit_mynetworks, reject",
  "smtpd_recipient_restrictions=permit_sasl_authenticated, permit_mynetworks, reject",
  "in_flow_delay=0", "smtpd_client_connection_count_limit=0", "smtpd_error_sleep_time=0",
  "message_size_limit=33554432", "max_use=100000",
}

--- A private Postfix with PIPELINING, CHUNKING, STARTTLS and AUTH.
---@return table server
function M.postfix()
  local server = assert(postfix.start { auth = true })
  for _, setting in ipairs(SETTINGS) do
    local said, status = net.run(("postconf -c %s/etc -e %s"):format(server.dir, net.quote(setting)))
    assert(status == 0, said)
  end
  local said, status = net.run(("postfix -c %s/etc reload"):format(server.dir))
  assert(status == 0, said)
  net.write_file(server.dir .. "/ca.pem", server.ca)
  M.validate(server.port)
  --- Waits until all it has taken is delivered, so that it does not work for one driver while the next is
  -- measured.
  function server:drain()
    local find = ("find %s/queue/incoming %s/queue/active -type f | head -n 1"):format(self.dir, self.dir)
    clock.eventually(function() return net.run(find) == "" end)
  end
  return server
end

--- A relay in front of a port.
---@param program string path of the relay
---@param port integer of the server
---@param rtt number ms
function M.relay(program, port, rtt)
  local own = net.free_port()
  local pipe = background(("%s %d %d %g"):format(program, own, port, rtt))
  wait_open(own, "the relay")
  return { host = "127.0.0.1", port = own, stop = function() pipe:close() end }
end

--- The round trip of a NOOP and the time to the greeting, in ms: what a relay really adds. Raises where
-- nobody answers.
---@return number round_trip, number greeting
function M.validate(port)
  local samples, n = {}, 15
  local sock = assert(socket.connect("127.0.0.1", port))
  sock:setoption("tcp-nodelay", true)
  sock:settimeout(10)
  local began = socket.gettime()
  assert(sock:receive "*l", "no greeting")
  local greeting = socket.gettime() - began
  for i = 1, n do
    began = socket.gettime()
    assert(sock:send "NOOP\r\n")
    assert(sock:receive "*l")
    samples[i] = socket.gettime() - began
  end
  sock:close()
  table.sort(samples)
  return samples[(n + 1) // 2] * 1000, greeting * 1000
end

return M
