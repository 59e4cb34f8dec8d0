-- SPDX-License-Identifier: MIT
local core = require("logto_smtp.core")
local helpers = require("logto_smtp.connector.helpers")
local mailing = require("spec.support.mailing")
local providers = require("logto_smtp.providers")

local function issue_of(service)
  local client, issues = core.client({ host = "smtp.example.com", port = 587, service = service })
  if client then client:close() end
  return issues and issues[1]
end

describe("service()", function()
  it("knows a service by name, alias, domain and address, in any case", function()
    for _, name in ipairs({
      "Gmail", "gmail", "GMAIL", "g mail", "Google Mail", "gmail.com",
      "someone@googlemail.com", "a@b@Gmail.com",
    }) do
      assert.same({ name = "Gmail", host = "smtp.gmail.com", port = 465, secure = true }, core.service(name))
    end
  end)

  it("tells the mechanism and STARTTLS where the service wants them", function()
    assert.same({ name = "1und1", host = "smtp.1und1.de", port = 465, secure = true, authMethod = "LOGIN" },
      core.service("1und1"))
    assert.is_true(core.service("Proton Mail").requireTLS)
    assert.same({ name = "Maildev", port = 1025, secure = false, ignoreTLS = true }, core.service("Maildev"))
    assert.same({ name = "hot.ee", host = "mail.hot.ee" }, core.service("hot.ee"))
  end)

  it("lists every name, and finds each under its own", function()
    local names = core.service()
    assert.is_true(#names >= 80)
    for _, name in ipairs(names) do assert.equal(name, core.service(name).name) end
  end)

  it("answers nil to a name it does not know", function()
    for _, name in ipairs({ "nobody", "", "@", "smtp.gmail.com.evil.example", "gmail\0" .. "x" }) do
      assert.is_nil(core.service(name))
    end
  end)

  it("agrees with the providers' hosts and ports", function()
    local compared = 0
    for _, name in ipairs(core.service()) do
      local service = core.service(name)
      local provider = service.host and providers.byHost(service.host)
      if provider and service.port then
        local found = false
        for _, pair in ipairs(provider.ports) do
          found = found or pair.port == service.port and pair.secure == service.secure
        end
        assert.is_true(found, ("%s: %s:%d"):format(name, service.host, service.port))
        compared = compared + 1
      end
    end
    assert.is_true(compared >= 15, compared)
  end)
end)

describe("the option service", function()
  after_each(mailing.stop)

  -- Maildev is the one service whose host is the config's own, and whose port no other test uses
  it("takes the place of port, secure and requireTLS in the config", function()
    local ok, inbox = pcall(mailing.inbox, { port = 1025, tls = "starttls" })
    if not ok then return pending("port 1025 is taken") end
    local config = inbox:config({ service = "MailDev", port = 1, secure = true, auth = {} })
    assert.is_table(mailing.client(config):send(mailing.mail()))
    assert.is_false(inbox:messages()[1].tls)
  end)

  for _, row in ipairs({
    { "gmial", "Gmail" }, { "SendGird", "SendGrid" }, { "outlok365", "Outlook365" }, { "Yaho", "Yahoo" },
  }) do
    it(("names %s when it is called %s"):format(row[2], row[1]), function()
      local issue = issue_of(row[1])
      assert.equal("custom", issue.code)
      assert.same({ "service" }, issue.path)
      assert.truthy(issue.message:find('"' .. row[2] .. '" meant?', 1, true), issue.message)
    end)
  end

  it("is refused without a guess when nothing is near, and when it is no string", function()
    for _, value in ipairs({ "my own server", ("x"):rep(10000), "@", "\255", 5, true, {} }) do
      local issue = issue_of(value)
      assert.same({ "service" }, issue.path)
      assert.is_nil(issue.message:find("meant", 1, true))
    end
    assert.is_nil(issue_of(""))
    assert.is_nil(issue_of(false))
  end)

  it("is what advice on a config is about", function()
    local config = providers.example(providers.get("gmail"))
    config.host, config.port, config.secure, config.service = "localhost", 25, false, "Gmail"
    config.auth.pass = "a password"
    local said = {}
    for _, hint in ipairs(providers.advise(config)) do said[#said + 1] = hint.path end
    assert.is_nil(table.concat(said, " "):find("port", 1, true))
  end)

  it("leaves host and port required by the connector's guard", function()
    local config = { service = "Gmail", auth = {}, fromEmail = "a@b.c", templates = {} }
    local _, err = helpers.validateConfig(config)
    assert.same({ "host" }, err.data.issues[1].path)
    assert.same({ "port" }, err.data.issues[2].path)
  end)
end)
