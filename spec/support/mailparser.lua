-- SPDX-License-Identifier: MIT
--- Reads a message back, independently of the code that wrote it: header fields in order, encoded-words
-- (RFC 2047), transfer encodings (RFC 2045), one mailbox a field (RFC 5322), punycode (RFC 3492).
-- For messages with a single part, which is all that the connector sends.

local M = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local DIGIT = {}
for i = 1, #ALPHABET do DIGIT[ALPHABET:byte(i)] = i - 1 end

local function decode_base64(s)
  local out, bits, held = {}, 0, 0
  for i = 1, #s do
    local digit = DIGIT[s:byte(i)]
    if digit then
      bits, held = bits * 64 + digit, held + 6
      if held >= 8 then
        held = held - 8
        local unit = 2 ^ held
        out[#out + 1] = string.char(math.floor(bits / unit))
        bits = bits % unit
      end
    end
  end
  return table.concat(out)
end

local function decode_hex(s)
  return (s:gsub("=(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function decode_quoted_printable(s)
  return decode_hex((s:gsub("[ \t]*\r\n", "\r\n"):gsub("=\r\n", "")))
end

local function decode_word(encoding, text)
  if encoding:upper() == "B" then return decode_base64(text) end
  return decode_hex((text:gsub("_", " ")))
end

--- Decodes the encoded-words of a field; white space between two of them goes.
function M.decode_words(s)
  s = s:gsub("(=%?[%w%-]+%?[BbQq]%?[^%s?]*%?=)%s+%f[=]", "%1")
  return (s:gsub("=%?[%w%-]+%?([BbQq])%?([^%s?]*)%?=", decode_word))
end

local function utf8_char(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local function adapt(delta, count, first)
  delta = math.floor(delta / (first and 700 or 2))
  delta = delta + math.floor(delta / count)
  local k = 0
  while delta > 455 do delta, k = math.floor(delta / 35), k + 36 end
  return k + math.floor(36 * delta / (delta + 38))
end

local function decode_label(label)
  local encoded = label:match("^xn%-%-(.+)$")
  if not encoded then return label end
  local basic, rest = encoded:match("^(.*)%-([^-]*)$")
  local out = {}
  for c in (basic or ""):gmatch(".") do out[#out + 1] = c end
  rest = rest or encoded
  local n, i, bias, at = 128, 0, 72, 1
  while at <= #rest do
    local before, weight, k = i, 1, 36
    while true do
      local c = rest:byte(at)
      local digit = c <= 57 and c - 22 or c % 32 - 1
      at = at + 1
      i = i + digit * weight
      local threshold = math.max(1, math.min(26, k - bias))
      if digit < threshold then break end
      weight, k = weight * (36 - threshold), k + 36
    end
    bias = adapt(i - before, #out + 1, before == 0)
    n, i = n + math.floor(i / (#out + 1)), i % (#out + 1)
    table.insert(out, i + 1, utf8_char(n))
    i = i + 1
  end
  return table.concat(out)
end

--- An address with its domain in Unicode.
function M.decode_address(address)
  local local_part, domain = address:match("^(.*)@([^@]*)$")
  if not domain then return address end
  return local_part .. "@" .. domain:gsub("[^.]+", decode_label)
end

--- The mailbox of a field body as { name, address }.
function M.mailbox(body)
  local name, address = body:match("^(.-)%s*<([^<>]*)>$")
  if not address then name, address = "", body end
  local quoted = name:match('^"(.*)"$')
  if quoted then name = quoted:gsub("\\(.)", "%1") end
  return { name = M.decode_words(name), address = M.decode_address(address) }
end

local function lf(s)
  return (s:gsub("\r\n", "\n"))
end

local DECODERS = { base64 = decode_base64, ["quoted-printable"] = decode_quoted_printable }

---@class spec.Message
---@field names string[]  field names in order
---@field fields table<string, string[]>  unfolded bodies by lower-case name
---@field body string  decoded, LF line ends
---@field longest_line integer  octets, line end not counted

---@param raw string  as it travelled, without dot transparency
---@return spec.Message
function M.parse(raw)
  local head, body = raw:match("^(.-\r\n)\r\n(.*)$")
  local message = { names = {}, fields = {}, longest_line = 0 }
  for name, value in head:gsub("\r\n([ \t])", "%1"):gmatch("([^:\r\n]+):([^\r\n]*)\r\n") do
    local key = name:lower()
    message.names[#message.names + 1] = name
    message.fields[key] = message.fields[key] or {}
    table.insert(message.fields[key], value:match("^%s*(.-)%s*$"))
  end
  for line in raw:gmatch("[^\r\n]+") do message.longest_line = math.max(message.longest_line, #line) end
  local encoding = message.fields["content-transfer-encoding"]
  local decode = encoding and DECODERS[encoding[1]]
  message.body = lf(decode and decode(body) or body)
  return message
end

return M
