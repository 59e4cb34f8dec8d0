-- SPDX-License-Identifier: MIT
--- nginx: mails a second from a location of nginx, by wrk; ours and a cosocket sender take turns in the same
-- worker, to the same Postfix behind the same relay, with STARTTLS and AUTH.
local cjson = require "cjson"
local net = require "support.net"
local nginx = require "spec.support.nginx"

local M = {}

M.peers = { "ours", "cosocket" }
M.seconds = 5 -- of one run

-- Concurrent requests, and what is expected there: how many times the cosocket sender's mails a second, and
-- p99 : p50 of ours.
M.rows = {
  { concurrency = 1, faster = 10, spread = 2 },
  { concurrency = 10, faster = 5 },
  { concurrency = 30, faster = 5, spread = 2 },
  { concurrency = 100 },
}

local HTTP = [[
lua_ssl_trusted_certificate %s/ca.pem;
lua_ssl_verify_depth 3;
]]

local SERVER = [[
location /ours { content_by_lua_block { require("bench.peers.ours_resty").handle() } }
location /cosocket { content_by_lua_block { require("bench.peers.cosocket").handle() } }
]]

--- Starts nginx for a server that listens behind a relay.
---@param given table what the senders need: host, port, user, pass, from, subject, text, message
---@return table
function M.start(server, given)
  given.user, given.pass = server.user, server.pass
  given.ca = net.read_file(server.dir .. "/ca.pem")
  return assert(nginx.start {
    http = HTTP:format(server.dir), server = SERVER, files = { ["given.json"] = cjson.encode(given) },
    level = "error",
  })
end

--- Posts for so many seconds.
---@return { rate: number, p50: number, p99: number } seen, in mails a second and ms
function M.run(at, peer, concurrency, seconds)
  local said = net.run(("wrk -t1 -c%d -d%gs --timeout 60s -s bench/peers/wrk.lua http://%s:%d/%s")
    :format(concurrency, seconds, at.host, at.port, peer))
  local result = cjson.decode(said:match("{[^\n]*}") or error(said))
  if result.failed > 0 then
    error(("%d of %s failed: %s"):format(result.failed, peer, at:log():sub(-2000)))
  end
  return { rate = result.requests / result.us * 1e6, p50 = result.p50 / 1000, p99 = result.p99 / 1000 }
end

return M
