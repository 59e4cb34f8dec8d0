-- SPDX-License-Identifier: MIT
--- md5: MD5 (RFC 1321) and HMAC-MD5 (RFC 2104) without bit operators, for checking CRAM-MD5 answers in tests.
local M = {}

local WORD = 4294967296 -- 2^32

local function bits_table(rule)
  local rows = {}
  for a = 0, 15 do
    rows[a] = {}
    for b = 0, 15 do
      local value, weight, x, y = 0, 1, a, b
      for _ = 1, 4 do
        value = value + weight * rule(x % 2, y % 2)
        x, y, weight = math.floor(x / 2), math.floor(y / 2), weight * 2
      end
      rows[a][b] = value
    end
  end
  return rows
end

local AND = bits_table(function(x, y) return x * y end)
local XOR = bits_table(function(x, y) return (x + y) % 2 end)

local function combine(rows, a, b)
  local value, weight = 0, 1
  for _ = 1, 8 do
    value = value + weight * rows[a % 16][b % 16]
    a, b, weight = math.floor(a / 16), math.floor(b / 16), weight * 16
  end
  return value
end

local function band(a, b) return combine(AND, a, b) end
local function bxor(a, b) return combine(XOR, a, b) end
local function bnot(a) return WORD - 1 - a end
local function bor(a, b) return bnot(band(bnot(a), bnot(b))) end

local function rotate(a, n)
  local high = 2 ^ (32 - n)
  return (a % high) * 2 ^ n + math.floor(a / high)
end

local SHIFTS = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } }

local SINES = {}
for i = 1, 64 do SINES[i] = math.floor(math.abs(math.sin(i)) * WORD) end

local MIX = {
  function(b, c, d) return bor(band(b, c), band(bnot(b), d)) end,
  function(b, c, d) return bor(band(d, b), band(bnot(d), c)) end,
  function(b, c, d) return bxor(b, bxor(c, d)) end,
  function(b, c, d) return bxor(c, bor(b, bnot(d))) end,
}

local INDEX = {
  function(i) return i end,
  function(i) return (5 * i + 1) % 16 end,
  function(i) return (3 * i + 5) % 16 end,
  function(i) return (7 * i) % 16 end,
}

local function read_words(block, first)
  local words = {}
  for i = 0, 15 do
    local a, b, c, d = block:byte(first + 4 * i, first + 4 * i + 3)
    words[i] = a + b * 256 + c * 65536 + d * 16777216
  end
  return words
end

local function turn(state, words)
  local a, b, c, d = state[1], state[2], state[3], state[4]
  for i = 0, 63 do
    local round = math.floor(i / 16) + 1
    local sum = (a + MIX[round](b, c, d) + SINES[i + 1] + words[INDEX[round](i)]) % WORD
    a, d, c, b = d, c, b, (b + rotate(sum, SHIFTS[round][i % 4 + 1])) % WORD
  end
  return { (state[1] + a) % WORD, (state[2] + b) % WORD, (state[3] + c) % WORD, (state[4] + d) % WORD }
end

local function little_endian(value, octets)
  local out = {}
  for i = 1, octets do
    out[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(out)
end

--- The 16 octets of the MD5 digest.
---@param message string
---@return string
function M.digest(message)
  local padded = message .. "\128" .. ("\0"):rep((55 - #message) % 64) .. little_endian(#message * 8, 8)
  local state = { 1732584193, 4023233417, 2562383102, 271733878 }
  for first = 1, #padded, 64 do state = turn(state, read_words(padded, first)) end
  local out = {}
  for i = 1, 4 do out[i] = little_endian(state[i], 4) end
  return table.concat(out)
end

local function masked(key, mask)
  return (key:gsub(".", function(c) return string.char(bxor(c:byte(), mask)) end))
end

--- HMAC-MD5 in lower-case hexadecimal.
---@param key string
---@param message string
---@return string
function M.hmac_hex(key, message)
  if #key > 64 then key = M.digest(key) end
  key = key .. ("\0"):rep(64 - #key)
  local digest = M.digest(masked(key, 0x5c) .. M.digest(masked(key, 0x36) .. message))
  return (digest:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

return M
