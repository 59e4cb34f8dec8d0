-- SPDX-License-Identifier: MIT
-- logto_smtp.resty in a real nginx: what a send and an enqueue answer, in each phase.
local cjson = require("cjson")
local clock = require("spec.support.clock")
local resty = require("spec.support.resty")

-- Locations that do this in their phase and say in a header or the log what came of it.
local PHASES = [[
  location /rewrite { rewrite_by_lua_block { ngx.print(said(connector.sendMessage(data()))) ngx.exit(200) } }
  location /access { access_by_lua_block { ngx.print(said(connector.sendMessage(data()))) ngx.exit(200) } }
  location /content { content_by_lua_block { ngx.print(said(connector.sendMessage(data()))) } }
  location /thread { content_by_lua_block {
    local thread = ngx.thread.spawn(function() return said(connector.sendMessage(data())) end)
    ngx.print(select(2, ngx.thread.wait(thread)))
  } }
  location /coroutine { content_by_lua_block {
    ngx.print(coroutine.wrap(function() return said(connector.sendMessage(data())) end)())
  } }
  location /timer { content_by_lua_block {
    local done, text = require("ngx.semaphore").new()
    ngx.timer.at(0, function() text = said(connector.sendMessage(data())) done:post(1) end)
    done:wait(5)
    ngx.print(text)
  } }
  location /set { set_by_lua_block $answer { return said(connector.sendMessage(data())) }
    content_by_lua_block { ngx.print(ngx.var.answer) } }
  location /header_filter { content_by_lua_block { ngx.print("") }
    header_filter_by_lua_block { ngx.header.answer = said(connector.sendMessage(data())) } }
  location /body_filter { content_by_lua_block { ngx.print("x") }
    body_filter_by_lua_block {
      if ngx.arg[1] == "x" then ngx.arg[1] = said(connector.sendMessage(data())) end } }
  location /log { return 204;
    log_by_lua_block { ngx.log(ngx.WARN, "answer: ", said(connector.sendMessage(data())), "|") } }
  location /enqueue_set { set_by_lua_block $answer { return said(connector.enqueue(data())) }
    content_by_lua_block { ngx.print(ngx.var.answer) } }
  location /enqueue_header_filter { content_by_lua_block { ngx.print("") }
    header_filter_by_lua_block { ngx.header.answer = said(connector.enqueue(data())) } }
  location /enqueue_body_filter { content_by_lua_block { ngx.print("x") }
    body_filter_by_lua_block { if ngx.arg[1] == "x" then ngx.arg[1] = said(connector.enqueue(data())) end } }
  location /enqueue_log { return 204;
    log_by_lua_block { ngx.log(ngx.WARN, "answer: ", said(connector.enqueue(data())), "|") } }
]]

describe("logto_smtp.resty", function()
  after_each(resty.stop)

  local function answer_of(server, phase)
    local got = server:get("/" .. phase)
    if phase:find("header_filter") then return got.headers.answer end
    if phase:find("log$") then return server:wait_for_log("answer: (.-)|") end
    return got.body
  end

  it("has all that logto_smtp has", function()
    local server = resty.start({ server = [[ location /names { content_by_lua_block {
      local missing = {}
      for name in pairs(require("logto_smtp")) do
        if smtp[name] == nil then missing[#missing + 1] = name end
      end
      ngx.print(table.concat(missing, " "))
    } } ]] })
    local got = server:get("/names")
    assert.equal(200, got.status)
    assert.equal("", got.body)
  end)

  it("sends in each phase that can wait", function()
    local server, inbox = resty.start({ server = PHASES })
    local phases = { "rewrite", "access", "content", "thread", "coroutine", "timer" }
    for i, phase in ipairs(phases) do
      assert.equal("sent", answer_of(server, phase), phase)
      assert.equal(i, #inbox:messages())
    end
    assert.equal(1, inbox:counters().connections)
  end)

  it("answers with an error what is nested too deeply, wherever it is handed over", function()
    local server, inbox = resty.start({ server = [[ location /deep { content_by_lua_block {
      local deep = {}
      for _ = 1, 200 do deep = { deep } end
      local message = data()
      message.payload.deep = deep
      local mail = { from = "a@example.com", to = "b@example.com", text = "x", headers = deep }
      local worker = require("logto_smtp.resty.worker")
      for _, call in ipairs({ function() return connector.sendMessage(message) end,
        function() return connector.enqueue(message) end, function() return worker.send(config, mail) end,
        function() return worker.enqueue(config, mail) end }) do
        local ran, info, err = pcall(call)
        ngx.say(tostring(ran), " ", tostring(info), " ", err and err.code or "-")
      end
    } } ]] })
    assert.equal(("true nil invalid_request_parameters\n"):rep(2) .. ("true nil EMESSAGE\n"):rep(2),
      server:get("/deep").body)
    assert.equal("sent", server:get("/send").body)
    assert.equal(1, #inbox:messages())
  end)

  for _, phase in ipairs({ "set", "header_filter", "body_filter", "log" }) do
    it("refuses to wait in " .. phase .. ", and names what can be done; enqueue works there", function()
      local server, inbox = resty.start({ server = PHASES })
      local got = cjson.decode(answer_of(server, phase))
      assert.same({ "EPHASE", "phase_cannot_wait" }, { got.code, got.reason })
      assert.equal("not_sent", got.delivery)
      assert.truthy(got.err:find("`" .. phase .. "`", 1, true), got.err)
      assert.truthy(got.err:find("`enqueue`", 1, true), got.err)
      if phase == "log" then
        server:get("/enqueue_log")
        assert.truthy(server:wait_for_log("answer: sent"))
      else
        assert.equal("sent", answer_of(server, "enqueue_" .. phase))
      end
      assert.truthy(inbox:waitFor({ to = "user@example.com", timeout = 60 }))
      assert.equal(1, #inbox:messages())
    end)
  end

  it("begins in init_worker by enqueue, and never in init", function()
    local server, inbox = resty.start({
      init = [[
        in_init = said(connector.sendMessage(data()))
        enqueued_in_init = said(connector.enqueue(data()))
      ]],
      http = [[ init_worker_by_lua_block {
        in_init_worker = said(connector.sendMessage(data()))
        enqueued_in_init_worker = said(connector.enqueue(data("424242")))
      } ]],
      server = [[ location /all { content_by_lua_block {
        ngx.print("[", in_init, ",", enqueued_in_init, ",", in_init_worker, "]", enqueued_in_init_worker)
      } } ]],
    })
    local list, enqueued = server:get("/all").body:match("^(.*%])(.-)$")
    local errors = cjson.decode(list)
    local reasons = { "phase_cannot_send", "phase_cannot_send", "phase_cannot_wait" }
    for i = 1, 3 do assert.same({ "EPHASE", reasons[i] }, { errors[i].code, errors[i].reason }) end
    for i = 1, 2 do assert.truthy(errors[i].err:find("`init`", 1, true)) end
    assert.truthy(errors[3].err:find("`init_worker`", 1, true))
    assert.equal("sent", enqueued)
    assert.truthy(inbox:waitFor({ code = "424242", timeout = 60 }))
  end)

  it("enqueue answers at once what is wrong with config and recipient", function()
    local server, inbox = resty.start({ server = [[ location /t { content_by_lua_block {
      local one, two = data(), data()
      one.to, two.type = "a@b.example, c@d.example", "SignIn"
      ngx.say(select(2, connector.enqueue(one)).code)
      ngx.say(select(2, connector.enqueue(two, { host = 5 })).code)
      ngx.say(select(2, smtp.enqueue(two, { host = 5 })).code)
      ngx.say(pcall(connector.enqueue, data(), config, "no function"))
      ngx.say(pcall(smtp.enqueue, data()))
    } } ]] })
    local lines = {}
    for line in server:get("/t").body:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.equal("invalid_request_parameters", lines[1])
    assert.equal("invalid_config", lines[2])
    assert.equal("invalid_config", lines[3])
    assert.truthy(lines[4]:find("bad argument #3 to 'enqueue' (function expected, got string)", 1, true))
    assert.truthy(lines[5]:find("no config", 1, true))
    assert.same({}, inbox:messages())
  end)

  it("tells a callback what became of an enqueued mail, in a timer where it may wait", function()
    local server, inbox = resty.start({ server = [[
      location /t { content_by_lua_block {
        for _, code in ipairs({ "111111", "222222" }) do
          ngx.print(said(smtp.enqueue(data(code), config, function(info, err)
            ngx.sleep(0.05)
            ngx.log(ngx.WARN, "told ", code, " in ", ngx.get_phase(), ": ", said(info, err), "|",
              tostring(smtp.ConnectorError.is(err)))
          end)))
        end
        smtp.enqueue(data("333333"), config, function() error("my own mistake") end)
      } }
    ]] })
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 no such user" })
    assert.equal("sentsent", server:get("/t").body)
    assert.truthy(server:wait_for_log("told 222222 in timer: sent|false"))
    local said = server:wait_for_log("told 111111 in timer: (.-)|true")
    assert.equal("EENVELOPE", cjson.decode(said).code)
    assert.truthy(server:wait_for_log("callback of an enqueued mail raised: .-my own mistake"))
  end)

  it("logs the failure of an enqueued mail that has no callback, without its content", function()
    local server, inbox = resty.start({ server = [[
      location /t { content_by_lua_block { connector.enqueue(data("987654")) } }
    ]] })
    inbox:nextReply({ at = "DATA", code = 550, text = "5.7.1 not with 987654 in it" })
    inbox:nextReply({ at = "BDAT", code = 550, text = "5.7.1 not with 987654 in it" })
    server:get("/t")
    assert.truthy(server:wait_for_log("%[error%].-a mail was not sent.-EENVELOPE DATA: 550 5%.7%.1 "))
    assert.is_nil(server:log():find("987654", 1, true))
  end)

  it("answers failures as the blocking connector does", function()
    local server, inbox = resty.start()
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 no such user" })
    local got = cjson.decode(server:get("/send").body)
    assert.equal("EENVELOPE", got.code)
    assert.equal("not_sent", got.delivery)
    assert.truthy(got.err:find("no such user", 1, true))
    assert.equal("sent", server:get("/send").body)
  end)

  it("shares its connections among requests, and tells configs apart", function()
    local server, inbox = resty.start({ server = [[ location /other { content_by_lua_block {
      local other = setmetatable({ name = "other.example" }, { __index = config })
      for k, v in pairs(config) do other[k] = v end
      other.name = "other.example"
      ngx.print(said(connector.sendMessage(data(), other)))
    } } ]] }, { latency = 0.02 }, { maxConnections = 2 })
    for _, answer in ipairs(server:fetch(resty.requests(40))) do assert.equal("sent", answer.body) end
    assert.equal(2, inbox:counters().connections)
    assert.equal("sent", server:get("/other").body)
    assert.equal(3, inbox:counters().connections)
    assert.equal(41, #inbox:messages())
  end)

  it("verifies without blocking the worker", function()
    local server, inbox = resty.start({ server = [[
      location /verify { content_by_lua_block {
        local facts, err = connector.verify()
        ngx.print(facts and facts.address or err.message)
      } }
      location /t { content_by_lua_block { ngx.print("t") } }
    ]] })
    inbox:nextReply({ at = "EHLO", delay = 20 })
    local sock = server:open({ path = "/verify" })
    assert.is_truthy(clock.eventually(function() return inbox:counters().connections == 1 end))
    assert.equal("t", server:get("/t").body)
    sock:close()
    inbox:disconnect()
    assert.truthy(server:get("/verify").body:find("^127%.0%.0%.1:%d+$"))
  end)

  it("verifies where the first attempt must be followed by another, which begins at once", function()
    local server = resty.start({ server = [[
      location /verify { content_by_lua_block {
        local facts, err = connector.verify()
        ngx.print(facts and facts.mechanism or err.message)
      } }
    ]] }, { mechanisms = { "CRAM-MD5" }, auth = { user = "user", pass = "s3cret-pass" } },
      { totalTimeout = 20000 })
    assert.equal("CRAM-MD5", server:get("/verify").body)
  end)

  it("answers EBUSY at once when the queue is full, and counts it", function()
    local server = resty.start({ init = "smtp.setup { queueLimit = 3 }" }, { latency = 0.5 })
    local counts = {}
    for _, answer in ipairs(server:fetch(resty.requests(10))) do
      local is_sent = answer.body == "sent"
      local code = is_sent and "sent" or cjson.decode(answer.body).code
      counts[code] = (counts[code] or 0) + 1
    end
    assert.same({ sent = 3, EBUSY = 7 }, counts)
    assert.truthy(server:get("/metrics").body:find('logto_smtp_failed_total{code="EBUSY"} 7\n', 1, true))
    assert.equal("sent", server:get("/send").body)
  end)

  it("checks what setup is given", function()
    local server = resty.start({ init = [[
      answers = {}
      for i, options in ipairs { { queueLimits = 1 }, { queueLimit = "1" }, { metrics = "none" } } do
        answers[i] = select(2, pcall(smtp.setup, options))
      end
    ]], server = [[ location /t { content_by_lua_block {
      connector.sendMessage(data())
      answers[4] = select(2, pcall(smtp.setup, { queueLimit = 1 }))
      for _, line in ipairs(answers) do ngx.say(line) end
    } } ]] })
    local said = server:get("/t").body
    for _, words in ipairs({ "no option is named `queueLimits`; did you mean `queueLimit`?",
                             "field `queueLimit`: number expected, got string",
                             "there is no `lua_shared_dict none`", "before the first mail" }) do
      assert.truthy(said:find(words, 1, true), said)
    end
  end)

  it("hands the log's records to nginx, or to the connector's logger", function()
    local server = resty.start({ server = [[ location /t { content_by_lua_block {
      local lines = {}
      local own = smtp.createConnector {
        logger = function(record) lines[#lines + 1] = record.level .. " " .. record.event end,
      }
      local quiet = {}
      for k, v in pairs(config) do quiet[k] = v end
      quiet.logger, quiet.name = nil, "own.example"
      own.sendMessage(data(), quiet)
      connector.sendMessage(data())
      ngx.print(table.concat(lines, ","))
    } } ]] }, nil, { logger = true })
    local said = server:get("/t").body
    assert.truthy(said:find("info connect", 1, true) and said:find("info accepted", 1, true), said)
    assert.truthy(server:wait_for_log("%[info%][^\n]+smtp %[%x+%-%d+%] Message [^\n]+ accepted"))
    assert.is_true(clock.never(function() return server:log():find("own.example", 1, true) end))
  end)
end)
