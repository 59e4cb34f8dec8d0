-- SPDX-License-Identifier: MIT
-- ours_connector: the connector of this project, its second message and those after it.
local driver = require "driver"
local logto_smtp = require "logto_smtp"

local given = driver.arguments(arg)
local templates = {}
for i, usage in ipairs { "Register", "SignIn", "ForgotPassword", "Generic" } do
  templates[i] = {
    usageType = usage, contentType = "text/plain", subject = given.subject,
      content = driver.read_file(given.text),
  }
end
local config = {
  host = given.host, port = given.port, name = "bench.example", fromEmail = given.from, templates = templates,
  ignoreTLS = not given.tls, requireTLS = given.tls, tls = given.tls
    and { ca = driver.read_file(given.ca) } or nil,
  auth = given.tls and { user = given.user, pass = given.pass } or { type = "login" },
}
local connector = logto_smtp.createConnector { getConfig = function() return config end }
given.warmup = 1
driver.latency(given, function()
  assert(connector.sendMessage { to = given.to, type = "SignIn", payload = { code = "123456" } })
end)
