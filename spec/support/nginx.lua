-- SPDX-License-Identifier: MIT
--- nginx: a real nginx with Lua for one spec, on a free loopback port, under a directory of its own.
--    local server = assert(nginx.start{ server = "location /t { content_by_lua_block { ngx.say(1) } }" })
--    local got = server:get("/t")   -- { status = 200, headers = { ["content-type"] = ... }, body = "1\n" }
--    server:stop()
-- `require "logto_smtp"` in it finds this checkout, built for LuaJIT. Workers run as who runs the specs, root
-- too. It ends with this process or by `stop`. Needs nginx, libnginx-mod-http-lua and lua-resty-core.
local clock = require "spec.support.clock"
local net = require "spec.support.net"
local socket = require "socket"

local M = {}

local MODULES = { "ndk_http_module.so", "ngx_http_lua_module.so" }

-- Of Debian's nginx-extras: it empties the environment, but for what `env` names, before init_by_lua.
local PERL = "ngx_http_perl_module.so"

local CONFIG = [[
%(modules)s
pid %(dir)s/nginx.pid;
error_log %(dir)s/error.log %(level)s;
worker_processes %(workers)d;
%(user)s
%(main)s
events { worker_connections 4096; }
http {
  access_log off;
  lua_package_path "%(root)s/?.lua;%(root)s/lua/?.lua;%(root)s/lua/?/init.lua;;";
  lua_package_cpath "%(root)s/build/luajit/?.so;;";
  client_body_temp_path %(dir)s/body;
  proxy_temp_path %(dir)s/proxy;
  fastcgi_temp_path %(dir)s/fastcgi;
  uwsgi_temp_path %(dir)s/uwsgi;
  scgi_temp_path %(dir)s/scgi;
  %(http)s
  server {
    listen 127.0.0.1:%(port)d backlog=4096;
    %(server)s
  }
}
]]

-- `cat` returns when the process of the specs closes the pipe or ends, however it ends.
local RUN = [[
for fd in /proc/self/fd/*; do [ "${fd##*/}" -gt 2 ] && eval "exec ${fd##*/}>&-"; done
cd %(dir)s
%(env)s nginx -p $PWD -c nginx.conf -e error.log -g "daemon off; %(global)s" </dev/null >>error.log 2>&1 &
pid=$!
cat >/dev/null
# one that has ended by itself has left its number to somebody else
is_there() { grep -qs %(dir)s /proc/$pid/cmdline; }
is_there && kill -TERM $pid
for i in {1..20}; do is_there || break; sleep 0.1; done
is_there && kill -KILL $pid $(cat /proc/$pid/task/$pid/children)
wait
rm -rf %(dir)s
]]

local function fill(text, values)
  return (text:gsub("%%%((%w+)%)[sd]", function(name) return tostring(values[name] or "") end))
end

---@class spec.Nginx
---@field host string
---@field port integer
---@field dir string   its prefix, removed by `stop`
---@field master integer  pid
---@field private pipe? file*
local Nginx = {}
Nginx.__index = Nginx

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function path_of(module) return "/usr/lib/nginx/modules/" .. module end

--- The lines that load the modules. Debian's lua module is a dynamic one; OpenResty's nginx has it built in.
---@param perl? boolean  the Perl module too; without it where NGINX_PERL=1 is in the environment
---@return string
function M.modules(perl)
  if perl == nil then perl = os.getenv("NGINX_PERL") == "1" end
  local lines = {}
  for _, name in ipairs(MODULES) do
    if exists(path_of(name)) then lines[#lines + 1] = "load_module " .. path_of(name) .. ";" end
  end
  if perl then lines[#lines + 1] = "load_module " .. path_of(PERL) .. ";" end
  return table.concat(lines, "\n")
end

--- Why there is no Perl module, or nil.
---@return string?
function M.missing_perl()
  if not exists(path_of(PERL)) then return "no " .. path_of(PERL) .. ": .ci/deps test installs it" end
end

-- As a shell has them in front of a command.
local function assignments(env)
  local words = {}
  for name, value in pairs(env or {}) do words[#words + 1] = name .. "=" .. net.quote(value) end
  return table.concat(words, " ")
end

---@class spec.NginxOptions
---@field server? string  what stands in `server {}`: locations
---@field http? string    what stands in `http {}`: lua_shared_dict, init_by_lua_block, ...
---@field main? string    what stands outside: env, worker_shutdown_timeout, ...
---@field workers? integer  1 without it
---@field user? string    of the workers, where the specs run as root; without it root
---@field level? string   of the error log; "info" without it
---@field files? table<string, string>  octets by name, for `ngx.config.prefix() .. name`
---@field conf? fun(port: integer): string  a whole nginx.conf in place of all but `workers`; its paths are
---  relative to `dir`, and so is its pid, nginx.pid
---@field env? table<string, string>  environment of nginx

--- Starts nginx, and waits until it takes connections.
---@param options spec.NginxOptions
---@return spec.Nginx? server, string? err  with the error log in it
function M.start(options)
  local dir = net.tmpdir()
  local root, me = net.run("pwd"), net.run("id -un")
  local port = net.free_port()
  if options.user then net.run("chmod 755 " .. dir) end
  local conf = options.conf and options.conf(port) or fill(CONFIG, {
    dir = dir, port = port, root = root, modules = M.modules(),
    user = me == "root" and ("user %s;"):format(options.user or "root") or "",
    level = options.level or "info", workers = options.workers or 1,
    main = options.main, http = options.http, server = options.server,
  })
  net.write_file(dir .. "/nginx.conf", conf)
  net.run(("ln -s /usr/lib/nginx/modules %s/modules"):format(dir))
  for name, octets in pairs(options.files or {}) do net.write_file(dir .. "/" .. name, octets) end
  local self = setmetatable({ dir = dir, host = "127.0.0.1", port = port }, Nginx)
  local script = fill(RUN, {
    dir = dir, env = assignments(options.env), global = options.conf and me == "root" and "user root;",
  })
  self.pipe = assert(io.popen("exec bash -c " .. net.quote(script), "w"))
  local ready = clock.eventually(function()
    self.master = tonumber(net.read_file(dir .. "/nginx.pid") or "")
    return self.master and net.is_open(port) and #self:workers() == (options.workers or 1)
      or self:log():find("%[emerg%]") or self:log():find("init_by_lua error", 1, true)
  end)
  if ready == true then return self end
  local said = self:log()
  self:stop()
  return nil, "nginx did not start: " .. said
end

--- The error log so far.
---@return string
function Nginx:log()
  return net.read_file(self.dir .. "/error.log") or ""
end

--- Waits until the error log holds a Lua pattern, and answers what it captures.
---@param pattern string
---@return string? found
function Nginx:wait_for_log(pattern)
  return clock.eventually(function() return self:log():match(pattern) end)
end

-- The pids of the master's children whose title has, or has not, the words of one that is on its way out.
local function children(self, ending)
  local list = {}
  local line = net.read_file(("/proc/%d/task/%d/children"):format(self.master, self.master)) or ""
  for pid in line:gmatch("%d+") do
    local title = net.read_file("/proc/" .. pid .. "/cmdline") or ""
    local is_ending = title:find("is shutting down", 1, true) ~= nil
    if title:find("worker process", 1, true) and is_ending == ending then list[#list + 1] = tonumber(pid) end
  end
  return list
end

--- Pids of the workers that take requests.
---@return integer[]
function Nginx:workers() return children(self, false) end

--- Pids of the workers that finish what they have and then end.
---@return integer[]
function Nginx:old_workers() return children(self, true) end

--- Octets in memory of a process.
---@param pid? integer  the first worker without it
---@return integer
function Nginx:rss(pid)
  local text = net.read_file(("/proc/%d/status"):format(pid or self:workers()[1])) or ""
  return (tonumber(text:match("VmRSS:%s*(%d+)")) or 0) * 1024
end

--- What the open files of a process lead to: "socket:[123]", "/dev/null".
---@param pid? integer  the first worker without it
---@return string[]
function Nginx:fds(pid)
  local list = {}
  local out = net.run(("readlink /proc/%d/fd/*"):format(pid or self:workers()[1]))
  for line in out:gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

--- How many threads a process has.
---@param pid? integer  the first worker without it
---@return integer
function Nginx:threads(pid)
  local text = net.read_file(("/proc/%d/status"):format(pid or self:workers()[1])) or ""
  return tonumber(text:match("Threads:%s*(%d+)")) or 0
end

--- Sends a signal.
---@param name string   "HUP", "QUIT", "TERM", "USR1", "KILL"
---@param pid? integer  the master without it
function Nginx:signal(name, pid)
  net.run(("kill -%s %d"):format(name, pid or self.master))
end

--- Reloads, and waits until none of the workers before takes requests. They may still be there, ending.
function Nginx:reload()
  local before, count = {}, 0
  for _, pid in ipairs(self:workers()) do before[pid], count = true, count + 1 end
  self:signal("HUP")
  assert(clock.eventually(function()
    local now = self:workers()
    for _, pid in ipairs(now) do
      if before[pid] then return false end
    end
    return #now == count
  end), "nginx did not reload")
end

--- Waits until no worker of before the last reload is left; false when one still is.
---@return boolean
function Nginx:wait_for_old()
  return clock.eventually(function() return #self:old_workers() == 0 end) or false
end

--- Waits until nginx has ended by itself, as after a QUIT; false when it has not.
---@return boolean
function Nginx:wait_for_end()
  local gone = function() return not exists(("/proc/%d/task"):format(self.master)) end
  return clock.eventually(function()
    local state = net.read_file(("/proc/%d/stat"):format(self.master))
    return gone() or state == nil or state:match("%) (%u)") == "Z"
  end) or false
end

--- Ends nginx, and removes its directory. Safe twice.
function Nginx:stop()
  if not self.pipe then return end
  self.pipe:close()
  self.pipe = nil
end

local function request_octets(server, request)
  local body = request.body or ""
  local method = request.method or (request.body and "POST" or "GET")
  local lines = { ("%s %s HTTP/1.0"):format(method, request.path) }
  lines[#lines + 1] = ("Host: %s:%d"):format(server.host, server.port)
  if request.body then lines[#lines + 1] = "Content-Length: " .. #body end
  for name, value in pairs(request.headers or {}) do lines[#lines + 1] = name .. ": " .. value end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

---@class spec.NginxRequest
---@field path string
---@field method? string  GET, or POST where there is a body
---@field headers? table<string, string>
---@field body? string

--- Sends a request and leaves it there: for one that is to be given up by `close` of what this answers.
---@param request spec.NginxRequest
---@return table socket
function Nginx:open(request)
  local sock = assert(socket.connect(self.host, self.port))
  assert(sock:send(request_octets(self, request)))
  return sock
end

local function parse(octets)
  local head, body = octets:match("^(.-)\r\n\r\n(.*)$")
  local status = head and tonumber(head:match("^HTTP/%d%.%d (%d+)"))
  if not status then
    return { err = octets == "" and "closed" or "no HTTP: " .. octets, body = "", headers = {} }
  end
  local headers = {}
  for name, value in head:gmatch("\r\n([^:\r\n]+):%s*([^\r\n]*)") do headers[name:lower()] = value end
  return { status = status, headers = headers, body = body }
end

---@class spec.NginxAnswer
---@field status? integer
---@field headers table<string, string>  names in lower case
---@field body string
---@field err? string     instead of a status: "closed", "timeout", ...

--- Sends requests at the same time, each on a connection of its own, and answers what came, in their order.
---@param requests spec.NginxRequest[]
---@return spec.NginxAnswer[]
function Nginx:fetch(requests)
  local answers, parts, index_of, open = {}, {}, {}, {}
  for i, request in ipairs(requests) do
    local ok, sock = pcall(self.open, self, request)
    if ok then
      sock:settimeout(0)
      parts[i], index_of[sock], open[#open + 1] = {}, i, sock
    else
      answers[i] = { err = tostring(sock), headers = {}, body = "" }
    end
  end
  local function read_some()
    for _, sock in ipairs((socket.select(open, nil, 0.2))) do
      local i = index_of[sock]
      local all, err, part = sock:receive("*a")
      parts[i][#parts[i] + 1] = all or part
      if all or err ~= "timeout" then
        answers[i] = parse(table.concat(parts[i]))
        sock:close()
        for at, other in ipairs(open) do
          if other == sock then table.remove(open, at) break end
        end
      end
    end
    return #open == 0
  end
  clock.eventually(read_some)
  for _, sock in ipairs(open) do
    sock:close()
    answers[index_of[sock]] = { err = "timeout", headers = {}, body = "" }
  end
  return answers
end

--- Sends one request.
---@param path string
---@param request? spec.NginxRequest  without its path
---@return spec.NginxAnswer
function Nginx:get(path, request)
  local whole = { path = path }
  for k, v in pairs(request or {}) do whole[k] = v end
  return self:fetch({ whole })[1]
end

return M
