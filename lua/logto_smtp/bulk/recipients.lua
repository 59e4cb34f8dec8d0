-- SPDX-License-Identifier: MIT
--- Reads a list of recipients one at a time: CSV with a header line, one JSON object a line, a Lua array or
-- an iterator. Nothing of the list is kept.

local attempt = require("logto_smtp.util.attempt")
local core = require("logto_smtp.core")
local csv = require("logto_smtp.bulk.csv")
local digest = require("logto_smtp.bulk.digest")
local json = require("logto_smtp.util.json")
local tables = require("logto_smtp.util.tables")
local trim = require("logto_smtp.util.trim")

local M = {}

---@class logto_smtp.bulk.Entry
---@field number integer   1 for the first recipient
---@field line integer     where it begins in the file; its number in a Lua list
---@field to? string
---@field payload table
---@field id integer       changes with any of its fields
---@field invalid? string  why it cannot be sent, whatever the server says

---@class logto_smtp.bulk.Reader
---@field next fun(): logto_smtp.bulk.Entry|nil, string?  nil at the end; nil, reason where reading must stop
---@field fraction fun(): number?  of the list read so far, 0 to 1; nil: nobody knows
---@field close fun()

local LONGEST = 16 * 1024 * 1024 -- octets of a line
local BOM = "\239\187\191"

-- What stands instead of a line that nobody can send, and what is wrong with it.
local TOO_LONG, NO_TEXT, NO_UTF8 = "\0too long\0", "\0no text\0", "\0no UTF-8\0"
local WRONG = {
  [TOO_LONG] = ("the line is longer than %d MiB"):format(LONGEST / 2 ^ 20),
  [NO_TEXT] = "the line is no text of this encoding",
  [NO_UTF8] = "the line is not UTF-8; save it as UTF-8, or say its encoding (--encoding windows-1252)",
}

-- What is wrong with a row that has such a line; nil: nothing.
local function wrong_line(row)
  if not row:find("%z") then return nil end
  for mark, why in pairs(WRONG) do
    if row:find(mark, 1, true) then return why end
  end
  return nil
end

-- VT, FF, U+0085, U+2028 and U+2029 end lines elsewhere: a list with them would be its header alone.
local STRANGE_ENDS = { "[\v\f]", "\194\133", "\226\128[\168\169]" }

local RECIPIENT = { "to", "email" } -- the column of the recipient, the first that is there

-- Sets payload.a.b for the path { "a", "b" }.
local function set(payload, path, value)
  for i = 1, #path - 1 do
    if type(payload[path[i]]) ~= "table" then payload[path[i]] = {} end
    payload = payload[path[i]]
  end
  payload[path[#path]] = value
end

local function recipient_column(names)
  for _, wanted in ipairs(RECIPIENT) do
    for i, name in ipairs(names) do
      if name:lower() == wanted then return i end
    end
  end
  return nil
end

-- Why two columns would fill the same variable, or nil: the same name twice, `user` beside `user.name`, or
-- two columns that could each be the recipient's.
local function clash_of(paths)
  local whole, inner, recipient = {}, {}, {}
  for _, path in ipairs(paths) do
    local name = table.concat(path, ".")
    if name ~= "" and (whole[name] or recipient[name:lower()]) then
      return ("names the column `%s` twice"):format(name)
    end
    whole[name] = true
    for i = 1, #RECIPIENT do
      if name:lower() == RECIPIENT[i] then recipient[RECIPIENT[i]] = true end
    end
    for i = 1, #path - 1 do inner[table.concat(path, ".", 1, i)] = name end
  end
  for name, other in pairs(inner) do
    if whole[name] then return ("names `%s` and `%s`, and one is within the other"):format(name, other) end
  end
  return nil
end

-- Makes a function that reads the CSV records behind the header.
local function csv_decoder(header)
  local delimiter = csv.delimiter(header)
  local names, reason = csv.split(header, delimiter)
  if not names then return nil, "the header line cannot be read: " .. reason end
  for _, line_end in ipairs(STRANGE_ENDS) do
    if header:find(line_end) then
      return nil, "the header line has a line end in it that is none in CSV; end lines in LF, CRLF or CR"
    end
  end
  local paths = {}
  for i, name in ipairs(names) do
    names[i] = trim.both(name)
    paths[i] = {}
    for step in names[i]:gmatch("[^.]+") do paths[i][#paths[i] + 1] = step end
  end
  local clash = clash_of(paths)
  if clash then return nil, "the header line " .. clash end
  local to = recipient_column(names)
  if not to then
    return nil, "the header line names no column `to` or `email`; the first line of a CSV list names its "
      .. "columns"
  end
  return function(text, entry)
    local fields, why = csv.split(text, delimiter)
    if fields and #fields ~= #names then
      why = ("%d fields where the header names %d"):format(#fields, #names)
    end
    if why then
      entry.invalid = why
      return
    end
    for i, path in ipairs(paths) do
      if path[1] then set(entry.payload, path, fields[i]) end
    end
    entry.to = fields[to]
  end
end

-- Takes what an object says into the entry: the object in `payload` and every other field become payload.
local function take_object(object, entry)
  if type(object) ~= "table" then
    entry.invalid = 'not an object, such as {"to":"user@example.com","code":"123456"}'
    return
  end
  for _, name in ipairs(RECIPIENT) do
    entry.to = entry.to or object[name]
  end
  if type(entry.to) ~= "string" then
    entry.to, entry.invalid = nil, "no string `to` or `email`"
    return
  end
  for k, v in pairs(object) do
    if k ~= "payload" then entry.payload[k] = v end
  end
  if type(object.payload) == "table" then
    tables.assign(entry.payload, object.payload)
  end
end

local function decode_json(text, entry)
  local object, reason = json.read(text)
  if object == nil then
    entry.invalid = "the line " .. reason
    return
  end
  take_object(object, entry)
end

-- The lines of a file, counted with their octets. The first can be looked at before it is read. `failed` says
-- why there are no more, where that is not the end of the file.
local function line_source(file, encoding)
  local source = { line = 0, octets = 0 }
  local again, at = {}, 1 -- read before, and given back: each line and its end

  -- A line that is too long is a line that nobody can send: it stands here as what no reader takes.
  local function fetch()
    local text, ending, behind = core.process.readLine(file, LONGEST)
    if text == false then
      source.octets = source.octets + ending
      return TOO_LONG, behind
    end
    if not text then
      source.failed = ending and ("line %d cannot be read: %s"):format(source.line + 1, ending)
      return nil
    end
    if encoding then return core.decode(text, encoding) or NO_TEXT, ending end
    return json.isUtf8(text) and text or NO_UTF8, ending
  end

  function source.read()
    local text, ending = again[at], again[at + 1]
    if text then at = at + 2 else text, ending = fetch() end
    if not text then return nil end
    source.line, source.octets = source.line + 1, source.octets + #text + #ending
    return text, ending
  end

  function source.unread(lines, from)
    local list = {}
    for i = from, #lines, 2 do
      list[i - from + 1], list[i - from + 2] = lines[i], lines[i + 1]
      source.line, source.octets = source.line - 1, source.octets - #lines[i] - #lines[i + 1]
    end
    for i = at, #again do list[#list + 1] = again[i] end
    again, at = list, 1
  end

  local first, ending = fetch()
  if first and first:sub(1, 3) == BOM then
    first, source.octets = first:sub(4), 3
  end
  source.first, again = first or "", { first, ending }
  return source
end

local function next_record(source, is_json, delimiter)
  local text, lines
  repeat
    if is_json then text, lines = source.read(), 1 else text, lines = csv.record(source, delimiter) end
    if source.failed then return nil, source.failed end
    if not text then return nil end
  until text:find("[^%s]")
  return text, source.line - lines + 1
end

-- Fills an entry from a row. Whatever the row does to its reader, it is the row that cannot be sent.
local function fill(entry, decode, row)
  entry.invalid = type(row) == "string" and wrong_line(row) or nil
  if entry.invalid then return entry end
  local fine, why = attempt(decode, row, entry)
  if not fine then entry.invalid = why end
  return entry
end

local function decoder_for(source)
  if source.first:find("^%s*{") then return decode_json, 0 end
  local header, reason = next_record(source)
  local wrong = header and wrong_line(header)
  if wrong then return nil, ("line %d: %s"):format(source.line, wrong) end
  if not header then return nil, reason or "the list is empty; its first line names the columns" end
  local decode, why = csv_decoder(header)
  return decode, decode and digest(header) or why, csv.delimiter(header)
end

-- What every line-based reading relies on: ASCII is itself in the encoding. UTF-16 is none of these.
local PLAIN = "to,\"a\";b\tc@d.e {}:[]09AZaz"

local function open_text(file, payload, encoding)
  if encoding then
    local plain, why = core.decode(PLAIN, encoding)
    if plain ~= PLAIN then
      return nil, why and why:find("^no ") and why
        or ("a list in %s cannot be read by lines; save it as UTF-8"):format(encoding)
    end
  end
  local size = file:seek("end")
  if size then file:seek("set") end
  local source = line_source(file, encoding)
  local decode, seed, delimiter = decoder_for(source)
  if not decode then return nil, seed end
  local number = 0
  local reader = {}
  function reader.next()
    local text, line = next_record(source, delimiter == nil, delimiter)
    if not text then return nil, line end
    number = number + 1
    local entry = { number = number, line = line, payload = tables.copy(payload), id = digest(text, seed) }
    return fill(entry, decode, text)
  end
  function reader.fraction()
    return size and size > 0 and math.min(source.octets / size, 1) or nil
  end
  return reader
end

-- A value of a Lua list; only what can be written down can be recognised when a run goes on.
local function take_value(value, entry)
  entry.id = digest(json.encode(value))
  take_object(type(value) == "string" and { to = value } or value, entry)
end

local function open_values(values, payload)
  local number, count = 0, type(values) == "table" and #values or nil
  local reader = { close = function() end }
  local function item() return values[number + 1] end
  function reader.next()
    local fine, value = attempt(count and item or values)
    if not fine then return nil, "the list raised: " .. value end
    if value == nil then return nil end
    number = number + 1
    return fill({ number = number, line = number, payload = tables.copy(payload) }, take_value, value)
  end
  function reader.fraction() return count and count > 0 and number / count or nil end
  return reader
end

--- Opens a list.
---@param source string|table|fun(): table?  a file's name, "-" for stdin, an array or an iterator of objects
---@param payload table  variables that every recipient gets, under those of its own
---@param options? {stdin?: file*, encoding?: string}
---@return logto_smtp.bulk.Reader|nil
---@return string? reason
function M.open(source, payload, options)
  options = options or {}
  if type(source) ~= "string" then return open_values(source, payload) end
  local file, err
  if source == "-" then file = options.stdin or io.stdin else file, err = io.open(source, "rb") end
  if not file then return nil, "cannot read " .. err end
  local reader, reason = open_text(file, payload, options.encoding)
  local function close()
    if source ~= "-" then file:close() end
  end
  if not reader then
    close()
    return nil, reason
  end
  reader.close = close
  return reader
end

return M
