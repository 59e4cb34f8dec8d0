-- SPDX-License-Identifier: MIT
--- `-v`: the conversation with the mail server on standard error, one line per command and reply. Logins are
-- masked and content is a number of octets before a record reaches us.

local style = require("logto_smtp.cli.views.style")

local M = {}

local function is_switch(value)
  return value == nil or type(value) == "boolean"
end

--- Turns the log of a config on when -v is given, and answers where its records go: the `logger` of
--- `createConnector` and `core.client`. nil without -v: then the config says.
---@param args table
---@param context logto_smtp.cli.Context
---@param config any  changed; what is not a config is left for the guard
---@return fun(record: logto_smtp.LogRecord)?
function M.logger(args, context, config)
  if not args.verbose or type(config) ~= "table" then return nil end
  if is_switch(config.logger) then config.logger = true end
  if is_switch(config.debug) then config.debug = true end
  local paint, began = style.of(context, "stderr"), nil
  return function(record)
    began = began or record.time
    local message = style.line(record.message)
    if record.event == "reply" then message = paint.dim(message) end
    context.stderr:write(("%7.3f [%s] %s\n"):format(record.time - began,
      (record.sid or "-"):match("%d+$") or "-", message))
  end
end

return M
