-- SPDX-License-Identifier: MIT
-- Each mechanism of a real SASL implementation, forced by auth.method.

local core = require "logto_smtp.core"
local mailing = require "spec.support.mailing"
local postfix = require "spec.support.postfix"

describe("check 19: auth.method with a real Postfix and Cyrus SASL", function()
  local server

  setup(function()
    local mechanisms = "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 NTLM SCRAM-SHA-1 SCRAM-SHA-256"
    server = assert(postfix.start { mechanisms = mechanisms })
  end)
  teardown(function() server:stop() end)
  after_each(mailing.stop)

  local function config(method, pass)
    return {
      host = server.host, port = server.port, tls = { ca = server.ca },
      auth = { user = server.user, pass = pass or server.pass, method = method },
    }
  end

  for _, method in ipairs({ "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM" }) do
    it("logs in by " .. method, function()
      local client = mailing.client(config(method))
      assert.equal(method, assert(client:verify()).mechanism)
      assert(client:send(mailing.mail()))
    end)

    it("reports a wrong password by " .. method, function()
      local info, err = mailing.client(config(method, "wrong-pass")):send(mailing.mail())
      assert.is_nil(info)
      assert.equal("EAUTH", err.code)
      assert.equal("AUTH " .. method, err.command)
      assert.equal(535, err.responseCode)
      assert.is_true(err.permanent)
      assert.is_nil(err.message:find("wrong-pass", 1, true))
    end)
  end

  for _, method in ipairs({ "SCRAM-SHA-256", "SCRAM-SHA-1" }) do
    it("logs in by " .. method .. ", or says that this libcurl cannot", function()
      local client, issues = core.client(config(method))
      if client then
        assert.equal(method, assert(client:verify()).mechanism)
        client:close()
        return
      end
      assert.same({ "auth", "method" }, issues[1].path)
      assert.is_truthy(issues[1].message:find("a libcurl that was built with GNU SASL", 1, true))
    end)
  end
end)
