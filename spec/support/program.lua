-- SPDX-License-Identifier: MIT
--- program: a mail server that is a program of its own. It reads its settings as one line of JSON from its
--- standard input, prints one line when it is ready and one line of JSON for each mail, and ends when that
--- input does: with this process, or by `stop`.
local cjson = require "cjson"
local clock = require "spec.support.clock"
local net = require "spec.support.net"

local M = {}

---@class spec.Program
---@field host string
---@field port integer
---@field private dir string
---@field private pipe? file*
local Program = {}
Program.__index = Program
M.Program = Program

local function output_lines(self)
  local list = {}
  for line in (net.read_file(self.dir .. "/out") or ""):gmatch("([^\n]+)\n") do list[#list + 1] = line end
  return list
end

--- The mails it has printed, oldest first.
---@return table[]
function Program:printed()
  local list = {}
  for i, line in ipairs(output_lines(self)) do
    if i > 1 then list[#list + 1] = cjson.decode(line) end
  end
  return list
end

--- Waits until `messages` gives n of them.
---@param n integer
---@return table[]? messages, string? err
function Program:wait_for(n)
  local list
  local there = clock.eventually(function()
    list = self:messages()
    return #list >= n
  end)
  if there then return list end
  return nil, ("%d of %d messages arrived; %s"):format(#list, n, self:log())
end

--- Forgets what has arrived.
function Program:clear()
  net.write_file(self.dir .. "/out", output_lines(self)[1] .. "\n")
end

--- What the server has complained of.
---@return string
function Program:log()
  return net.read_file(self.dir .. "/err") or ""
end

--- Stops the server and removes its directory. Safe twice.
function Program:stop()
  if self.pipe then self.pipe:close() end
  self.pipe = nil
end

-- Opened to append, so that `clear` may shorten the file.
local COMMAND = [[
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
$command >>$dir/out 2>$dir/err; rm -rf $dir
]]

--- Starts a server that has a directory and a port already (`dir`, `port` of self).
---@param self spec.Program
---@param command string
---@param settings table
---@return spec.Program? server, string? err
function M.start(self, command, settings)
  self.pipe = assert(io.popen(net.fill(COMMAND, { command = command, dir = self.dir }), "w"))
  self.pipe:write(cjson.encode(settings), "\n")
  self.pipe:flush()
  clock.eventually(function() return #output_lines(self) > 0 or self:log():find("Error", 1, true) end)
  if #output_lines(self) > 0 then return self end
  local said = self:log()
  self:stop()
  return nil, command .. " did not start: " .. said
end

--- A class of servers: Program's methods and its own.
---@return table class
function M.class()
  local class = setmetatable({}, Program)
  class.__index = class
  return class
end

--- What every server has before it starts.
---@return { dir: string, host: string, port: integer }
function M.place()
  return { dir = net.tmpdir(), host = "127.0.0.1", port = net.free_port() }
end

return M
