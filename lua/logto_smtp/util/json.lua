-- SPDX-License-Identifier: MIT
--- JSON text with a fixed key order, equal to what JSON.stringify writes for the same value.
-- Lua tables forget the order of their keys, and a ConnectorError's message is JSON text that people and
-- log filters compare. So the order comes from here: issues of the config guard in the order the guard's
-- origin emits them, every other object by the caller's list first and by name after it.

local cjson = require("cjson")
local core = require("logto_smtp.core")

local M = {}

local ESCAPES = {
  ['"'] = '\\"', ["\\"] = "\\\\",
  ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local REPLACEMENT = "\239\191\189" -- U+FFFD

-- Key order per issue code. An enum that got a value of the wrong type lists `expected` first.
local ISSUE_ORDER = {
  invalid_type = { "code", "expected", "received", "path", "message" },
  invalid_enum_type = { "expected", "received", "code", "path", "message" },
  invalid_enum_value = { "received", "code", "options", "path", "message" },
  unrecognized_keys = { "code", "keys", "path", "message" },
  invalid_union = { "code", "unionErrors", "path", "message" },
  custom = { "code", "message", "path" },
}

local ERROR_ORDER = { "issues", "name" }

-- The octets of the well-formed UTF-8 sequence at `at`, or nil (RFC 3629, section 4).
local function sequence_length(s, at)
  local lead, second = s:byte(at, at + 1)
  local n
  if lead < 0x80 then return 1 end
  if lead >= 0xC2 and lead <= 0xDF then n = 2
  elseif lead >= 0xE0 and lead <= 0xEF then n = 3
  elseif lead >= 0xF0 and lead <= 0xF4 then n = 4
  else return nil end
  if not second then return nil end
  local low = lead == 0xE0 and 0xA0 or lead == 0xF0 and 0x90 or 0x80
  local high = lead == 0xED and 0x9F or lead == 0xF4 and 0x8F or 0xBF
  if second < low or second > high then return nil end
  if not s:find("^[\128-\191]" .. ("[\128-\191]"):rep(n - 2), at + 1) then return nil end
  return n
end

-- Replaces what is not UTF-8: a JavaScript string cannot hold it, and JSON must not.
local function well_formed(s)
  if not s:find("[\128-\255]") then return s end
  local out, at = {}, 1
  while at <= #s do
    local n = sequence_length(s, at)
    out[#out + 1] = n and s:sub(at, at + n - 1) or REPLACEMENT
    at = at + (n or 1)
  end
  return table.concat(out)
end

--- Whether a text is well-formed UTF-8.
---@param s string
---@return boolean
function M.isUtf8(s)
  local at = s:find("[\128-\255]")
  while at do
    local n = sequence_length(s, at)
    if not n then return false end
    at = s:find("[\128-\255]", at + n)
  end
  return true
end

--- One JSON string, quotes included.
---@param s string
---@return string
function M.string(s)
  return '"' .. well_formed(s):gsub('[%z\1-\31"\\]', function(c)
    return ESCAPES[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function number(n)
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
  return core.render("{{n}}", { n = n })
end

-- An empty table counts as an array, as everywhere in this module.
local function is_array(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n == #t
end

local function known_order(t)
  if t.code == "invalid_type" and type(t.expected) == "string" and t.expected:sub(1, 1) == "'" then
    return ISSUE_ORDER.invalid_enum_type
  end
  if t.name == "ZodError" then return ERROR_ORDER end
  return t.path and ISSUE_ORDER[t.code]
end

-- The keys of t that are to be written: those of the list first, the others by name.
local function ordered_keys(t, order)
  local keys, seen, rest = {}, {}, {}
  for _, k in ipairs(order or {}) do
    if t[k] ~= nil and not seen[k] then
      keys[#keys + 1] = k
      seen[k] = true
    end
  end
  for k in pairs(t) do
    if not seen[k] then rest[#rest + 1] = k end
  end
  table.sort(rest, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(rest) do keys[#keys + 1] = k end
  return keys
end

local encode

-- Joins the members of an array or object, on one line or one a line.
local function enclose(open, members, close, indent, depth)
  if #members == 0 then return open .. close end
  if not indent then return open .. table.concat(members, ",") .. close end
  local inner = "\n" .. (" "):rep(indent * (depth + 1))
  return open .. inner .. table.concat(members, "," .. inner) .. "\n" .. (" "):rep(indent * depth) .. close
end

local function encode_table(t, opts, depth)
  local members = {}
  if is_array(t) then
    for i = 1, #t do members[i] = encode(t[i], opts, depth + 1) end
    return enclose("[", members, "]", opts.indent, depth)
  end
  local colon = opts.indent and ": " or ":"
  for _, k in ipairs(ordered_keys(t, known_order(t) or opts.order)) do
    members[#members + 1] = M.string(tostring(k)) .. colon .. encode(t[k], opts, depth + 1)
  end
  return enclose("{", members, "}", opts.indent, depth)
end

local SCALARS = {
  string = M.string,
  number = number,
  boolean = tostring,
  ["nil"] = function() return "null" end,
}

function encode(value, opts, depth)
  if value == cjson.null then return "null" end
  if type(value) == "table" then return encode_table(value, opts, depth) end
  local scalar = SCALARS[type(value)]
  if not scalar then error("no JSON for a " .. type(value), 0) end
  return scalar(value)
end

---@class logto_smtp.json.opts
---@field indent? integer  columns per level; one line without it
---@field order? string[]  keys to write first, in this order, at every level

-- A character beyond U+FFFF as the two halves that JSON escapes it by (RFC 8259, section 7).
local function halves(sequence)
  if core.visible(sequence) == sequence then return sequence end
  local a, b, c, d = sequence:byte(1, 4)
  local rest = (a % 8) * 0x40000 + (b % 64) * 0x1000 + (c % 64) * 64 + d % 64 - 0x10000
  return ("\\u%04X\\u%04X"):format(0xD800 + math.floor(rest / 1024), 0xDC00 + rest % 1024)
end

--- JSON text on one line for a terminal: what would act on it is escaped, and the value stays the same.
---@param text string
---@return string
function M.shown(text)
  text = text:gsub("\127", "\\u007F"):gsub("[\240-\244][\128-\191][\128-\191][\128-\191]", halves)
  return core.visible(text)
end

-- Octets of a name that a reason shows.
local SHOWN = 60

--- Reads a JSON text that a person or another program wrote.
---@param text string
---@param depth? integer  levels of objects and arrays
---@return any value
---@return string? reason  why it is none, to stand behind what it should be; it shows at most a name of it
---@return "not_json"|"name_twice"|"too_much"|nil kind  of reason
function M.read(text, depth)
  local value, at, twin = core.fromJson(text, depth)
  if value ~= nil then return value end
  if twin then
    return nil, ("has the name `%s` twice in one object (at character %d)")
      :format(core.visible(twin:sub(1, SHOWN)), at), "name_twice"
  end
  if at == 0 then return nil, "is nested too deeply, or too large", "too_much" end
  return nil, ("is not JSON (at character %d)"):format(at), "not_json"
end

--- The JSON text of a value. Raises for a function, a thread or a userdata other than cjson.null.
---@param value any
---@param opts? logto_smtp.json.opts
---@return string
function M.encode(value, opts)
  return encode(value, opts or {}, 0)
end

return M
