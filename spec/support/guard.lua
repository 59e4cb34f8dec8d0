-- SPDX-License-Identifier: MIT
--- guard: notices what a spec leaves behind: open files and sockets, threads, child processes, temporary
-- files.   local mark = guard.mark()           -- in setup or before_each
--   guard.check(mark)                   -- in teardown or after_each: raises, naming what is left
-- Reads /proc; elsewhere it finds nothing to complain about.
local clock = require "spec.support.clock"
local net = require "spec.support.net"

local M = {}

local function lines(command)
  local set, list = {}, {}
  for line in net.run(command):gmatch("[^\n]+") do
    set[line] = true
    list[#list + 1] = line
  end
  return set, list
end

-- The shell's parent is this process. Descriptors of /proc itself and of the pipe to the shell come and go.
local FDS = [[for f in /proc/$PPID/fd/*; do t=$(readlink "$f") && echo "${f##*/} $t"; done 2>/dev/null]]
local THREADS = [[ls /proc/$PPID/task 2>/dev/null]]
local CHILDREN = [[for t in /proc/$PPID/task/*; do cat "$t/children"; done 2>/dev/null | tr ' ' '\n' |
  grep -v "^$$\$" | while read -r p; do
    echo "$p $(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | cut -c1-100)"
  done]]
local FILES = [[ls -d "${TMPDIR:-/tmp}"/lua_?????? "${TMPDIR:-/tmp}"/tmp.?????????? 2>/dev/null]]

local KINDS = {
  { name = "open file", command = FDS },
  { name = "thread", command = THREADS },
  { name = "child process", command = CHILDREN },
}

--- What there is now. files = true: temporary files too, which only makes sense when nothing else makes any.
---@param options? { files?: boolean }
---@return table mark
function M.mark(options)
  collectgarbage()
  collectgarbage()
  local mark = {}
  for _, kind in ipairs(KINDS) do mark[kind.name] = lines(kind.command) end
  if options and options.files then mark["temporary file"] = lines(FILES) end
  return mark
end

local function leftovers(mark)
  local now, left = M.mark { files = mark["temporary file"] ~= nil }, {}
  for kind, before in pairs(mark) do
    for line in pairs(now[kind]) do
      if not before[line] and not (kind == "open file" and line:find(" pipe:")) then
        left[#left + 1] = kind .. " " .. line
      end
    end
  end
  table.sort(left)
  return left
end

--- Raises if there is more than at the mark. Threads and processes that are on their way out get their time.
---@param mark table
function M.check(mark)
  local left
  local clean = clock.eventually(function()
    left = leftovers(mark)
    return #left == 0
  end)
  if not clean then error("left behind:\n  " .. table.concat(left, "\n  "), 2) end
end

return M
