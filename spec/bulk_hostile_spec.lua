-- SPDX-License-Identifier: MIT
-- logto_smtp.bulk among hostile rows, templates and callbacks: each good row is sent once, each bad one is in
-- the report and the journal with its reason, and a run always comes to its end.

local attempt = require("logto_smtp.util.attempt")
local bulk = require("logto_smtp.bulk")
local cjson = require("cjson")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local shell = require("spec.support.shell")
local told = require("logto_smtp.util.raised")
local untakeable = require("spec.support.untakeable")

local lua = net.quote(shell.interpreter())
local dir

before_each(function() dir = net.tmpdir() end)

after_each(function()
  mailing.stop()
  net.remove_dir(dir)
end)

local function nested(levels, open, close)
  return (open or '{"a":'):rep(levels) .. (open and "" or "1") .. (close or "}"):rep(levels)
end

local function touchy(name)
  return setmetatable({}, { [name] = function() error("do not touch") end })
end

-- What is no row to send, in each form of list. `$` is the row's own address.
local JSON_ROWS = {
  ["101 levels of objects"] = '{"to":"$","payload":' .. nested(101) .. "}",
  ["999 levels of objects"] = '{"to":"$","payload":' .. nested(990) .. "}",
  ["more levels than the reader of JSON takes"] = '{"to":"$","payload":' .. nested(2000) .. "}",
  ["101 levels of arrays"] = '{"to":"$","x":' .. nested(101, "[", "]") .. "}",
  ["an array of 4 MiB"] = '{"to":"$","x":[' .. ("1,"):rep(2 * 1024 * 1024) .. "1]}",
  ["a line that is too long"] = '{"to":"$","x":"' .. ("x"):rep(17 * 1024 * 1024) .. '"}',
  ["a recipient of 4 MiB"] = '{"to":"' .. ("a,"):rep(2 * 1024 * 1024) .. '"}',
  ["an object for a recipient"] = '{"to":{"to":"$"}}',
  ["no recipient"] = '{"too":"$"}',
  ["null for a recipient"] = '{"to":null,"email":null}',
  ["two recipients"] = '{"to":"$, other@x.example"}',
  ["NUL in the recipient"] = '{"to":"a\\u0000$"}',
  ["a line end in the recipient"] = '{"to":"$\\r\\nBcc: other@x.example"}',
  ["half a JSON text"] = '{"to":"$","x":',
  ["half a surrogate pair"] = '{"to":"$","code":"\\ud800"}',
  ["an array"] = '["$"]',
  ["a number"] = "1e999",
}

local CSV_ROWS = {
  ["too few fields"] = "$",
  ["too many fields"] = "$,1,2",
  ["text behind a quote"] = '"$"x,1',
  ["an open quote"] = '$,"1',
  ["two recipients"] = '"$,other@x.example",1',
  ["NUL in the recipient"] = "a\0$,1",
  ["no recipient"] = ",1",
  ["a recipient of a mebibyte"] = ("a"):rep(1024 * 1024) .. "$,1",
}

local VALUES = {
  ["100 levels"] = function(to) return { to = to, x = untakeable.deep(100) } end,
  ["10,000 levels"] = function(to) return { to = to, x = untakeable.deep(10000) } end,
  ["a table in itself"] = function(to) return { to = to, x = untakeable.cyclic() } end,
  ["a function"] = function(to) return { to = to, x = print } end,
  ["a boolean for a name"] = function(to) return { to = to, [true] = 1 } end,
  ["a table for a name"] = function(to) return { to = to, x = { [{}] = 1 } } end,
  ["a table that raises"] = function() return touchy("__index") end,
  ["a table for a recipient"] = function(to) return { to = { to } } end,
  ["a number"] = function() return 5 end,
  ["true"] = function() return true end,
  ["a coroutine"] = function() return coroutine.create(print) end,
}

-- Good rows and bad ones, in an order of its own for each seed: the list, the bad ones by their number, and
-- the recipients of the good ones.
local function mix(bad_rows, write_good, write_bad, seed)
  local names, list, bad, good = {}, {}, {}, {}
  for name in pairs(bad_rows) do names[#names + 1] = name end
  table.sort(names)
  local step, at = 7, seed
  for _ = 1, #names do
    local name = table.remove(names, at % #names + 1)
    for _ = 1, at % 3 do
      local to = ("good%d@x.example"):format(#good + 1)
      good[#good + 1] = to
      list[#list + 1] = write_good(to)
    end
    list[#list + 1] = write_bad(bad_rows[name], ("bad%d@x.example"):format(#list + 1))
    bad[#list] = name
    at = at + step
  end
  for _ = 1, 3 do
    good[#good + 1] = ("good%d@x.example"):format(#good + 1)
    list[#list + 1] = write_good(good[#good])
  end
  table.sort(good)
  return list, bad, good
end

local function json_list(seed)
  local lines, bad, good = mix(JSON_ROWS, function(to) return cjson.encode({ to = to, code = "1234" }) end,
    function(row, to) return (row:gsub("%$", to)) end, seed)
  net.write_file(dir .. "/list", table.concat(lines, "\n") .. "\n")
  return dir .. "/list", bad, good
end

local function csv_list(seed)
  local lines, bad, good = mix(CSV_ROWS, function(to) return to .. ",1234" end,
    function(row, to) return (row:gsub("%$", to)) end, seed)
  net.write_file(dir .. "/list", "to,code\n" .. table.concat(lines, "\n") .. "\n")
  return dir .. "/list", bad, good
end

local function value_list(seed)
  return mix(VALUES, function(to) return { to = to, code = "1234" } end,
    function(row, to) return row(to) end, seed)
end

local function arrived(inbox)
  local list = {}
  for i, mail in ipairs(inbox:messages()) do list[i] = mail.envelope.to[1] end
  table.sort(list)
  return list
end

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

-- Callbacks that raise whatever can be raised, each in its turn.
local RAISED = {
  function() error("on purpose") end,
  function() error({ code = 1 }) end,
  function() error(nil) end,
  function() error(touchy("__tostring")) end,
  function() error(setmetatable({}, { __tostring = function() return nil end })) end,
  function() return nil .. "" end,
}

local function raiser()
  local calls = 0
  return function()
    calls = calls + 1
    RAISED[calls % #RAISED + 1]()
  end
end

local function options_for(inbox, recipients, more)
  local options = {
    config = inbox:config({ ignoreTLS = true }), type = "SignIn", recipients = recipients,
    journal = dir .. "/run.jsonl", onProgress = raiser(), interrupted = raiser(), unique = true,
  }
  for k, v in pairs(more or {}) do options[k] = v end
  return options
end

-- What the journal says last of each entry.
local function journaled()
  local ends = {}
  for line in net.read_file(dir .. "/run.jsonl"):gmatch("[^\n]+") do
    local record = cjson.decode(line)
    if record["end"] then ends[record["end"]] = record end
  end
  return ends
end

local function check_report(report, bad, sent, sent_before)
  assert.same({ sent, sent_before, count(bad) }, { report.sent, report.before.sent, report.invalid })
  assert.equal(report.recipients, sent + sent_before + count(bad))
  assert.same({ 0, 0, 0 }, { report.deferred, report.refused, report.unknown })
  assert.is_nil(report.stopped)
  for _, failure in ipairs(report.failures) do
    assert.is_truthy(bad[failure.number], ("entry %d is no bad one"):format(failure.number))
    assert.is_true(#failure.message > 3 and #failure.message < 400 and not failure.message:find("%c"))
    assert.is_nil(failure.message:find("%.lua:%d"), failure.message)
  end
end

for name, make in pairs({ ["JSON lines"] = json_list, CSV = csv_list, ["values of Lua"] = value_list }) do
  describe("bulk.run() of hostile " .. name, function()
    for seed = 1, 2 do
      it("sends each good row once, tells of each bad one, and goes on (order " .. seed .. ")", function()
        local inbox = mailing.inbox({ tls = "none" })
        local list, bad, good = make(seed)
        local report = assert(bulk.run(options_for(inbox, list)))
        check_report(report, bad, #good, 0)
        assert.same(good, arrived(inbox))
        local ends = journaled()
        for number, what in pairs(bad) do
          assert.equal("deferred", ends[number] and ends[number].outcome, what)
          assert.is_true(#ends[number].message > 3, what)
        end
        local again = assert(bulk.run(options_for(inbox, list, { resume = true })))
        check_report(again, bad, 0, #good)
        assert.equal(#good, #inbox:messages())
      end)
    end

    it("tells of the same rows on a dry run", function()
      local list, bad, good = make(4)
      local options = options_for(mailing.inbox({ tls = "none" }), list, { dryRun = true })
      options.onlyTo = { "x.example" }
      local report = assert(bulk.run(options))
      assert.equal(#good, report.sent)
      assert.equal(count(bad), report.invalid + report.skipped)
    end)
  end)
end

describe("what was raised", function()
  for text, reason in pairs({
    ["lua/logto_smtp/connector/template_mail.lua:73: no text"] = "no text",
    ["...o/my files/a.lua:1: b.lua:2: no text"] = "no text",
    ['[string "x: y"]:1: no text'] = "no text", ["(command line):1: no text"] = "no text",
    ["bin/logto-smtp:3: no text"] = "no text", ["?:-1: no text"] = "no text",
    ["mail.example:587: refused"] = "mail.example:587: refused",
    ["at line 3: no text"] = "at line 3: no text",
    ["first\nsecond"] = "first", [""] = "an error without a text",
  }) do
    it("is told without its place in Lua: " .. text:gsub("\n", " "), function()
      assert.equal(reason, told.reason(text))
      assert.equal(reason, select(2, attempt(error, text, 0)))
      assert.equal(text:match("^[^\n]+") or reason, told.line(text))
    end)
  end
end)

describe("bulk.run()", function()
  it("tells what callbacks raised, and lets nothing depend on it", function()
    local inbox = mailing.inbox({ tls = "none", latency = 0.05 })
    local list = {}
    for i = 1, 40 do list[i] = { to = i .. "@x.example", code = "1234" } end
    local report = assert(bulk.run(options_for(inbox, list, { connections = 1, rate = 100,
      config = inbox:config({ ignoreTLS = true, logger = true }), logger = raiser() })))
    assert.equal(40, report.sent)
    assert.equal(2, #report.raised)
    for _, raised in ipairs(report.raised) do
      assert.is_true(raised.callback == "onProgress" or raised.callback == "interrupted")
      assert.is_true(raised.count >= 1 and #raised.message > 3)
    end
  end)

  it("cannot send what a column nests too deeply, and says so of each row", function()
    local inbox = mailing.inbox({ tls = "none" })
    net.write_file(dir .. "/list", "to," .. ("a."):rep(150) .. "a\na@x.example,1\nb@x.example,2\n")
    local report = assert(bulk.run(options_for(inbox, dir .. "/list")))
    assert.same({ 0, 2 }, { report.sent, report.invalid })
    assert.matches("nested too deeply", report.failures[1].message)
  end)

  it("takes templates by language that are none for rows that cannot be sent", function()
    local inbox = mailing.inbox({ tls = "none" })
    local templates = {
      raises = function() error("no template today") end, -- the config's own stands in
      text = function() return "a text" end,
      empty = function() return {} end,
      number = function() return { subject = 1, content = "x" } end,
      touchy = function() return touchy("__index") end,
      good = function() return { subject = "Code", content = "{{code}}", contentType = "text/plain" } end,
    }
    local list, good = {}, { "good@x.example", "raises@x.example" }
    for _, locale in ipairs({ "text", "good", "touchy", "raises", "number", "empty" }) do
      list[#list + 1] = { to = locale .. "@x.example", code = "1234", locale = locale }
    end
    local report = assert(bulk.run(options_for(inbox, list, {
      getI18nEmailTemplate = function(_, locale) return templates[locale]() end,
    })))
    assert.same({ 2, 4 }, { report.sent, report.invalid })
    assert.same(good, arrived(inbox))
  end)

  it("ends with its report where the list itself raises", function()
    local inbox = mailing.inbox({ tls = "none" })
    local n = 0
    local report = assert(bulk.run(options_for(inbox, function()
      n = n + 1
      if n > 5 then error("the database is gone") end
      return { to = n .. "@x.example", code = "1" }
    end)))
    assert.equal(5, report.sent)
    assert.same({ "ELIST", "list_unreadable" }, { report.stopped.code, report.stopped.reason })
    assert.matches("the database is gone", report.stopped.message)
    assert.equal(5, #inbox:messages())
  end)

  it("ends with its report where the program itself fails, and loses no message", function()
    local inbox = mailing.inbox({ tls = "none" })
    local tally = require("logto_smtp.bulk.tally")
    local real, calls, faulty = tally.new, 0, nil
    tally.new = function() -- luacheck: ignore 122
      local made = real()
      function made:sent_one(...)
        calls = calls + 1
        if calls % faulty == 0 then error("a fault") end
        return getmetatable(self).sent_one(self, ...)
      end
      return made
    end
    finally(function() tally.new = real end) -- luacheck: ignore 122
    local list = {}
    for i = 1, 200 do list[i] = { to = ("%03d@x.example"):format(i), code = "1234" } end
    for run = 1, 6 do
      calls, faulty = 0, ({ 10, 1, 3, 15, 1, math.huge })[run]
      local report = assert(bulk.run(options_for(inbox, list, { resume = run > 1 })))
      if run == 1 then assert.equal("fault_here", report.stopped.reason) end
      if run == 6 then assert.equal(200, report.sent + report.before.sent + report.unknown) end
    end
    local seen = {}
    for _, to in ipairs(arrived(inbox)) do
      assert.is_nil(seen[to], to .. " twice")
      seen[to] = true
    end
  end)
end)

describe("logto-smtp bulk", function()
  local inbox

  before_each(function() inbox = mailing.inbox({ tls = "none" }) end)

  local function command(options)
    net.write_file(dir .. "/config.json", cjson.encode(inbox:config({ ignoreTLS = true })))
    local line = " bin/logto-smtp bulk $/config.json --type SignIn --recipients $/list --journal $/run.jsonl "
    return lua .. line:gsub("%$", dir) .. (options or "")
  end

  it("answers 65 for rows that cannot be sent, and again when it goes on", function()
    local _, bad, good = json_list(1)
    for run = 1, 2 do
      local said, status = net.run(command("--json" .. (run == 2 and " --resume" or "")))
      assert.equal(65, status, said)
      local report = cjson.decode(said)
      check_report(report, bad, run == 1 and #good or 0, run == 2 and #good or 0)
    end
    assert.equal(#good, #inbox:messages())
  end)

  local function many(n)
    local lines = { "to,code" }
    for i = 1, n do lines[i + 1] = ("%d@x.example,1234"):format(i) end
    net.write_file(dir .. "/list", table.concat(lines, "\n") .. "\n")
  end

  it("sends on when nobody reads what it says of its progress", function()
    many(200)
    net.run(("{ %s 2>&1 >%s/out; echo $? >%s/status; } | true"):format(command("-v --json"), dir, dir))
    assert.equal("0\n", net.read_file(dir .. "/status"))
    assert.equal(200, cjson.decode(net.read_file(dir .. "/out")).sent)
    assert.equal(200, #inbox:messages())
  end)

  it("says in short what it cannot say in full: nobody reads, or the disk is full", function()
    many(50)
    local said, status = net.run(command(">/dev/full"))
    assert.equal(74, status, said)
    assert.matches("logto%-smtp: 50 sent, 0 not", said)
    assert.matches("cannot write the output", said)
    os.remove(dir .. "/run.jsonl")
    net.run(("{ %s 2>%s/err; echo $? >%s/status; } | sleep 0"):format(command(), dir, dir))
    if net.read_file(dir .. "/status") ~= "0\n" then -- its report may be in the pipe before that is closed
      assert.equal("141\n", net.read_file(dir .. "/status"))
      assert.matches("50 sent, 0 not", net.read_file(dir .. "/err"))
    end
    assert.equal(100, #inbox:messages())
  end)

  it("ends where its journal cannot be written, and goes on when it can", function()
    many(3000)
    local limited = "trap '' XFSZ; ulimit -f 64; "
    local said, status = net.run(limited .. command("--json"))
    assert.equal(73, status, said)
    local report = cjson.decode(said)
    assert.equal("journal_unwritable", report.stopped.reason)
    assert.is_true(report.sent > 0 and report.sent < 3000)
    assert.equal(report.recipients, report.sent + report.deferred + report.unknown)
    assert.equal(report.sent + report.unknown, #inbox:messages())
    said, status = net.run(command("--json --resume"))
    local again = cjson.decode(said)
    assert.equal(again.unknown > 0 and 69 or 0, status)
    assert.equal(3000, again.sent + again.before.sent + again.unknown)
    assert.equal(3000, #inbox:messages() + (again.unknown - (report.sent - again.before.sent)))
  end)

  it("finishes what is in flight when its terminal goes", function()
    many(2000)
    local said, status = net.run(command("--json --rate 500/s & pid=$!; ")
      .. ("until grep -q end %s/run.jsonl; do sleep 0.05; done; kill -HUP $pid; wait $pid"):format(dir))
    assert.equal(130, status, said)
    local report = cjson.decode(said:match("[^\n]+$"))
    assert.is_true(report.interrupted)
    assert.equal(report.sent, #inbox:messages())
  end)
end)
