-- SPDX-License-Identifier: MIT
--- aiosmtpd: Python's asyncio SMTP server for specs: a second server that is not ours. Needs
--- /usr/bin/python3 and python3-aiosmtpd. What arrives is read back as envelope and octets.
local certificate = require "logto_smtp.inbox.certificate"
local cjson = require "cjson"
local decode = require "logto_smtp.inbox.decode"
local mime = require "mime"
local net = require "spec.support.net"
local program = require "spec.support.program"

local M = {}

---@class spec.Aiosmtpd: spec.Program
---@field ca? string PEM text of the authority that signed its certificate
---@field user? string
---@field pass? string
local Server = program.class()

local function script_path()
  return (debug.getinfo(1, "S").source:sub(2):gsub("aiosmtpd%.lua$", "aiosmtpd_server.py"))
end

--- The messages so far, oldest first: as `logto_smtp.testing` decodes them, with raw, envelope { from, to },
--- ehlo, mailOptions, tls (version or false) and user.
---@return table[]
function Server:messages()
  local list = {}
  for i, got in ipairs(self:printed()) do
    list[i] = decode.message {
      raw = mime.unb64(got.raw) or "", envelope = { from = got.from, to = got.to }, ehlo = got.ehlo,
      mailOptions = got.mailOptions, tls = got.tls, user = got.user ~= cjson.null and got.user or nil,
    }
  end
  return list
end

---@class spec.AiosmtpdOptions
---@field tls? "starttls"|"implicit"|"none" default "starttls"
---@field auth? boolean take mail from authenticated clients only; default true

--- Starts a server.
---@param options? spec.AiosmtpdOptions
---@return spec.Aiosmtpd? server, string? err
function M.start(options)
  options = options or {}
  local tls = options.tls or "starttls"
  local self = setmetatable(program.place(), Server)
  local settings = { tls = tls, port = self.port, chain = self.dir .. "/tls.pem" }
  if options.auth ~= false then
    self.user, self.pass = "aio-user", "aio-pass"
    settings.user, settings.pass = self.user, self.pass
  end
  if tls ~= "none" then
    local pair = assert(certificate.get("valid"))
    self.ca = pair.ca
    net.write_file(settings.chain, pair.key .. pair.cert)
  end
  return program.start(self, "/usr/bin/python3 " .. net.quote(script_path()), settings)
end

return M
