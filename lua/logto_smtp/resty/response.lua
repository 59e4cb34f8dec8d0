-- SPDX-License-Identifier: MIT
--- What an HTTP handler answers and what it tells the log: JSON with a status, and one line of plain text.

local ngx = require("ngx")
local json = require("logto_smtp.util.json")
local logger = require("logto_smtp.transport.logger")

local M = {}

local ORDER = { "status", "code", "message" }

--- Answers the request with a JSON object. A HEAD request gets the header alone.
---@param status integer  of HTTP
---@param object table
---@param headers? table<string, string|integer>
function M.send(status, object, headers)
  local body = json.encode(object, { order = ORDER })
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Content-Length"] = #body
  ngx.header["Cache-Control"] = "no-store"
  for name, value in pairs(headers or {}) do ngx.header[name] = value end
  ngx.print(body)
end

--- Writes one line into nginx's error log.
---@param level integer  ngx.WARN, ngx.ERR, ...
---@param text string
function M.log(level, text)
  ngx.log(level, "logto_smtp: ", logger.line(text))
end

return M
