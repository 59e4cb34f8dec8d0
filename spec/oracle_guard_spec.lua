-- SPDX-License-Identifier: MIT
local golden = require("spec.support.golden")
local logto = require("logto_smtp")

local connector = logto.createConnector({})

-- Lua tables keep no key order, so neither can what is listed per key: unknown keys, and the issues of
-- customHeaders, which come one after the other.
local function with_sorted_keys(issues)
  local places, headers = {}, {}
  for i, issue in ipairs(issues) do
    if issue.path[1] == "customHeaders" and #issue.path == 2 then
      places[#places + 1], headers[#headers + 1] = i, issue
    end
  end
  table.sort(headers, function(a, b) return a.path[2] < b.path[2] end)
  for i, place in ipairs(places) do issues[place] = headers[i] end
  for _, issue in ipairs(issues) do
    if issue.keys then
      table.sort(issue.keys)
      local names = {}
      for name in issue.message:gmatch("'([^']*)'") do names[#names + 1] = name end
      table.sort(names)
      issue.message = issue.message:match("^[^:]*") .. ": " .. table.concat(names, ", ")
    end
    for _, branch in ipairs(issue.unionErrors or {}) do with_sorted_keys(branch.issues) end
  end
  return issues
end

-- The rows of the list of differences, each as: the paths that a config is refused for.

local REFUSED_OPTIONS = {
  "sendmail", "path", "url", "streamTransport", "jsonTransport", "SES", "connection", "socket", "getSocket",
  "customAuth", "lmtp",
}

local function port_is_valid(port)
  local number = type(port) == "string" and port:find("^%d+$") and tonumber(port) or port
  return type(number) == "number" and number % 1 == 0 and number >= 1 and number <= 65535, number
end

local REFUSALS = {
  [1] = function(config)
    return port_is_valid(config.port) and {} or { "port" }
  end,
  [8] = function(config)
    return config.ignoreTLS and config.requireTLS and { "ignoreTLS" } or {}
  end,
  [9] = function(config)
    local out = {}
    for _, option in ipairs(REFUSED_OPTIONS) do
      if config[option] ~= nil then out[#out + 1] = option end
    end
    for _, option in ipairs({ "host", "port" }) do
      if config.tls and config.tls[option] ~= nil then out[#out + 1] = "tls." .. option end
    end
    return out
  end,
  [10] = function(config)
    local out = {}
    for name in pairs(config.customHeaders) do
      local key = name:lower()
      if key == "bcc" or key == "cc" or key:find("^content%-") or key == "mime-version" then
        out[#out + 1] = "customHeaders." .. name
      end
    end
    return out
  end,
}

local function our_verdict(row, result)
  local wanted = {}
  for _, number in ipairs(row.differs) do
    for _, path in ipairs(REFUSALS[number](row.input)) do wanted[#wanted + 1] = path end
  end
  if #wanted == 0 then
    local _, port = port_is_valid(row.input.port)
    assert.is_true(result.success)
    assert.are.equal(port, result.data.port)
    return
  end
  assert.is_false(result.success)
  local got = {}
  for i, issue in ipairs(result.error.issues) do
    assert.are.equal("custom", issue.code)
    assert.is_true(#issue.message > 20)
    got[i] = table.concat(issue.path, ".")
  end
  table.sort(got)
  table.sort(wanted)
  assert.are.same(wanted, got)
end

local function original_verdict(row, result)
  assert.is_nil(golden.difference(result.success, row.expected.success, "success"))
  if result.success then
    assert.is_nil(golden.difference(result.data, row.expected.data, "data"))
  else
    local got, wanted = with_sorted_keys(result.error.issues), with_sorted_keys(row.expected.issues)
    assert.is_nil(golden.difference(got, wanted, "issues"))
    assert.are.equal("ZodError", result.error.name)
  end
end

describe("configGuard.safeParse() on the golden cases", function()
  for _, row in ipairs(golden.rows("guard")) do
    it(row.id .. ": " .. row.about .. (row.differs and ", where ours differs" or ""), function()
      local verdict = row.differs and our_verdict or original_verdict
      verdict(row, connector.configGuard.safeParse(row.input))
    end)
  end
end)

-- Whether issues list something per key of a table, where Lua and JavaScript may differ in the order.
local function is_unordered(issues)
  local headers = 0
  for _, issue in ipairs(issues) do
    if issue.keys and #issue.keys > 1 then return true end
    if issue.path[1] == "customHeaders" then headers = headers + 1 end
    for _, branch in ipairs(issue.unionErrors or {}) do
      if is_unordered(branch.issues) then return true end
    end
  end
  return headers > 1
end

local function sorted_octets(text)
  local octets = { text:byte(1, -1) }
  table.sort(octets)
  return table.concat(octets, " ")
end

describe("sendMessage() on the golden cases that the guard refuses", function()
  local message = { to = "user@example.org", type = "SignIn", payload = {} }
  local rows, lines = golden.rows("guard")
  for i, row in ipairs(rows) do
    if not row.expected.success and not row.differs then
      it(row.id .. ": puts the same text into the error's message", function()
        -- null itself stands for "no config given"; everything else reaches the guard.
        local options = { getConfig = function() return row.input end }
        local _, err = logto.createConnector(options).sendMessage(message, row.input)
        local issues = lines[i]:match('"expected":{"success":false,"issues":(.*)}}$')
        local wanted = 'ConnectorError: {"issues":' .. issues .. ',"name":"ZodError"}'
        assert.are.equal("invalid_config", err.code)
        if is_unordered(row.expected.issues) then
          assert.are.equal(sorted_octets(wanted), sorted_octets(err.message))
        else
          assert.are.equal(wanted, err.message)
        end
      end)
    end
  end
end)
