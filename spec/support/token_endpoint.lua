-- SPDX-License-Identifier: MIT
--- token_endpoint: an OAuth 2.0 token endpoint over HTTPS for one spec, which checks the signature of each
-- assertion and keeps every request. Ends when `stop` is called or this process dies.
local cjson = require "cjson"
local clock = require "spec.support.clock"
local net = require "spec.support.net"

local M = {}

---@class spec.TokenEndpoint
---@field dir string where its keys are: rsa.pem signs assertions it accepts
---@field ca string PEM text of the authority behind its certificate
local Endpoint = {}
Endpoint.__index = Endpoint

---@return spec.TokenEndpoint
function M.start()
  local self = setmetatable({ dir = net.tmpdir(), skipped = 0 }, Endpoint)
  local dir = net.quote(self.dir)
  assert(select(2, net.run("sh spec/transport/dkim_keys.sh " .. dir)) == 0)
  self.pipe = assert(io.popen("exec /usr/bin/python3 spec/transport/token_endpoint.py " .. dir, "w"))
  local ports = assert(clock.eventually(function() return net.read_file(self.dir .. "/ports") end))
  self.tls_port, self.clear_port = ports:match("^(%d+) %d+ %d+ (%d+)")
  self.ca = assert(net.read_file(self.dir .. "/ca.crt"))
  return self
end

--- The URL that behaves as the path says: hour, second, jwt, denied, slow, garbage, ...
---@param path string
---@return string
function Endpoint:url(path)
  return ("https://127.0.0.1:%s/%s"):format(self.tls_port, path)
end

--- An auth object for that path, with a refresh token; `more` overrides.
---@param path string
---@param more? table
---@return table
function Endpoint:auth(path, more)
  local auth = {
    type = "OAuth2", user = "user@example.com", clientId = "client-id", clientSecret = "client-secret",
    refreshToken = "refresh-token", accessUrl = self:url(path), tls = { ca = self.ca },
  }
  for name, value in pairs(more or {}) do auth[name] = value or nil end
  return auth
end

---@param name string
---@return string
function Endpoint:file(name)
  return assert(net.read_file(self.dir .. "/" .. name))
end

--- The requests since the last `forget`.
---@return table[]
function Endpoint:requests()
  local list, n = {}, 0
  for line in (net.read_file(self.dir .. "/requests") or ""):gmatch("[^\n]+") do
    n = n + 1
    if n > self.skipped then list[#list + 1] = cjson.decode(line) end
  end
  return list
end

function Endpoint:forget()
  self.skipped = self.skipped + #self:requests()
end

function Endpoint:stop()
  if self.pipe then self.pipe:close() end
  self.pipe = nil
  net.remove_dir(self.dir)
end

return M
