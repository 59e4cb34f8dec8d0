-- SPDX-License-Identifier: MIT
--- smtp_server: npm's smtp-server for specs, one loopback port with STARTTLS, AUTH and PIPELINING. Needs
--- node and build/interop/npm, which `.ci/interop` fetches. It refuses the sender refused@shop.example,
--- every recipient but box@, second@ and third@test.example, the content of a mail with the subject "refuse
--- this", and mails above 300,000 octets, a limit it does not tell.
local certificate = require "logto_smtp.inbox.certificate"
local decode = require "logto_smtp.inbox.decode"
local mime = require "mime"
local net = require "spec.support.net"
local program = require "spec.support.program"

local M = {}

local MODULES = "build/interop/npm/node_modules"

---@class spec.SmtpServer: spec.Program
---@field ca string PEM text of the authority that signed its certificate
---@field user string
---@field pass string
local Server = program.class()

--- The accepted messages, oldest first, one for each recipient: as `logto_smtp.testing` decodes them, with
--- raw, returnPath, deliveredTo, tls and user.
---@return table[]
function Server:messages()
  local list = {}
  for _, got in ipairs(self:printed()) do
    for _, to in ipairs(got.to) do
      local seen = decode.message { raw = mime.unb64(got.raw) or "" }
      seen.returnPath, seen.deliveredTo = got.from, to
      seen.tls, seen.user = got.tls, got.user
      list[#list + 1] = seen
    end
  end
  return list
end

--- Why it cannot run here, or nil.
---@return string?
function M.missing()
  local major = tonumber(net.run("node --version"):match("^v(%d+)"))
  if not major or major < 20 then return "smtp-server needs Node.js 20 or later" end
  if not net.read_file(MODULES .. "/smtp-server/package.json") then
    return "smtp-server is not in build/interop: make interop"
  end
  return nil
end

--- Starts a server.
---@return spec.SmtpServer? server, string? err
function M.start()
  local self, pair = setmetatable(program.place(), Server), assert(certificate.get("valid"))
  self.ca, self.user, self.pass = pair.ca, "node-user", "node-pass"
  return program.start(self, "node spec/support/smtp_server.js", {
    modules = MODULES, port = self.port, key = pair.key, cert = pair.cert, size = 300000,
    user = self.user, pass = self.pass,
  })
end

return M
