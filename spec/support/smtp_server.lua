-- SPDX-License-Identifier: MIT
--- smtp_server: npm's smtp-server for specs, one loopback port with STARTTLS, AUTH and PIPELINING. Needs
--- node and build/interop/npm, which `.ci/interop` fetches. It refuses the sender refused@shop.example,
--- every recipient but box@, second@ and third@test.example, the content of a mail with the subject "refuse
--- this", and mails above 300,000 octets, a limit it does not tell. It ends with this process or by `stop`.
local certificate = require "logto_smtp.testing.certificate"
local cjson = require "cjson"
local decode = require "logto_smtp.testing.decode"
local mime = require "mime"
local net = require "spec.support.net"

local M = {}

local MODULES = "build/interop/npm/node_modules"

---@class spec.SmtpServer
---@field host string
---@field port integer
---@field ca string PEM text of the authority that signed its certificate
---@field user string
---@field pass string
---@field private dir string
---@field private pipe? file*
local Server = {}
Server.__index = Server

local function output_lines(self)
  local list = {}
  for line in (net.read_file(self.dir .. "/out") or ""):gmatch("([^\n]+)\n") do list[#list + 1] = line end
  return list
end

--- The accepted messages, oldest first, one for each recipient: as `logto_smtp.testing` decodes them, with
--- raw, returnPath, deliveredTo, tls and user.
---@return table[]
function Server:messages()
  local list = {}
  for i, line in ipairs(output_lines(self)) do
    local got = i > 1 and cjson.decode(line) or { to = {} }
    for _, to in ipairs(got.to) do
      local seen = decode.message { raw = mime.unb64(got.raw) or "" }
      seen.returnPath, seen.deliveredTo = got.from, to
      seen.tls, seen.user = got.tls, got.user
      list[#list + 1] = seen
    end
  end
  return list
end

--- Waits until n messages have arrived.
---@param n integer
---@param seconds? number default 5
---@return table[]? messages, string? err
function Server:wait_for(n, seconds)
  local list
  local there = net.wait_until(function()
    list = self:messages()
    return #list >= n
  end, seconds)
  if there then return list end
  return nil, ("%d of %d messages arrived; %s"):format(#list, n, net.read_file(self.dir .. "/err") or "")
end

--- Forgets what has arrived.
function Server:clear()
  local first = output_lines(self)[1]
  net.write_file(self.dir .. "/out", first .. "\n")
end

--- What the server has complained of.
---@return string
function Server:log()
  return net.read_file(self.dir .. "/err") or ""
end

--- Stops the server and removes its directory. Safe twice.
function Server:stop()
  if self.pipe then self.pipe:close() end
  self.pipe = nil
end

-- Opened to append, so that `clear` may shorten the file.
local function launch(settings, dir)
  local command = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-\n"
    .. "node spec/support/smtp_server.js >>%s/out 2>%s/err; rm -rf %s"
  local pipe = assert(io.popen(command:format(dir, dir, dir), "w"))
  pipe:write(cjson.encode(settings), "\n")
  pipe:flush()
  return pipe
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
  local pair, dir = assert(certificate.get("valid")), net.tmpdir()
  local self = setmetatable({
    dir = dir, host = "127.0.0.1", port = net.free_port(), ca = pair.ca,
    user = "node-user", pass = "node-pass",
  }, Server)
  self.pipe = launch({
    modules = MODULES, port = self.port, key = pair.key, cert = pair.cert, size = 300000,
    user = self.user, pass = self.pass,
  }, dir)
  if net.wait_until(function() return #output_lines(self) > 0 end, 10) then return self end
  local said = self:log()
  self:stop()
  return nil, "smtp-server did not start: " .. said
end

return M
