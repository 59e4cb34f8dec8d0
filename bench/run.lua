-- SPDX-License-Identifier: MIT
-- run: measures the rows that ROWS names (all, where it is empty), ours and the peers in turn against the
-- same servers, and reports medians of RUNS runs. Environment: ROWS, RUNS, FULL, BUILD (where programs and
-- results are).
local cjson = require "cjson"
local net = require "support.net"
local nginx = require "nginx"
local report = require "report"
local rows = require "rows"
local servers = require "servers"

local build = os.getenv "BUILD"
local runs = tonumber(os.getenv "RUNS" or "") or 5
local full = os.getenv "FULL" == "1"
local wanted = {}
for name in (os.getenv "ROWS" or ""):gmatch "[%w]+" do wanted[name] = true end

local SENDER, RECIPIENT, SUBJECT = "sender@bench.example", "recipient@bench.example", "Your verification code"
local LINE = "Your verification code is 123456. It will remain active for ten minutes.\r\n"

-- The same content for everybody: as text for those who compose, as a composed message for the others.
local function write_content(size)
  local text = LINE:rep(math.ceil(size / #LINE)):sub(1, size - 2):gsub("\r$", ".") .. "\r\n"
  local head = ("From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <1@bench.example>\r\n" ..
    "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMIME-Version: 1.0\r\n" ..
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n")
    :format(SENDER, RECIPIENT, SUBJECT)
  net.write_file(("%s/%d.txt"):format(build, size), text)
  net.write_file(("%s/%d.eml"):format(build, size), head .. text)
end

local function quoted(arguments)
  local list = {}
  for key, value in pairs(arguments) do list[#list + 1] = net.quote(("%s=%s"):format(key, value)) end
  table.sort(list)
  return table.concat(list, " ")
end

local programs = {
  ours = "lua5.4 bench/peers/ours.lua",
  second = "lua5.4 bench/peers/ours_connector.lua",
  luasocket = "lua5.4 bench/peers/luasocket.lua",
  lockstep = "lua5.4 bench/peers/lockstep.lua",
  libcurl = build .. "/upload",
  smtplib = "python3 bench/peers/smtplib_driver.py",
  nodemailer = "node bench/peers/nodemailer.mjs peer=nodemailer",
  connector = "node bench/peers/nodemailer.mjs peer=connector",
}

-- Messages before the clock starts: enough for a JIT compiler, little where each costs round trips
-- or, for want of TCP_NODELAY, 44 ms.
local WARMUP = { nodemailer = 300, connector = 15, luasocket = 5 }
local function warmup(row, peer)
  local many = WARMUP[peer] or 50
  if row.size > 10000 then many = math.ceil(many / 5) end
  if row.mode == "cold" then many = math.ceil(many / 5) end
  return row.rtt == 0 and many or (row.connections or 1) * 2
end

-- Messages submitted and not finished: enough to fill every window, and few enough to run dry soon at the
-- end.
local function queue(row, peer)
  local each = peer == "ours" and 50 or row.rtt == 0 and 50 or 4
  return (row.connections or 1) * each
end

-- Runs a driver under `measure` and joins their two lines of JSON.
local function execute(command, seconds)
  local output = net.run("timeout " .. (seconds or 30) .. " " .. build .. "/measure " .. command)
  local first, last = output:match("({[^\n]*})\n({[^\n]*})%s*$")
  if not first then last = output:match("({[^\n]*})%s*$") end
  local measured = last and cjson.decode(last)
  if not measured or measured.status ~= 0 then return nil, output end
  for key, value in pairs(first and cjson.decode(first) or {}) do measured[key] = value end
  return measured
end

-- smtp-source prints nothing and connects first, so the difference of two runs is taken.
local function execute_source(row, port)
  local connections = row.connections or 1
  local each = 0.0004 + 4 * row.rtt / 1000 + row.size / 1e9
  local count = math.max(connections * 3, math.floor(row.seconds / each) * connections)
  local function once(n)
    return execute(("smtp-source -d -s %d -m %d -l %d -f %s -t %s 127.0.0.1:%d"):format(connections, n,
      row.size,
      SENDER, RECIPIENT, port))
  end
  local short, err = once(connections)
  if not short then return nil, err end
  local long
  long, err = once(connections + count)
  if not long then return nil, err end
  long.sent, long.seconds, long.cpu = count, long.wall - short.wall, long.cpuTotal - short.cpuTotal
  return long
end

local function measure(row, peer, server, port)
  if peer == "source" then return execute_source(row, port) end
  return execute(programs[peer] .. " " .. quoted {
    mode = row.mode, host = "127.0.0.1", port = port, from = SENDER, to = RECIPIENT, subject = SUBJECT,
    text = ("%s/%d.txt"):format(build, row.size), message = ("%s/%d.eml"):format(build, row.size),
    count = 1000000, seconds = row.seconds, warmup = warmup(row, peer), connections = row.connections or 1,
    queue = queue(row, peer), tls = row.tls and 1 or 0, ca = server.dir and server.dir .. "/ca.pem" or "",
    user = server.user or "", pass = server.pass or "", chunking = row.chunking == false and 0 or 1,
    modules = build .. "/node_modules",
  })
end

local function median(list)
  table.sort(list)
  local n = #list
  if n == 0 then return nil end
  return n % 2 == 1 and list[(n + 1) // 2] or (list[n // 2] + list[n // 2 + 1]) / 2
end

local function milliseconds(row, result)
  if row.mode == "throughput" then return result.seconds / result.sent * 1000 end
  return median(result.samples) * 1000
end

-- Measures one row: every peer once a run, in turn.
local function measure_row(row, at)
  local seen = {}
  for _, peer in ipairs(row.peers) do seen[peer] = { ms = {}, cpu = {}, peak = {} } end
  for run = 1, runs do
    for _, peer in ipairs(row.peers) do
      io.stderr:write(("\r\27[K%s, run %d of %d: %s"):format(report.title(row), run, runs, rows.names[peer]))
      local result, err = nil, seen[peer].error
      if not err then result, err = measure(row, peer, at.server, at.port) end
      if at.server.drain then at.server:drain() end
      local s = seen[peer]
      if result then
        s.ms[#s.ms + 1] = milliseconds(row, result)
        s.peak[#s.peak + 1] = result.peakKiB
        if result.cpu then s.cpu[#s.cpu + 1] = result.cpu / result.sent * 1e6 end
      else
        s.error = err
      end
    end
  end
  io.stderr:write "\r\27[K"
  local out = {}
  for peer, s in pairs(seen) do
    out[peer] = { ms = median(s.ms), low = s.ms[1], high = s.ms[#s.ms], cpu_us = median(s.cpu),
      peak_kib = median(s.peak), error = s.error }
    if s.error then io.stderr:write(rows.names[peer], ": ", s.error, "\n") end
  end
  return out
end

local function is_wanted(group)
  return next(wanted) == nil or wanted[group]
end

local running, open = {}, {}

-- The server a row is about, behind a relay where it has a round trip; started when first needed.
local function server_for(row)
  local server = running[row.server]
  if not server then
    server = servers[row.server]()
    running[row.server] = server
    open[#open + 1] = server
  end
  if row.rtt == 0 then return { server = server, port = server.port } end
  local key = row.server .. row.rtt
  if not running[key] then
    local relay = servers.relay(build .. "/relay", server.port, row.rtt)
    relay.measured, relay.greeting = servers.validate(relay.port)
    running[key] = relay
    open[#open + 1] = relay
  end
  return { server = server, port = running[key].port, relay = running[key] }
end

-- Written behind every row, so that a run that is broken off has not been in vain.
local function write_results(results)
  results.bars = report.bars(results)
  net.write_file(build .. "/results.json", cjson.encode(results) .. "\n")
  net.write_file(build .. "/results.md", report.markdown(results))
end

local function measure_smtp(results)
  for _, row in ipairs(rows.rows) do
    if is_wanted(row.group) and (full or not row.full) then
      local at = server_for(row)
      local entry = { row = row, peers = measure_row(row, at) }
      if at.relay then entry.relay = { round_trip = at.relay.measured, greeting = at.relay.greeting } end
      results.rows[#results.rows + 1] = entry
      report.progress(entry)
      write_results(results)
    end
  end
end

-- Every number of concurrent requests once a run, the peers in turn, each warmed up first.
local function measure_nginx_row(row, at, server)
  local seen = {}
  for _, peer in ipairs(nginx.peers) do seen[peer] = { rate = {}, p50 = {}, p99 = {} } end
  for run = 1, runs do
    for _, peer in ipairs(nginx.peers) do
      io.stderr:write(("\r\27[Knginx, %d at once, run %d of %d: %s"):format(row.concurrency, run, runs, peer))
      nginx.run(at, peer, row.concurrency, 1)
      for key, value in pairs(nginx.run(at, peer, row.concurrency, nginx.seconds)) do
        table.insert(seen[peer][key], value)
      end
      server:drain()
    end
  end
  io.stderr:write "\r\27[K"
  for _, list in pairs(seen) do
    for key, values in pairs(list) do list[key] = median(values) end
  end
  return seen
end

local function measure_nginx(results)
  if not is_wanted "nginx" then return end
  local behind = server_for { server = "postfix", rtt = 20 }
  local at = nginx.start(behind.server, {
    host = "127.0.0.1", port = behind.port, from = SENDER, subject = SUBJECT,
    text = net.read_file(build .. "/2048.txt"),
    message = net.read_file(build .. "/2048.eml"):gsub("\r\n%.", "\r\n..") .. ".\r\n",
  })
  open[#open + 1] = at
  results.nginx = {}
  for i, row in ipairs(nginx.rows) do
    results.nginx[i] = { row = row, peers = measure_nginx_row(row, at, behind.server) }
    write_results(results)
  end
end

local function measure_growth(results)
  if not is_wanted "growth" then return end
  local server = server_for { server = "sink", rtt = 0 }.server
  local result, err = execute(programs.ours .. " " .. quoted {
    mode = "growth", host = "127.0.0.1", port = server.port, from = SENDER, to = RECIPIENT, subject = SUBJECT,
    text = build .. "/2048.txt", count = full and 1000000 or 100000, connections = 1,
  }, full and 300 or 60)
  results.growth = result or { error = err ~= "" and err or "it took too long" }
end

local function measure_micro(results)
  if not is_wanted "micro" then return end
  local seen = { ours = {}, peer = {} }
  local commands = {
    ours = "lua5.4 bench/peers/micro.lua",
    peer = "node bench/peers/micro.mjs " .. net.quote(build .. "/node_modules"),
  }
  for run = 1, runs do
    for _, who in ipairs { "ours", "peer" } do
      io.stderr:write(("\r\27[Kmicro, run %d of %d: %s"):format(run, runs, who))
      local result, err = execute(commands[who] .. " " .. net.quote(build .. "/micro.json"))
      if not result then error(err) end
      for _, item in ipairs(rows.micro) do
        local list = seen[who][item.key] or {}
        seen[who][item.key] = list
        list[#list + 1] = result[item.key]
      end
    end
  end
  io.stderr:write "\r\27[K"
  results.micro = {}
  for _, item in ipairs(rows.micro) do
    results.micro[item.key] = { ours_ns = median(seen.ours[item.key]), peer_ns = median(seen.peer[item.key]) }
  end
end

local function main()
  write_content(2048)
  write_content(200 * 1024)
  if is_wanted "micro" then net.write_file(build .. "/micro.json", cjson.encode((require "micro_input"))) end
  local results = { rows = {}, runs = runs, full = full, machine = report.machine(build) }
  local began = os.time()
  measure_micro(results)
  measure_smtp(results)
  measure_nginx(results)
  measure_growth(results)
  results.took = os.time() - began
  write_results(results)
  io.write(report.markdown(results))
end

local ok, err = xpcall(main, debug.traceback)
for i = #open, 1, -1 do open[i]:stop() end
if not ok then
  io.stderr:write(err, "\n")
  os.exit(1)
end
