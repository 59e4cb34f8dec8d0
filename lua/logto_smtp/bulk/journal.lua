-- SPDX-License-Identifier: MIT
--- What was sent, line by line as JSON, so that a run can go on after a crash and send nothing twice.
--
--     {"run":1,"settings":"5f0e2a77","type":"SignIn","at":"2026-01-31T12:00:00Z"}
--     {"start":17,"line":18,"to":"user@example.com","id":"0c41d9b2"}
--     {"end":17,"outcome":"sent","code":250,"ms":12}
--
-- A start is on the disk before its message may leave. So an entry without one was not sent, one with an end
-- is as its end says, and of one with a start alone nobody knows. Every try has both. Ends are handed to the
-- system at once and reach the disk with the next starts.
--
-- What could not be written (a full disk) is kept and written once more behind a line of its own run, so that
-- what is torn in the middle of the file reads like the end of a run that crashed.
--
-- In memory a journal is one number an entry, in the order of the list: 16 octets each (8 under LuaJIT).

local attempt = require("logto_smtp.util.attempt")
local core = require("logto_smtp.core")
local json = require("logto_smtp.util.json")
local shell = require("logto_smtp.util.shell")

local M = {}

local ENOENT = 2

local OUTCOMES = { "started", "sent", "refused", "deferred", "unknown" }
local CODE = {}
for code, outcome in ipairs(OUTCOMES) do CODE[outcome] = code end
local DIGITS = 15 -- of an entry's number: exact in a double
local CODES = 8 -- a state is the entry's id times this, plus the code of its outcome

---@alias logto_smtp.bulk.Outcome
---| "started"   # perhaps sent: the run ended before its reply came
---| "sent"      # a server took it
---| "refused"   # for good
---| "deferred"  # not sent, and worth another try
---| "unknown"   # perhaps sent: the connection broke before its reply came

---@class logto_smtp.bulk.Journal
---@field last integer  the highest number of an entry it knows
---@field private header string   the line of this run
---@field private lines string[]  not yet handed to the system
---@field private torn boolean    the last write failed, perhaps in the middle of a line
local Journal = {}
Journal.__index = Journal

-- Takes one line into the states; false when it is none of ours.
local function take(states, text)
  local number, id = text:match('^{"start":(%d+),.*"id":"(%x+)"}$')
  if number and #number <= DIGITS then
    states[tonumber(number)] = tonumber(id, 16) * CODES + CODE.started
    return tonumber(number)
  end
  local outcome
  number, outcome = text:match('^{"end":(%d+),"outcome":"(%a+)".*}$')
  if not number or #number > DIGITS or not CODE[outcome] then return nil end
  number = tonumber(number)
  local state = states[number] or 0
  states[number] = state - state % CODES + CODE[outcome]
  return number
end

local HEADER = '{"run":1,"settings":"'

-- Whether a line is the beginning of a run's line, or the zeros that a power cut leaves in its place. Nothing
-- is sent before that line is whole on the disk: of a journal with nothing behind it, nothing was.
local function is_torn_header(text)
  return HEADER:sub(1, #text) == text or text:sub(1, #HEADER) == HEADER or not text:find("[^%z]")
end

-- Reads what earlier runs wrote. The last line of a run may be torn: of its start, the mail was not sent.
local function read(file, settings)
  local states, last, line, damaged = {}, 0, 0, nil
  for text in file:lines() do
    line = line + 1
    local theirs = text:match('^{"run":1,"settings":"(%x+)",.*}$')
    if theirs and theirs ~= settings then
      return nil, "it was written with another --type or --payload; give the same, or another journal"
    elseif line == 1 and not theirs and not is_torn_header(text) then
      return nil, "it is no journal of a bulk run"
    elseif theirs then
      damaged = nil
    elseif damaged then
      return nil, ("line %d is damaged, and not the last of a run"):format(damaged)
    else
      local number = take(states, text)
      if number then last = math.max(last, number) else damaged = line end
    end
  end
  return states, last
end

-- A new file is safe when its folder's entry is.
local function sync_folder(path)
  local folder = io.open(path:match("^(.*/)[^/]*$") or ".", "rb")
  if not folder then return end
  core.process.sync(folder)
  folder:close()
end

local function is_empty(file)
  local size = file:seek("end")
  file:seek("set")
  return size == 0
end

---@class logto_smtp.bulk.JournalOptions
---@field resume? boolean   the journal must be there; without it there must be none
---@field settings integer  a digest of what must be the same when a run goes on
---@field type string
---@field now string        the time, for whoever reads the file

-- Reads the opened file and makes it ready to be written on.
local function begin(file, path, options)
  local locked = core.process.lock(file)
  if not locked then return nil, "another run is writing it" end
  local empty = is_empty(file)
  if not empty and not options.resume then
    return nil, "it is there already: --resume goes on with it, another name begins anew"
  end
  local settings = ("%08x"):format(options.settings)
  local states, last = {}, 0
  if not empty then
    states, last = read(file, settings)
    if not states then return nil, last end
  end
  file:setvbuf("full", 65536)
  local header = ('{"run":1,"settings":"%s","type":%s,"at":"%s"}\n')
    :format(settings, json.string(options.type), options.now)
  local journal = setmetatable({ file = file, states = states, last = last, header = header }, Journal)
  file:seek("end", empty and 0 or -1)
  local torn = not empty and file:read(1) ~= "\n"
  file:seek("end")
  journal.lines, journal.torn = { torn and "\n" or "", header }, false
  local written, err = journal:sync()
  if not written then return nil, err end
  if empty then sync_folder(path) end
  return journal
end

--- Opens a journal, and reads it first when a run goes on. Another run that has it open is an error.
---@param path string
---@param options logto_smtp.bulk.JournalOptions
---@return logto_smtp.bulk.Journal|nil
---@return string? reason
function M.open(path, options)
  if shell.succeeds("test -p " .. shell.quote(path)) then
    return nil, path .. " is a pipe, which cannot be read again"
  end
  local existing, why, number = io.open(path, "rb")
  if existing then existing:close() end
  if options.resume and number == ENOENT then return nil, "cannot resume: there is no journal " .. path end
  if options.resume and not existing then return nil, "cannot read " .. why end
  local file, err = io.open(path, "a+b")
  if not file then return nil, "cannot write " .. err end
  local fine, journal, reason = attempt(begin, file, path, options)
  if fine and journal then return journal end
  if not fine then reason = journal end
  file:close()
  return nil, ("the journal %s: %s"):format(path, reason)
end

--- What earlier runs say of an entry.
---@param entry logto_smtp.bulk.Entry
---@return logto_smtp.bulk.Outcome|nil  nil: it has never been started
---@return boolean changed  the entry is not the one that was started
function Journal:outcome(entry)
  local state = self.states[entry.number]
  if not state then return nil, false end
  local code = state % CODES
  local id = (state - code) / CODES
  return OUTCOMES[code], id ~= 0 and id ~= entry.id
end

--- Writes that these entries are about to be sent, and returns when it is on the disk.
---@param entries logto_smtp.bulk.Entry[]
---@return true|nil
---@return string? reason
function Journal:start(entries)
  local lines = self.lines
  for _, entry in ipairs(entries) do
    lines[#lines + 1] = ('{"start":%d,"line":%d,"to":%s,"id":"%08x"}\n')
      :format(entry.number, entry.line, json.string(entry.to), entry.id)
  end
  return self:sync()
end

--- Writes what became of an entry; `flush` hands it on.
---@param entry logto_smtp.bulk.Entry
---@param outcome logto_smtp.bulk.Outcome
---@param code string|integer|nil  of the reply or the error
---@param detail? integer|string   milliseconds, or what the server or the error said
function Journal:finish(entry, outcome, code, detail)
  local text = ""
  if type(code) == "number" then text = (',"code":%d'):format(code)
  elseif code then text = ',"code":' .. json.string(code) end
  if type(detail) == "string" then text = text .. ',"message":' .. json.string(detail)
  elseif detail then text = text .. (',"ms":%d'):format(detail) end
  self.lines[#self.lines + 1] = ('{"end":%d,"outcome":"%s"%s}\n'):format(entry.number, outcome, text)
end

--- Hands what was written to the system: it outlives this process, and not the machine.
---@return true|nil
---@return string? reason
function Journal:flush()
  if #self.lines == 0 then return true end
  local text = (self.torn and "\n" .. self.header or "") .. table.concat(self.lines)
  local written, err = self.file:write(text)
  if written then written, err = self.file:flush() end
  self.torn = not written
  if not written then return nil, err end
  self.lines = {}
  return true
end

function Journal:sync()
  local flushed, err = self:flush()
  if not flushed then return nil, err end
  return core.process.sync(self.file)
end

function Journal:close()
  self:sync()
  self.file:close()
end

return M
