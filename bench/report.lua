-- SPDX-License-Identifier: MIT
--- report: results as a table, and the bars they are held against. A bar that is missed is shown, and fails
-- nothing.
local net = require "support.net"
local rows = require "rows"

local M = {}

local function first_line(command)
  local text, status = net.run(command)
  return status == 0 and text:match("[^\n]+") or "?"
end

--- What the numbers were taken on.
function M.machine(build)
  local node = "node -p 'require(\"" .. build .. "/node_modules/%s/package.json\").version'"
  return {
    cpu = first_line "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", cores = first_line "nproc",
    kernel = first_line "uname -sr", load = first_line "cut -d' ' -f1-3 /proc/loadavg",
    date = os.date "!%Y-%m-%d %H:%M UTC", commit = first_line "git rev-parse --short HEAD",
    versions = {
      { "Lua", first_line "lua5.4 -v | cut -d' ' -f2" }, { "libcurl",
        first_line "curl-config --version | cut -d' ' -f2" },
      { "OpenSSL", first_line "openssl version | cut -d' ' -f2" }, { "Node.js", first_line "node --version" },
      { "nodemailer", first_line(node:format "nodemailer") },
      { "@logto/connector-smtp", first_line(node:format "@logto/connector-smtp") },
      { "@logto/connector-kit", first_line(node:format "@logto/connector-kit") },
      { "LuaSocket",
        first_line "lua5.4 -e 'print((require(\"socket\")._VERSION:gsub(\"LuaSocket \", \"\")))'" },
      { "nginx", first_line "nginx -v 2>&1 | sed 's|.*/||'" },
      { "Python", first_line "python3 --version | cut -d' ' -f2" }, { "Postfix",
        first_line "postconf -h mail_version" },
    },
  }
end

local function size_text(n)
  return ("%g KiB"):format(n / 1024)
end

--- One line that says what a row measures.
function M.title(row)
  local what = row.mode
  if row.mode == "throughput" then
    what = ("throughput, %d connection%s"):format(row.connections, row.connections == 1 and "" or "s")
  end
  return ("%s, %s, %s, %g ms, %s%s"):format(what, row.server == "sink" and "smtp-sink" or "Postfix",
    row.tls and "STARTTLS+AUTH" or "clear", row.rtt, size_text(row.size),
    row.chunking == false and ", without CHUNKING" or "")
end

local function number(x)
  if not x then return "-" end
  return (x >= 100 and "%.0f" or x >= 10 and "%.1f" or x >= 1 and "%.2f" or "%.3f"):format(x)
end

local function best_peer(entry)
  local best
  for peer, seen in pairs(entry.peers) do
    local other = peer ~= "ours" and peer ~= "second"
    if other and seen.ms and (not best or seen.ms < entry.peers[best].ms) then best = peer end
  end
  return best
end

--- Tells on stderr how a row went.
function M.progress(entry)
  local list = {}
  for _, peer in ipairs(entry.row.peers) do
    list[#list + 1] = ("%s %s"):format(rows.names[peer], number(entry.peers[peer].ms))
  end
  io.stderr:write(M.title(entry.row), ": ", table.concat(list, ", "), "\n")
end

local function add(list, bar, measured, wanted, passed)
  list[#list + 1] = { bar = bar, measured = measured, wanted = wanted, passed = passed and true or false }
end

-- The last warm row that is like this one but for the peer "second": what the connector's second message is
-- held to.
local function row_bars(list, entry)
  local row, ours, bar = entry.row, entry.peers.ours.ms, entry.row.bar
  if not bar or not ours then return end
  local title = M.title(row)
  for _, peer in ipairs { "nodemailer", "source" } do
    local at_least = bar.faster and bar.faster[peer]
    local theirs = entry.peers[peer] and entry.peers[peer].ms
    if at_least and theirs then
      add(list, title .. ": faster than " .. rows.names[peer], number(theirs / ours) .. " times",
        ("at least %g"):format(at_least), theirs / ours >= at_least)
    end
  end
  if bar.round_trips then
    add(list, title, number(ours / row.rtt) .. " round trips", ("at most %g"):format(bar.round_trips),
      ours / row.rtt <= bar.round_trips)
  end
  if bar.like_warm and entry.peers.second.ms then
    local ratio = entry.peers.second.ms / ours
    add(list, title .. ": the connector's second message", number(ratio) .. " warm ones",
      ("at most %g"):format(bar.like_warm), ratio <= bar.like_warm)
  end
  if bar.cpu and entry.peers.nodemailer.cpu_us then
    local ratio = entry.peers.nodemailer.cpu_us / entry.peers.ours.cpu_us
    add(list, title .. ": CPU a message, nodemailer : ours", number(ratio) .. " times",
      ("at least %g"):format(bar.cpu),
      ratio >= bar.cpu)
  end
end

-- From nginx: mails a second against the cosocket sender's, and how evenly ours come.
local function nginx_bars(list, entries)
  for _, entry in ipairs(entries or {}) do
    local row, ours, theirs = entry.row, entry.peers.ours, entry.peers.cosocket
    local title = ("nginx, STARTTLS+AUTH, 20 ms, 2 KiB, %d at once"):format(row.concurrency)
    if row.faster then
      add(list, title .. ": faster than a cosocket sender", number(ours.rate / theirs.rate) .. " times",
        ("at least %g"):format(row.faster), ours.rate / theirs.rate >= row.faster)
    end
    if row.spread then
      add(list, title .. ": p99 : p50", number(ours.p99 / ours.p50) .. " times",
        ("at most %g"):format(row.spread), ours.p99 / ours.p50 <= row.spread)
    end
  end
end

-- Nothing that grows with the number of messages: what is resident at the last mark is what was at the first.
local function growth_bar(list, growth)
  local first, last = growth.marks and growth.marks[1], growth.marks and growth.marks[#growth.marks]
  if not last then return end
  local ratio = last.peakKiB / first.peakKiB
  add(list, ("peak memory at %d messages : at %d"):format(last.messages, first.messages), number(ratio) ..
    " times",
    "at most 1.05", ratio <= 1.05)
end

--- Every bar that the measured rows allow to judge.
function M.bars(results)
  local list = {}
  for _, item in ipairs(rows.micro) do
    local seen = results.micro and results.micro[item.key]
    if seen and item.bar then
      local ratio = seen.peer_ns / seen.ours_ns
      add(list, item.name, number(ratio) .. " times", ("at least %g"):format(item.bar), ratio >= item.bar)
    end
  end
  for _, entry in ipairs(results.rows) do row_bars(list, entry) end
  nginx_bars(list, results.nginx)
  if results.growth then growth_bar(list, results.growth) end
  return list
end

local function write_bars(out, bars)
  if #bars == 0 then return end
  out[#out + 1] = "## Bars\n\n| what | measured | wanted | |\n|---|---:|---:|---|"
  for _, b in ipairs(bars) do
    out[#out + 1] = ("| %s | %s | %s | %s |"):format(b.bar, b.measured, b.wanted, b.passed and "pass"
      or "**missed**")
  end
  out[#out + 1] = ""
end

local ORDER = { "ours", "second", "nodemailer", "connector", "luasocket", "libcurl", "smtplib", "source",
  "lockstep" }

local function columns(entries)
  local used, list = {}, {}
  for _, entry in ipairs(entries) do
    for peer in pairs(entry.peers) do used[peer] = true end
  end
  for _, peer in ipairs(ORDER) do
    if used[peer] then list[#list + 1] = peer end
  end
  return list
end

local HEADINGS = {
  { "warm", "ms a message, one at a time on a warm connection" },
  { "cold", "ms a message, each on a new connection" },
  { "throughput", "ms a message with a queue that never runs dry" },
}

local function write_table(out, heading, entries, cell, last)
  local peers = columns(entries)
  local head, rule = { "| " }, { "|---" }
  for _, peer in ipairs(peers) do
    head[#head + 1] = "| " .. rows.names[peer] .. " "
    rule[#rule + 1] = "|---:"
  end
  if last then
    head[#head + 1] = "| best peer : ours "
    rule[#rule + 1] = "|---:"
  end
  out[#out + 1] = ("## %s\n\n%s|\n%s|"):format(heading, table.concat(head), table.concat(rule))
  for _, entry in ipairs(entries) do
    local line = { "| " .. M.title(entry.row) .. " " }
    for _, peer in ipairs(peers) do
      line[#line + 1] = "| " .. (entry.peers[peer] and cell(entry.peers[peer]) or "") .. " "
    end
    if last then
      local best = best_peer(entry)
      local ours = entry.peers.ours.ms
      line[#line + 1] = best and ours and ("| %s (%s) "):format(number(entry.peers[best].ms / ours),
        rows.names[best])
        or "| "
    end
    out[#out + 1] = table.concat(line) .. "|"
  end
  out[#out + 1] = ""
end

local function write_rows(out, results)
  for _, h in ipairs(HEADINGS) do
    local entries = {}
    for _, entry in ipairs(results.rows) do
      if entry.row.mode == h[1] then entries[#entries + 1] = entry end
    end
    if #entries > 0 then
      write_table(out, h[2]:gsub("^%l", string.upper), entries, function(seen) return number(seen.ms) end,
        true)
    end
    if #entries > 0 and h[1] == "throughput" then
      write_table(out, "CPU seconds for 10,000 messages", entries,
        function(seen) return seen.cpu_us and number(seen.cpu_us / 100) or "" end)
      write_table(out, "Peak resident memory, MiB", entries,
        function(seen) return seen.peak_kib and number(seen.peak_kib / 1024) or "" end)
    end
  end
end

local function write_nginx(out, entries)
  if not entries then return end
  out[#out + 1] = "## From nginx: one worker, Postfix behind 20 ms, STARTTLS+AUTH, 2 KiB\n\n"
    .. "| requests at once | ours, mails a second | p50, ms | p99, ms | cosocket sender | p50, ms | p99, ms "
    .. "| ours : cosocket |\n|---:|---:|---:|---:|---:|---:|---:|---:|"
  for _, entry in ipairs(entries) do
    local line = { ("| %d "):format(entry.row.concurrency) }
    for _, peer in ipairs { "ours", "cosocket" } do
      for _, key in ipairs { "rate", "p50", "p99" } do
        line[#line + 1] = ("| %s "):format(number(entry.peers[peer][key]))
      end
    end
    line[#line + 1] = ("| %s |"):format(number(entry.peers.ours.rate / entry.peers.cosocket.rate))
    out[#out + 1] = table.concat(line)
  end
  out[#out + 1] = ""
end

local function write_micro(out, micro)
  if not micro then return end
  out[#out + 1] = "## Without a server, microseconds a call\n\n| | ours | peer | peer : ours | peer is |\n" ..
    "|---|---:|---:|---:|---|"
  for _, item in ipairs(rows.micro) do
    local seen = micro[item.key]
    out[#out + 1] = ("| %s | %s | %s | %s | %s |"):format(item.name, number(seen.ours_ns / 1000),
      number(seen.peer_ns / 1000), number(seen.peer_ns / seen.ours_ns), item.peer)
  end
  out[#out + 1] = ""
end

local function write_growth(out, growth)
  if not growth then return end
  if not growth.marks then
    out[#out + 1] = "\nGrowth could not be measured: " .. tostring(growth.error)
    return
  end
  out[#out + 1] = "## Growth: submit until EBUSY, poll, submit on\n\n"
    .. "| messages | resident, MiB | peak, MiB |\n|---:|---:|---:|"
  for _, mark in ipairs(growth.marks) do
    out[#out + 1] = ("| %d | %s | %s |"):format(mark.messages, number(mark.residentKiB / 1024),
      number(mark.peakKiB / 1024))
  end
  out[#out + 1] = ""
end

local function write_relays(out, results)
  local seen = {}
  for _, entry in ipairs(results.rows) do
    if entry.relay and not seen[entry.row.rtt] then
      seen[entry.row.rtt] = true
      out[#out + 1] = ("The relay that adds %g ms: %.2f ms for a NOOP, %.2f ms to the greeting."):format(
        entry.row.rtt, entry.relay.round_trip, entry.relay.greeting)
    end
  end
  out[#out + 1] = ""
end

--- The whole report.
---@return string
function M.markdown(results)
  local m = results.machine
  local versions = {}
  for _, v in ipairs(m.versions) do versions[#versions + 1] = v[1] .. " " .. v[2] end
  local out = {
    ("# Results\n\nMedians of %d runs, drivers taking turns on the same servers. %s, commit %s.\n"):format(
      results.runs, m.date, m.commit),
    ("%s, %s cores, %s, load %s at the start; %s.\n"):format(m.cpu, m.cores, m.kernel, m.load,
      table.concat(versions, ", ")),
  }
  write_bars(out, results.bars)
  write_rows(out, results)
  write_nginx(out, results.nginx)
  write_micro(out, results.micro)
  write_growth(out, results.growth)
  write_relays(out, results)
  return table.concat(out, "\n")
end

return M
