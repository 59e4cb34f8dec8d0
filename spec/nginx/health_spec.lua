-- SPDX-License-Identifier: MIT
-- The health check, in a real nginx.
local cjson = require("cjson")
local clock = require("spec.support.clock")
local nginx = require("spec.support.nginx")

local HTTP = [[
  lua_check_client_abort on;
  init_by_lua_block {
    local health = require "logto_smtp.resty.health"
    local ConnectorError = require "logto_smtp.connector.error"
    checks = {}
    local function handler(name, options, verify)
      checks[name] = 0
      handlers[name] = health({ verify = function()
        checks[name] = checks[name] + 1
        return verify(checks[name])
      end }, options)
    end
    local function refuse()
      return nil, ConnectorError("general", "x", { code = "EAUTH", reason = "auth_refused",
        responseCode = 535, enhancedCode = "5.7.8", message = "not you,\njane.doe" })
    end
    local function fine()
      ngx.sleep(0.2)
      return { greeting = "220 mx7.internal", times = { connect = 1.5, total = 4 } }
    end
    handlers = {}
    handler("good", { ttl = 60 }, fine)
    handler("brief", { ttl = 0.3 }, fine)
    handler("crowded", nil, fine)
    handler("bad", { ttl = 0.001, failureTtl = 60 }, refuse)
    handler("worse", { ttl = 60, failureTtl = 0.2 }, refuse)
    handler("mended", { failureTtl = 0.2 }, function(n) return (n == 1 and refuse or fine)() end)
    handler("slow", { timeout = 0.3 }, function()
      while not released do ngx.sleep(0.01) end
      return { times = {} }
    end)
    handler("left", nil, fine)
    handler("raising", nil, function() error("a fault") end)
    handler("vault", nil, function() return nil, "vault is down" end)
  }
]]

local SERVER = [[
  location / { content_by_lua_block { handlers[ngx.var.uri:sub(2)]() } }
  location = /checks { content_by_lua_block { ngx.print(checks[ngx.var.arg_of]) } }
  location = /release { content_by_lua_block { released = true } }
  location = /make { content_by_lua_block {
    local options, connector = assert(loadstring(ngx.unescape_uri(ngx.var.arg_code)))()
    local ok, err = pcall(require("logto_smtp.resty.health"), connector or { verify = print }, options)
    ngx.print(ok and "made" or err)
  } }
]]

describe("health()", function()
  local server

  setup(function() server = assert(nginx.start({ http = HTTP, server = SERVER })) end)
  teardown(function() server:stop() end)

  local function ask(name, method)
    local got = server:get("/" .. name, { method = method })
    got.told = got.body ~= "" and cjson.decode(got.body) or nil
    return got
  end

  local function checks(name)
    return tonumber(server:get("/checks?of=" .. name).body)
  end

  it("answers 200, the time of each step, and how old the result is", function()
    local got = ask("good")
    assert.equal(200, got.status)
    assert.equal("application/json", got.headers["content-type"])
    assert.equal("no-store", got.headers["cache-control"])
    assert.is_true(got.told.age >= 0)
    got.told.age = nil
    assert.same({ status = "up", times = { connect = 1.5, total = 4 } }, got.told)
  end)

  it("checks again only when the result is older than ttl", function()
    ask("good")
    local before = checks("good")
    clock.pass(0.3)
    assert.is_true(ask("good").told.age >= 0.3)
    assert.equal(before, checks("good"))
    ask("brief")
    before = checks("brief")
    clock.pass(0.4)
    ask("brief")
    assert.equal(before + 1, checks("brief"))
  end)

  it("checks once for all who ask at the same time", function()
    local list = {}
    for i = 1, 60 do list[i] = { path = "/crowded" } end
    for _, got in ipairs(server:fetch(list)) do assert.equal(200, got.status) end
    assert.equal(1, checks("crowded"))
  end)

  it("answers 503, the code and a text that anybody may read when the server refuses", function()
    local got = ask("bad")
    assert.equal(503, got.status)
    got.told.age = nil
    assert.same({
      status = "down", code = "EAUTH", reason = "auth_refused",
      message = "The server refused the login (535 5.7.8).",
    }, got.told)
    assert.truthy(server:wait_for_log("logto_smtp: health: ConnectorError: "))
  end)

  it("keeps a failure for failureTtl, and tells when it is mended", function()
    ask("bad")
    ask("bad")
    assert.equal(1, checks("bad"))
    ask("worse")
    local before = checks("worse")
    clock.pass(0.3)
    ask("worse")
    assert.equal(before + 1, checks("worse"))
    assert.equal(503, ask("mended").status)
    clock.pass(0.3)
    assert.equal(200, ask("mended").status)
  end)

  it("does not let anybody wait for longer than timeout", function()
    local got = ask("slow")
    assert.equal(503, got.status)
    assert.same({
      status = "unknown", code = "ETIMEDOUT", reason = "no_result", message = "No result within 0.3 s.",
    }, got.told)
    server:get("/release")
    assert.is_truthy(clock.eventually(function() return ask("slow").status == 200 end))
    assert.equal(1, checks("slow"))
  end)

  it("finishes a check whose client has gone", function()
    local sock = server:open({ path = "/left" })
    assert.is_truthy(clock.eventually(function() return checks("left") == 1 end))
    sock:close()
    local got = ask("left")
    assert.equal(200, got.status)
    assert.equal(1, checks("left"))
  end)

  for _, name in ipairs({ "raising", "vault" }) do
    it("answers 503 where the check fails in another way: " .. name, function()
      local got = ask(name)
      assert.equal(503, got.status)
      assert.same({ "general", "The message could not be sent." }, { got.told.code, got.told.message })
    end)
  end

  it("answers GET and HEAD, and 405 to others", function()
    local head = ask("good", "HEAD")
    assert.same({ 200, "" }, { head.status, head.body })
    local got = ask("good", "POST")
    assert.same({ 405, "GET, HEAD" }, { got.status, got.headers.allow })
  end)

  it("checks a real server", function()
    local inbox = assert(require("logto_smtp.testing").startInbox({ auth = { user = "u", pass = "p" } }))
    local config = cjson.encode(inbox:config())
    local real = assert(nginx.start({
      http = ([[init_by_lua_block {
        local config = require("cjson").decode([==[%s]==])
        local smtp = require("logto_smtp.resty")
        local connector = smtp.createConnector{ getConfig = function() return config end }
        check = smtp.health(connector, { ttl = 0.01, failureTtl = 0.01 })
      }]]):format(config),
      server = "location / { content_by_lua_block { check() } }",
    }))
    finally(function()
      real:stop()
      inbox:stop()
    end)
    local got = real:get("/")
    assert.equal(200, got.status, got.body)
    local told = cjson.decode(got.body)
    assert.equal("up", told.status)
    assert.is_true(told.times.connect >= 0)
    inbox:stop()
    clock.pass(0.05)
    got = real:get("/")
    assert.equal(503, got.status, got.body)
    assert.equal("ESOCKET", cjson.decode(got.body).code)
  end)

  describe("cannot be made", function()
    for _, row in ipairs({
      { "nil,{}", "a connector with `verify` expected" },
      { "{ttl=0}", "`ttl` is to be a number of seconds" },
      { "{failureTtl='x'}", "`failureTtl` is to be" },
      { "{timeout=-1}", "`timeout` is to be" },
    }) do
      it("with " .. row[1], function()
        assert.matches(row[2], server:get("/make?code=return%20" .. row[1]).body, 1, true)
      end)
    end
  end)
end)
