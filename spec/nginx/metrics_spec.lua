-- SPDX-License-Identifier: MIT
-- What smtp.metrics() answers, read by Prometheus' own Python parser.
local cjson = require("cjson")
local clock = require("spec.support.clock")
local net = require("spec.support.net")
local resty = require("spec.support.resty")

local PARSE = [[
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    samples = []
    for sample in family.samples:
        samples.append([sample.name, sample.labels, sample.value])
    families[family.name] = {"type": family.type, "help": family.documentation, "samples": samples}
print(json.dumps(families))
]]

local function parse(text)
  local dir = net.tmpdir()
  net.write_file(dir .. "/text", text)
  net.write_file(dir .. "/parse.py", PARSE)
  local out, status = net.run(("/usr/bin/python3 %s/parse.py <%s/text"):format(dir, dir))
  net.remove_dir(dir)
  assert.equal(0, status, out)
  return cjson.decode(out)
end

local function value(families, family, name, label)
  for _, sample in ipairs(families[family].samples) do
    local _, found = next(sample[2])
    if sample[1] == name and found == label then return sample[3] end
  end
  return nil
end

describe("metrics()", function()
  after_each(resty.stop)

  local function scrape(server)
    local got = server:get("/metrics")
    assert.equal(200, got.status)
    return parse(got.body), got.body
  end

  it("has every family from the start, with its type and a help text", function()
    local families = scrape((resty.start()))
    local types = {}
    for name, family in pairs(families) do
      types[name] = family.type
      assert.is_true(#family.help > 10)
    end
    assert.same({
      logto_smtp_sent = "counter", logto_smtp_failed = "counter", logto_smtp_send_seconds = "histogram",
      logto_smtp_pending = "gauge", logto_smtp_connections_open = "gauge",
      logto_smtp_connections_idle = "gauge", logto_smtp_connections_opened = "counter",
      logto_smtp_connections_failed = "counter",
    }, types)
    assert.equal(0, value(families, "logto_smtp_sent", "logto_smtp_sent_total"))
  end)

  it("counts mails by result, their time in buckets, and connections", function()
    local server, inbox = resty.start(nil, { latency = 0.06 }, { maxConnections = 2 })
    for _, answer in ipairs(server:fetch(resty.requests(6))) do assert.equal("sent", answer.body) end
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 no such user" })
    server:get("/send")
    local opened = inbox:counters().connections
    inbox:stop()
    server:get("/send")
    local families, text = scrape(server)
    assert.equal(6, value(families, "logto_smtp_sent", "logto_smtp_sent_total"))
    assert.equal(1, value(families, "logto_smtp_failed", "logto_smtp_failed_total", "EENVELOPE"))
    assert.equal(2, #families.logto_smtp_failed.samples)
    assert.equal(opened,
      value(families, "logto_smtp_connections_opened", "logto_smtp_connections_opened_total"))
    assert.equal(0, value(families, "logto_smtp_pending", "logto_smtp_pending"))
    local time = "logto_smtp_send_seconds"
    assert.equal(8, value(families, time, time .. "_count"))
    assert.equal(8, value(families, time, time .. "_bucket", "+Inf"))
    assert.equal(8, value(families, time, time .. "_bucket", "5"))
    assert.is_true(value(families, time, time .. "_bucket", "0.05") <= 1)
    assert.is_true(value(families, time, time .. "_sum") >= 6 * 0.12)
    local last = 0
    for _, sample in ipairs(families[time].samples) do
      if sample[1] == time .. "_bucket" then
        assert.is_true(sample[3] >= last)
        last = sample[3]
      end
    end
    assert.is_nil(text:find("user@example.com", 1, true))
    assert.is_nil(text:find("100001", 1, true))
  end)

  it("shows what waits while it waits", function()
    local server, inbox = resty.start({ server = [[ location /enqueue { content_by_lua_block {
      for _ = 1, 7 do connector.enqueue(data()) end
    } } ]] }, nil, { maxConnections = 1 })
    inbox:nextReply({ at = "CONTENT", silent = true })
    server:get("/enqueue")
    assert.is_true(clock.eventually(function()
      local families = scrape(server)
      return value(families, "logto_smtp_pending", "logto_smtp_pending") >= 6
        and value(families, "logto_smtp_connections_open", "logto_smtp_connections_open") == 1
    end))
    inbox:disconnect()
    assert.is_true(clock.eventually(function()
      return value(scrape(server), "logto_smtp_connections_idle", "logto_smtp_connections_idle") == 1
    end))
  end)

  it("adds up over workers and reloads in a shared dict, and forgets who is gone", function()
    local server = resty.start({
      workers = 3, http = "lua_shared_dict numbers 1m;", init = "smtp.setup { metrics = 'numbers' }",
      server = [[ location /gauges { content_by_lua_block {
        for _, key in ipairs(ngx.shared.numbers:get_keys(0)) do
          if key:find(" ", 1, true) then ngx.say(key, " ", ngx.shared.numbers:ttl(key)) end
        end
      } } ]],
    }, nil, { maxConnections = 1 })
    for _, answer in ipairs(server:fetch(resty.requests(60))) do assert.equal("sent", answer.body) end
    server:reload()
    server:wait_for_old()
    for _, answer in ipairs(server:fetch(resty.requests(30))) do assert.equal("sent", answer.body) end
    local families = scrape(server)
    assert.equal(90, value(families, "logto_smtp_sent", "logto_smtp_sent_total"))
    assert.equal(90, value(families, "logto_smtp_send_seconds", "logto_smtp_send_seconds_count"))
    local lines = 0
    for seconds in server:get("/gauges").body:gmatch(" (%d[%d.]*)\n") do
      assert.is_true(tonumber(seconds) > 0 and tonumber(seconds) <= 150)
      lines = lines + 1
    end
    assert.is_true(lines >= 6 and lines % 3 == 0)
  end)

  it("escapes what stands in a label", function()
    local server = resty.start({ server = [[ location /t { content_by_lua_block {
      local metrics = require("logto_smtp.resty.metrics").new()
      metrics.finished(0.004, { code = 'A"B\\C\nD' })
      metrics.finished(1e6, nil)
      ngx.print(metrics.text())
    } } ]] })
    local families = parse(server:get("/t").body)
    assert.equal(1, value(families, "logto_smtp_failed", "logto_smtp_failed_total", 'A"B\\C\nD'))
    assert.equal(2, value(families, "logto_smtp_send_seconds", "logto_smtp_send_seconds_count"))
    assert.equal(1, value(families, "logto_smtp_send_seconds", "logto_smtp_send_seconds_bucket", "120"))
  end)
end)
