-- SPDX-License-Identifier: MIT
--- walk: what the specs say they test, and what the docs say there is.
local net = require "spec.support.net"

local M = {}

-- A title may go over several lines; it ends where its function begins.
local function titles_of(text, list)
  for _, call in ipairs({ "it", "describe" }) do
    for title in text:gmatch("\n%s*" .. call .. "%s*(%(.-)function%(") do list[#list + 1] = title end
  end
end

--- The titles of every `it` and `describe` under spec/, as they stand in the source.
---@return string[]
function M.titles()
  local list = {}
  for path in net.run("find spec -name '*_spec.lua'"):gmatch("[^\n]+") do
    titles_of(assert(net.read_file(path)), list)
  end
  return list
end

local function plain(text)
  return (text:gsub("%p", "%%%0"))
end

--- Whether a title names an option: `option NAME`, or NAME alone where that is no plain word.
---@param titles string[]
---@param name string
---@return boolean
function M.is_named(titles, name)
  local is_word = not name:find("[%u%.]")
  local pattern = "%f[%w_.]" .. plain(name) .. "%f[^%w_]"
  for _, title in ipairs(titles) do
    if title:find("%f[%w]options? " .. plain(name) .. "%f[^%w_]") then return true end
    if not is_word and title:find(pattern) then return true end
  end
  return false
end

--- The numbers N of "check N:" in titles.
---@param titles string[]
---@return table<integer, boolean>
function M.checks(titles)
  local set = {}
  for _, title in ipairs(titles) do
    for number in title:gmatch("check (%d+):") do set[tonumber(number)] = true end
  end
  return set
end

--- The options whose row, in any table of a Markdown text, says that they are without effect.
---@param text string
---@return table<string, boolean>
function M.without_effect(text)
  local set = {}
  for first, rest in text:gmatch("\n|([^|\n]*)|([^\n]*)") do
    if ("|" .. rest):find("| without effect", 1, true) then
      for name in first:gmatch("`([^`]+)`") do set[name] = true end
    end
  end
  return set
end

--- The options in the table under a heading of a Markdown text: what stands in backticks in its first column.
---@param text string
---@param heading string
---@return string[]
function M.table_options(text, heading)
  local _, from = text:find("\n#+ " .. plain(heading) .. "\n")
  if not from then return {} end
  local section = text:sub(from + 1):match("^(.-)\n#") or text:sub(from + 1)
  local list = {}
  for row in section:gmatch("\n(|[^\n]*)") do
    for name in row:match("^|([^|]*)|"):gmatch("`([^`]+)`") do list[#list + 1] = name end
  end
  return list
end

return M
