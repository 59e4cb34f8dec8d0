-- SPDX-License-Identifier: MIT
--- logto: npm's @logto/connector-http-email for specs, as Logto itself runs it. Needs node and
--- build/interop/npm, which `.ci/interop` fetches.
local cjson = require "cjson"
local net = require "spec.support.net"

local M = {}

local CONNECTOR = "build/interop/npm/node_modules/@logto/connector-http-email/lib/index.js"

--- Why it cannot run here, or nil.
---@return string?
function M.missing()
  local major = tonumber(net.run("node --version"):match("^v(%d+)"))
  if not major or major < 20 then return "Logto's connector needs Node.js 20 or later" end
  if not net.read_file(CONNECTOR) then return "Logto's connector is not in build/interop: make interop" end
  return nil
end

--- Sends messages one after another.
---@param config { endpoint: string, authorization?: string }
---@param messages table[]  as Logto's core hands them over: to, type, payload, ip
---@return table[] results  { status, body }, or { code, message } of the ConnectorError
function M.send(config, messages)
  local input = cjson.encode({ connector = CONNECTOR, config = config, messages = messages })
  local output, status = net.run(("printf %%s %s | node spec/support/logto.mjs"):format(net.quote(input)))
  assert(status == 0, output)
  local results = {}
  for line in output:gmatch("[^\n]+") do results[#results + 1] = cjson.decode(line) end
  return results
end

return M
