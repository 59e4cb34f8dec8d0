-- SPDX-License-Identifier: MIT
--- A short number for a text, to tell whether it is still the same text. Against mistakes, not against
-- somebody who wants two texts to look alike.

local byte = string.byte
local PRIME = 4294967291 -- the largest below 2^32; the products stay exact in a double

--- @param text string
--- @param seed? integer  the digest of what stands in front
--- @return integer  1 to 2^32 - 5
return function(text, seed)
  local h, n = ((seed or 0) * 31 + #text + 1) % PRIME, #text
  for at = 1, n - 2, 3 do
    local a, b, c = byte(text, at, at + 2)
    h = (h * 65599 + a * 65536 + b * 256 + c) % PRIME
  end
  for at = n - n % 3 + 1, n do h = (h * 65599 + byte(text, at)) % PRIME end
  return h == 0 and 1 or h
end
