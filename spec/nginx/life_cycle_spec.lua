-- SPDX-License-Identifier: MIT
-- logto_smtp.resty while nginx reloads, quits and ends, and when what it waits for goes away.
local cjson = require("cjson")
local clock = require("spec.support.clock")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local resty = require("spec.support.resty")

local T = 'location /t { content_by_lua_block { ngx.print("t") } }\n'

-- /enqueue?n=... enqueues so many; the log tells what became of each, by its code.
local ENQUEUE = [[ location /enqueue { content_by_lua_block {
  for i = 1, tonumber(ngx.var.arg_n) do
    local code = tostring(200000 + i)
    ngx.print(said(connector.enqueue(data(code), nil, function(info, err)
      ngx.log(ngx.WARN, "told ", code, " ", said(info, err), "|")
    end)))
  end
} }
]]

local function in_flight(server)
  return tonumber(server:get("/metrics").body:match("\nlogto_smtp_pending (%d+)"))
end

-- What a process has of what could leak.
local function belongings(server)
  return { fds = #server:fds(), threads = server:threads() }
end

local function codes_in(inbox)
  local seen = {}
  for _, message in ipairs(inbox:messages()) do seen[message.code] = (seen[message.code] or 0) + 1 end
  return seen
end

-- How often each answer to an enqueued mail stands in the log, JSON by its delivery.
local function told(server)
  local counts = {}
  for said in server:log():gmatch("told %d+ (.-)|") do
    local key = said == "sent" and said or cjson.decode(said).delivery
    counts[key] = (counts[key] or 0) + 1
  end
  return counts
end

describe("logto_smtp.resty,", function()
  after_each(resty.stop)

  -- Sends in the background of the spec: requests that are answered while it does something else.
  local function send_while(server, requests, act)
    local socks = {}
    for i, request in ipairs(requests) do socks[i] = server:open(request) end
    act()
    local counts = {}
    for _, sock in ipairs(socks) do
      sock:settimeout(120)
      local body = (sock:receive("*a") or ""):match("\r\n\r\n(.*)$") or "closed"
      sock:close()
      local key = body:sub(1, 1) == "{" and cjson.decode(body).code or body
      counts[key] = (counts[key] or 0) + 1
    end
    return counts
  end

  it("a reload finishes what is in flight, and the old worker ends when that is done", function()
    local server, inbox = resty.start({ server = T .. ENQUEUE })
    inbox:nextReply({ at = "CONNECT", delay = 3, times = "always" })
    local counts = send_while(server, resty.requests(20), function()
      server:get("/enqueue?n=10")
      assert.is_truthy(clock.eventually(function() return in_flight(server) == 30 end))
      server:reload()
      assert.equal(1, #server:old_workers())
      assert.equal("t", server:get("/t").body)
    end)
    assert.same({ sent = 20 }, counts)
    assert.is_true(server:wait_for_old())
    assert.same({ sent = 10 }, told(server))
    local seen, n = codes_in(inbox), 0
    for _, times in pairs(seen) do
      assert.equal(1, times)
      n = n + 1
    end
    assert.equal(30, n)
  end)

  it("a worker with nothing pending ends at once after a reload, its connections warm or not", function()
    local server = resty.start()
    assert.equal("sent", server:get("/send").body)
    server:reload()
    assert.is_true(server:wait_for_old())
    assert.is_nil(server:log():find("open socket", 1, true))
    assert.equal("sent", server:get("/send").body)
    assert.equal(2, server:threads())
  end)

  it("quit finishes what is in flight", function()
    local server, inbox = resty.start({ server = ENQUEUE })
    inbox:nextReply({ at = "CONNECT", delay = 3, times = "always" })
    local counts = send_while(server, resty.requests(5), function()
      server:get("/enqueue?n=5")
      assert.is_truthy(clock.eventually(function() return in_flight(server) == 10 end))
      server:signal("QUIT")
    end)
    assert.same({ sent = 5 }, counts)
    assert.is_true(server:wait_for_end())
    assert.same({ sent = 5 }, told(server))
    assert.equal(10, #inbox:messages())
  end)

  it("worker_shutdown_timeout ends it all: callbacks and the log are told of each mail", function()
    local server, inbox = resty.start({
      main = "worker_shutdown_timeout 1s;",
      server = ENQUEUE .. [[ location /silently { content_by_lua_block { connector.enqueue(data()) } } ]],
    }, nil, { maxConnections = 2, pipelining = false })
    inbox:nextReply({ at = "CONTENT", silent = true, times = "always" })
    server:get("/enqueue?n=6")
    server:get("/silently")
    local counts = send_while(server, resty.requests(3), function()
      -- both connections have a content at the server, and all others wait behind
      assert.is_truthy(clock.eventually(function()
        local waiting = 0
        for _, connection in ipairs(inbox:connections()) do
          local last = connection.commands[#connection.commands]
          if last and last.verb == "CONTENT" then waiting = waiting + 1 end
        end
        return waiting == 2 and in_flight(server) == 10
      end))
      server:signal("QUIT")
    end)
    assert.is_true(server:wait_for_end())
    assert.equal(3, counts.closed or counts[""] or 0)
    assert.same({ unknown = 2, not_sent = 4 }, told(server))
    local logged = select(2, server:log():gsub("a mail was not sent, and nobody waits", ""))
    assert.equal(4, logged)
    assert.truthy(server:log():find("exited with code 0", 1, true))
  end)

  it("TERM ends a worker at once, and smtp.close() in exit_worker tells of what was not sent", function()
    local server, inbox = resty.start({
      server = ENQUEUE, http = "exit_worker_by_lua_block { smtp.close(0.2) }",
    }, { latency = 0.1 })
    server:get("/send")
    inbox:nextReply({ at = "MAIL", silent = true, times = "always" })
    server:get("/enqueue?n=3")
    assert.is_truthy(clock.eventually(function() return in_flight(server) == 3 end))
    server:signal("TERM")
    assert.is_true(server:wait_for_end())
    assert.same({ not_sent = 3 }, told(server))
  end)

  it("TERM without it does not hang either, and leaves no directory", function()
    local dir = net.tmpdir()
    local server, inbox = resty.start({
      server = ENQUEUE, init = ("smtp.setup { directory = %q }"):format(dir),
    })
    inbox:nextReply({ at = "MAIL", silent = true, times = "always" })
    server:get("/enqueue?n=3")
    assert.is_true(clock.eventually(function() return net.run("ls " .. dir) ~= "" end))
    server:signal("TERM")
    assert.is_true(server:wait_for_end())
    assert.equal("", (net.run("ls " .. dir)))
    net.remove_dir(dir)
  end)

  it("what a killed worker leaves behind, the next one removes", function()
    local dir = net.tmpdir()
    local server = resty.start({ init = ("smtp.setup { directory = %q }"):format(dir) })
    assert.equal("sent", server:get("/send").body)
    local before = server:workers()[1]
    server:signal("KILL", before)
    assert.is_true(clock.eventually(function()
      local now = server:workers()[1]
      return now and now ~= before
    end))
    assert.equal("sent", server:get("/send").body)
    assert.equal(1, #{ net.run("ls " .. dir):match("^(%S+)$") })
    server:stop()
    assert.equal("", (net.run("ls " .. dir)))
    net.remove_dir(dir)
  end)

  it("signals reach nginx while the engine works", function()
    local server = resty.start({ server = T }, { latency = 0.15 })
    local counts = send_while(server, resty.requests(10), function()
      for _ = 1, 5 do
        os.rename(server.dir .. "/error.log", server.dir .. "/error.old")
        server:signal("USR1")
        assert.truthy(clock.eventually(function() return net.read_file(server.dir .. "/error.log") end))
        assert.equal("t", server:get("/t").body)
      end
    end)
    assert.same({ sent = 10 }, counts)
  end)

  for _, check in ipairs({ "on", "off" }) do
    it("an aborted request leaves nothing behind: lua_check_client_abort " .. check, function()
      local server, inbox = resty.start({ http = ("lua_check_client_abort %s;"):format(check) },
        { latency = 0.1 })
      server:get("/send")
      local before, begun = belongings(server), 1
      for _ = 1, 3 do
        local socks = {}
        for i, request in ipairs(resty.requests(20)) do socks[i] = server:open(request) end
        begun = begun + 20
        assert.is_truthy(clock.eventually(function()
          return #inbox:messages() + in_flight(server) >= begun
        end))
        for _, sock in ipairs(socks) do sock:close() end
      end
      assert.is_true(clock.eventually(function() return in_flight(server) == 0 end))
      assert.equal(61, #inbox:messages())
      -- four further connections to the SMTP server
      assert.is_true(clock.eventually(function() return #server:fds() <= before.fds + 4 end))
      assert.equal(before.threads, server:threads())
      assert.is_nil(server:log():find("nobody waits", 1, true))
    end)
  end

  it("a killed thread leaves nothing behind, and its failure goes to the log", function()
    local server, inbox = resty.start({ server = [[
      location /kill { content_by_lua_block {
        for i = 1, 100 do
          local thread = ngx.thread.spawn(function() connector.sendMessage(data()) end)
          ngx.sleep(0)
          assert(ngx.thread.kill(thread))
        end
      } }
      location /memory { content_by_lua_block {
        collectgarbage() collectgarbage()
        ngx.print(collectgarbage("count"))
      } }
    ]] }, nil, { maxConnections = 2 })
    local function kill()
      assert.equal(200, server:get("/kill").status)
      assert.is_true(clock.eventually(function() return in_flight(server) == 0 end))
    end
    kill()
    local before, memory = belongings(server), tonumber(server:get("/memory").body)
    for _ = 1, 5 do kill() end
    assert.is_true(#server:fds() <= before.fds + 2) -- its warm connections
    assert.equal(before.threads, server:threads())
    local now = tonumber(server:get("/memory").body)
    assert.is_true(now < memory + 50, ("%d KiB, then %d"):format(memory, now))
    assert.is_nil(server:log():find("nobody waits", 1, true))
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 no", times = "always" })
    kill()
    assert.truthy(server:wait_for_log("nobody waits for its error: EENVELOPE"))
  end)

  it("each of several workers has an engine of its own", function()
    local server, inbox = resty.start({ workers = 3 }, nil, { maxConnections = 1 })
    assert.is_truthy(clock.eventually(function()
      for _, answer in ipairs(server:fetch(resty.requests(60))) do assert.equal("sent", answer.body) end
      return inbox:counters().connections == 3
    end))
    for _, pid in ipairs(server:workers()) do assert.equal(2, server:threads(pid)) end
    server:reload()
    assert.is_true(server:wait_for_old())
  end)

  it("lua_code_cache off: each request has its own, and nothing of it stays", function()
    local dir = net.tmpdir()
    local server, inbox = resty.start({
      http = "lua_code_cache off;", init = ("smtp.setup { directory = %q }"):format(dir), server = ENQUEUE,
    })
    for _, answer in ipairs(server:fetch(resty.requests(30))) do assert.equal("sent", answer.body) end
    assert.equal("sentsent", server:get("/enqueue?n=2").body)
    assert.is_true(clock.eventually(function() return #inbox:messages() == 32 end))
    assert.is_true(clock.eventually(function()
      return server:threads() == 1 and net.run("ls " .. dir) == ""
    end))
    local before = belongings(server)
    for _, answer in ipairs(server:fetch(resty.requests(30))) do assert.equal("sent", answer.body) end
    assert.is_true(clock.eventually(function()
      return server:threads() == 1 and #server:fds() <= before.fds
    end))
    net.remove_dir(dir)
  end)

  it("a server that crashes fails what is in flight, and is used again when it is back", function()
    local server, inbox = resty.start({ server = T }, { latency = 0.2 })
    assert.equal("sent", server:get("/send").body)
    inbox:nextReply({ at = "CONTENT", silent = true, times = "always" })
    local counts = send_while(server, resty.requests(20), function()
      assert.is_truthy(clock.eventually(function() return in_flight(server) == 20 end))
      inbox:stop()
    end)
    local failed = 0
    for key, n in pairs(counts) do
      if key ~= "sent" then
        assert.truthy(("ESOCKET ECONNECTION"):find(key, 1, true), key)
        failed = failed + n
      end
    end
    assert.is_true(failed > 0)
    assert.equal("t", server:get("/t").body)
    mailing.inbox({ tls = "none", port = inbox.port })
    for _, answer in ipairs(server:fetch(resty.requests(20))) do assert.equal("sent", answer.body) end
  end)

  it("sends get through where nginx has no timer left to read results with", function()
    local server = resty.start({
      http = "lua_max_running_timers 1;",
      server = [[ location /occupy { content_by_lua_block {
        ngx.timer.at(0, function()
          occupied = true
          while not released do ngx.sleep(0.01) end
        end)
      } }
      location /occupied { content_by_lua_block { ngx.print(tostring(occupied)) } }
      location /release { content_by_lua_block { released = true } } ]],
    })
    server:get("/occupy")
    assert.is_truthy(clock.eventually(function() return server:get("/occupied").body == "true" end))
    for _, answer in ipairs(server:fetch(resty.requests(5))) do assert.equal("sent", answer.body) end
    server:get("/release")
    assert.truthy(server:log():find("lua_max_running_timers are not enough", 1, true))
  end)

  it("a reader that cannot connect looks by itself, and says so", function()
    local dir = net.tmpdir()
    local server = resty.start({ init = ("smtp.setup { directory = %q }"):format(dir) })
    assert.equal("sent", server:get("/send").body)
    clock.pass(0.2) -- the reader of before has gone
    net.run(("mv %s/logto-smtp-*/socket %s/moved"):format(dir, dir))
    local answer = server:get("/send")
    assert.equal("sent", answer.body)
    assert.truthy(server:log():find("cannot be told of results", 1, true))
    net.run(("mv %s/moved %s/logto-smtp-*/socket"):format(dir, dir))
    server:stop()
    net.remove_dir(dir)
  end)

  it("workers of another user than the master have what they need", function()
    if net.run("id -u") ~= "0" then return pending("needs root") end
    local root = net.run("pwd")
    local _, status = net.run(("su -s /bin/sh www-data -c 'test -r %s/lua/logto_smtp/init.lua'"):format(root))
    if status ~= 0 then return pending("www-data cannot read this checkout") end
    local server = resty.start({ user = "www-data" })
    assert.equal("sent", server:get("/send").body)
  end)
end)
