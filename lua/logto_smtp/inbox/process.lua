-- SPDX-License-Identifier: MIT
--- process: starts the inbox process and talks to it.
-- The child is a direct child of this process, on a pipe (its output) and on a loopback connection (requests
-- and answers). It ends when either of them does, so it cannot outlive us, however we end.
local shell = require "logto_smtp.util.shell"
local json = require "logto_smtp.inbox.json"
local trim = require "logto_smtp.util.trim"
local socket = require "socket"

local ANSWER_SECONDS = 60

---@class logto_smtp.testing.Process
---@field private pipe file*
---@field private control? table
local Process = {}
Process.__index = Process

local M = {}

--- Interpreters that can load the same C modules as this one, best first.
local function candidates()
  if rawget(_G, "jit") then return { "luajit", "luajit2", "lua5.1", "lua51", "lua" } end
  local version = _VERSION:match("%d+%.%d+")
  local short = version:gsub("%.", "")
  return { "lua" .. version, "lua" .. short, "lua-" .. version, "lua" }
end

--- Shell text that sets $lua: the running executable if it is a Lua interpreter (under nginx or in an
-- application it is not), else the first candidate on the PATH that is of our version.
local function find_interpreter(given)
  if given then return "lua=" .. shell.quote(given) end
  local probe = ('[ "$("$c" -e "io.write(_VERSION)" 2>/dev/null)" = %s ]'):format(shell.quote(_VERSION))
  return table.concat({
    "{ read -r lua </proc/$PPID/comm; } 2>/dev/null",
    'case "$lua" in lua*) lua=/proc/$PPID/exe;; *) lua=;; esac',
    'if [ -z "$lua" ]; then',
    ("for c in %s; do"):format(table.concat(candidates(), " ")),
    ("if %s; then lua=$c; break; fi; done; fi"):format(probe),
    ('if [ -z "$lua" ]; then echo "no %s interpreter found: give its path as interpreter"; exit 127; fi')
      :format(_VERSION),
  }, "\n")
end

local function command_line(interpreter)
  local program = ("package.path=%q package.cpath=%q require('logto_smtp.inbox.child').run(tonumber(%s))")
    :format(package.path, package.cpath, "os.getenv('LOGTO_SMTP_INBOX_PARENT')")
  return table.concat({
    "exec 2>&1 </dev/null",
    find_interpreter(interpreter),
    "export LOGTO_SMTP_INBOX_PARENT=$PPID",
    'exec "$lua" -e ' .. shell.quote(program),
  }, "\n")
end

--- Starts the process; what it needs to know follows with `open`, so that the time it takes to start can be
--- used.
---@param interpreter? string path of a Lua interpreter
---@return logto_smtp.testing.Process? process, string? err
function M.start(interpreter)
  local pipe, err = io.popen(command_line(interpreter), "r")
  if not pipe then return nil, "cannot start a process: " .. tostring(err) end
  return setmetatable({ pipe = pipe }, Process)
end

function Process:fail(what)
  local said = self.pipe and self.pipe:read("*a") or ""
  self:close()
  if said ~= "" then what = what .. ": " .. trim.right(said) end
  return nil, what
end

--- Connects to the process and hands it its settings.
---@param settings table
---@return table? answer, string? err
function Process:open(settings)
  local line = self.pipe:read("*l") or "no output"
  local port, token = line:match("^inbox (%d+) (%x+)$")
  if not port then return self:fail("the inbox process did not start: " .. line) end
  local control, err = socket.connect("127.0.0.1", tonumber(port))
  if not control then return self:fail("cannot reach the inbox process: " .. tostring(err)) end
  control:setoption("tcp-nodelay", true)
  self.control = control
  control:send(token .. "\n")
  return self:request(settings)
end

--- Sends a request and waits for its answer.
---@param request table
---@param seconds? number how long the answer may take by its nature
---@return table? answer, string? err
function Process:request(request, seconds)
  if not self.control then return nil, "the inbox has been stopped" end
  self.control:settimeout(ANSWER_SECONDS + (seconds or 0))
  local sent = self.control:send(json.encode(request) .. "\n")
  local line, err
  if sent then line, err = self.control:receive("*l") end
  if not line then
    if err == "timeout" then
      self:close()
      return nil, "the inbox process does not answer"
    end
    self.control:close()
    self.control = nil
    return self:fail("the inbox process has ended")
  end
  local answer = json.decode(line)
  if answer.err then
    self:close()
    return nil, answer.err
  end
  return answer
end

--- Ends the process and waits until it is gone. Safe twice.
function Process:close()
  if self.control then self.control:close() end
  self.control = nil
  if self.pipe then self.pipe:close() end
  self.pipe = nil
end

return M
