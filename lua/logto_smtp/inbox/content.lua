-- SPDX-License-Identifier: MIT
--- content: takes a message in, by DATA with dot transparency (RFC 5321, 4.5.2) or in chunks by BDAT (RFC
--- 3030).
local stream_module = require "logto_smtp.inbox.stream"

local PIECE_OCTETS = 65536
local LINE_OCTETS = 998 -- RFC 5321, 4.5.3.1.6, line end not counted

local M = {}

--- Removes dot transparency.
---@param wire string whole lines, CRLF line ends
---@return string
function M.unstuff(wire)
  if wire:sub(1, 1) == "." then wire = wire:sub(2) end
  return (wire:gsub("\r\n%.", "\r\n"))
end

local function has_long_line(raw)
  local first = 1
  while first <= #raw do
    local lf = raw:find("\n", first, true) or #raw + 2
    if lf - first - 1 > LINE_OCTETS then return true end
    first = lf + 1
  end
  return false
end

--- The rules of the standard that a message broke, as a list of texts.
---@param raw string
---@param parameters table MAIL parameters
---@return string[]
function M.violations(raw, parameters)
  local list = {}
  local bare = raw:gsub("\r\n", "")
  if bare:find("\n", 1, true) then list[#list + 1] = "bare LF" end
  if bare:find("\r", 1, true) then list[#list + 1] = "bare CR" end
  if raw:find("%z") then list[#list + 1] = "NUL" end
  if has_long_line(raw) then list[#list + 1] = "line longer than 998 octets" end
  if raw:find("[\128-\255]") and not parameters.BODY and not parameters.SMTPUTF8 then
    list[#list + 1] = "8-bit content without BODY=8BITMIME"
  end
  return list
end

local function size_limit(session)
  local offered = tonumber(session.offers.SIZE)
  return offered and offered > 0 and offered or session.settings.size
end

--- What the script wants in the middle of the content.
local function midway(session, entry, step)
  local rule = session.store.script:take(step, entry.line, session.record.id, true)
  if not rule and step == "BDAT" then
    rule = session.store.script:take("CONTENT", entry.line, session.record.id, true)
  end
  return rule
end

local function act_midway(session, rule, read)
  if not rule or read < (rule.octets or 1) then return rule end
  if rule.stall then session.stream.loop:sleep(rule.stall) end
  if rule.drop == "middle" then stream_module.close("script", { reset = rule.reset }) end
end

local function piece(session)
  local got = session.stream:octets(PIECE_OCTETS, session:deadline())
  if not got then session:expire() end
  return got
end

--- Reads up to CRLF.CRLF; gives the octets before the dot, or nil when there were more than `limit`.
local function read_to_dot(session, limit, rule)
  local parts, kept, read, tail = {}, 0, 0, "\r\n"
  while true do
    local got = piece(session)
    read = read + #got
    rule = act_midway(session, rule, read)
    local window = tail .. got
    local dot, last = window:find("\r\n.\r\n", 1, true)
    if dot then
      session.stream:unread(window:sub(last + 1))
      got = window:sub(#tail + 1, last)
    end
    if kept <= limit + 5 then parts[#parts + 1] = got end
    kept = kept + #got
    if dot then break end
    tail = window:sub(-4)
  end
  if kept - 3 > limit then return nil end
  return table.concat(parts):sub(1, -4)
end

local function keep(session, raw, wire)
  local transaction = session.transaction
  local parameters = transaction.mailParams
  session.record.messages = session.record.messages + 1
  return session.store:add_message {
    envelope = {
      from = transaction.from, to = transaction.to,
      mailParams = parameters, rcptParams = transaction.rcptParams,
    },
    raw = raw, wire = wire, tls = session.record.tls, auth = session.user and session.record.auth or false,
    ehlo = session.greeted, connection = session.record.id, time = stream_module.now(),
    smtputf8 = parameters.SMTPUTF8 == true, body8bit = tostring(parameters.BODY):upper() == "8BITMIME",
    chunked = transaction.chunks ~= nil, violations = M.violations(raw, parameters),
  }
end

local function accept(session, entry, step, raw, wire)
  local number = session.store:next_number()
  local stands = session:answer(step, entry, 250, ("2.0.0 Ok: queued as %d"):format(number), function()
    keep(session, raw, wire)
    session.transaction = nil
  end)
  if not stands then session.store:count("refused") end
  session.transaction = nil
end

local function transaction_fault(session)
  if not session.transaction then return 503, "5.5.1 MAIL first" end
  if #session.transaction.to == 0 then return 554, "5.5.1 No valid recipients" end
end

function M.data(session, entry)
  local code, text = transaction_fault(session)
  if not code and session.transaction.chunks then code, text = 503, "5.5.1 BDAT is under way" end
  if not code and session.transaction.mailParams.BODY == "BINARYMIME" then
    code, text = 503, "5.5.1 BINARYMIME needs BDAT"
  end
  if code then return session:refuse("DATA", entry, code, text) end
  if not session:answer("DATA", entry, 354, "End data with <CR><LF>.<CR><LF>") then return end
  if entry.code ~= 354 then return end
  local wire = read_to_dot(session, size_limit(session), midway(session, entry, "CONTENT"))
  local done = session:note("")
  done.verb, done.octets = "CONTENT", wire and #wire or nil
  if not wire then
    session.transaction = nil
    return session:refuse("CONTENT", done, 552, "5.3.4 Message size exceeds the limit")
  end
  accept(session, done, "CONTENT", M.unstuff(wire), wire)
end

local function read_chunk(session, entry, size, rule)
  local parts, read = {}, 0
  while read < size do
    local got = session.stream:octets(math.min(PIECE_OCTETS, size - read), session:deadline())
    if not got then session:expire() end
    read = read + #got
    parts[#parts + 1] = got
    rule = act_midway(session, rule, read)
  end
  entry.octets = size
  return table.concat(parts)
end

--- Takes the chunk's octets off the wire though it is refused: they follow whatever the server answers.
local function skip_chunk(session, size)
  while size > 0 do
    local got = session.stream:octets(math.min(PIECE_OCTETS, size), session:deadline())
    if not got then session:expire() end
    size = size - #got
  end
end

local function parse_bdat(argument)
  local digits, rest = argument:match("^(%d+)%s*(.*)$")
  if not digits or #digits > 15 then return nil end
  rest = rest:upper()
  if rest ~= "" and rest ~= "LAST" then return nil end
  return tonumber(digits), rest == "LAST"
end

function M.bdat(session, entry, argument)
  local size, last = parse_bdat(argument)
  if not session.offers.CHUNKING then
    return session:refuse("BDAT", entry, 502, "5.5.1 CHUNKING is not offered")
  end
  if not size then return session:refuse("BDAT", entry, 501, "5.5.4 BDAT needs a size, then maybe LAST") end
  local code, text = transaction_fault(session)
  local transaction = session.transaction
  if not code and size + (transaction.octets or 0) > size_limit(session) then
    code, text = 552, "5.3.4 Message size exceeds the limit"
    session.transaction = nil
  end
  if code then
    skip_chunk(session, size)
    return session:refuse("BDAT", entry, code, text)
  end
  transaction.chunks = transaction.chunks or {}
  local chunk = read_chunk(session, entry, size, midway(session, entry, "BDAT"))
  transaction.chunks[#transaction.chunks + 1] = chunk
  transaction.octets = (transaction.octets or 0) + size
  if last then
    local raw = table.concat(transaction.chunks)
    return accept(session, entry, "BDAT LAST", raw, raw)
  end
  if not session:answer("BDAT", entry, 250, ("2.0.0 %d octets received"):format(size)) then
    session.transaction = nil
  end
end

return M
