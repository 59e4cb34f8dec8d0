-- SPDX-License-Identifier: MIT
-- A text of any length in any option is used, or refused by the option's name: it never ends in "not enough
-- memory", which is no fault of the text.
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local option_names = require("logto_smtp.option_names")

local SIZES = { 33000, 70000, 600000 }  -- each above another limit
local HUGE = 9000000                    -- more than libcurl takes
local SHAPES = {
  function(text) return text end,
  function(text) return { text } end,
  function(text) return { a = text } end,
  function(text) return { [text] = "a" } end,
  function(text) return { a = { b = { text, text } } } end,
}

local function config_with(place, name, value, base)
  local config = { host = "127.0.0.1", port = base.port, ignoreTLS = true }
  if place ~= "" then config[place] = {} end
  if place == "auth" then config.auth = { user = "u", pass = "p" } end
  local holder = place == "" and config or config[place]
  holder[name] = value
  if name == "accessToken" then config.auth.type = "OAuth2" end
  return config
end

describe("a text that is too long", function()
  after_each(mailing.stop)

  local function try(place, name, value, base)
    local where = place .. "." .. name
    local fine, client, issues = pcall(core.client, config_with(place, name, value, base))
    assert.is_true(fine, where .. ": " .. tostring(client))
    if not client then
      for _, issue in ipairs(issues) do
        assert.is_nil(issue.message:find("memory", 1, true), where .. ": " .. issue.message)
      end
      return issues
    end
    local _, err
    fine, _, err = pcall(client.send, client, mailing.mail())
    assert.is_true(fine, where)
    assert.is_true(not err or err.code ~= "ENOMEM", where)
    client:close()
  end

  for place, names in pairs(option_names.places) do
    it("is used or refused by name in " .. (place == "" and "the config" or place), function()
      local base = mailing.inbox({ tls = "none" }):config()
      for name in pairs(names) do
        for _, size in ipairs(SIZES) do
          for _, shape in ipairs(SHAPES) do try(place, name, shape(("x"):rep(size)), base) end
        end
        try(place, name, ("x"):rep(HUGE), base)
      end
    end)
  end

  it("is named with its octets and how many there may be", function()
    local long = ("x"):rep(40000)
    for path, config in pairs({
      ["auth.accessToken has 40000 octets; at most 32767 can be used"] =
        { auth = { type = "OAuth2", user = "u", accessToken = long } },
      ["auth.pass has 80000 octets; at most 65535 can be used"] =
        { auth = { user = "u", pass = long .. long } },
      ["dkim.keys[2].privateKey has 80000 octets; at most 65535 can be used"] =
        { dkim = { keys = { { privateKey = "x" }, { privateKey = long .. long } } } },
      ["customHeaders has a name of 80000 octets; at most 65535 can be used"] =
        { customHeaders = { [long .. long] = "x" } },
      ["auth has in all 280015 octets; at most 262144 can be used"] = { auth = {
        type = "OAuth2", user = "u", clientId = "c",
        customParams = { a = long, b = long, c = long, d = long, e = long, f = long, g = long },
      } },
    }) do
      config.host, config.port = "127.0.0.1", 25
      local client, issues = core.client(config)
      assert.is_nil(client)
      assert.equal(path, issues[1].message)
    end
  end)

  it("and too many of them are told as that, also where each issue would quote them", function()
    local long = ("x"):rep(3 * 2 ^ 20)
    local config = { host = "h", port = 25, fromEmail = "a@b.c", auth = {}, templates = {} }
    for i = 1, 40 do config.templates[i] = { usageType = "Generic", contentType = long .. i } end
    local valid, issues = core.validate(config)
    assert.is_nil(valid)
    assert.matches("^the config is too large", issues[1].message)
    config.templates, config.tls = nil, { ca = {} }
    for i = 1, 40 do config.tls.ca[i] = long .. i end
    valid, issues = core.validate(config)
    assert.is_nil(valid)
    assert.matches("^tls has in all %d+ octets", issues[1].message)
  end)

  it("is no matter in a template, which may hold a megabyte", function()
    local templates = {}
    for i, usage in ipairs({ "Register", "SignIn", "ForgotPassword", "Generic" }) do
      templates[i] = { usageType = usage, contentType = "text/plain", subject = "s",
        content = ("x"):rep(2 ^ 20) }
    end
    local auth = { type = "login", user = "u", pass = "p" }
    local config = { host = "h", port = 25, auth = auth, fromEmail = "a@b.c", templates = templates }
    assert.is_table(core.validate(config))
  end)
end)
