-- SPDX-License-Identifier: MIT
--- The default transport: sends through `logto_smtp.core`, over clients that stay warm between messages.

local arguments = require("logto_smtp.util.arguments")
local clients_room = require("logto_smtp.transport.client_cache")
local core = require("logto_smtp.core")
local logger = require("logto_smtp.transport.logger")
local mailer = require("logto_smtp.connector.template_mail")

local M = {}

---@class logto_smtp.SendOptions
---@field logger? fun(record: logto_smtp.LogRecord)
---@field secrets? string[]  what of the mail is repeated by no error and no record
---@field key? string  what the config's client is told apart by, as `core.check` answers it

---@class logto_smtp.Transport
---@field send fun(config: table, mail: table, options?: logto_smtp.SendOptions): table|nil, any
---@field verify fun(config: table, options?: logto_smtp.SendOptions): table|nil, any  sends nothing
---@field keyed? boolean    asks for `key` in the options
---@field close fun()       closes every client; the transport can be used again
---@field count fun(): integer  clients kept at the moment

--- Makes a transport. When a further client would exceed the bound, the one idle the longest is closed.
---@param opts? {maxClients?: integer}  16 without it
---@return logto_smtp.Transport
function M.new(opts)
  if opts ~= nil then arguments.check(opts, { maxClients = "number" }, "new") end
  local clients = clients_room.new(opts and opts.maxClients or 16, core.client,
    function(client) client:close() end)

  local transport = { keyed = true, close = clients.clear, count = clients.count }

  local function ready(config, options)
    local client, err = clients.get(config, options and options.key)
    if not client then return nil, err end
    client:setLogger(options and options.logger or logger.default(config))
    return client
  end

  function transport.send(config, mail, options)
    local client, err = ready(config, options)
    if not client then return nil, err end
    return client:send(mailer.withSecrets(mail, options))
  end

  function transport.verify(config, options)
    local client, err = ready(config, options)
    if not client then return nil, err end
    return client:verify()
  end

  return transport
end

--- The transport of every connector that brings none: one for the whole Lua state, because hosts make a
-- connector per request, and a connection per request is what this is here to avoid.
M.default = M.new()

return M
