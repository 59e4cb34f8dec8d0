-- SPDX-License-Identifier: MIT
--- net: small things specs need: ports, directories, files, commands, waiting.
local socket = require "socket"

local M = {}

-- Below what the system gives to sockets that ask for any port, so that nothing but a suite beside this one
-- could come between; each suite starts elsewhere.
local FIRST, COUNT = 10000, 20000
local nth = assert(io.open("/proc/self/stat")):read("*n") * 7919 % COUNT

--- A loopback port nobody listens on at this moment.
---@return integer
function M.free_port()
  local listener, why
  for _ = 1, COUNT do
    nth = (nth + 1) % COUNT
    listener, why = socket.bind("127.0.0.1", FIRST + nth)
    if listener then break end
  end
  assert(listener, why):close()
  -- whoever was there before has taught clients of this process about itself
  require("logto_smtp.core").forgetServer("127.0.0.1", FIRST + nth)
  return FIRST + nth
end

--- A loopback port on which connecting neither succeeds nor fails: its queue is full and nobody takes from
--- it. Call `release` when done.
---@return integer port, fun() release
function M.blackhole()
  local listener = assert(socket.tcp4())
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(0))
  local _, port = listener:getsockname()
  port = math.floor(tonumber(port))
  local held = { listener }
  for _ = 1, 4 do
    local filler = socket.tcp4()
    filler:settimeout(0)
    filler:connect("127.0.0.1", port)
    held[#held + 1] = filler
  end
  return port, function()
    for _, sock in ipairs(held) do sock:close() end
  end
end

--- Quotes an argument for the shell.
---@param text string
---@return string
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Puts values in for `$name` in a text.
---@param text string
---@param values table<string, string|number>
---@return string
function M.fill(text, values)
  return (text:gsub("%$([%a_]+)", function(name) return values[name] and tostring(values[name]) end))
end

--- A shell function: whether a process is still a child of the shell. One that has ended by itself may have
--- left its number to somebody else, who is not to be killed.
M.IS_CHILD = [=[
is_child() { grep -qs "^PPid:[[:space:]]*$$\$" "/proc/$1/status"; }
]=]

--- Starts a server in up to three attempts: a port that was free may be taken a moment later.
---@param start fun(): table|nil, string?, table?  a server; or nil, why, and what is to be stopped
---@return table? server, string? err
function M.start_server(start)
  local server, err, failed
  for _ = 1, 3 do
    server, err, failed = start()
    if server then return server end
    failed:stop()
  end
  return nil, err
end

--- Runs a shell command; its output (both streams, without the last line end) and its exit status.
---@param command string
---@return string output, integer status
function M.run(command)
  local report = "\nstatus=$?\necho\necho status=$status"
  local pipe = assert(io.popen("exec 2>&1\n(\n" .. command .. "\n)" .. report, "r"))
  local said = pipe:read("*a")
  pipe:close()
  local output, status = said:match("^(.-)\n*status=(%d+)\n$")
  if not output then return said, 1 end
  return output, math.floor(tonumber(status))
end

--- Makes a directory only this user can read; the caller removes it with `remove_dir`.
---@return string path
function M.tmpdir()
  local path, status = M.run("mktemp -d")
  assert(status == 0, path)
  return path
end

--- Removes a directory that `tmpdir` made.
---@param path string
function M.remove_dir(path)
  assert(path:find("^/.+/tmp%.%w+$") or path:find("^/tmp/."), "not a temporary directory: " .. path)
  M.run("rm -rf " .. M.quote(path))
end

--- The octets of a file, or nil.
---@param path string
---@return string?
function M.read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local octets = file:read("*a")
  file:close()
  return octets
end

---@param path string
---@param octets string
function M.write_file(path, octets)
  local file = assert(io.open(path, "wb"))
  file:write(octets)
  file:close()
end

--- True when something takes connections there.
---@param port integer
---@param host? string
---@return boolean
function M.is_open(port, host)
  local sock = socket.tcp4()
  sock:settimeout(60)
  local connected = sock:connect(host or "127.0.0.1", port)
  sock:close()
  return connected ~= nil
end

return M
