-- SPDX-License-Identifier: MIT
--- What an SMTP error means for a run: try again, give the recipient up, or give the whole run up.

local M = {}

-- Nothing a recipient has done: every other message would end in the same way.
local OURS = { EAUTH = true, EOAUTH2 = true, ETLS = true, EDKIM = true, ECLOSED = true }

-- 552 at MAIL is about the size of this message (RFC 1870, section 6.1); the rest is about the sender.
local function sender_refused(err)
  return err.command ~= nil and err.command:find("^MAIL") ~= nil and err.responseCode ~= 552
end

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
  if OURS[err.code] or sender_refused(err) then return { outcome = "deferred", hopeless = true } end
  return { outcome = "refused" }
end

return M
