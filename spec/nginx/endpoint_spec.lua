-- SPDX-License-Identifier: MIT
-- The content handler for Logto's HTTP email connector, in a real nginx: each answer it can give.
local cjson = require("cjson")
local clock = require("spec.support.clock")
local endpoint = require("spec.support.endpoint")
local errors = require("logto_smtp.errors")
local nginx = require("spec.support.nginx")
local socket = require("socket")

local HTTP = [[
  client_max_body_size 1m;
  client_body_buffer_size 1k;
  lua_shared_dict limits 1m;
  lua_shared_dict narrow 12k;
  init_by_lua_block {
    local endpoint = require "spec.support.endpoint"
    local make = require "logto_smtp.resty.endpoint"
    local connector = endpoint.connector()
    local function slow(value)
      return function() ngx.sleep(0.01) return value end
    end
    handlers = {
      send = make(connector, { authorization = endpoint.AUTHORIZATION }),
      open = make(connector, { authorization = false }),
      list = make(connector, { authorization = { "Bearer old", "Bearer new" } }),
      asked = make(connector, { authorization = slow({ "Bearer asked", "Basic YTpi" }) }),
      unknown = make(connector, { authorization = slow(nil) }),
      empty = make(connector, { authorization = slow("") }),
      raising = make(connector, { authorization = function() error("vault is down") end }),
      small = make(connector, { authorization = false, maxBodySize = 2000 }),
      limited = make(connector, { authorization = false,
        rateLimit = { dict = "limits", perRecipient = { 2, 60 }, perIp = { 4, 60 } } }),
      short = make(connector, { authorization = false,
        rateLimit = { dict = "limits", perRecipient = { 1, 1 } } }),
      narrow = make(connector, { authorization = false,
        rateLimit = { dict = "narrow", perRecipient = { 1, 60 } } }),
      config = make(endpoint.connector(endpoint.config({ host = false, port = "secret-port" })),
        { authorization = false }),
      template = make(require("logto_smtp").createConnector({
        getConfig = function() return endpoint.config() end, getI18nEmailTemplate = function() return {} end,
      }), { authorization = false }),
      unconfigured = make({ sendMessage = function() return nil, "vault\nsays no" end },
        { authorization = false }),
    }
  }
]]

local SERVER = [[
  location / { content_by_lua_block { handlers[ngx.var.uri:sub(2)]() } }
  location = /make { content_by_lua_block {
    ngx.req.read_body()
    local options, connector = assert(loadstring(ngx.req.get_body_data()))()
    local ok, err = pcall(require("logto_smtp.resty.endpoint"), connector or { sendMessage = print }, options)
    ngx.print(ok and "made" or err)
  } }
  location = /read { access_by_lua_block { ngx.req.read_body() } content_by_lua_block { handlers.open() } }
]]

describe("httpEmailEndpoint()", function()
  local server

  setup(function() server = assert(nginx.start({ http = HTTP, server = SERVER })) end)
  teardown(function() server:stop() end)

  local function post(data, headers, path)
    local request = endpoint.request(data, headers)
    request.path = path or request.path
    return server:fetch({ request })[1]
  end

  local function assert_refused(got, status, code, words)
    assert.equal(status, got.status, got.body)
    assert.equal("application/json", got.headers["content-type"])
    assert.equal("no-store", got.headers["cache-control"])
    local told = cjson.decode(got.body)
    assert.equal(code, told.code)
    assert.matches(words, told.message)
    assert.is_true(told.reason == nil or errors.REASONS[told.reason] ~= nil)
    told.code, told.message, told.reason = nil, nil, nil
    assert.same({}, told)
  end

  it("answers 200 and the Message-ID once the mail server has accepted the message", function()
    local got = post()
    assert.equal(200, got.status)
    assert.same({ messageId = "<1@shop.example>" }, cjson.decode(got.body))
    assert.equal(tostring(#got.body), got.headers["content-length"])
  end)

  describe("refuses", function()
    local function with(payload)
      return '{"to":"box@test.example","type":"SignIn","payload":' .. payload .. "}"
    end
    local rows = {
      { "no JSON", "to=box", "not JSON" },
      { "an empty body", "", "not JSON" },
      { "half an object", '{"to":', "not JSON" },
      { "something behind the object", with("{}") .. " x", "not JSON" },
      { "deep arrays", ("["):rep(60000), "nested deeper than 32" },
      { "deep objects", ('{"a":'):rep(40) .. "1" .. ("}"):rep(40), "nested deeper than 32" },
      { "numbers that JSON does not know", with('{"code":NaN}'), "not JSON" },
      { "a raw line end in a string", with('{"code":"1\n2"}'), "not JSON" },
      { "a raw TAB in a key", with('{"co\tde":"1"}'), "not JSON" },
      { "a number that begins with 0", with('{"code":01}'), "not JSON" },
      { "a hexadecimal number", with('{"code":0x1}'), "not JSON" },
      { "a number without a digit behind its point", with('{"code":1.}'), "not JSON" },
      { "half a surrogate pair", with('{"code":"\\ud800"}'), "not JSON" },
      { "octets that are not UTF-8", with('{"code":"\255"}'), "not UTF%-8" },
      { "an overlong sequence", with('{"code":"\192\175"}'), "not UTF%-8" },
      { "a list", '[{"to":"box@test.example"}]', "not a JSON object" },
      { "a text", '"box@test.example"', "not a JSON object" },
      { "null", "null", "not a JSON object" },
      { "the same key twice", with('{},"to":"x@test.example"'), "same key twice" },
      { "the same key twice, once escaped", with('{},"t\\u006f":"x@test.example"'), "same key twice" },
      { "the same key twice further in", with('{"a":[{"b":1,"b" : 2}]}'), "same key twice" },
      { "no recipient", { to = "" }, "`to` is to be a string" },
      { "a number as recipient", { to = 5 }, "`to` is to be a string" },
      { "null as recipient", { to = cjson.null }, "`to` is to be a string" },
      { "a list as recipient", { to = { "box@test.example" } }, "`to` is to be a string" },
      { "two recipients", { to = "box@test.example, b@test.example" }, "exactly one mailbox" },
      { "a recipient with a header in it", { to = "box@test.example\r\nBcc: b@test.example" }, "`to` must" },
      { "a recipient with a zero in it", { to = "box@test.example\0" }, "`to` must" },
      { "a recipient without end", { to = ("a"):rep(5000) .. "@test.example" }, "`to` must" },
      { "no type", { type = "" }, "`type` is to be a string" },
      { "a number as type", { type = 1 }, "`type` is to be a string" },
      { "no payload", { payload = "" }, "`payload` is to be an object" },
      { "a text as payload", { payload = "123456" }, "`payload` is to be" },
      { "a list as payload", { payload = { "123456" } }, "`payload` is to be an object" },
      { "a number as ip", { ip = 1 }, "`ip` is to be a string" },
    }
    for _, row in ipairs(rows) do
      it(row[1] .. " with 400", function()
        assert_refused(post(row[2]), 400, "invalid_request_parameters", row[3])
      end)
    end

    for _, method in ipairs({ "GET", "PUT", "DELETE", "PATCH", "OPTIONS" }) do
      it(method .. " with 405 and what is allowed", function()
        local request = endpoint.request()
        request.method = method
        local got = server:fetch({ request })[1]
        assert_refused(got, 405, "invalid_request_parameters", "POST")
        assert.equal("POST", got.headers.allow)
      end)
    end

    for _, row in ipairs({
      { "no Content-Type", { ["Content-Type"] = "" } },
      { "a form", { ["Content-Type"] = "application/x-www-form-urlencoded" } },
      { "a type that begins alike", { ["Content-Type"] = "application/jsonp" } },
      { "another charset", { ["Content-Type"] = "application/json; charset=utf-16" } },
      { "a compressed body", { ["Content-Encoding"] = "gzip" } },
    }) do
      it(row[1] .. " with 415", function()
        assert_refused(post(nil, row[2]), 415, "invalid_request_parameters", "application/json, in UTF%-8")
      end)
    end
  end)

  for _, content_type in ipairs({ "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"' }) do
    it("takes " .. content_type, function()
      assert.equal(200, post(nil, { ["Content-Type"] = content_type }).status)
    end)
  end

  it("takes fields that it does not know, null for an unknown ip, and keys that only look alike", function()
    local body = '{"to":"Box <box@test.example>","type":"SignIn","ip":null,"messageId":1,"payload":'
      .. '{"code":"\\"code\\":\\\\","list":["code","code"],"code2":{"code":"}"},"user":{"code":1}}}'
    assert.equal(200, post(body).status)
  end)

  describe("Authorization", function()
    local function status(path, value)
      return post(nil, { Authorization = value }, path).status
    end

    for _, value in ipairs({
      "", "Bearer", "5c1f-endpoint", "bearer 5c1f-endpoint", "Bearer 5c1f-endpoin", "Bearer 5c1f-endpoint1",
      "Bearer 5c1f-endpoinT", ("x"):rep(3000),
    }) do
      it(("answers 401 to %q"):format(value:sub(1, 30)), function()
        local got = post(nil, { Authorization = value })
        assert_refused(got, 401, "authorization_failed", "Authorization header")
        assert.equal('Bearer realm="logto-smtp"', got.headers["www-authenticate"])
      end)
    end

    it("takes each value of a list, and no other", function()
      assert.equal(200, status("/list", "Bearer old"))
      assert.equal(200, status("/list", "Bearer new"))
      assert.equal(401, status("/list", "Bearer ol"))
      assert.equal(401, status("/list", "Bearer old, Bearer new"))
    end)

    it("may come from a function that yields", function()
      assert.equal(200, status("/asked", "Bearer asked"))
      assert.equal(200, status("/asked", "Basic YTpi"))
      assert.equal(401, status("/asked", "Bearer else"))
    end)

    for _, path in ipairs({ "/unknown", "/empty", "/raising" }) do
      it("lets nobody in and answers 503 when the function has nothing to compare with: " .. path, function()
        for _, value in ipairs({ "", "nil", "Bearer x" }) do
          local got = post(nil, { Authorization = value }, path)
          assert_refused(got, 503, "general", "cannot be checked")
          assert.equal("5", got.headers["retry-after"])
        end
      end)
    end

    it("is not looked at where it is false", function()
      assert.equal(200, status("/open", ""))
    end)

    it("is checked before the body is read", function()
      local request = endpoint.request("no JSON", { Authorization = "Bearer wrong", ["Content-Type"] = "" })
      assert.equal(401, server:fetch({ request })[1].status)
    end)
  end)

  describe("the size of a body", function()
    local function padded(n)
      local body = endpoint.request().body
      return body .. (" "):rep(n - #body)
    end

    it("may be up to the limit, also when nginx keeps it in a file", function()
      for _, n in ipairs({ 500, 1999, 2000 }) do
        assert.equal(200, post(padded(n), nil, "/small").status, n)
      end
      assert.equal(200, post(padded(65536)).status)
    end)

    it("is refused with 413 above it", function()
      assert_refused(post(padded(2001), nil, "/small"), 413, "invalid_request_parameters", "than 2000 octets")
      assert_refused(post(padded(65537)), 413, "invalid_request_parameters", "than 65536 octets")
    end)

    it("is looked at where it was not announced, and where another phase has read it", function()
      local function chunked(path, n)
        local request = endpoint.request(nil, { ["Transfer-Encoding"] = "chunked" })
        local lines = { ("POST %s HTTP/1.1"):format(path), "Host: x", "Connection: close" }
        for name, value in pairs(request.headers) do lines[#lines + 1] = name .. ": " .. value end
        local sock = assert(socket.connect(server.host, server.port))
        sock:settimeout(120)
        local head = table.concat(lines, "\r\n")
        assert(sock:send(("%s\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"):format(head, n, padded(n))))
        local octets = assert(sock:receive("*a"))
        sock:close()
        return tonumber(octets:match("^HTTP/1.1 (%d+)"))
      end
      assert.equal(200, chunked("/small", 2000))
      assert.equal(413, chunked("/small", 2001))
      assert.equal(200, chunked("/read", 5000))
    end)
  end)

  describe("a failed message", function()
    local rows = {
      { "edns", 502, "EDNS", "could not be resolved%.$" },
      { "esocket", 502, "ESOCKET", "could not be reached%.$" },
      { "econnection", 502, "ECONNECTION", "ended the connection%. The message may have arrived%.$" },
      { "eprotocol", 502, "EPROTOCOL", "does not speak SMTP" },
      { "eproxy", 502, "EPROXY", "The proxy" },
      { "etls", 502, "ETLS", "No safe connection" },
      { "eauth.535.5-7-8", 502, "EAUTH", "did not accept the login %(535 5%.7%.8%)%.$" },
      { "eoauth2", 502, "EOAUTH2", "No access token" },
      { "eenvelope.550.5-1-1", 502, "EENVELOPE", "^The server refused the recipient %(550 5%.1%.1%)%.$" },
      { "etls+tls_expired", 502, "ETLS", "^The server's certificate has expired%.$" },
      { "etls+no_such_reason", 502, "ETLS", "^No safe connection to the mail server%.$" },
      { "emessage.554", 502, "EMESSAGE", "refused the message, or it cannot be composed %(554%)%.$" },
      { "etimedout", 504, "ETIMEDOUT", "did not answer in time" },
      { "ebusy", 503, "EBUSY", "Too many messages are waiting" },
      { "econfig", 400, "ECONFIG", "cannot be used" },
      { "edkim", 500, "EDKIM", "could not be signed" },
      { "eelse", 502, "general", "could not be handed over" },
      { "raise", 502, "general", "could not be handed over" },
    }
    for _, row in ipairs(rows) do
      it(("%s is told as %d %s"):format(row[1], row[2], row[3]), function()
        local got = post({ to = row[1] .. "@fails.example" })
        assert_refused(got, row[2], row[3], row[4])
        assert.equal(row[2] == 503 and "1" or nil, got.headers["retry-after"])
      end)
    end

    it("names the wrong fields of a config, and nothing that they hold", function()
      local got = post(nil, nil, "/config")
      assert_refused(got, 400, "invalid_config", "not valid %(host, port%)%.$")
      assert.is_nil(got.body:find("secret-port", 1, true))
    end)

    it("tells a template that cannot be used as 500", function()
      assert_refused(post(nil, nil, "/template"), 500, "general", "could not be sent")
    end)

    it("tells any other error of the connector as 500, and one line in the log", function()
      assert_refused(post(nil, nil, "/unconfigured"), 500, "general", "could not be sent")
      assert.truthy(server:wait_for_log("logto_smtp: vault says no"))
    end)

    it("has the server's words in the log alone, and there no code", function()
      local got = post({ to = "eenvelope.550.5-7-1@fails.example" })
      assert.is_nil(got.body:find("jane", 1, true))
      assert.truthy(server:wait_for_log("box of jane.doe at mx7.internal, about %*%*%*"))
      local log = server:log()
      for _, secret in ipairs({ "123456", "smtp-password", endpoint.AUTHORIZATION, "box@test.example" }) do
        assert.is_nil(log:find(secret, 1, true), secret)
      end
    end)
  end)

  describe("rateLimit", function()
    local function statuses(path, list)
      local got = {}
      for i, data in ipairs(list) do got[i] = post(data, nil, path).status end
      return got
    end

    it("lets so many through for a recipient, however its domain is spelled", function()
      assert.same({ 200, 200, 429, 429, 429, 429, 429, 429 }, statuses("/limited", {
        { to = "spelled@bücher.example" }, { to = "spelled@xn--bcher-kva.example" },
        { to = "spelled@BU\204\136CHER.example" }, { to = "spelled@bü\194\173cher.example" },
        { to = "spelled@bücher。example" }, { to = "spelled@bücher.ｅxample" },
        { to = '"spelled"@bücher.example' }, { to = "spelled@bücher.example." },
      }))
    end)

    it("lets so many through for a recipient, whatever name and case it is written in", function()
      assert.same({ 200, 200, 429, 429, 200 }, statuses("/limited", {
        { to = "A.Box@test.example" }, { to = "Ann <a.box@TEST.example>" },
        { to = '"B" <A.BOX@test.example>' }, { to = " a.box@test.example" }, { to = "box@test.example" },
      }))
    end)

    it("says when to try again, and closes the window then", function()
      local data = { to = "short@test.example" }
      assert.equal(200, post(data, nil, "/short").status)
      local got = post(data, nil, "/short")
      assert_refused(got, 429, "rate_limit_exceeded", "Too many messages")
      assert.equal("1", got.headers["retry-after"])
      clock.pass(1.1)
      assert.equal(200, post(data, nil, "/short").status)
    end)

    local function from(ip, i)
      return { to = ("box@%s-%d.example"):format(ip:gsub("[^%w]", "-"), i), ip = ip }
    end

    for _, row in ipairs({
      { "an IPv4 address, also as IPv6",
        "192.0.2.1", "::ffff:192.0.2.1", "::FFFF:192.0.2.1", "192.0.2.1", "192.0.2.1" },
      { "the network of an IPv6 address", "2001:db8:0:7::1", "2001:DB8::7:0:0:0:2", "2001:db8:0:07:a:b:c:d",
        "2001:db8:0:7:ffff::", "2001:db8::7:1:2:3:4" },
      { "another text", "unknown", "unknown", "unknown", "unknown", "unknown" },
    }) do
      it("lets so many through for " .. row[1], function()
        local list = {}
        for i = 2, #row do list[#list + 1] = from(row[i], i) end
        assert.same({ 200, 200, 200, 200, 429 }, statuses("/limited", list))
      end)
    end

    it("keeps apart what is not one user", function()
      for _, ip in ipairs({ "192.0.2.8", "192.0.2.9", "::ffff:192.0.2.10", "::1", "::2", "2001:db8::1" }) do
        assert.same({ 200, 200, 200 }, statuses("/limited", { from(ip, 1), from(ip, 2), from(ip, 3) }))
      end
    end)

    it("does not let who is over the limit use up that of a recipient", function()
      for i = 1, 4 do post(from("192.0.2.77", i), nil, "/limited") end
      local victim = { to = "victim@test.example", ip = "192.0.2.77" }
      assert.same({ 429, 429, 429 }, statuses("/limited", { victim, victim, victim }))
      assert.equal(200, post({ to = "victim@test.example" }, nil, "/limited").status)
    end)

    it("counts no request that is refused for what it says", function()
      local wrong = { to = "counted@test.example", type = 1 }
      assert.same({ 400, 400, 400 }, statuses("/limited", { wrong, wrong, wrong }))
      assert.equal(200, post({ to = "counted@test.example" }, nil, "/limited").status)
    end)

    it("counts once each of many requests at a time", function()
      local list = {}
      for i = 1, 40 do
        list[i] = endpoint.request({ to = "crowd@test.example" })
        list[i].path = "/limited"
      end
      local through = 0
      for _, got in ipairs(server:fetch(list)) do
        if got.status == 200 then through = through + 1 end
      end
      assert.equal(2, through)
    end)

    it("sends nothing uncounted when the dict is full, and forgets no count to make room", function()
      local list = {}
      for i = 1, 200 do
        list[i] = endpoint.request({ to = ("box%d@test.example"):format(i) })
        list[i].path = "/narrow"
      end
      local full = 0
      for i, request in ipairs(list) do
        local got = server:fetch({ request })[1]
        if got.status == 503 then
          full = full + 1
          assert_refused(got, 503, "general", "cannot be checked")
        else
          assert.equal(200, got.status, i)
        end
      end
      assert.is_true(full > 0 and full < 200, full)
      assert.equal(429, server:fetch({ list[1] })[1].status)
      assert.truthy(server:wait_for_log("logto_smtp: rate limit: no room in its lua_shared_dict"))
    end)
  end)

  describe("cannot be made", function()
    local rows = {
      { "nil", "`authorization` is missing" },
      { "{}", "`authorization` is missing" },
      { "{ authorization = true }", "is to be a string or a list" },
      { "{ authorization = {} }", "is to be a string or a list" },
      { "{ authorization = { 5 } }", "is to be a string, not a number" },
      { '{ authorization = "" }', "`authorization` is empty" },
      { '{ authorization = "Bearer x " }', "white space at an end" },
      { '{ authorization = "Bearer\\r\\nx" }', "control character" },
      { "{ authorization = false, maxBodySize = 0 }", "`maxBodySize`" },
      { "{ authorization = false, rateLimit = 5 }", "`dict` is to name" },
      { "{ authorization = false, rateLimit = {} }", "`dict` is to name" },
      { '{ authorization = false, rateLimit = { dict = "none", perIp = { 1, 1 } } }', "`dict` is to name" },
      { '{ authorization = false, rateLimit = { dict = "limits" } }', "neither" },
      { '{ authorization = false, rateLimit = { dict = "limits", perIp = 5 } }', "`perIp` is to be" },
      { '{ authorization = false, rateLimit = { dict = "limits", perRecipient = { 0.5, 5 } } }',
        "`perRecipient` is to be" },
    }
    for _, row in ipairs(rows) do
      it("with " .. row[1], function()
        local got = server:fetch({ { path = "/make", body = "return " .. row[1] } })[1]
        assert.equal(200, got.status, got.body)
        assert.truthy(got.body:find(row[2], 1, true), got.body)
      end)
    end

    it("without a connector", function()
      assert.matches("connector", server:fetch({ { path = "/make", body = "return {}, {}" } })[1].body)
    end)
  end)
end)
