-- SPDX-License-Identifier: MIT
-- `logto-smtp bulk` as people run it: in a terminal, with Ctrl-C, and killed in the middle. Who got mail is
-- read from smtp-sink's own record.

local cjson = require("cjson")
local configs = require("spec.support.configs")
local net = require("spec.support.net")
local shell = require("spec.support.shell")
local sink = require("spec.support.sink")
local socket = require("socket")

local lua = net.quote(shell.interpreter())
local MANY = 20000

local server, dir, list

local function config_file(target)
  local path = dir .. "/config-" .. target.port .. ".json"
  net.write_file(path, cjson.encode(configs.config({
    host = target.host, port = target.port, auth = { type = "login" }, ignoreTLS = true,
    name = "bulk.example",
  })))
  return path
end

local function list_of(count)
  local lines = { "email,code,name" }
  for i = 1, count do lines[i + 1] = ('user%d@example.com,%06d,"Ada ""the %dth"""'):format(i, i, i) end
  local path = ("%s/list-%d.csv"):format(dir, count)
  net.write_file(path, table.concat(lines, "\r\n") .. "\r\n")
  return path
end

local function command(target, options)
  return ("%s bin/logto-smtp bulk %s --recipients %s --type SignIn %s"):format(lua, config_file(target), list,
    options)
end

-- Runs in a terminal; types keys when the output holds a text.
local function in_terminal(line, settings)
  settings = settings or {}
  return net.run(("%s python3 spec/support/in_terminal.py %d %s %s %s"):format(settings.env or "",
    settings.columns or 80, net.quote(settings.when or ""), net.quote(settings.keys or ""), line))
end

-- Seconds until a run is about in the middle: a few updates of its progress, by chance.
local function some_time()
  return 0.15 + math.random() * 0.5
end

-- Each recipient's mails against what the report says: once, or listed as unknown and at most once.
local function check_once(counts, unknown)
  local listed, missing = {}, 0
  for _, entry in ipairs(unknown) do listed[entry.to] = true end
  for i = 1, MANY do
    local to = ("user%d@example.com"):format(i)
    local count = counts[to] or 0
    assert.is_true(count <= 1, to .. " got " .. count)
    assert.is_true(count == 1 or listed[to], to .. " got none and is not listed")
    missing = missing + 1 - count
  end
  return missing
end

before_each(function()
  dir = net.tmpdir()
  server = sink.start()
  list = list_of(MANY)
end)

after_each(function()
  server:stop()
  net.remove_dir(dir)
end)

-- Kills a run again and again until one comes to its end; answers that one's report and how many were killed.
local function run_with_kills(signal, kills, expected_status)
  local journal = " --journal " .. dir .. "/run.jsonl --json"
  local killed = 0
  while true do
    local limit = killed < kills and ("timeout -s %s %.3f "):format(signal, some_time()) or ""
    -- one killed before it wrote its journal has left nothing to go on with
    local resume = net.read_file(dir .. "/run.jsonl") and " --resume" or ""
    local said, status = net.run(limit .. command(server, journal .. resume) .. " 2>&1")
    if status ~= expected_status then return said, status, killed end
    killed = killed + 1
  end
end

describe("logto-smtp bulk, killed in the middle (kill -9),", function()
  it("sends to each recipient once, or lists it as unknown", function()
    local seed = os.time()
    math.randomseed(seed)
    local said, status, killed = run_with_kills("KILL", 5, 137)
    assert.is_true(killed >= 1, "nothing was killed; seed " .. seed)
    local report = cjson.decode(said:match("[^\n]+$"))
    local counts = server:counts()
    local missing = check_once(counts, report.unknownEntries)
    assert.equal(report.unknown > 0 and 69 or 0, status)
    assert.equal(report.unknown, #report.unknownEntries)
    assert.equal(MANY, report.sent + report.before.sent + report.unknown)
    assert.is_true(report.unknown <= 1000 * killed, "more unknown than can be in flight")

    said, status = net.run(command(server, "--resume --resend-unknown --json --journal ")
      .. dir .. "/run.jsonl")
    assert.equal(0, status, said)
    local resent = cjson.decode(said)
    assert.equal(report.unknown, resent.sent)
    local total, again = 0, server:counts()
    for i = 1, MANY do total = total + (again[("user%d@example.com"):format(i)] or -MANY) end
    assert.equal(MANY + report.unknown - missing, total)
  end)
end)

describe("logto-smtp bulk, interrupted,", function()
  it("finishes what is in flight, and goes on with --resume", function()
    math.randomseed(os.time())
    local said, status, interrupted = run_with_kills("INT", 3, 124)
    assert.equal(0, status, said)
    assert.is_true(interrupted >= 1, "nothing was interrupted")
    local report = cjson.decode(said)
    assert.equal(0, check_once(server:counts(), {}))
    assert.equal(0, report.unknown)
    assert.equal(MANY, report.sent + report.before.sent)
  end)

  it("by Ctrl-C says where it stopped, and answers 130", function()
    local said, status = in_terminal(command(server, "--journal " .. dir .. "/run.jsonl"),
      { when = "% ", keys = "\\x03" })
    assert.equal(130, status, said)
    assert.matches("finishing what is in flight; Ctrl%-C ends at once", said)
    assert.matches("interrupted.-: what was in flight is finished", said)
    local sent = tonumber((said:match("sent +([%d,]+)"):gsub(",", "")))
    local line = tonumber(said:match("nothing was done from line (%d+) on"))
    assert.equal(sent + 2, line)
    assert.matches("the same command with --resume goes on", said, 1, true)
    local count = 0
    for _ in pairs(server:counts()) do count = count + 1 end
    assert.equal(sent, count)
  end)

  it("by a second Ctrl-C ends at once", function()
    local silent = assert(socket.bind("127.0.0.1", 0))
    local _, port = silent:getsockname()
    local said, status = in_terminal(command({ host = "127.0.0.1", port = port }, ""),
      { when = "% ", keys = "\\x03\\x03" })
    silent:close()
    assert.equal(130, status, said)
  end)
end)

describe("the progress of logto-smtp bulk", function()
  it("is a bar in a terminal, within its width", function()
    for _, columns in ipairs({ 50, 80, 160 }) do
      local said, status = in_terminal(command(server, ""),
        { columns = columns, env = "env -u NO_COLOR TERM=xterm" })
      assert.equal(0, status, said)
      local updates = 0
      for update in said:gmatch("\r([^\r\n]*%d%%[^\r\n]*)") do
        updates = updates + 1
        local text = update:gsub("\27%[%d*m", "")
        assert.is_true(#text < columns, text)
        assert.matches("%d sent  0 failed  [%d,.]+/s", text)
        if columns > 80 and updates > 1 then
          assert.matches("^%[=*>?%-*%] .*ETA %d+:%d%d  p50 %d+ p95 %d+ p99 %d+ ms", text)
        end
      end
      assert.is_true(updates >= 3, said)
      assert.matches("\27%[32m", said)
      assert.matches("20,000 recipients in [%d.]+ s", said)
    end
  end)

  it("has no colours with NO_COLOR, and no escapes at all", function()
    local said = in_terminal(command(server, ""), { env = "env NO_COLOR=1 TERM=xterm" })
    assert.matches("\r.*%d%%", said)
    assert.is_nil(said:find("\27", 1, true))
  end)

  it("is lines in a pipe, and nothing with --quiet", function()
    local said = net.run(command(server, "--rate 1000/s --limit 5500 2>&1"))
    assert.is_nil(said:find("[\r\27]"))
    assert.matches("^%d+%%, [%d,]+ sent, 0 failed, [%d,]+/s, ETA 0:0%d, p50 %d+ p95 %d+ p99 %d+ ms\n", said)
    assert.equal("", (in_terminal(command(server, "--quiet --limit 500"))))
  end)

  it("asks before it mails the world", function()
    local elsewhere = { host = "192.0.2.1", port = 25 }
    local line = command(elsewhere, "")
    local said, status = in_terminal(line, { when = "Go on?", keys = "n\\n" })
    assert.equal(64, status, said)
    assert.matches("More than 100 recipients through 192.0.2.1. Go on? [y/N]", said, 1, true)
    said, status = net.run(line .. " </dev/null")
    assert.equal(64, status)
    assert.matches("say --yes if you mean it, or --only-to DOMAIN, or --limit N", said, 1, true)
  end)
end)
