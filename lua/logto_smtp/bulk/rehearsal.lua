-- SPDX-License-Identifier: MIT
--- A run that sends nothing: every message is rendered and composed, and what is wrong with it is told.

local attempt = require("logto_smtp.util.attempt")
local core = require("logto_smtp.core")

local M = {}

--- Goes through the list of a run.
---@param run table  of logto_smtp.bulk: next_entry, render, tally, look_around
function M.rehearse(run)
  while not run.stopping and not run.exhausted do
    local entry = run:next_entry()
    if entry then
      local mail, reason = run:render(entry)
      local fine, octets, err
      if mail then fine, octets, err = attempt(core.compose, mail) end
      if mail and not fine then octets, reason = nil, octets end
      if octets then
        run.tally:count("sent")
      else
        run:forget(entry)
        run.tally:failed_one("invalid", entry, err and err.code or "invalid", err and err.message or reason)
      end
    end
    run:look_around()
  end
end

return M
