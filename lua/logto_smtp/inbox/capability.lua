-- SPDX-License-Identifier: MIT
--- capability: which EHLO lines the server shows, and what they allow.
local M = {}

local function auth_offered(settings, secure)
  return settings.users and (secure or settings.tls == "none" or settings.authInClear)
end

local function own_list(settings, secure)
  local size = ("SIZE %d"):format(settings.size)
  local list = { "PIPELINING", size, "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES" }
  if settings.chunking then list[#list + 1] = "CHUNKING" end
  if settings.dsn then list[#list + 1] = "DSN" end
  if settings.tls == "starttls" and not secure then list[#list + 1] = "STARTTLS" end
  if auth_offered(settings, secure) then
    list[#list + 1] = "AUTH " .. table.concat(settings.mechanisms, " ")
  end
  return list
end

--- The EHLO lines after the first, in order.
---@param settings table
---@param secure boolean
---@return string[]
function M.list(settings, secure)
  local given = settings.capabilities
  if not given then return own_list(settings, secure) end
  if given.clear or given.tls then return secure and given.tls or given.clear or {} end
  local list = {}
  for _, line in ipairs(given) do
    if not (secure and line:upper() == "STARTTLS") then list[#list + 1] = line end
  end
  return list
end

--- Keyword in upper case to its parameters ("" when there are none).
---@param list string[]
---@return table<string, string>
function M.index(list)
  local index = {}
  for _, line in ipairs(list) do
    local keyword, parameters = line:match("^([%w-]+)[ =]?(.*)$")
    if keyword then index[keyword:upper()] = parameters end
  end
  return index
end

return M
