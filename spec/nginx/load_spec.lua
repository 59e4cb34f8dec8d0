-- SPDX-License-Identifier: MIT
-- logto_smtp.resty under load: other requests do not notice, and no mail is lost or doubled.
local clock = require("spec.support.clock")
local resty = require("spec.support.resty")

local SERVER = [[
  location /t { content_by_lua_block { ngx.print("t") } }
  location /blocking { content_by_lua_block {
    blocking = blocking or require("logto_smtp").createConnector { getConfig = function() return config end }
    ngx.print(said(blocking.sendMessage(data(ngx.var.arg_code))))
  } }
]]

describe("a worker with many sends waiting", function()
  after_each(resty.stop)

  -- Opens the requests, and answers what each was told, as counts, when `act` has been called meanwhile.
  local function load(server, requests, act)
    local socks, counts = {}, {}
    for i, request in ipairs(requests) do socks[i] = server:open(request) end
    act()
    for _, sock in ipairs(socks) do
      sock:settimeout(120)
      local body = (sock:receive("*a") or ""):match("\r\n\r\n(.*)$") or "closed"
      sock:close()
      counts[body] = (counts[body] or 0) + 1
    end
    return counts
  end

  local function pending_sends(server)
    return tonumber(server:get("/metrics").body:match("\nlogto_smtp_pending (%d+)"))
  end

  it("answers other requests while no send is done, and sends over many connections at once", function()
    local server, inbox = resty.start({ server = SERVER }, { latency = 0.1 }, { maxConnections = 40 })
    inbox:nextReply({ at = "CONNECT", delay = 15, times = "always" })
    local counts = load(server, resty.requests(200), function()
      assert.is_truthy(clock.eventually(function() return pending_sends(server) == 200 end))
      for _ = 1, 100 do assert.equal("t", server:get("/t").body) end
      assert.equal(0, #inbox:messages())
      inbox:clearScript()
    end)
    assert.same({ sent = 200 }, counts)
    local opened = inbox:counters().connections
    assert.is_true(opened > 1 and opened <= 40, opened)
  end)

  it("stalls with the blocking connector, so that this can be seen", function()
    local server, inbox = resty.start({ server = SERVER })
    inbox:nextReply({ at = "CONNECT", delay = 3 })
    load(server, resty.requests(1, "/blocking"), function()
      assert.is_truthy(clock.eventually(function() return inbox:counters().connections == 1 end))
      local sock = server:open({ path = "/t" })
      sock:settimeout(0)
      assert.is_true(clock.never(function() return select(2, sock:receive(1)) ~= "timeout" end))
      sock:close()
    end)
  end)
end)

describe("10,000 sends over reloads", function()
  after_each(resty.stop)

  it("are neither lost nor doubled, and nothing grows", function()
    local server, inbox = resty.start({ server = SERVER .. [[
      location /many { content_by_lua_block {
        local first, threads, good = tonumber(ngx.var.arg_first), {}, {}
        for i = 1, 100 do
          threads[i] = ngx.thread.spawn(function()
            local code = tostring(first + i)
            if connector.sendMessage(data(code)) then good[#good + 1] = code end
          end)
        end
        for _, thread in ipairs(threads) do ngx.thread.wait(thread) end
        ngx.print(table.concat(good, " "))
      } }
    ]] })
    local sent, n = {}, 0
    local rss, fds
    for batch = 0, 24 do
      local requests = {}
      for i = 0, 3 do
        requests[i + 1] = { path = ("/many?first=%d"):format(100000 + (batch * 4 + i) * 100) }
      end
      local socks = {}
      for i, request in ipairs(requests) do socks[i] = server:open(request) end
      if batch % 5 == 2 then server:reload() end
      for _, sock in ipairs(socks) do
        sock:settimeout(120)
        for code in ((sock:receive("*a") or ""):match("\r\n\r\n(.*)$") or ""):gmatch("%d+") do
          sent[code], n = (sent[code] or 0) + 1, n + 1
        end
        sock:close()
      end
      if batch == 4 then rss, fds = server:rss(), #server:fds() end
    end
    assert.equal(10000, n)
    local arrived, count = {}, 0
    for _, message in ipairs(inbox:messages()) do
      assert.is_nil(arrived[message.code], message.code)
      arrived[message.code], count = true, count + 1
    end
    assert.equal(10000, count)
    for code in pairs(sent) do assert.is_true(arrived[code]) end
    assert.is_true(server:wait_for_old())
    assert.is_true(clock.eventually(function() return #server:fds() <= fds + 6 end))
    assert.is_true(server:rss() < rss + 16 * 1024 * 1024)
  end)
end)
