-- SPDX-License-Identifier: MIT
--- clients: one for each distinct set of connection settings, as many as were used last. Two configs that
-- differ in their templates only share a client, and two that differ in a password never do.

local json = require("logto_smtp.json")

local M = {}

-- What a config says about the mail and not about the connection.
local MAIL_KEYS = {
  fromEmail = true, replyTo = true, templates = true, customHeaders = true, attachDataUrls = true,
}

local function connection_key(config)
  local settings = {}
  for k, v in pairs(config) do
    if not MAIL_KEYS[k] then settings[k] = v end
  end
  return json.encode(settings)
end

---@class logto_smtp.Clients
---@field get fun(config: table): any, table?  its client, or nil, err (with the config's `issues`)
---@field clear fun()
---@field count fun(): integer

--- Keeps clients. When a further one would exceed the bound, the one idle the longest is closed.
---@param max integer
---@param open fun(config: table): any, table?  a client, or nil and issues, or nil and an error with a code
---@param close fun(client: any)
---@return logto_smtp.Clients
function M.new(max, open, close)
  local kept = {}   -- key -> client
  local by_age = {} -- keys, the one idle the longest first

  local function touch(key)
    for i, other in ipairs(by_age) do
      if other == key then
        table.remove(by_age, i)
        break
      end
    end
    by_age[#by_age + 1] = key
  end

  local function drop_oldest()
    local key = table.remove(by_age, 1)
    close(kept[key])
    kept[key] = nil
  end

  local clients = {}

  function clients.get(config)
    local key = connection_key(config)
    if not kept[key] then
      local client, err = open(config)
      if not client then
        if err.code then return nil, err end
        return nil, { message = "The config is not valid: " .. err[1].message, issues = err }
      end
      while #by_age >= max do drop_oldest() end
      kept[key] = client
    end
    touch(key)
    return kept[key]
  end

  function clients.clear()
    while #by_age > 0 do drop_oldest() end
  end

  function clients.count()
    return #by_age
  end

  return clients
end

return M
