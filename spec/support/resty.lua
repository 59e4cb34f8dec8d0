-- SPDX-License-Identifier: MIT
--- resty: an nginx that sends with logto_smtp.resty to an inbox; both end with the spec.
--    local resty = require("spec.support.resty")
--    local server, inbox = resty.start({ server = "location ..." }, { latency = 0.1 }, { pool = false })
--    after_each(resty.stop)
-- In nginx these are global: `smtp`, `config`, `connector` and `data([code])`; /send?code=... sends and says
-- "sent", or the error as JSON; /metrics has the metrics.
local cjson = require("cjson")
local mailing = require("spec.support.mailing")
local nginx = require("spec.support.nginx")

local M = {}

local open = {}

M.INIT = [[
  cjson = require "cjson"
  smtp = require "logto_smtp.resty"
  config = cjson.decode(io.open(ngx.config.prefix() .. "config.json"):read("*a"))
  connector = smtp.createConnector { getConfig = function() return config end }
  function data(code)
    return { to = "user@example.com", type = "SignIn", payload = { code = code or "1" } }
  end
  function said(info, err)
    if info then return "sent" end
    local cause = err.cause or {}
    return cjson.encode { err = err.message, code = cause.code, reason = cause.reason,
      delivery = cause.delivery }
  end
]]

local LOCATIONS = [[
  location /send { content_by_lua_block { ngx.print(said(connector.sendMessage(data(ngx.var.arg_code)))) } }
  location /metrics { content_by_lua_block { ngx.print(smtp.metrics()) } }
]]

--- Starts both.
---@param options? spec.NginxOptions  `init` is Lua that runs after the prelude, in `init_by_lua`
---@param inbox_options? table  for `startInbox`; without TLS unless they say otherwise
---@param overrides? table      of the config
---@return spec.Nginx server, logto_smtp.testing.Inbox inbox
function M.start(options, inbox_options, overrides)
  options = options or {}
  local settings = { tls = "none" }
  for k, v in pairs(inbox_options or {}) do settings[k] = v end
  local inbox = mailing.inbox(settings)
  local given = {}
  for k, v in pairs(options) do given[k] = v end
  given.files = { ["config.json"] = cjson.encode(inbox:config(overrides)) }
  given.http = ("init_by_lua_block {\n%s\n%s\n}\n%s"):format(M.INIT, options.init or "", options.http or "")
  given.server = LOCATIONS .. (options.server or "")
  local server = assert(nginx.start(given))
  open[#open + 1] = server
  return server, inbox
end

--- Ends what was started.
function M.stop()
  while #open > 0 do table.remove(open):stop() end
  mailing.stop()
end

--- Requests of /send, with codes from 100001 on.
---@param n integer
---@param path? string
---@return spec.NginxRequest[]
function M.requests(n, path)
  local list = {}
  for i = 1, n do list[i] = { path = ("%s?code=%d"):format(path or "/send", 100000 + i) } end
  return list
end

return M
