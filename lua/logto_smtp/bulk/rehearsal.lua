-- SPDX-License-Identifier: MIT
--- A run that sends nothing: every message is rendered and composed, and what is wrong with it is told.

local attempt = require("logto_smtp.attempt")
local core = require("logto_smtp.core")

local M = {}

local MOST = 100 -- distinct placeholders that are told

local function note_placeholders(found, mail)
  for _, field in ipairs({ "subject", "text", "html" }) do
    for name in (mail[field] or ""):gmatch("{{%s*([^{}]-)%s*}}") do
      if found[name] then
        found[name] = found[name] + 1
      elseif found.count < MOST then
        found[name], found.count = 1, found.count + 1
      end
    end
  end
end

local function sorted(found)
  found.count = nil
  local out = {}
  for name, count in pairs(found) do out[#out + 1] = { name = name, count = count } end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

--- Goes through the list of a run.
---@param run table  of logto_smtp.bulk: next_entry, render, tally, should_stop, tell
---@return { name: string, count: integer }[] placeholders  that no variable filled
function M.rehearse(run)
  local found = { count = 0 }
  while not run.stopping and not run.exhausted do
    local entry = run:next_entry()
    if entry then
      local mail, reason = run:render(entry)
      local fine, octets, err
      if mail then fine, octets, err = attempt(core.compose, mail) end
      if mail and not fine then octets, reason = nil, octets end
      if octets then
        run.tally:count("sent")
        note_placeholders(found, mail)
      else
        run.tally:failed_one("invalid", entry, err and err.code or "invalid", err and err.message or reason)
      end
    end
    run:look_around()
  end
  return sorted(found)
end

return M
