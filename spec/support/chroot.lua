-- SPDX-License-Identifier: MIT
--- chroot: a mail server that cannot be installed beside the others, run from a tree of its own that
--- `.ci/interop` unpacked into build/interop: its own libraries, users and spool in a copy in a temporary
--- directory. Needs root, for chroot(8). A watching shell stops the server and removes the directory when
--- this process closes its pipe, be it by `stop` or by dying.
local clock = require "spec.support.clock"
local maildir = require "spec.support.maildir"
local net = require "spec.support.net"

local M = {}

-- The server has a session of its own, so that no signal of a terminal reaches it.
local WATCH = net.IS_CHILD .. [[
exec >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
trap '' INT TERM HUP
cd $dir
setsid chroot root $command >out 2>&1 </dev/null &
pid=$!
cat
is_child "$pid" && kill -TERM "$pid"
i=0
while is_child "$pid" && [ $i -lt 40 ]; do sleep 0.05; i=$((i + 1)); done
# what it forked is in its tree, whoever has its number now
for left in /proc/[0-9]*; do
  [ "$(readlink "$left/root")" = "$PWD/root" ] && kill -KILL "${left#/proc/}"
done
wait
rm -rf $dir
]]

local PREPARE = [[
set -e
cp -R build/interop/$name/root $dir/root
cd $dir/root
mkdir -p dev tmp mail etc/tls
chmod 755 .. . mail
chmod 1777 tmp
mknod -m 666 dev/null c 1 3
mknod -m 444 dev/random c 1 8
mknod -m 444 dev/urandom c 1 9
chown 64313:64313 mail
mv ../cert ../key etc/tls
chmod 600 etc/tls/key
$prepare
]]

---@class spec.Chroot
---@field host string
---@field port integer
---@field ca? string PEM text of the authority that signed its certificate
---@field user? string
---@field pass? string
---@field dir string
---@field private watch? file*
local Server = {}
Server.__index = Server

--- What the server has written so far.
---@return string
function Server:log()
  return net.run("cat " .. net.quote(self.dir) .. "/out " .. net.quote(self.dir) .. "/root/log/* 2>/dev/null")
end

--- What has been delivered, oldest first, one for each recipient: see `spec.support.maildir`.
---@return table[]
function Server:messages()
  return maildir.read(self.dir .. "/root/mail/box")
end

--- Waits until n messages have been delivered.
---@param n integer
---@return table[]? messages, string? err with the log
function Server:wait_for(n)
  local list, count = maildir.wait_for(self.dir .. "/root/mail/box", n)
  if list then return list end
  return nil, ("%d of %d messages arrived; the log:\n%s"):format(count, n, self:log())
end

--- Removes what was delivered. No delivery may be going on.
function Server:clear()
  net.run("rm -rf " .. net.quote(self.dir .. "/root/mail/box"))
end

--- Stops the server and removes its directory. Safe twice.
function Server:stop()
  if self.watch then self.watch:close() end
  self.watch = nil
end

---@class spec.ChrootOptions
---@field name string of the tree in build/interop
---@field command string what runs in it, and stays in the foreground
---@field prepare string shell lines, run in the root of the tree
---@field config string path in the tree
---@field text string the configuration; $port, $user and $pass are put in
---@field pair? { ca: string, cert: string, key: string } goes into etc/tls/cert and etc/tls/key
---@field user? string
---@field pass? string

local function start_once(options)
  local dir = net.tmpdir()
  local self = setmetatable({
    dir = dir, host = "127.0.0.1", port = net.free_port(), ca = options.pair and options.pair.ca,
    user = options.user, pass = options.pass,
  }, Server)
  local values = {
    dir = dir, name = options.name, command = options.command, port = self.port,
    user = options.user, pass = options.pass, prepare = options.prepare,
  }
  net.write_file(dir .. "/cert", options.pair and options.pair.cert or "")
  net.write_file(dir .. "/key", options.pair and options.pair.key or "")
  local said, status = net.run(net.fill(PREPARE, values))
  if status ~= 0 then
    net.remove_dir(dir)
    return nil, "cannot prepare: " .. said, self
  end
  net.write_file(dir .. "/root" .. options.config, net.fill(options.text, values))
  self.watch = assert(io.popen(net.fill(WATCH, values), "w"))
  if clock.eventually(function() return net.is_open(self.port) end) then return self end
  return nil, options.name .. " did not start: " .. self:log(), self
end

--- Why the servers of build/interop cannot run here; nil when they can.
---@param name string
---@return string?
function M.missing(name)
  if not net.read_file("build/interop/" .. name .. "/ready") then
    return name .. " is not in build/interop: make interop"
  end
  if net.run("id -u") ~= "0" then return name .. " in a tree of its own needs root" end
  return nil
end

--- Starts a server.
---@param options spec.ChrootOptions
---@return spec.Chroot? server, string? err
function M.start(options)
  return net.start_server(function() return start_once(options) end)
end

return M
