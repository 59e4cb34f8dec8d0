-- SPDX-License-Identifier: MIT
--- Records of CSV text (RFC 4180): quoted fields may hold delimiters, doubled quotes and line ends.

local M = {}

-- Octets of one record. A quote that nobody closed must not swallow a list of gigabytes.
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

local function quotes_in(line)
  if not line:find('"', 1, true) then return 0 end
  local _, count = line:gsub('"', "")
  return count
end

--- The next record as text, less its line end: as many lines as its quotes ask for.
---@param read_line fun(): string?
---@return string|nil text
---@return string|integer lines  how many it took; without text the reason, or nil at the end
function M.record(read_line)
  local line = read_line()
  if not line then return nil end
  local quotes, lines, pieces, size = quotes_in(line), 1, nil, #line
  while quotes % 2 == 1 do
    local more = read_line()
    if not more then return nil, "a quote is not closed" end
    pieces = pieces or { line }
    quotes, lines, size = quotes + quotes_in(more), lines + 1, size + #more + 1
    if size > LONGEST then return nil, "a quote is not closed within a mebibyte" end
    pieces[lines] = more
  end
  local text = pieces and table.concat(pieces, "\n") or line
  return text:byte(-1) == 13 and text:sub(1, -2) or text, lines
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
