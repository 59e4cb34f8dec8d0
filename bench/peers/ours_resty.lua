-- SPDX-License-Identifier: MIT
--- ours_resty: the connector of this project in nginx; guard, template and composing included.
local cjson = require "cjson"
local given = require "bench.peers.given"
local smtp = require "logto_smtp.resty"

local M = {}

local templates = {}
for i, usage in ipairs { "Register", "SignIn", "ForgotPassword", "Generic" } do
  templates[i] = {
    usageType = usage, contentType = "text/plain", subject = given.subject, content = given.text,
  }
end
local config = {
  host = given.host, port = given.port, name = "bench.example", fromEmail = given.from, templates = templates,
  requireTLS = true, tls = { ca = given.ca }, auth = { user = given.user, pass = given.pass },
}
local connector = smtp.createConnector { getConfig = function() return config end }

--- Serves a POST of {to =, type =, payload =}.
function M.handle()
  ngx.req.read_body()
  local info, err = connector.sendMessage(cjson.decode(ngx.req.get_body_data()))
  if not info then
    ngx.log(ngx.ERR, tostring(err))
    ngx.status = 502
  end
  ngx.say(info and info.response or tostring(err))
end

return M
