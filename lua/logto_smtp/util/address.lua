-- SPDX-License-Identifier: MIT
--- When two spellings name one mailbox. Whoever compares addresses, counts by them or sorts them out asks
-- here, and C answers by the reading that makes the envelope.

local core = require("logto_smtp.core")

local M = {}

--- The form that all spellings of an address share: no display name, ASCII letters in lower case, quotes only
-- where they are needed, the domain as DNS has it.
---@type fun(text: string): string
M.key = core.addressKey

---@param a string
---@param b string
---@return boolean
function M.same(a, b)
  return M.key(a) == M.key(b)
end

---@param wanted string
---@param list string[]
---@return boolean
function M.isAmong(wanted, list)
  local key = M.key(wanted)
  for _, address in ipairs(list) do
    if M.key(address) == key then return true end
  end
  return false
end

--- The domain of a recipient as keys have it; nil: it is not one plain mailbox.
---@param recipient string
---@return string?
function M.domainOf(recipient)
  local read = core.recipient(recipient)
  return read and read.key:match("@([^@]*)$")
end

--- The form that all spellings of a domain share.
---@param domain string
---@return string
function M.domainKey(domain)
  return M.key("postmaster@" .. domain):match("@(.*)$")
end

return M
