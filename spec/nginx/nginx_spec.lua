-- SPDX-License-Identifier: MIT
-- The nginx that the other specs of this folder use.
local clock = require("spec.support.clock")
local net = require("spec.support.net")
local nginx = require("spec.support.nginx")

describe("a real nginx", function()
  local server

  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  it("answers many requests at once, by the Lua of this checkout", function()
    server = assert(nginx.start({ server = [[
      location /t { content_by_lua_block {
        ngx.req.read_body()
        ngx.sleep(0.2)
        ngx.say(require("logto_smtp").ConnectorType.Email, ngx.var.arg_i, " ", ngx.req.get_body_data() or "")
      } }
    ]] }))
    local list = {}
    for i = 1, 100 do list[i] = { path = "/t?i=" .. i, body = i % 2 == 0 and "even" or nil } end
    for i, answer in ipairs(server:fetch(list)) do
      assert.equal(200, answer.status)
      assert.equal(("Email%d %s\n"):format(i, i % 2 == 0 and "even" or ""), answer.body)
    end
  end)

  it("reloads, tells its workers apart, and quits", function()
    server = assert(nginx.start({ workers = 2, server = [[
      location /slow { content_by_lua_block {
        while not io.open(ngx.config.prefix() .. "go-on") do ngx.sleep(0.01) end
        ngx.say(ngx.worker.pid())
      } }
    ]] }))
    local before = server:workers()
    assert.equal(2, #before)
    local sock = server:open({ path = "/slow" })
    server:reload()
    local old
    -- the other old worker has nothing to finish, and goes
    assert.is_true(clock.eventually(function()
      old = server:old_workers()
      return #old == 1
    end))
    net.write_file(server.dir .. "/go-on", "")
    assert.truthy(sock:receive("*a"):find("\n" .. old[1], 1, true))
    sock:close()
    assert.is_true(server:wait_for_old())
    assert.is_true(server:rss() > 0 and #server:fds() > 5 and server:threads() >= 1)
    server:signal("QUIT")
    assert.is_true(server:wait_for_end())
  end)

  it("tells why it did not start", function()
    local none, err = nginx.start({ server = "nonsense;" })
    assert.is_nil(none)
    assert.truthy(err:find('unknown directive "nonsense"', 1, true), err)
  end)
end)
