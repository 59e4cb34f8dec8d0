-- SPDX-License-Identifier: MIT
--- path: the argument of MAIL and RCPT (RFC 5321, 4.1.2): a path in angle brackets and parameters behind it.
local M = {}

--- Position of the ">" that ends a path which starts at `first`; a quoted local part may hold one itself.
local function path_end(text, first)
  local i, quoted = first, false
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" and quoted then
      i = i + 1
    elseif c == '"' then
      quoted = not quoted
    elseif c == ">" and not quoted then
      return i
    end
    i = i + 1
  end
end

local function parse_parameters(text)
  local parameters = {}
  for word in text:gmatch("%S+") do
    local keyword, value = word:match("^(%w[%w-]*)=([^=%c]+)$")
    if not keyword then keyword = word:match("^%w[%w-]*$") end
    if not keyword or parameters[keyword:upper()] then return nil end
    parameters[keyword:upper()] = value or true
  end
  return parameters
end

--- Address (without brackets and source route; "" for <>) and parameters, or nil when the syntax is wrong.
---@param argument string
---@param word "FROM"|"TO"
---@return string? address, table<string, string|true>? parameters
function M.parse(argument, word)
  local _, colon = argument:upper():find("^" .. word .. ":%s*")
  if not colon or argument:sub(colon + 1, colon + 1) ~= "<" then return nil end
  local last = path_end(argument, colon + 2)
  if not last then return nil end
  local address, rest = argument:sub(colon + 2, last - 1), argument:sub(last + 1)
  if rest ~= "" and not rest:find("^%s") then return nil end
  local parameters = parse_parameters(rest)
  if not parameters or address:find("[%c]") then return nil end
  return (address:gsub("^@[^:]*:", "")), parameters
end

return M
