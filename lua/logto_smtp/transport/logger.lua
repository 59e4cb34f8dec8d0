-- SPDX-License-Identifier: MIT
--- logger: where the records of a connection go when the connector has no function for them.

local core = require("logto_smtp.core")

local M = {}

-- Inside nginx its own log is the place for what a config with `logger: true` tells.
local NGX_LEVELS = { debug = "DEBUG", info = "INFO", warn = "WARN", error = "ERR" }

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

--- A text as part of one line of a log: what could begin another line, or act on a terminal, is shown and
-- does neither. A server chooses its words.
---@param text string
---@return string
function M.line(text)
  return core.visible(text, "line")
end

--- What takes the records of a config inside nginx; nil where they go to stderr or nowhere.
---@param config table
---@return (fun(record: logto_smtp.LogRecord))?
function M.default(config)
  local ngx = rawget(_G, "ngx")
  if config.logger ~= true or type(ngx) ~= "table" or not ngx.log then return nil end
  return function(record)
    ngx.log(ngx[NGX_LEVELS[record.level]], "smtp [", record.sid or "-", "] ", M.line(record.message))
  end
end

return M
