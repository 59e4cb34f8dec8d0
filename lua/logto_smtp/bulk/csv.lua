-- SPDX-License-Identifier: MIT
--- Records of CSV text (RFC 4180): quoted fields may hold delimiters, doubled quotes and line ends, which are
-- LF, CR LF or CR.

local M = {}

-- Octets of one record. A quote that nobody closed must not swallow the list behind it.
local LONGEST = 1024 * 1024

--- The fields of one record; nil, reason when its quotes do not fit.
---@param text string  without its final line end
---@param delimiter string  one character
---@return string[]|nil fields
---@return string? reason
function M.split(text, delimiter)
  local fields, n, at = {}, 0, 1
  repeat
    local value, after
    if text:byte(at) == 34 then
      local close = at
      repeat
        close = text:find('"', close + 1, true)
        if not close then return nil, "a quote is not closed" end
        local doubled = text:byte(close + 1) == 34
        if doubled then close = close + 1 end
      until not doubled
      value, after = text:sub(at + 1, close - 1):gsub('""', '"'), close + 1
      if after <= #text and text:sub(after, after) ~= delimiter then
        return nil, "text stands behind a closing quote"
      end
    else
      after = text:find(delimiter, at, true) or #text + 1
      value = text:sub(at, after - 1)
    end
    n = n + 1
    fields[n] = value
    at = after + 1
  until after > #text
  return fields
end

-- Behind the quote that closes the field whose text begins at `at`; nil: none does.
local function behind_quoted(text, at)
  repeat
    local quote = text:find('"', at, true)
    if not quote then return nil end
    if text:byte(quote + 1) ~= 34 then return quote + 1 end
    at = quote + 2
  until false
end

-- Whether a quoted field is still open behind a line; `open`: one was before it. A quote opens a field at its
-- start and nowhere else: the 15" of a name are two digits and a quote.
local function stays_open(line, delimiter, open)
  if not line:find('"', 1, true) then return open end
  local at = 1
  repeat
    if open or line:byte(at) == 34 then
      at = behind_quoted(line, open and at or at + 1)
      if not at then return true end
      open = false
    end
    local field_end = line:find(delimiter, at, true)
    at = field_end and field_end + 1
  until not at
  return false
end

---@class logto_smtp.bulk.Lines
---@field read fun(): string?, string?  the next line, and its end: LF, CR, CR LF, or none at the end
---@field unread fun(lines: string[], from: integer)  gives those from there on back, to be read again: each
---  line and its end

--- The next record as text, less its line end: as many lines as its quotes ask for. One whose quotes are not
--- closed within a mebibyte, or not well, is its first line alone; what is behind it is read as if it were
--- well.
---@param source logto_smtp.bulk.Lines
---@param delimiter? string  nil: the record is the header, and says it
---@return string|nil text
---@return integer lines  how many it took
function M.record(source, delimiter)
  local line, ending = source.read()
  if not line then return nil, 0 end
  delimiter = delimiter or M.delimiter(line)
  local lines, size = 1, #line
  local open = stays_open(line, delimiter, false)
  if not open then return line, 1 end
  local pieces = { line, ending }
  repeat
    local more, behind = source.read()
    if more then
      lines, size = lines + 1, size + #more + #behind
      open = stays_open(more, delimiter, true)
      pieces[#pieces + 1], pieces[#pieces + 2] = more, behind
    end
    if not more or size > LONGEST then
      source.unread(pieces, 3)
      return line, 1
    end
  until not open
  local text = table.concat(pieces, "", 1, #pieces - 1)
  if M.split(text, delimiter) then return text, lines end
  source.unread(pieces, 3) -- what closed it was the quote of another row
  return line, 1
end

--- The delimiter of a list by its header: comma, or what Excel writes in some countries.
---@param header string
---@return string
function M.delimiter(header)
  for _, candidate in ipairs({ ",", ";", "\t" }) do
    if header:find(candidate, 1, true) then return candidate end
  end
  return ","
end

return M
