-- SPDX-License-Identifier: MIT
--- The default transport: sends through `logto_smtp.core`, over clients that stay warm between messages.
-- One client per distinct set of connection settings, so that two configs that differ in their templates
-- only share connections, and two that differ in a password never do.

local core = require("logto_smtp.core")
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

-- Inside nginx its own log is the place for what a config with `logger: true` tells.
local NGX_LEVELS = { debug = "DEBUG", info = "INFO", warn = "WARN", error = "ERR" }

local function default_logger(config)
  local ngx = rawget(_G, "ngx")
  if config.logger ~= true or type(ngx) ~= "table" or not ngx.log then return nil end
  return function(record)
    ngx.log(ngx[NGX_LEVELS[record.level]], "smtp [", record.sid or "-", "] ", record.message)
  end
end

---@class logto_smtp.LogRecord
---@field level "debug"|"info"|"warn"|"error"
---@field event string     "connect", "tls", "login", "token", "ready", "failed", "accepted", "refused",
---  "error", "retry", "ended", "close", "dropped"; with `debug`, "command" and "reply" too
---@field message string   one line
---@field time number      seconds since 1970 UTC, to the millisecond
---@field sid? string      of the connection
---@field id? integer      of the message, as client:submit() answers it
---@field messageId? string
---@field code? string     of an error
---@field responseCode? integer

---@class logto_smtp.SendOptions
---@field logger? fun(record: logto_smtp.LogRecord)

---@class logto_smtp.Transport
---@field send fun(config: table, mail: table, options?: logto_smtp.SendOptions): table|nil, any
---@field verify fun(config: table, options?: logto_smtp.SendOptions): table|nil, any  sends nothing
---@field close fun()       closes every client; the transport can be used again
---@field count fun(): integer  clients kept at the moment

--- Makes a transport. When a further client would exceed the bound, the one idle the longest is closed.
---@param opts? {maxClients?: integer}  16 without it
---@return logto_smtp.Transport
function M.new(opts)
  local max_clients = opts and opts.maxClients or 16
  local clients = {} -- key -> client
  local by_age = {}  -- keys, the one idle the longest first

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
    clients[key]:close()
    clients[key] = nil
  end

  local function client_for(config)
    local key = connection_key(config)
    if not clients[key] then
      local client, issues = core.client(config)
      if not client then return nil, issues end
      while #by_age >= max_clients do drop_oldest() end
      clients[key] = client
    end
    touch(key)
    return clients[key]
  end

  local transport = {}

  local function ready(config, options)
    local client, issues = client_for(config)
    if not client then
      return nil, { message = "The config is not valid: " .. issues[1].message, issues = issues }
    end
    client:setLogger(options and options.logger or default_logger(config))
    return client
  end

  function transport.send(config, mail, options)
    local client, err = ready(config, options)
    if not client then return nil, err end
    return client:send(mail)
  end

  function transport.verify(config, options)
    local client, err = ready(config, options)
    if not client then return nil, err end
    return client:verify()
  end

  function transport.close()
    while #by_age > 0 do drop_oldest() end
  end

  function transport.count()
    return #by_age
  end

  return transport
end

--- The transport of every connector that brings none: one for the whole Lua state, because hosts make a
-- connector per request, and a connection per request is what this is here to avoid.
M.default = M.new()

return M
