-- SPDX-License-Identifier: MIT
-- Values that no call takes: each says so, and none raises. What others wrote may be so: a payload, a config.

local configs = require("spec.support.configs")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local untakeable = require("spec.support.untakeable")

after_each(mailing.stop)

describe("a value that is too deep, too large or no plain one", function()
  local function each(call)
    local refused = { untakeable.deep(101), untakeable.cyclic(), { [true] = 1 }, { [{}] = 1 } }
    for _, value in ipairs(refused) do call(value) end
    local large = {}
    for i = 1, 2100000 do large[i] = i end
    call(large)
  end

  it("is invalid_request_parameters of sendMessage and enqueue", function()
    local connector = require("logto_smtp").createConnector({
      transport = { send = error, enqueue = error },
      getConfig = function() return configs.config() end,
    })
    each(function(payload)
      for _, name in ipairs({ "sendMessage", "enqueue" }) do
        local info, err = connector[name]({ to = "a@x.example", type = "SignIn", payload = { x = payload } })
        assert.is_nil(info)
        assert.equal("invalid_request_parameters", err.code)
        assert.matches("cannot be filled from this payload: ", err.data.message)
      end
    end)
  end)

  it("is an issue of a config", function()
    local engine = assert(core.engine())
    finally(function() engine:close() end)
    each(function(value)
      local config = configs.config({ customHeaders = value })
      for _, check in ipairs({ core.validate, core.client, function(c) return engine:configure(c) end }) do
        local answer, issues = check(config)
        assert.is_nil(answer)
        assert.is_true(#issues[1].message > 3)
      end
    end)
  end)

  it("is EMESSAGE of a mail", function()
    local inbox, client = mailing.start()
    local engine = assert(core.engine())
    finally(function() engine:close() end)
    local handle = assert(engine:configure(inbox:config()))
    each(function(value)
      local mail = mailing.mail({ headers = value })
      local ways = { core.compose, function(m) return client:send(m) end,
        function(m) return client:submit(m) end }
      -- an engine composes in its thread, and takes more until then
      if #value < 1000 then ways[4] = function(m) return engine:submit(handle, m) end end
      for _, send in ipairs(ways) do
        local answer, err = send(mail)
        assert.is_nil(answer)
        assert.equal("EMESSAGE", err.code)
      end
    end)
    assert(client:send(mailing.mail()))
  end)
end)
