-- SPDX-License-Identifier: MIT
-- logto_smtp.bulk and its rooms: lists, journal, pace, report. Long runs are in spec/terminal.

local bulk = require("logto_smtp.bulk")
local cjson = require("cjson")
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local csv = require("logto_smtp.bulk.csv")
local digest = require("logto_smtp.bulk.digest")
local histogram = require("logto_smtp.bulk.histogram")
local journal = require("logto_smtp.bulk.journal")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local numbers = require("logto_smtp.cli.views.numbers")
local pace = require("logto_smtp.bulk.pace")
local progress = require("logto_smtp.cli.views.progress")
local recipients = require("logto_smtp.bulk.recipients")
local consequence = require("logto_smtp.bulk.consequence")

local dir

before_each(function() dir = net.tmpdir() end)

after_each(function()
  mailing.stop()
  net.remove_dir(dir)
end)

local function file_of(text)
  local path = dir .. "/list"
  net.write_file(path, text)
  return path
end

-- Every entry of a list, and why reading stopped.
local function read_all(source, payload)
  local reader, reason = recipients.open(source, payload or {})
  if not reader then return nil, reason end
  local list = {}
  while true do
    local entry, why = reader.next()
    if not entry then
      reader.close()
      return list, why
    end
    list[#list + 1] = entry
  end
end

describe("a list in CSV (RFC 4180)", function()
  for _, row in ipairs({
    { "a,b", { "a", "b" } },
    { "a,,", { "a", "", "" } },
    { '"a,b","c"', { "a,b", "c" } },
    { '"say ""hi""",""', { 'say "hi"', "" } },
    { '"two\nlines",x', { "two\nlines", "x" } },
    { '""""', { '"' } },
    { '"a"b', nil, "text stands behind a closing quote" },
    { '"a', nil, "a quote is not closed" },
  }) do
    it("splits " .. row[1]:gsub("\n", "\\n"), function()
      local fields, reason = csv.split(row[1], ",")
      assert.same(row[2], fields)
      assert.equal(row[3], reason)
    end)
  end

  it("takes BOM, CRLF, quoted line ends and empty lines, and tells the line of each", function()
    local list = read_all(file_of("\239\187\191email,name,user.name\r\n"
      .. 'a@x.example,"Ada\r\nL",1\r\n\r\nb@x.example,"B, C",2'))
    assert.equal(2, #list)
    assert.same({ "a@x.example", 2 }, { list[1].to, list[1].line })
    assert.same({ email = "a@x.example", name = "Ada\r\nL", user = { name = "1" } }, list[1].payload)
    assert.same({ "b@x.example", 5, 2 }, { list[2].to, list[2].line, list[2].number })
    assert.equal("B, C", list[2].payload.name)
  end)

  it("takes LF, CRLF and CR for line ends outside quotes, and leaves those within as they are", function()
    for _, ending in ipairs({ "\n", "\r\n", "\r" }) do
      for _, last in ipairs({ "", ending }) do
        local quoted = 'a@x.example,"A' .. ending .. 'B"'
        local lines = { "to,name", quoted, "", "b@x.example,C", 'c@x.example,"D"' }
        local list = read_all(file_of(table.concat(lines, ending) .. last))
        assert.equal(3, #list)
        assert.equal("A" .. ending .. "B", list[1].payload.name)
        assert.same({ "b@x.example", 5, "C" }, { list[2].to, list[2].line, list[2].payload.name })
        assert.same({ "c@x.example", 6, "D" }, { list[3].to, list[3].line, list[3].payload.name })
        local rows = '{"to":"a@x.example"}' .. ending .. ending .. '{"to":"b@x.example"}' .. last
        list = read_all(file_of(rows))
        assert.same({ 2, "b@x.example", 3 }, { #list, list[2].to, list[2].line })
      end
    end
    local mixed = read_all(file_of("to\ra@x.example\r\nb@x.example\nc@x.example"))
    assert.same({ 3, 4 }, { #mixed, mixed[3].line })
  end)

  it("gives back the lines behind an open quote, whatever ends them", function()
    local list = read_all(file_of('to,x\ra@x.example,"open\rb@x.example,1\r\nc@x.example,2\n'))
    assert.same({ 3, "a quote is not closed", "b@x.example", 4, "c@x.example" },
      { #list, list[1].invalid, list[2].to, list[3].line, list[3].to })
    assert.same({ "1", "2" }, { list[2].payload.x, list[3].payload.x })
  end)

  it("prefers the column `to`, in any case, and takes semicolons and tabs", function()
    local list = read_all(file_of("email;To\nold@x.example;new@x.example\n"))
    assert.equal("new@x.example", list[1].to)
    assert.equal("a@x.example", read_all(file_of("name\temail\nx\ta@x.example\n"))[1].to)
  end)

  it("says which rows cannot be sent, and goes on", function()
    local list = read_all(file_of('to,code\na@x.example\nb@x.example,1,2\n"c"@x,1\nd@x.example,1\n'))
    assert.equal("1 fields where the header names 2", list[1].invalid)
    assert.equal("3 fields where the header names 2", list[2].invalid)
    assert.equal("text stands behind a closing quote", list[3].invalid)
    assert.is_nil(list[4].invalid)
  end)

  for name, row in pairs({
    ["without a recipient's column"] = { "name,code\nx,1\n", "names no column `to` or `email`" },
    ["that is empty"] = { "", "the list is empty" },
    ["with line ends of Unicode"] = { "to,code\226\128\168a@x.example,1\226\128\168",
      "a line end in it that is none in CSV" },
    ["with form feeds"] = { "to,code\fa@x.example,1\f", "a line end in it that is none in CSV" },
    ["in UTF-16"] = { "\255\254t\0o\0", "save it as UTF-8" },
  }) do
    it("refuses one " .. name, function()
      local list, reason = read_all(file_of(row[1]))
      assert.is_nil(list)
      assert.matches(row[2], reason, 1, true)
    end)
  end

  it("does not let an open quote swallow the rest", function()
    for _, count in ipairs({ 0, 3, 100000 }) do
      local list, reason = read_all(file_of('to,x\na@x.example,"open\n' .. ("b@x.example,1\n"):rep(count)))
      assert.is_nil(reason)
      assert.equal(count + 1, #list)
      assert.same({ "a quote is not closed", 2 }, { list[1].invalid, list[1].line })
      for i = 2, #list do
        assert.is_nil(list[i].invalid)
        assert.equal(i + 1, list[i].line)
      end
    end
  end)

  it("takes a quote within a field as it stands, and reads each row behind it", function()
    local cells = { '15" Monitor', 'a"b"c', 'x"', '"quoted, with ""two"" quotes"', '"two\nlines"', "plain" }
    for _, ending in ipairs({ "\n", "\r\n", "\r" }) do
      local rows, wanted = { "to,x" }, {}
      for i = 1, 500 do
        rows[i + 1] = ("a%d@x.example,%s"):format(i, cells[i % #cells + 1])
        wanted[i] = ("a%d@x.example"):format(i)
      end
      local list = read_all(file_of(table.concat(rows, ending) .. ending))
      local got = {}
      for i, entry in ipairs(list) do
        assert.is_nil(entry.invalid)
        got[i] = entry.to
      end
      assert.same(wanted, got)
    end
  end)

  it("is read in a time that grows with its length alone", function()
    local spaces = (" "):rep(2 * 1024 * 1024)
    clock.spares_processor(10, function()
      assert.is_nil(read_all(file_of("to,a" .. spaces .. "b\na@x.example,1\n"))[1].invalid)
    end)
  end)

  it("says that it cannot be read on, and does not take that for its end", function()
    local list, reason = read_all(dir)
    assert.is_nil(list)
    assert.equal("line 1 cannot be read: Is a directory", reason)
  end)

  it("passes over a line that is longer than anybody can mean", function()
    local long = ('{"to":"b@x.example","x":"%s"}\n'):format(("x"):rep(17 * 1024 * 1024))
    local list = read_all(file_of('{"to":"a@x.example"}\n' .. long .. '{"to":"c@x.example"}\n'))
    assert.same({ "a@x.example", "the line is longer than 16 MiB", "c@x.example" },
      { list[1].to, list[2].invalid, list[3].to })
    assert.equal(3, list[3].line)
  end)
end)

describe("a list of JSON lines", function()
  it("takes nested payloads, and fields beside them", function()
    local list = read_all(file_of('{"to":"a@x.example","locale":"de","payload":{"user":{"name":"Ada"}}}\n'
      .. '{"email":"b@x.example","code":123456}\n'), { code = "0", user = { name = "-" } })
    assert.same({ code = "0", locale = "de", to = "a@x.example", user = { name = "Ada" } }, list[1].payload)
    assert.equal("b@x.example", list[2].to)
    assert.equal(123456, list[2].payload.code)
    assert.equal("-", list[2].payload.user.name)
  end)

  it("says which lines are none", function()
    local list = read_all(file_of('{"to":"a@x.example"}\n{"to":\n[1]\n{"code":1}\n"x"\n{"to":5}\n'))
    assert.is_nil(list[1].invalid)
    assert.matches("not JSON", list[2].invalid)
    assert.equal("no string `to` or `email`", list[3].invalid)
    assert.equal("no string `to` or `email`", list[4].invalid)
    assert.matches("not an object", list[5].invalid)
    assert.equal("no string `to` or `email`", list[6].invalid)
  end)
end)

describe("a list in Lua", function()
  it("is an array or an iterator, of objects or addresses", function()
    local list = read_all({ "a@x.example", { to = "b@x.example", code = "1" } })
    assert.equal("a@x.example", list[1].to)
    assert.equal("1", list[2].payload.code)
    local n = 0
    list = read_all(function()
      n = n + 1
      return n < 4 and { to = n .. "@x.example" } or nil
    end)
    assert.equal("3@x.example", list[3].to)
  end)
end)

describe("the identity of an entry", function()
  it("changes with its text and with the header", function()
    local function id(text) return read_all(file_of(text))[1].id end
    local first = id("to,code\na@x.example,1\n")
    assert.equal(first, id("to,code\na@x.example,1\nb@x.example,2\n"))
    assert.are_not.equal(first, id("to,code\na@x.example,2\n"))
    assert.are_not.equal(first, id("to,pin\na@x.example,1\n"))
  end)

  it("differs between texts that differ in one place", function()
    local seen = {}
    for i = 0, 255 do
      for at = 0, 40 do
        local d = digest(("x"):rep(at) .. string.char(i) .. ("x"):rep(40 - at))
        assert.is_true(i == 120 or not seen[d])
        seen[d] = true
      end
    end
  end)
end)

describe("the pace", function()
  it("reads rates", function()
    assert.equal(20, pace.parse("20/s"))
    assert.equal(20, pace.parse("1200/m"))
    assert.equal(0.5, pace.parse("1800/h"))
    assert.equal(7, pace.parse(7))
    for _, text in ipairs({ "0/s", "fast", "20/d", "-1/s", "", "1e999" }) do
      assert.is_nil((pace.parse(text)))
    end
  end)

  it("lets messages start evenly, whatever the gaps between looks", function()
    local now, started = 100, 0
    local p = pace.new(50, now)
    while now < 110 do
      now = now + 0.013
      local n = p.allowed(now)
      assert.is_true(n <= 5)
      p.take(n)
      started = started + n
    end
    assert.is_true(math.abs(started - 500) <= 2, started)
  end)

  it("keeps no allowance over a pause, and says how long to wait", function()
    local p = pace.new(10, 0)
    assert.equal(1, p.allowed(60))
    p.take(1)
    assert.is_true(math.abs(p.wait(60) - 0.1) < 1e-9)
    assert.equal(0, p.wait(60.2))
  end)

  it("doubles the wait between tries, half of it by chance, up to five minutes", function()
    assert.equal(0.5, pace.backoff(1, 1, 0))
    assert.equal(1, pace.backoff(1, 1, 1))
    assert.equal(8, pace.backoff(4, 1, 1))
    assert.equal(300, pace.backoff(30, 1, 1))
  end)

  it("gives the client what its connections can use", function()
    local window = pace.window(5, 0)
    assert.equal(80, window.size)
    window.done(2000, 2, 0.1)       -- 20,000 a second in 1 ms each
    assert.equal(440, window.size)
    window.done(5, 0.1, 0.2)        -- 50 a second
    assert.equal(80, window.size)
    window.done(500, 50, 0.31)      -- almost 5,000 a second in 100 ms each
    assert.equal(1000, window.size)
    window.done(0, 0, 0.5)
    assert.equal(80, window.size)
  end)
end)

describe("the histogram", function()
  it("tells percentiles to within five hundredths", function()
    local h = histogram.new()
    for i = 1, 10000 do h:add(i) end
    for _, share in ipairs({ 0.5, 0.95, 0.99 }) do
      assert.is_true(math.abs(h:percentile(share) / (10000 * share) - 1) < 0.05)
    end
    assert.equal(10000, h:percentile(1))
    local s = h:summary()
    assert.equal(5000.5, s.mean)
    local sum = 0
    for _, row in ipairs(s.histogram) do sum = sum + row.count end
    assert.equal(10000, sum)
    assert.same({ from = 1, below = 2, count = 1 }, s.histogram[1])
    assert.same({ from = 10000, below = 20000, count = 1 }, s.histogram[#s.histogram])
  end)

  it("is empty without anything", function()
    assert.same({ count = 0, histogram = {} }, histogram.new():summary())
  end)
end)

describe("the verdict on an error", function()
  for _, row in ipairs({
    { { code = "EENVELOPE", responseCode = 550, permanent = true, command = "RCPT TO" }, "refused" },
    { { code = "EENVELOPE", responseCode = 450, command = "RCPT TO" }, "deferred", "retry" },
    { { code = "ESOCKET" }, "deferred", "retry", "unreachable" },
    { { code = "ECONNECTION", delivery = "unknown" }, "unknown" },
    { { code = "EMESSAGE", responseCode = 451, delivery = "unknown" }, "unknown" },
    { { code = "EAUTH", responseCode = 535, permanent = true }, "deferred", "hopeless" },
    { { code = "EENVELOPE", responseCode = 550, permanent = true, command = "MAIL FROM" }, "deferred",
      "hopeless" },
    { { code = "EENVELOPE", responseCode = 552, permanent = true, command = "MAIL FROM" }, "refused" },
  }) do
    it(cjson.encode(row[1]) .. " is " .. table.concat(row, " ", 2), function()
      local v = consequence.of(row[1])
      assert.equal(row[2], v.outcome)
      for _, name in ipairs({ "retry", "unreachable", "hopeless" }) do
        assert.equal(name == row[3] or name == row[4], v[name] or false)
      end
    end)
  end
end)

describe("numbers", function()
  it("are written as people read them", function()
    assert.equal("0", numbers.count(0))
    assert.equal("999", numbers.count(999))
    assert.equal("1,000", numbers.count(1000))
    assert.equal("12,345,678", numbers.count(12345678))
    assert.equal("0:07", numbers.duration(7.4))
    assert.equal("1:01:05", numbers.duration(3665))
    assert.equal("0.33/s", numbers.rate(1 / 3))
    assert.equal("<1 ms", numbers.milliseconds(0))
    assert.equal("12.0 s", numbers.milliseconds(12000))
  end)
end)

describe("progress elsewhere than on a terminal", function()
  it("is a line every five seconds", function()
    local written = {}
    local stream = { write = function(_, ...) written[#written + 1] = table.concat({ ... }) end }
    local view = progress.view(stream, {}, false)
    local latency = histogram.new()
    latency:add(3)
    for tenth = 1, 121 do
      view.show({ sent = tenth, failed = 0, rate = 10, fraction = tenth / 1000, eta = 99,
        seconds = tenth / 10, latency = latency, waiting = 2, inFlight = 1 })
    end
    view.clear()
    assert.same({ "5%, 50 sent, 0 failed, 10/s, ETA 1:39, 2 to retry, p50 3 p95 3 p99 3 ms\n",
      "10%, 100 sent, 0 failed, 10/s, ETA 1:39, 2 to retry, p50 3 p95 3 p99 3 ms\n" }, written)
  end)
end)

describe("the journal", function()
  local path
  before_each(function() path = dir .. "/run.jsonl" end)

  local OPTIONS = { settings = 77, type = "SignIn", now = "2026-01-31T12:00:00Z" }
  local function open(more)
    local options = {}
    for k, v in pairs(OPTIONS) do options[k] = v end
    for k, v in pairs(more or {}) do options[k] = v end
    return journal.open(path, options)
  end

  local function entry(number)
    return { number = number, line = number + 1, to = number .. "@x.example", id = number * 1000 }
  end

  it("remembers what became of each entry", function()
    local j = assert(open())
    assert(j:start({ entry(1), entry(2), entry(3), entry(4), entry(5) }))
    j:finish(entry(1), "sent", 250, 12)
    j:finish(entry(2), "refused", 550, 'no "such" user')
    j:finish(entry(3), "unknown", "ECONNECTION", "it broke")
    j:finish(entry(4), "deferred", 450, "later")
    j:close()
    local text = net.read_file(path)
    for line in text:gmatch("[^\n]+") do cjson.decode(line) end
    assert.matches('{"end":1,"outcome":"sent","code":250,"ms":12}\n', text, 1, true)

    j = assert(open({ resume = true }))
    local outcomes = {}
    for i = 1, 6 do outcomes[i] = j:outcome(entry(i)) or "none" end
    assert.same({ "sent", "refused", "unknown", "deferred", "started", "none" }, outcomes)
    assert.equal(5, j.last)
    local _, changed = j:outcome({ number = 1, id = 1001 })
    assert.is_true(changed)
    j:close()
  end)

  it("takes a torn last line for none, and no other damage", function()
    local j = assert(open())
    assert(j:start({ entry(1), entry(2) }))
    j:close()
    local whole = net.read_file(path)
    for cut = 1, 56 do
      net.write_file(path, whole:sub(1, -1 - cut))
      j = assert(open({ resume = true }))
      assert.equal("started", (j:outcome(entry(1))))
      assert.equal(cut == 1 and "started" or nil, (j:outcome(entry(2))))
      assert(j:start({ entry(2) }))
      j:close()
      j = assert(open({ resume = true }))
      assert.equal("started", (j:outcome(entry(2))))
      j:close()
    end
    net.write_file(path, (whole:gsub('"start":1', '"st rt":1')))
    local none, reason = open({ resume = true })
    assert.is_nil(none)
    assert.matches("line 2 is damaged, and not the last of a run", reason)
  end)

  it("goes on where its first line is torn and nothing is behind it: nothing was sent", function()
    assert(open()):close()
    local whole = net.read_file(path)
    local torn = { ("\0"):rep(4096) }
    for octets = 1, #whole - 1, 9 do torn[#torn + 1] = whole:sub(1, octets) end
    for _, text in ipairs(torn) do
      net.write_file(path, text)
      local j = assert(open({ resume = true }))
      assert.equal(0, j.last)
      assert(j:start({ entry(1) }))
      j:close()
      j = assert(open({ resume = true }))
      assert.equal("started", (j:outcome(entry(1))))
      j:close()
    end
    for text, reason in pairs({
      [whole:sub(1, 30) .. '\n{"start":1,"line":1,"to":"a","id":"0000000a"}\n'] =
        "line 1 is damaged, and not the last of a run",
      ["to,code\n"] = "it is no journal of a bulk run",
    }) do
      net.write_file(path, text)
      assert.matches(reason, select(2, open({ resume = true })), 1, true)
    end
  end)

  it("is one run's at a time, and of one type and payload", function()
    local j = assert(open())
    local _, reason = open({ resume = true })
    assert.matches("another run is writing it", reason)
    j:close()
    _, reason = open()
    assert.matches("it is there already: --resume goes on with it", reason, 1, true)
    _, reason = open({ resume = true, settings = 78 })
    assert.matches("another --type or --payload", reason, 1, true)
    _, reason = journal.open(dir .. "/none", { resume = true, settings = 1, type = "", now = "" })
    assert.matches("cannot resume: there is no journal", reason)
    _, reason = journal.open(dir .. "/no/where", { settings = 1, type = "", now = "" })
    assert.matches("cannot write ", reason)
    net.write_file(path, "something else\n")
    _, reason = open({ resume = true })
    assert.matches("no journal of a bulk run", reason)
  end)
end)

local function options_for(inbox, more)
  local options = { config = inbox:config({ ignoreTLS = true }), type = "SignIn", retryDelay = 0.01 }
  for k, v in pairs(more) do options[k] = v end
  return options
end

-- Recipients and code of what arrived, sorted.
local function arrived(inbox)
  local list = {}
  for i, mail in ipairs(inbox:messages()) do list[i] = mail.envelope.to[1] .. " " .. (mail.code or "-") end
  table.sort(list)
  return list
end

describe("bulk.run()", function()
  it("sends each recipient its own", function()
    local inbox = mailing.inbox({ tls = "none" })
    local seen = 0
    local report = assert(bulk.run(options_for(inbox, {
      recipients = file_of("email,code\na@x.example,111111\nb@y.example,222222\nbroken\n"
        .. "c@x.example,333333\n"),
      connections = 2, onProgress = function(p)
        seen = seen + 1
        assert.is_true(p.done >= p.sent)
      end,
    })))
    assert.same({ "a@x.example 111111", "b@y.example 222222", "c@x.example 333333" }, arrived(inbox))
    assert.same({ 4, 3, 1 }, { report.recipients, report.sent, report.invalid })
    assert.same({ { code = 250, count = 3 } }, report.replies)
    assert.equal(3, report.latency.count)
    assert.same({ code = "invalid", line = 4, number = 3, message = "1 fields where the header names 2" },
      report.failures[1])
    assert.is_true(report.connections.opened >= 1 and report.connections.opened <= 2)
    assert.is_false(report.interrupted)
  end)

  it("skips other domains, doubles and what is over the limit", function()
    local inbox = mailing.inbox({ tls = "none" })
    local report = assert(bulk.run(options_for(inbox, {
      recipients = { "a@x.example", "b@evil.example", "A@X.example", "Ada <c@X.EXAMPLE>",
        "x@x.example.evil", '"a@x.example" <d@evil.example>', "e@evil.example (f@x.example)", "nobody",
        "g@x.example", "h@x.example" },
      onlyTo = { "x.example" }, unique = true, limit = 3, payload = { code = "123456" },
    })))
    assert.same({ "a@x.example 123456", "c@x.example 123456", "g@x.example 123456" }, arrived(inbox))
    assert.same({ 9, 3, 1, 5 }, { report.recipients, report.sent, report.duplicates, report.skipped })
    assert.equal(10, report.next)
  end)

  it("sends to a recipient whose first row cannot be sent by the next one", function()
    for _, dry in ipairs({ false, true }) do
      local inbox = mailing.inbox({ tls = "none" })
      local report = assert(bulk.run(options_for(inbox, {
        recipients = { { to = "a@x.example" }, { to = "A@X.example", code = "1" },
          { to = "a@x.example", code = "2" } },
        unique = true, dryRun = dry,
      })))
      assert.same({ 1, 1, 1 }, { report.sent, report.invalid, report.duplicates })
      assert.same(dry and {} or { "A@x.example 1" }, arrived(inbox))
    end
  end)

  it("tries again what was put off, and never what was refused", function()
    local inbox = mailing.inbox({ tls = "none", script = {
      { at = "RCPT", match = "later@x.example", times = 2, code = 450, text = "4.2.1 later" },
      { at = "RCPT", match = "never@x.example", times = "always", code = 550, text = "5.1.1 nobody" },
      { at = "RCPT", match = "busy@x.example", times = "always", code = 451, text = "4.3.0 busy" },
    } })
    local report = assert(bulk.run(options_for(inbox, {
      recipients = { "later@x.example", "never@x.example", "busy@x.example" }, payload = { code = "123456" },
      journal = dir .. "/run.jsonl",
    })))
    assert.same({ "later@x.example 123456" }, arrived(inbox))
    assert.same({ 1, 1, 1, 5 }, { report.sent, report.refused, report.deferred, report.retries })
    local counts = {}
    for _, reply in ipairs(report.replies) do counts[reply.code] = reply.count end
    assert.same({ [250] = 1, [450] = 2, [451] = 4, [550] = 1 }, counts)
  end)

  it("lists what may have arrived, and sends it again only when told to", function()
    local inbox = mailing.inbox({ tls = "none", script = {
      { at = "CONTENT", drop = "before" },
    } })
    local more = { recipients = { "lost@x.example", "b@x.example" }, payload = { code = "123456" },
      journal = dir .. "/run.jsonl", connections = 1 }
    local report = assert(bulk.run(options_for(inbox, more)))
    assert.same({ { number = 1, line = 1, to = "lost@x.example" } }, report.unknownEntries)
    more.resume = true
    report = assert(bulk.run(options_for(inbox, more)))
    assert.same({ 0, 1, 1 }, { report.sent, report.before.sent, report.unknown })
    more.resendUnknown = true
    report = assert(bulk.run(options_for(inbox, more)))
    assert.same({ 1, 1, 0 }, { report.sent, report.before.sent, report.unknown })
  end)

  it("refuses to go on with a list that has changed", function()
    local inbox = mailing.inbox({ tls = "none" })
    local more = { recipients = { "a@x.example", "b@x.example" }, payload = { code = "123456" },
      journal = dir .. "/run.jsonl" }
    assert(bulk.run(options_for(inbox, more)))
    more.resume, more.recipients = true, { "a@x.example", "c@x.example" }
    local report = assert(bulk.run(options_for(inbox, more)))
    assert.matches("line 2 of the list is not what it was", report.stopped.message)
    more.recipients = { "a@x.example" }
    report = assert(bulk.run(options_for(inbox, more)))
    assert.matches("the list ends after 1 recipients, and the journal knows 2", report.stopped.message)
    assert.equal(2, #inbox:messages())
  end)

  it("ends where no message can be sent, and a later run sends them", function()
    local inbox = mailing.inbox({ auth = { user = "u", pass = "right" } })
    local more = { recipients = {}, payload = { code = "123456" }, journal = dir .. "/run.jsonl" }
    for i = 1, 500 do more.recipients[i] = ("u%03d@x.example"):format(i) end
    local options = options_for(inbox, more)
    options.config = inbox:config({ auth = { user = "u", pass = "wrong" } })
    local report = assert(bulk.run(options))
    assert.equal("EAUTH", report.stopped.code)
    assert.is_true(report.deferred > 0 and report.deferred < 500)
    assert.equal(report.deferred + 1, report.next)
    options.config, options.resume = inbox:config(), true
    report = assert(bulk.run(options))
    assert.same({ 500, 0 }, { report.sent, report.deferred })
    assert.equal(500, #inbox:messages())
  end)

  it("ends after some messages when nobody answers at all", function()
    local port = net.free_port()
    local list = {}
    for i = 1, 500 do list[i] = ("u%03d@x.example"):format(i) end
    local config = require("spec.support.configs").config({ host = "127.0.0.1", port = port })
    local report = assert(bulk.run({ config = config, recipients = list, retries = 1, retryDelay = 0.01,
      payload = { code = "123456" } }))
    assert.equal("ESOCKET", report.stopped.code)
    assert.is_true(report.deferred >= 10 and report.deferred < 500)
  end)

  it("begins nothing more when it is interrupted", function()
    local inbox = mailing.inbox({ tls = "none" })
    local calls = 0
    local report = assert(bulk.run(options_for(inbox, {
      recipients = function() return { to = "a@x.example", code = "1" } end, rate = 50,
      interrupted = function()
        calls = calls + 1
        return calls > 5
      end,
    })))
    assert.is_true(report.interrupted)
    assert.is_true(report.sent > 0)
    assert.equal(report.sent, #inbox:messages())
  end)

  it("keeps to the rate", function()
    local inbox = mailing.inbox({ tls = "none" })
    local report = assert(bulk.run(options_for(inbox, {
      recipients = function() return { to = "a@x.example", code = "1" } end, limit = 60, rate = "60/s",
    })))
    assert.equal(60, report.sent)
    assert.is_true(report.seconds > 0.85, report.seconds)
  end)

  it("renders and composes without a server on a dry run", function()
    local config = require("spec.support.configs").config()
    local report = assert(bulk.run({ config = config, dryRun = true, type = "SignIn",
      recipients = { { to = "a@x.example", code = "1" }, "b@x.example", "no address",
        "c@x.example, d@x.example" },
    }))
    assert.same({ 1, 3 }, { report.sent, report.invalid })
    assert.same({ { name = "code", count = 1 } }, report.placeholders)
    assert.same({ 2, 3, 4 }, { report.failures[1].line, report.failures[2].line, report.failures[3].line })
  end)

  it("answers nil, err where nothing can begin, and raises on misuse", function()
    local config = require("spec.support.configs").config()
    local function refused(options)
      local report, err = bulk.run(options)
      assert.is_nil(report)
      return err.code .. " " .. (err.reason or "")
    end
    assert.equal("invalid_config ", refused({ config = {}, recipients = {} }))
    assert.equal("ELIST list_not_opened", refused({ config = config, recipients = dir .. "/none" }))
    assert.equal("EOPTION option_unusable", refused({ config = config, recipients = {}, rate = "often" }))
    assert.equal("EOPTION option_unusable", refused({ config = config, recipients = {}, resume = true }))
    assert.equal("EJOURNAL journal_unusable",
      refused({ config = config, recipients = {}, journal = dir .. "/no/where" }))
    assert.has_error(function() bulk.run({ config = config }) end)
    assert.has_error(function() bulk.run() end)
  end)
end)

describe("core.process", function()
  it("notes the first interrupt, and gives the signal back", function()
    core.process.catchInterrupt()
    assert.is_false(core.process.interrupted())
    io.popen("kill -INT $PPID"):close()
    assert.is_true(clock.eventually(core.process.interrupted))
    core.process.releaseInterrupt()
    core.process.catchInterrupt()
    assert.is_false(core.process.interrupted())
    core.process.releaseInterrupt()
    core.process.releaseInterrupt()
  end)

  it("reads lines with any octet, whole or not at all", function()
    net.write_file(dir .. "/x", "a\0b\r\n\n" .. ("c"):rep(5000) .. "\rx\r\rlast")
    local file = assert(io.open(dir .. "/x", "rb"))
    local read = core.process.readLine
    assert.same({ "a\0b", "\r\n" }, { read(file, 3) })
    assert.same({ "", "\n" }, { read(file, 0) })
    assert.same({ false, 5000, "\r" }, { read(file, 4999) })
    assert.same({ "x", "\r" }, { read(file, 1) })
    assert.same({ "", "\r" }, { read(file, 1) })
    assert.same({ "last", "" }, { read(file, 4) })
    assert.same({ n = 0 }, { n = select("#", read(file, 4)) })
    file:close()
    assert.has_error(function() read(file, 4) end)
  end)

  it("tells of closed files and of what is no terminal", function()
    local file = assert(io.open(dir .. "/x", "w"))
    assert.is_true(core.process.sync(file))
    assert.is_false(core.process.isTerminal(file))
    assert.equal(80, core.process.columns(file))
    assert.is_true(core.process.lock(file))
    file:close()
    assert.is_nil((core.process.sync(file)))
    assert.has_error(function() core.process.sync("x") end)
    assert.has_error(function() core.process.sleep(-1) end)
  end)
end)
