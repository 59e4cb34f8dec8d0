-- SPDX-License-Identifier: MIT
--- endpoint: what the specs of the HTTP endpoint post, and a connector that fails as its recipient's name
-- says. The connector is for nginx's init_by_lua; the rest for the specs.
local cjson = require "cjson"

local M = {}

M.AUTHORIZATION = "Bearer 5c1f-endpoint"

-- What a mail server may say, and must not be told to whoever signs in.
M.WORDS = "box of jane.doe at mx7.internal, about 123456"

local function templates()
  local list = {}
  for _, usage in ipairs({ "Register", "SignIn", "ForgotPassword", "Generic" }) do
    list[#list + 1] = {
      usageType = usage, contentType = "text/plain", subject = "{{code}}", content = "{{code}}",
    }
  end
  return list
end

--- A config, `fields` in front.
---@param fields? table
---@return table
function M.config(fields)
  local config = {
    host = "127.0.0.1", port = 1, auth = { user = "u", pass = "smtp-password" },
    fromEmail = "no-reply@shop.example", templates = templates(),
  }
  for name, value in pairs(fields or {}) do config[name] = value end
  return config
end

-- Fails for a recipient at fails.example, with the code that its local part names, and with a reason behind
-- "+": eauth.535.5-7-8@, etls+tls_expired@.
local transport = {}

function transport.send(_, mail)
  local name = mail.to:match("^([^@]+)@fails%.example$")
  if not name then return { messageId = "<1@shop.example>", response = "250 2.0.0 Ok" } end
  if name == "raise" then error("a fault in a transport") end
  local reason = name:match("%+(.*)$")
  local code, response_code, enhanced = name:match("^([^.+]+)%.?(%d*)%.?([%d-]*)")
  return nil, {
    code = code:upper(), reason = reason, message = "Refused: " .. M.WORDS, response = M.WORDS,
    responseCode = tonumber(response_code), enhancedCode = (enhanced:gsub("-", ".")),
    delivery = code == "econnection" and "unknown" or "not_sent",
  }
end

--- Makes that connector.
---@param config? table
---@return logto_smtp.Connector
function M.connector(config)
  return require("logto_smtp").createConnector({
    getConfig = function() return config or M.config() end, transport = transport,
  })
end

--- A request as Logto's connector makes it; `data` overrides fields of the body, "" takes one away.
---@param data? table|string  a string is the body as it stands
---@param headers? table<string, string>  in front of the usual; "" takes one away
---@return spec.NginxRequest
function M.request(data, headers)
  local body = { to = "box@test.example", type = "SignIn", payload = { code = "123456" } }
  for name, value in pairs(type(data) == "table" and data or {}) do
    body[name] = value ~= "" and value or nil
  end
  local all = { ["Content-Type"] = "application/json", Authorization = M.AUTHORIZATION }
  for name, value in pairs(headers or {}) do all[name] = value ~= "" and value or nil end
  return { path = "/send", headers = all, body = type(data) == "string" and data or cjson.encode(body) }
end

return M
