-- SPDX-License-Identifier: MIT
local cjson = require("cjson")
local configs = require("spec.support.configs")
local golden = require("spec.support.golden")
local logto = require("logto_smtp")

describe("enumerations", function()
  local enums = golden.value("enums")
  for _, name in ipairs({ "ConnectorErrorCodes", "ConnectorType", "TemplateType" }) do
    it(name .. " has the kit's names and values", function()
      assert.are.same(enums[name], logto[name])
    end)
  end
end)

describe("ConnectorError", function()
  local ConnectorError = logto.ConnectorError

  it("check 8: quotes a string in its message and keeps it as data.message", function()
    local err = ConnectorError("general", 'He said "no"\n')
    assert.are.equal('ConnectorError: "He said \\"no\\"\\n"', err.message)
    assert.are.same({ message = 'He said "no"\n' }, err.data)
    assert.are.equal("general", err.code)
  end)

  it("check 8: shows the code alone for an empty string, and keeps it", function()
    local err = ConnectorError("general", "")
    assert.are.equal("ConnectorError: general", err.message)
    assert.are.same({ message = "" }, err.data)
  end)

  for _, nothing in ipairs({ false, 0, cjson.null, 0 / 0 }) do
    it("shows the code alone for the data " .. tostring(nothing), function()
      assert.are.equal("ConnectorError: invalid_config", ConnectorError("invalid_config", nothing).message)
    end)
  end

  it("check 8: shows an object as JSON, keys of issues in the order of the guard", function()
    local inner = { { name = "ZodError", issues = {} } }
    local rows = {
      {
        { code = "invalid_type", expected = "string", received = "undefined", path = { "a" }, message = "m" },
        '{"code":"invalid_type","expected":"string","received":"undefined","path":["a"],"message":"m"}',
      },
      {
        { code = "invalid_type", expected = "'a' | 'b'", received = "null", path = { 0 }, message = "m" },
        '{"expected":"\'a\' | \'b\'","received":"null","code":"invalid_type","path":[0],"message":"m"}',
      },
      {
        { code = "invalid_enum_value", received = "x", options = { "a" }, path = { "t" }, message = "m" },
        '{"received":"x","code":"invalid_enum_value","options":["a"],"path":["t"],"message":"m"}',
      },
      {
        { code = "unrecognized_keys", keys = { "x" }, path = { "auth" }, message = "m" },
        '{"code":"unrecognized_keys","keys":["x"],"path":["auth"],"message":"m"}',
      },
      {
        { code = "custom", message = "m", path = {} },
        '{"code":"custom","message":"m","path":[]}',
      },
      {
        { code = "invalid_union", unionErrors = inner, path = { "a" }, message = "m" },
        '{"code":"invalid_union","unionErrors":[{"issues":[],"name":"ZodError"}],"path":["a"],"message":"m"}',
      },
    }
    for _, row in ipairs(rows) do
      local err = ConnectorError("invalid_config", { name = "ZodError", issues = { row[1] } })
      assert.are.equal('ConnectorError: {"issues":[' .. row[2] .. '],"name":"ZodError"}', err.message)
    end
  end)

  it("escapes what JSON escapes and nothing more", function()
    assert.are.equal([[ConnectorError: "\u0000\u001f\b\f\t\r\\/]] .. "\127é\226\128\168\"",
      ConnectorError("general", "\0\31\b\f\t\r\\/\127é\226\128\168").message)
  end)

  it("replaces octets that are not UTF-8", function()
    local bad = { "\255", "\192\175", "\237\160\128", "\244\144\128\128", "\225\128" }
    for _, octets in ipairs(bad) do
      local message = ConnectorError("general", "a" .. octets .. "b").message
      assert.are.equal("a" .. ("\239\191\189"):rep(#octets) .. "b", message:match('"(.*)"'))
    end
  end)

  it("gives its message to tostring() and its cause to the caller", function()
    local cause = { code = "EAUTH" }
    local err = ConnectorError("general", "x", cause)
    assert.are.equal(err.message, tostring(err))
    assert.are.equal(cause, err.cause)
    assert.is_true(ConnectorError.is(err))
    assert.is_false(ConnectorError.is({ code = "general" }))
  end)

  it("raises without a code", function()
    assert.has_error(function() ConnectorError(nil) end,
      "bad argument #1 to 'ConnectorError' (string expected, got nil)")
  end)
end)

describe("getConfigTemplateByType()", function()
  it("finds the first template of the type", function()
    local first, second = { usageType = "SignIn" }, { usageType = "SignIn" }
    assert.are.equal(first, logto.getConfigTemplateByType("SignIn", { templates = { first, second } }))
  end)

  it("check 9: falls back to the first Generic", function()
    local generic = { usageType = "Generic" }
    local templates = { { usageType = "SignIn" }, generic, { usageType = "Generic" } }
    assert.are.equal(generic, logto.getConfigTemplateByType("BindMfa", { templates = templates }))
  end)

  it("answers nil without templates", function()
    assert.is_nil(logto.getConfigTemplateByType("SignIn", {}))
    assert.is_nil(logto.getConfigTemplateByType("SignIn", { templates = cjson.null }))
    assert.is_nil(logto.getConfigTemplateByType("SignIn", { templates = {} }))
  end)
end)

describe("parseSendFrom()", function()
  local rows = {
    { "Support <support@example.com>", "support@example.com", "Support" },
    { "  Support <support@example.com>\r\n", "support@example.com", "Support" },
    { "My <App> <support@example.com>", "support@example.com", "My App" },
    { "Brand <bad<addr@example.com>", "badaddr@example.com", "Brand" },
    { "<support@example.com>", "support@example.com", nil },
    { "support@example.com", "support@example.com", nil },
    { "Test App", "fallback@example.com", "Test App" },
    { "Test <>", "fallback@example.com", "Test" },
    { "a@b.c d@e.f", "fallback@example.com", "a@b.c d@e.f" },
    { "\227\128\128Wide\194\160", "fallback@example.com", "Wide" },
    { "", "fallback@example.com", "Fallback" },
    { " \t ", "fallback@example.com", "Fallback" },
  }
  for _, row in ipairs(rows) do
    it(("reads %q"):format(row[1]), function()
      assert.are.same({ email = row[2], name = row[3] },
        logto.parseSendFrom(row[1], "fallback@example.com", "Fallback"))
    end)
  end

  it("leaves the name out when nothing names one", function()
    assert.are.same({ email = "f@example.com" }, logto.parseSendFrom("", "<f@example.com>"))
  end)
end)

describe("formatMailbox()", function()
  it("writes name and address, and drops what could break out of either", function()
    assert.are.equal("Support <support@example.com>", logto.formatMailbox("support@example.com", "Support"))
    assert.are.equal("My App <support@example.com>", logto.formatMailbox("support@example.com", "My <App>"))
    assert.are.equal("aBcc: x <s@example.com>", logto.formatMailbox("s@example.com\r\n", "a\r\nBcc: x"))
    assert.are.equal("s@example.com", logto.formatMailbox("<s@example.com>"))
    assert.are.equal("s@example.com", logto.formatMailbox("s@example.com", " <> "))
  end)
end)

describe("validateConfig()", function()
  it("answers true for a valid config", function()
    assert.is_true(logto.validateConfig(configs.config()))
  end)

  it("answers an invalid_config error with the guard's issues", function()
    local ok, err = logto.validateConfig({})
    assert.is_nil(ok)
    assert.are.equal("invalid_config", err.code)
    assert.are.equal("ZodError", err.data.name)
    assert.are.same({ "host" }, err.data.issues[1].path)
    assert.is_not_nil(err.message:find('ConnectorError: {"issues":[{"code":"invalid_type",'
      .. '"expected":"string","received":"undefined","path":["host"],"message":"Required"}', 1, true))
  end)

  it("takes another guard", function()
    local guard = { safeParse = function(v) return { success = v == 1, error = { issues = {} } } end }
    assert.is_true(logto.validateConfig(1, guard))
    assert.are.equal("invalid_config", select(2, logto.validateConfig(2, guard)).code)
  end)
end)

describe("configGuard", function()
  local guard = logto.createConnector({}).configGuard

  it("parse() answers the data with defaults, or nil and the error", function()
    assert.are.equal(120000, guard.parse(configs.config()).connectionTimeout)
    local data, err = guard.parse({})
    assert.is_nil(data)
    assert.are.equal("ZodError", err.name)
    assert.is_not_nil(tostring(err):find("host: Required\nport: Required\n", 1, true))
  end)

  it("check 1: lists the issues of an empty config in the order of the schema", function()
    local paths = {}
    for i, issue in ipairs(guard.safeParse({}).error.issues) do paths[i] = table.concat(issue.path, ".") end
    assert.are.same({ "host", "port", "auth", "fromEmail", "templates" }, paths)
  end)

  it("check 2: tells null from missing, and takes a port in digits", function()
    assert.are.equal("Expected number, received null",
      guard.safeParse(configs.config({ port = cjson.null })).error.issues[1].message)
    local config = configs.config()
    config.port = nil
    assert.are.equal("Required", guard.safeParse(config).error.issues[1].message)
    assert.are.equal(25, guard.safeParse(configs.config({ port = "25" })).data.port)
    assert.are.equal("Expected number, received string",
      guard.safeParse(configs.config({ port = "smtp" })).error.issues[1].message)
  end)

  it("check 3: refuses a port that no server can have", function()
    assert.are.equal("Expected number, received nan",
      guard.safeParse(configs.config({ port = 0 / 0 })).error.issues[1].message)
    for _, port in ipairs({ math.huge, -math.huge, 1.5, 0, -1, 70000, "0", "70000" }) do
      local result = guard.safeParse(configs.config({ port = port }))
      assert.is_false(result.success, tostring(port))
      assert.are.same({ "port" }, result.error.issues[1].path)
    end
    for _, port in ipairs({ 1, 65535, 587.0, "65535" }) do
      assert.is_true(guard.safeParse(configs.config({ port = port })).success, tostring(port))
    end
  end)

  it("check 5: takes extra keys beside a user, except for a login", function()
    assert.is_true(guard.safeParse(configs.config({ auth = { user = "u", pass = 5 } })).success)
    local result = guard.safeParse(configs.config({ auth = { type = "login", user = "u", x = 1 } }))
    assert.are.same({ { code = "unrecognized_keys", keys = { "x" }, path = { "auth" },
      message = "Unrecognized key(s) in object: 'x'" } }, result.error.issues)
  end)

  it("check 6: names the missing templates in a fixed order, and only when every item is whole", function()
    local config = configs.config()
    config.templates = { config.templates[4], config.templates[2] }
    local issues = guard.safeParse(config).error.issues
    assert.are.same({ { code = "custom", path = { "templates" },
      message = "Template with UsageType (Register, ForgotPassword) should be provided!" } }, issues)
    config.templates[1].subject = nil
    issues = guard.safeParse(config).error.issues
    assert.are.equal(1, #issues)
    assert.are.same({ "templates", 0, "subject" }, issues[1].path)
  end)

  it("check 7: counts array items in the paths of customHeaders from 0", function()
    local issues = guard.safeParse(configs.config({ customHeaders = { a = { "x", 5 } } })).error.issues
    assert.are.same({ "customHeaders", "a" }, issues[1].path)
    assert.are.same({ "customHeaders", "a", 1 }, issues[1].unionErrors[2].issues[1].path)
  end)
end)
