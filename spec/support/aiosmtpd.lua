-- SPDX-License-Identifier: MIT
--- aiosmtpd: Python's asyncio SMTP server for specs: a second server that is not ours. Needs
--- /usr/bin/python3 and python3-aiosmtpd. What arrives is read back as envelope and octets. It ends with
--- this process or by `stop`.
local certificate = require "logto_smtp.testing.certificate"
local cjson = require "cjson"
local decode = require "logto_smtp.testing.decode"
local mime = require "mime"
local net = require "spec.support.net"

local M = {}

---@class spec.Aiosmtpd
---@field host string
---@field port integer
---@field ca? string PEM text of the authority that signed its certificate
---@field user? string
---@field pass? string
---@field private dir string
---@field private pipe? file*
local Server = {}
Server.__index = Server

local function script_path()
  return (debug.getinfo(1, "S").source:sub(2):gsub("aiosmtpd%.lua$", "aiosmtpd_server.py"))
end

local function output_lines(self)
  local list = {}
  for line in (net.read_file(self.dir .. "/out") or ""):gmatch("([^\n]+)\n") do list[#list + 1] = line end
  return list
end

--- The messages so far, oldest first: as `logto_smtp.testing` decodes them, with raw, envelope { from, to },
--- ehlo, mailOptions, tls (version or false) and user.
---@return table[]
function Server:messages()
  local list = {}
  for i, line in ipairs(output_lines(self)) do
    if i > 1 then
      local got = cjson.decode(line)
      list[#list + 1] = decode.message {
        raw = mime.unb64(got.raw) or "", envelope = { from = got.from, to = got.to }, ehlo = got.ehlo,
        mailOptions = got.mailOptions, tls = got.tls, user = got.user ~= cjson.null and got.user or nil,
      }
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

--- Stops the server and removes its directory. Safe twice.
function Server:stop()
  if self.pipe then self.pipe:close() end
  self.pipe = nil
end

local function launch(settings, dir)
  local command = ('exec 3>&-; /usr/bin/python3 %s >%s/out 2>%s/err; rm -rf %s')
    :format(net.quote(script_path()), dir, dir, dir)
  local pipe = assert(io.popen(command, "w"))
  pipe:write(cjson.encode(settings), "\n")
  pipe:flush()
  return pipe
end

---@class spec.AiosmtpdOptions
---@field tls? "starttls"|"implicit"|"none" default "starttls"
---@field auth? boolean take mail from authenticated clients only; default true

--- Starts a server.
---@param options? spec.AiosmtpdOptions
---@return spec.Aiosmtpd? server, string? err
function M.start(options)
  options = options or {}
  local tls, dir = options.tls or "starttls", net.tmpdir()
  local self = setmetatable({ dir = dir, host = "127.0.0.1", port = net.free_port() }, Server)
  local settings = { tls = tls, port = self.port, chain = dir .. "/tls.pem" }
  if options.auth ~= false then
    self.user, self.pass = "aio-user", "aio-pass"
    settings.user, settings.pass = self.user, self.pass
  end
  if tls ~= "none" then
    local pair = assert(certificate.get("valid"))
    self.ca = pair.ca
    net.write_file(settings.chain, pair.key .. pair.cert)
  end
  self.pipe = launch(settings, dir)
  local failed
  net.wait_until(function()
    failed = net.read_file(dir .. "/err") or ""
    return #output_lines(self) > 0 or failed:find("Error", 1, true)
  end, 10)
  if #output_lines(self) > 0 then return self end
  self:stop()
  return nil, "aiosmtpd did not start: " .. (failed or "")
end

return M
