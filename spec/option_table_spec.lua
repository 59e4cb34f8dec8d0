-- SPDX-License-Identifier: MIT
-- One table of options: what acts on options knows the same ones, with the same types and defaults.

local core = require("logto_smtp.core")
local option_names = require("logto_smtp.option_names")
local options = require("logto_smtp.config.options")
local values = require("spec.support.option_values")

local function each(wanted, action)
  local count = 0
  for _, option in ipairs(options.list) do
    if wanted(option) then
      count = count + 1
      action(option, options.path(option))
    end
  end
  assert.is_true(count > 0)
end

local function acts(option) return option.effect == nil end

local function same_client(a, b, path)
  local key, issues = core.identity(a)
  assert(key, issues and path .. ": " .. issues[1].message)
  local other
  other, issues = core.identity(b)
  assert(other, issues and path .. ": " .. issues[1].message)
  return key == other
end

describe("the table of options", function()
  it("tells each option once, by a sentence and with a type", function()
    local seen = {}
    each(function() return true end, function(option, path)
      assert.is_nil(seen[path], path)
      seen[path] = true
      assert.matches("^[%l`{JSOLTD1R]", option.text, nil, path)
      assert.is_nil(option.text:find("%.$"), path)
    end)
  end)

  it("is what the advice on typing errors knows, and no more", function()
    each(function() return true end, function(option, path)
      assert.is_true(option_names.places[option.place][option.name], path)
    end)
    for place, names in pairs(option_names.places) do
      for name in pairs(names) do assert.is_not_nil(options.places[place][name], place .. "." .. name) end
    end
    assert.same({ "maxMessages", "" }, { option_names.meant("", "maxMessage") })
    assert.same({ "keySelector", "dkim" }, { option_names.meant("dkim", "keySelektor") })
  end)

  it("has the defaults that are read: a config that spells one out shares its client", function()
    each(function(option) return option.default ~= nil and acts(option) end, function(option, path)
      local told, silent = values.config(option, option.default), values.config(option, nil)
      assert.is_true(same_client(told, silent, path), path)
    end)
  end)
end)

describe("a client's identity", function()
  local NEUTRAL = { ["dkim.hashAlgo"] = true, disableFileAccess = true }

  it("differs with each option of the connection", function()
    each(function(o) return acts(o) and not o.mail and o.place ~= "templates" end, function(option, path)
      local one, two = values.two(option)
      local same = same_client(values.config(option, one), values.config(option, two), path)
      assert.equal(NEUTRAL[path] or false, same, path)
    end)
  end)

  it("is the same whatever a config says about the mail, or without effect", function()
    local function about_mail(o)
      return o.effect == "none" or acts(o) and (o.mail or o.place == "templates")
    end
    each(about_mail, function(option, path)
      local one, two = values.two(option)
      if path == "disableUrlAccess" then one, two = true, false end
      assert.is_true(same_client(values.config(option, one), values.config(option, two), path), path)
    end)
  end)

  it("is the same for two spellings of one thing, and of a fixed size", function()
    local spelled = values.config({ name = "port", place = "" }, "587")
    local plain = values.config({ name = "port", place = "" }, 587)
    spelled.maxConnections, spelled.tls, spelled.host = 5, {}, "smtp.example.com"
    spelled.secure = false
    assert.is_true(same_client(spelled, plain))
    assert.equal(32, #core.identity(plain))
  end)

  it("is what check answers, too", function()
    local config = values.config({ name = "port", place = "" }, 587)
    local valid, key = core.check(config, true)
    assert.is_true(valid)
    assert.equal(core.identity(config), key)
    config.auth = { user = "half" }
    assert.same({ true }, { core.check(config, true) })
    config.host = 5
    local refused, issues = core.check(config, true)
    assert.is_nil(refused)
    assert.same({ "host" }, issues[1].path)
  end)
end)

describe("a secret", function()
  local function sounds_secret(option)
    return option.name:find("pass") or option.name:find("[kK]ey$") or option.name:find("Token$")
      or option.name:find("Secret$") or option.name == "pfx" or option.type == "pairs"
  end

  it("is every option of the table that sounds like one", function()
    each(function(o) return acts(o) and sounds_secret(o) end, function(option, path)
      assert.is_true(option.secret, path)
    end)
  end)

  it("is masked wherever it stands in a config", function()
    each(function(o) return o.secret end, function(option, path)
      local word = "s3cr3t-" .. option.name
      local config = values.config(option, option.type == "pairs" and { a = word } or word)
      assert.equal("say ***", core.mask("say " .. word, {}, config), path)
    end)
    local keys = { { privateKey = "first-s3cr3t" }, { privateKey = "other-s3cr3t" } }
    assert.equal("***, ***", core.mask("first-s3cr3t, other-s3cr3t", {}, { dkim = { keys = keys } }))
  end)
end)

describe("the guard", function()
  it("checks the type of each option that the table calls its own", function()
    each(function(o) return o.guard and o.place ~= "auth" end, function(option, path)
      assert.is_nil(core.validate(values.config(option, values.wrong(option))), path)
    end)
  end)

  it("lets no option of auth through that is of a wrong type", function()
    each(function(o) return o.guard and o.place == "auth" end, function(option, path)
      local data = core.validate(values.config(option, values.wrong(option)))
      assert.is_nil(data and data.auth[option.name], path)
    end)
  end)

  it("refuses what the table says is refused, and nothing for what it says has no effect", function()
    each(function(o) return o.effect == "refused" and not o.oauth end, function(option, path)
      local _, issues = core.validate(values.config(option, "x"))
      assert.equal(path .. " is refused: " .. option.text, issues[1].message)
    end)
    each(function(o) return o.effect == "none" and not o.guard end, function(option, path)
      assert.is_not_nil(core.validate(values.config(option, "x")), path)
    end)
  end)

  it("has the path of an issue as data, the same from guard and client", function()
    local row = options.places["auth.tls"].minVersion
    local _, issues = core.client(values.config(row, "SSLv3"))
    assert.same({ "auth", "tls", "minVersion" }, issues[1].path)
    assert.matches("^auth%.tls%.minVersion must be TLSv1, TLSv1%.1, TLSv1%.2 or TLSv1%.3$", issues[1].message)
    local zod = require("logto_smtp.connector.helpers").zodError(issues)
    assert.equal("auth.tls.minVersion: must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3", tostring(zod))
  end)
end)
