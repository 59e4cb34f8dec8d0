-- SPDX-License-Identifier: MIT
--- Address lists made at random, with what they say: RFC 5322 3.4 and 4.4, RFC 5321 4.1.2 and 4.1.3,
--- RFC 6532. Knows nothing of the code that reads them.
local M = {}

---@class spec.Random
local Random = {}
Random.__index = Random

--- The same numbers on every interpreter (Park and Miller).
function M.random(seed)
  return setmetatable({ state = seed }, Random)
end

--- 1 to n.
function Random:upTo(n)
  self.state = self.state * 48271 % 2147483647
  return self.state % n + 1
end

function Random:pick(list) return list[self:upTo(#list)] end

--- True once in n times.
function Random:once(n) return self:upTo(n) == 1 end

--- A text of 1 to n pieces.
function Random:text(pieces, n)
  local out = {}
  for i = 1, self:upTo(n) do out[i] = self:pick(pieces) end
  return table.concat(out)
end

local function letters(s)
  local out = {}
  for c in s:gmatch("[%z\1-\127\194-\244][\128-\191]*") do out[#out + 1] = c end
  return out
end

local ATEXT = letters("abcdefghijklmnopqrstuvwxyzABCDEXYZ0123456789!#$%&'*+-/=?^_`{|}~")
local UTEXT = letters("aeionxyzéöŽ日本語ßÆя한")
local QTEXT = letters("abcxyz ABC .@,;:<>()[]-=?!éž日")
local CTEXT = letters("abc xyz.@,;:<>[]\"é日")
local FOLDS = { " ", "  ", "\t", "\r\n ", " \r\n\t", "\n " }

-- Domain labels as written and as they are in the envelope.
local LABELS = {
  { "example", "example" }, { "EXAMPLE", "example" }, { "mail-1", "mail-1" }, { "co", "co" }, { "x", "x" },
  { "a_b", "a_b" }, { "bücher", "xn--bcher-kva", "bücher" }, { "日本", "xn--wgv71a", "日本" },
  { "xn--bcher-kva", "xn--bcher-kva", "bücher" }, { "Straße", "xn--strae-oqa", "straße" },
}
local LITERALS = {
  "[192.0.2.1]", "[127.0.0.1]", "[IPv6:2001:db8::1]", "[IPv6:::]", "[IPv6:2001:db8:1:2:3:4:5:6]",
  "[IPv6:::ffff:192.0.2.1]", "[x-tag:any,thing;at@all<>]", "[ipv6:fe80::1]",
}

-- White space: obligatory; and perhaps none.
local function fold(r) return r:pick(FOLDS) end
local function maybe_fold(r) return r:once(4) and fold(r) or "" end

local function comment(r, depth)
  local raw, said = {}, {}
  for i = 1, r:upTo(3) do
    local text = r:text(CTEXT, 6):match("^%s*(.-)%s*$")
    raw[i], said[i] = text:gsub("[\"]", "\\%0"), text
    if r:once(3) then raw[i], said[i] = raw[i] .. "\\(", said[i] .. "(" end
    if r:once(3) and depth < 3 then
      local inner, inner_said = comment(r, depth + 1)
      raw[i], said[i] = raw[i] .. inner, said[i] .. "(" .. inner_said .. ")"
    end
  end
  return "(" .. table.concat(raw, "-") .. ")", table.concat(said, "-")
end

-- White space and comments; what the comments say is added to said.
local function cfws(r, said, often)
  local out = maybe_fold(r)
  while r:once(often or 12) do
    local raw, text = comment(r, 1)
    said[#said + 1] = text:match("%S") and text or nil
    out = out .. raw .. maybe_fold(r)
  end
  return out
end

local function quoted(r, pieces, n)
  local text = r:once(20) and "" or r:text(pieces, n)
  local raw = text:gsub('["\\]', "\\%0")
  if r:once(3) then raw = raw:gsub("[a-z.@ ]", function(c) return r:once(3) and "\\" .. c or nil end) end
  if r:once(3) then
    local escaped = r:pick({ '"', "\\" })
    raw, text = raw .. "\\" .. escaped, text .. escaped
  end
  return '"' .. raw .. '"', text
end

local function is_dot_string(s)
  return s ~= "" and not s:find('[%s%c"(),:;<>@%[%]\\]') and not s:find("^%.") and not s:find("%.$")
    and not s:find("..", 1, true)
end

-- A local part as written and as it is in the envelope.
local function local_part(r)
  local raw, said = {}, {}
  for i = 1, r:upTo(3) do
    if r:once(5) then
      raw[i], said[i] = quoted(r, QTEXT, 8)
    else
      raw[i] = r:text(r:once(8) and UTEXT or ATEXT, 8)
      said[i] = raw[i]
    end
  end
  local text = table.concat(said, ".")
  local dot = r:once(20) and maybe_fold(r) .. "." .. maybe_fold(r) or "."
  return table.concat(raw, dot), is_dot_string(text) and text or '"' .. text:gsub('["\\]', "\\%0") .. '"'
end

-- A domain as written, as it is read, and as it is in the envelope behind an ASCII local part and another.
local function domain(r)
  if r:once(8) then
    local literal = r:pick(LITERALS)
    local raw = r:once(4) and "[" .. fold(r) .. literal:sub(2, -2) .. fold(r) .. "]" or literal
    return raw, literal, literal, literal
  end
  local raw, ascii, unicode = {}, {}, {}
  for i = 1, 1 + r:upTo(3) do
    local label = r:pick(LABELS)
    raw[i], ascii[i], unicode[i] = label[1], label[2], label[3] or label[2]
  end
  local dot = r:once(20) and maybe_fold(r) .. "." .. maybe_fold(r) or "."
  local text = table.concat(raw, dot) .. (r:once(30) and "." or "")
  return text, table.concat(raw, "."), table.concat(ascii, "."), table.concat(unicode, ".")
end

-- addr-spec: text, as it is read, as it is in the envelope.
local function addr_spec(r, said)
  local raw_local, said_local = local_part(r)
  local raw_domain, said_domain, ascii, unicode = domain(r)
  local text = cfws(r, said) .. raw_local .. cfws(r, said, 30) .. "@" .. cfws(r, said, 30) .. raw_domain
    .. cfws(r, said)
  local sent = said_local:find("[\128-\255]") and unicode or ascii
  return text, said_local .. "@" .. said_domain, said_local .. "@" .. sent
end

local ENCODED = { "=?UTF-8?Q?J=C3=B6rg?=", "=?utf-8?B?w7ZzdA==?=", "=?ISO-8859-1?Q?a_=E9?=" }

local function word(r)
  local kind = r:upTo(8)
  if kind <= 2 then return quoted(r, QTEXT, 12) end
  if kind == 3 then return r:text(UTEXT, 8) end
  if kind == 4 then return r:pick(ENCODED) end
  if kind == 5 then return r:text(ATEXT, 6) .. "." end
  return r:text(ATEXT, 8)
end

-- Display name: text and what it says.
local function phrase(r, comments)
  local raw, said = {}, {}
  for i = 1, r:upTo(4) do
    local text, value = word(r)
    raw[i] = text .. fold(r) .. cfws(r, comments, 25)
    value = value or text
    if value ~= "" then said[#said + 1] = value end
  end
  return table.concat(raw), table.concat(said, " "):match("^%s*(.-)%s*$")
end

-- A mailbox: text, as it is read, as it is in the envelope. Comments are the name of what has no other.
local function mailbox(r)
  local said, name = {}, ""
  local text, address, sent
  if r:once(2) then
    text, address, sent = addr_spec(r, said)
  else
    local raw = ""
    local before = cfws(r, said)
    if not r:once(4) then raw, name = phrase(r, said) end
    local route = r:once(25) and "@relay.example,@second.example:" or ""
    text, address, sent = addr_spec(r, said)
    text = before .. raw .. "<" .. route .. text .. ">" .. cfws(r, said)
  end
  if name == "" then name = table.concat(said, " ") end
  return text, { address = address, name = name ~= "" and name or nil }, sent
end

-- An empty entry has no comment: one alone between two commas is taken for an address that would be lost.
local function separator(r)
  return maybe_fold(r) .. "," .. (r:once(20) and maybe_fold(r) .. "," or "") .. maybe_fold(r)
end

-- Comments where a group has room for them, with nothing in them that could be an address.
local function remark(r) return (cfws(r, {}):gsub("@", "-")) end

local function mailbox_list(r, n, truth, sent)
  local texts = {}
  for i = 1, n do
    texts[i], truth[#truth + 1], sent[#sent + 1] = mailbox(r)
  end
  local out = {}
  for i, text in ipairs(texts) do out[i] = text .. (i < n and separator(r) or "") end
  return table.concat(out)
end

local function group(r, sent)
  local raw, name
  repeat raw, name = phrase(r, {}) until name ~= ""
  local members = {}
  local text = r:once(5) and remark(r) or mailbox_list(r, r:upTo(3), members, sent)
  return raw .. ":" .. text .. ";" .. remark(r), { name = name, group = members }
end

--- A list: its text; what core.addresses is to answer; the addresses of the envelope, each once.
---@param r spec.Random
function M.list(r)
  local texts, truth, all = {}, {}, {}
  for i = 1, r:upTo(4) do
    if r:once(5) then
      texts[i], truth[#truth + 1] = group(r, all)
    else
      texts[i], truth[#truth + 1], all[#all + 1] = mailbox(r)
    end
  end
  local text, seen, sent = "", {}, {}
  for i, item in ipairs(texts) do text = text .. item .. (i < #texts and separator(r) or "") end
  for _, address in ipairs(all) do
    if not seen[address] then sent[#sent + 1] = address end
    seen[address] = true
  end
  return text, truth, sent
end

local SPECIALS = letters("()<>[]:;@\\,.\" \"\t\r\n\0")
for _, s in ipairs({ "(x)", "\"", "@evil.example", ", ", "\r\nBcc: ", " .", "<x@y.example>", "=?" }) do
  SPECIALS[#SPECIALS + 1] = s
end

--- The text with one to three octets taken out, put in or exchanged, mostly those that mean something.
---@param r spec.Random
---@param text string
function M.spoil(r, text)
  for _ = 1, r:upTo(3) do
    local places = {}
    for at in text:gmatch("()[()<>%[%]:;@\\,.\"%s]") do places[#places + 1] = at end
    local at = #places > 0 and not r:once(4) and r:pick(places) or r:upTo(#text + 1)
    local kind = r:upTo(4)
    local put = kind == 1 and "" or r:pick(SPECIALS)
    if kind == 4 then put = text:sub(at, at):rep(2) end
    text = text:sub(1, at - 1) .. put .. text:sub(at + (kind == 3 and 0 or 1))
  end
  return text
end

return M
