-- SPDX-License-Identifier: MIT
--- nearest: of some names the one that was meant.

-- How many letters to add, drop, change or swap with their neighbour; or any number above `most`.
local function distance(a, b, most)
  if math.abs(#a - #b) > most then return most + 1 end
  local before, last = nil, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if before and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

--- The name that somebody meant who wrote another; nil when it is like none of them.
---@param name string
---@param names table<string, any>  by name
---@return string?
return function(name, names)
  local most = #name > 5 and 2 or 1
  local best, best_distance = nil, most + 1
  for known in pairs(names) do
    local found = distance(name:lower(), known:lower(), most)
    if found < best_distance or (found == best_distance and best and known < best) then
      best, best_distance = known, found
    end
  end
  return best
end
