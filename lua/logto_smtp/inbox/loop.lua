-- SPDX-License-Identifier: MIT
--- loop: tasks (coroutines) on one `select`, for a server in a process of its own.
-- A task waits for one socket or for a time; no task ever blocks the others. Errors end the task and reach
-- its `finally`. A task must not wait inside pcall: Lua 5.1 cannot yield across it.
local socket = require "socket"

---@class logto_smtp.testing.Task
---@field thread thread
---@field finally? fun(err: any) called once, outside the task, with the error that ended it or nil
---@field read? table the socket whose octets it waits for
---@field write? table the socket it waits to write to
---@field deadline? number seconds on the clock of `loop.now`

---@class logto_smtp.testing.Loop
---@field private tasks table<logto_smtp.testing.Task, boolean>
---@field private over boolean
local Loop = {}
Loop.__index = Loop

local M = {}

--- Seconds since the epoch, with a fraction.
M.now = socket.gettime

---@return logto_smtp.testing.Loop
function M.new()
  return setmetatable({ tasks = {}, over = false }, Loop)
end

function Loop:resume(task, why)
  task.read, task.write, task.deadline = nil, nil, nil
  local ok, read, write, deadline = coroutine.resume(task.thread, why)
  if coroutine.status(task.thread) ~= "dead" then
    task.read, task.write, task.deadline = read, write, deadline
    return
  end
  self.tasks[task] = nil
  if task.finally then
    local err
    if not ok then err = read end
    task.finally(err)
  end
end

--- Starts a task at once; it runs up to its first wait.
---@param fn fun()
---@param finally? fun(err: any)
---@return logto_smtp.testing.Task
function Loop:spawn(fn, finally)
  local task = { thread = coroutine.create(fn), finally = finally }
  self.tasks[task] = true
  self:resume(task)
  return task
end

--- Inside a task: waits until `read` has octets, `write` takes octets, or the deadline has passed.
---@param read? table
---@param write? table
---@param deadline? number
---@return "ready"|"timeout"
function Loop:wait(read, write, deadline) -- luacheck: no self
  local why = coroutine.yield(read, write, deadline)
  if type(why) == "table" then error(why, 0) end
  return why
end

--- Inside a task: waits for so many seconds.
---@param seconds number
function Loop:sleep(seconds)
  self:wait(nil, nil, M.now() + seconds)
end

--- Ends a waiting task: `reason` (a table) is raised where it waits.
---@param task logto_smtp.testing.Task
---@param reason table
function Loop:cancel(task, reason)
  if self.tasks[task] then self:resume(task, reason) end
end

--- Makes a task's wait end as if its deadline had passed.
---@param task logto_smtp.testing.Task
function Loop:hasten(task) -- luacheck: no self
  task.deadline = 0
end

function Loop:stop() self.over = true end

local function gather(tasks)
  local reads, writes, readers, writers, nearest = {}, {}, {}, {}, nil
  for task in pairs(tasks) do
    if task.read then
      reads[#reads + 1] = task.read
      readers[task.read] = task
    elseif task.write then
      writes[#writes + 1] = task.write
      writers[task.write] = task
    end
    if task.deadline and (not nearest or task.deadline < nearest) then nearest = task.deadline end
  end
  return reads, writes, readers, writers, nearest
end

--- One round: waits for the first thing to happen and resumes the tasks it concerns.
function Loop:step()
  local reads, writes, readers, writers, nearest = gather(self.tasks)
  local seconds = nearest and math.max(0, nearest - M.now()) or nil
  local can_read, can_write = socket.select(reads, writes, seconds)
  local ready = {}
  for _, s in ipairs(can_read) do ready[#ready + 1] = readers[s] end
  for _, s in ipairs(can_write) do ready[#ready + 1] = writers[s] end
  local due, now = {}, M.now()
  for task in pairs(self.tasks) do
    if task.deadline and task.deadline <= now then due[#due + 1] = task end
  end
  local seen = {}
  for _, task in ipairs(ready) do
    seen[task] = true
    if self.tasks[task] then self:resume(task, "ready") end
  end
  for _, task in ipairs(due) do
    if not seen[task] and self.tasks[task] then self:resume(task, "timeout") end
  end
end

--- Runs until `stop` is called or no task is left.
function Loop:run()
  while not self.over and next(self.tasks) do self:step() end
end

return M
