-- SPDX-License-Identifier: MIT
--- client_cache: one client for each distinct set of connection settings, as many as were used last. Two
-- configs that differ in their templates only share a client, and two that differ in a password never do:
-- they are told apart by a key that the C module makes of what it read.

local core = require("logto_smtp.core")
local errors = require("logto_smtp.errors")

local M = {}

---@class logto_smtp.Clients
---@field get fun(config: table, key?: string): any, table?  its client; nil, err with its `issues`
---@field clear fun()
---@field count fun(): integer

local function invalid(issues)
  local err = errors.make("config_unusable", "The config is not valid: " .. issues[1].message)
  err.issues = issues
  return err
end

--- Keeps clients. When a further one would exceed the bound, the one idle the longest is closed.
---@param max integer
---@param open fun(config: table): any, table?  a client, or nil and issues, or nil and an error with a code
---@param close fun(client: any)
---@return logto_smtp.Clients
function M.new(max, open, close)
  local kept = {}   -- key -> client
  local by_age = {} -- keys, the one idle the longest first

  local function touch(key)
    if by_age[#by_age] == key then return end
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

  -- A key from before may be that of a config which has changed: a new client goes by what is there now.
  function clients.get(config, key)
    if not (key and kept[key]) then
      local issues
      key, issues = core.identity(config)
      if not key then return nil, invalid(issues) end
    end
    if not kept[key] then
      local client, err = open(config)
      if not client then return nil, err.code and err or invalid(err) end
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
