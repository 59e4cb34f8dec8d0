-- SPDX-License-Identifier: MIT
--- phase: where a send may wait, and where one may be begun at all.

local errors = require("logto_smtp.errors")

local M = {}

local CANNOT_WAIT = {
  init = true, init_worker = true, set = true, balancer = true, header_filter = true, body_filter = true,
  log = true, ssl_session_store = true, exit_worker = true,
}

-- The master's, before its workers are forked: what is begun there belongs to nobody. And a worker's last.
local CANNOT_BEGIN = {
  init = "in `init`, before the workers are there: send in `init_worker` or later",
  exit_worker = "in `exit_worker`: nothing runs after it",
}

--- Whether a coroutine can wait in the phase that runs: true, or nil and the error of who wants to.
---@return true|nil, table?
function M.canWait()
  local name = ngx.get_phase()
  if not CANNOT_WAIT[name] then return true end
  if CANNOT_BEGIN[name] then return M.canBegin() end
  return nil, errors.make("phase_cannot_wait",
    ("The phase `%s` cannot wait for a mail: use `enqueue` there"):format(name))
end

--- Whether a mail can be handed over in the phase that runs: true, or nil and the error.
---@return true|nil, table?
function M.canBegin()
  local why = CANNOT_BEGIN[ngx.get_phase()]
  if not why then return true end
  return nil, errors.make("phase_cannot_send", "No mail can be sent " .. why)
end

return M
