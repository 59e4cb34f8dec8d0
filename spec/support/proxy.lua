-- SPDX-License-Identifier: MIT
--- proxy: proxies and TLS front ends of Debian's packages, each an instance of its own on a loopback port,
--- all ended by `stop` or with this process.
local clock = require "spec.support.clock"
local net = require "spec.support.net"

local M = {}

local open = {}

-- The shell keeps the process until its standard input closes, be it by `stop` or because we died.
local RUN = net.IS_CHILD .. [[
exec 2>/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
%s >>%s/log 2>&1 </dev/null &
pid=$!
cat >/dev/null
is_child $pid && kill $pid
wait $pid
rm -rf %s
]]

local function start(command_for, host)
  local dir = net.tmpdir()
  local port = net.free_port()
  local pipe = assert(io.popen(RUN:format(command_for(port, dir), dir, dir), "w"))
  open[#open + 1] = pipe
  local ready = clock.eventually(function() return net.is_open(port, host) end)
  assert(ready, "no proxy: " .. (net.read_file(dir .. "/log") or ""))
  return port, dir
end

--- Ends what was started.
function M.stop()
  while #open > 0 do table.remove(open):close() end
end

--- tinyproxy: HTTP.
---@param login? string "user password"
---@return integer port
function M.http(login)
  return (start(function(port, dir)
    net.write_file(dir .. "/conf", ("Listen 127.0.0.1\nPort %d\nAllow 127.0.0.1\nMaxClients 20\n%s"):format(
      port, login and "BasicAuth " .. login .. "\n" or ""))
    return "tinyproxy -d -c " .. dir .. "/conf"
  end))
end

--- microsocks: SOCKS 5.
---@param login? string "user password"
---@return integer port
function M.socks5(login)
  return (start(function(port)
    local user, pass = (login or ""):match("^(%S+) (%S+)$")
    local with = user and (" -u %s -P %s"):format(user, pass) or ""
    return ("microsocks -i 127.0.0.1 -p %d%s"):format(port, with)
  end))
end

--- danted: SOCKS 4 and 5. It takes nobody to port 1.
---@return integer port
function M.dante()
  return (start(function(port, dir)
    net.write_file(dir .. "/conf", ([[
logoutput: stderr
internal: 127.0.0.1 port = %d
external: 127.0.0.1
clientmethod: none
socksmethod: none
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 1 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
]]):format(port))
    return ("danted -f %s/conf -p %s/pid"):format(dir, dir)
  end))
end

--- socat: TLS in front of a port in clear. pem: certificates and key of the front end; ca: where given, a
--- certificate that it vouches for is demanded of the client.
---@param port integer
---@param pem string
---@param ca? string
---@return integer port
function M.tls(port, pem, ca)
  return (start(function(own, dir)
    net.write_file(dir .. "/pem", pem)
    if ca then net.write_file(dir .. "/ca", ca) end
    local verify = ca and ("verify=1,cafile=%s/ca"):format(dir) or "verify=0"
    return ("socat OPENSSL-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork,cert=%s/pem,%s TCP:127.0.0.1:%d"):format(
      own, dir, verify, port)
  end))
end

--- A server that takes connections and does what the shell command says with its standard input and output.
---@param command string
---@return integer port
function M.peer(command)
  return (start(function(port, dir)
    net.write_file(dir .. "/peer", "#!/bin/sh\n" .. command .. "\n")
    net.run("chmod 700 " .. dir .. "/peer")
    return ("socat TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork EXEC:%s/peer"):format(port, dir)
  end))
end

return M
