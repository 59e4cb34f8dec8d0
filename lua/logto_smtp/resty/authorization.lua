-- SPDX-License-Identifier: MIT
--- Compares an Authorization header with the values that are let in, in a time that tells nothing about them:
-- both sides are hashed under a key that nobody knows (HMAC), and the hashes, which are of one length, are
-- compared to the end. Every value is compared, whichever matches.

local bit = require("bit")
local ngx = require("ngx")

local M = {}

local key

-- 32 octets of chance, once in a process and those it forks.
local function secret_key()
  if not key then
    local source = assert(io.open("/dev/urandom", "rb"))
    key = source:read(32)
    source:close()
    assert(key and #key == 32, "/dev/urandom gave too little")
  end
  return key
end

-- 0 where two hashes are the same.
local function differ(a, b)
  local difference = 0
  for i = 1, #a do difference = bit.bor(difference, bit.bxor(a:byte(i), b:byte(i))) end
  return difference
end

-- What no header can carry as it stands could never match: nginx strips white space around a value.
local function fault_of(value)
  if type(value) ~= "string" then return "is to be a string, not a " .. type(value) end
  if value == "" then return "is empty" end
  if value:find("[%z\1-\31\127]") or value:find("^ ") or value:find(" $") then
    return "has a control character, or white space at an end"
  end
  return nil
end

--- What is kept of the values that are let in: their hashes.
---@param values any  a string or a list of strings
---@return string[]|nil hashes
---@return string? fault  what is wrong with the values; repeats none
function M.hashes(values)
  if type(values) == "string" then values = { values } end
  if type(values) ~= "table" or #values == 0 then return nil, "is to be a string or a list of strings" end
  local hashes = {}
  for i, value in ipairs(values) do
    local fault = fault_of(value)
    if fault then return nil, fault end
    hashes[i] = ngx.hmac_sha1(secret_key(), value)
  end
  return hashes
end

--- Whether a header is one of the values.
---@param header? string
---@param hashes string[]  of M.hashes
---@return boolean
function M.matches(header, hashes)
  local given, found = ngx.hmac_sha1(secret_key(), header or ""), 0
  for _, hash in ipairs(hashes) do
    found = bit.bor(found, differ(given, hash) == 0 and 1 or 0)
  end
  return found == 1
end

return M
