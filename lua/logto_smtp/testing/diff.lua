-- SPDX-License-Identifier: MIT
--- diff: two texts line by line, for a person: "-" stands before what was expected, "+" before what came.
local M = {}

local CONTEXT_LINES = 2
local MAX_CELLS = 4000000

local function lines_of(text)
  local list = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do list[#list + 1] = line end
  return list
end

-- For each pair of positions the length of the longest common sequence of what follows (Hunt and Szymanski's
-- problem, by the plain table: these texts are short).
local function common_lengths(a, b, first, a_last, b_last)
  local lengths = { [a_last + 1] = {} }
  for i = a_last, first, -1 do
    local row, below = {}, lengths[i + 1]
    for j = b_last, first, -1 do
      if a[i] == b[j] then
        row[j] = (below[j + 1] or 0) + 1
      else
        row[j] = math.max(below[j] or 0, row[j + 1] or 0)
      end
    end
    lengths[i] = row
  end
  return lengths
end

-- The steps from a to b as { mark, line }.
local function steps_between(a, b)
  local steps, first, a_last, b_last = {}, 1, #a, #b
  while first <= a_last and first <= b_last and a[first] == b[first] do
    steps[#steps + 1] = { " ", a[first] }
    first = first + 1
  end
  local tail = 0
  while a_last >= first and b_last >= first and a[a_last] == b[b_last] do
    a_last, b_last, tail = a_last - 1, b_last - 1, tail + 1
  end
  local small = (a_last - first + 2) * (b_last - first + 2) <= MAX_CELLS
  local lengths = small and common_lengths(a, b, first, a_last, b_last) or {}
  local function length(i, j) return lengths[i] and lengths[i][j] or 0 end
  local i, j = first, first
  while i <= a_last or j <= b_last do
    if small and i <= a_last and j <= b_last and a[i] == b[j] then
      steps[#steps + 1] = { " ", a[i] }
      i, j = i + 1, j + 1
    elseif i <= a_last and (j > b_last or length(i + 1, j) >= length(i, j + 1)) then
      steps[#steps + 1] = { "-", a[i] }
      i = i + 1
    else
      steps[#steps + 1] = { "+", b[j] }
      j = j + 1
    end
  end
  for k = 1, tail do steps[#steps + 1] = { " ", a[a_last + k] } end
  return steps
end

local function near_a_change(steps, at)
  for i = math.max(1, at - CONTEXT_LINES), math.min(#steps, at + CONTEXT_LINES) do
    if steps[i][1] ~= " " then return true end
  end
  return false
end

--- The changes with two lines around each; "..." stands for lines left out.
---@param expected string
---@param got string
---@return string
function M.format(expected, got)
  local steps, out, left_out = steps_between(lines_of(expected), lines_of(got)), {}, false
  for i, step in ipairs(steps) do
    if near_a_change(steps, i) then
      if left_out then out[#out + 1] = "  ..." end
      out[#out + 1], left_out = step[1] .. " " .. step[2], false
    else
      left_out = true
    end
  end
  if left_out then out[#out + 1] = "  ..." end
  return table.concat(out, "\n")
end

return M
