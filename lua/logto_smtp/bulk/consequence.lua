-- SPDX-License-Identifier: MIT
--- What an SMTP error means for a run: try again, give the recipient up, or give the whole run up.

local errors = require("logto_smtp.errors")

local M = {}

---@class logto_smtp.bulk.Verdict
---@field outcome "refused"|"deferred"|"unknown"
---@field retry? boolean        another try may help
---@field unreachable? boolean  no server said anything: the next message may have no better luck
---@field hopeless? boolean     no message can be sent

---@param err table  as client:poll() gives it
---@return logto_smtp.bulk.Verdict
function M.of(err)
  if err.delivery == "unknown" then return { outcome = "unknown" } end
  if not err.permanent then
    return { outcome = "deferred", retry = true, unreachable = not err.responseCode }
  end
  if errors.says(err, "endsRun") then return { outcome = "deferred", hopeless = true } end
  return { outcome = "refused" }
end

return M
