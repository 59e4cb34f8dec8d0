-- SPDX-License-Identifier: MIT
--- logto_smtp.resty: the connector inside nginx. All that `require "logto_smtp"` has; sendMessage lets the
-- request's coroutine wait instead of the worker, and enqueue is for where nothing may wait.
--
--     local smtp = require "logto_smtp.resty"
--     local connector = smtp.createConnector{ getConfig = function() return config end }
--     local info, err = connector.sendMessage{ to = "user@example.com", type = "SignIn",
--                                              payload = { code = "123456" } }

local smtp = require("logto_smtp")
local worker = require("logto_smtp.resty.worker")
local tables = require("logto_smtp.util.tables")

---@class logto_smtp.resty : logto_smtp
local M = {
  setup = worker.setup,
  close = worker.close,
  metrics = worker.metrics,
  httpEmailEndpoint = require("logto_smtp.resty.endpoint"),
  health = require("logto_smtp.resty.health"),
}
for name, value in pairs(smtp) do M[name] = value end

--- Makes a connector whose transport is the worker's engine, where the options name no other.
---@param options logto_smtp.ConnectorOptions
---@return logto_smtp.Connector
function M.createConnector(options)
  if type(options) ~= "table" or options.transport then return smtp.createConnector(options) end
  return smtp.createConnector(tables.assign({ transport = worker }, options))
end

local bare = M.createConnector({})

--- Hands a message over without waiting, as `connector.enqueue` does, for a config that no connector has.
---@param data logto_smtp.Data
---@param config table
---@param callback? fun(info?: table, err?: logto_smtp.ConnectorError)
---@return true|nil, logto_smtp.ConnectorError?
M.enqueue = bare.enqueue

return M
