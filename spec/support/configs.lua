-- SPDX-License-Identifier: MIT
--- Configs and transports for specs that need no network.

local M = {}

--- A config that the guard accepts; `overrides` replace its keys.
---@param overrides? table
---@return table
function M.config(overrides)
  local config = {
    host = "smtp.example.com",
    port = 587,
    auth = { user = "u", pass = "p" },
    fromEmail = "Example <no-reply@example.com>",
    templates = {},
  }
  for i, usage_type in ipairs({ "Register", "SignIn", "ForgotPassword", "Generic" }) do
    config.templates[i] = {
      usageType = usage_type, contentType = "text/plain",
      subject = usage_type .. " subject", content = usage_type .. ": {{code}}",
    }
  end
  for k, v in pairs(overrides or {}) do config[k] = v end
  return config
end

--- A config whose SignIn template has these fields.
---@param fields table
---@param overrides? table
---@return table
function M.with_template(fields, overrides)
  local config = M.config(overrides)
  for k, v in pairs(fields) do config.templates[2][k] = v end
  return config
end

--- A transport that keeps what it is asked to send, in `mails` and `configs`.
---@return table
function M.recorder()
  local transport = { mails = {}, configs = {} }
  function transport.send(config, mail)
    transport.mails[#transport.mails + 1] = mail
    transport.configs[#transport.configs + 1] = config
    return { accepted = { mail.to }, rejected = {}, response = "250 OK", messageId = "<1@example.com>" }
  end
  return transport
end

return M
