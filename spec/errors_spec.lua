-- SPDX-License-Identifier: MIT
-- One table of errors: what makes them and what tells of them know the same codes and reasons.
local capture_failure = require("logto_smtp.testing.failure")
local core = require("logto_smtp.core")
local enums = require("logto_smtp.enums")
local errors = require("logto_smtp.errors")
local exit = require("logto_smtp.cli.exit")
local http = require("logto_smtp.resty.failure")
local providers = require("logto_smtp.providers")
local smtp = require("logto_smtp")
local verdict = require("logto_smtp.bulk.verdict")

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function listed(rows)
  local set = {}
  for _, row in ipairs(rows) do
    assert.is_nil(set[row.code], row.code)
    set[row.code] = row
  end
  return set
end

local smtp_codes, run_codes = listed(errors.CODES), listed(errors.RUN)

local function connector_error(code, reason)
  local cause = { code = code, reason = reason, message = "x", permanent = true, delivery = "not_sent" }
  return smtp.ConnectorError("general", "x", cause)
end

describe("the table of errors", function()
  it("has each code that the C module can give", function()
    for _, known in ipairs(core.errors()) do
      if known.code then assert.is_table(smtp_codes[known.code], known.code) end
    end
  end)

  it("has no code that nothing gives", function()
    local given = { EPHASE = true, ECLOSED = true } -- what Lua gives by itself
    for _, known in ipairs(core.errors()) do given[known.code or ""] = true end
    for code in pairs(smtp_codes) do assert.is_true(given[code], code) end
  end)

  it("has each code that is written in Lua", function()
    local files = assert(io.popen("find lua/logto_smtp -name '*.lua'"))
    for path in files:lines() do
      for code in read(path):gmatch('code = "(E[A-Z0-9]+)"') do assert.is_table(errors.code(code),
        path .. code) end
      for code in read(path):gmatch('failure%("(E[A-Z]+)"') do assert.is_table(run_codes[code],
        path .. code) end
      for code, word in read(path):gmatch('failed%("(E[A-Z]+)", "([a-z_0-9]+)"') do
        assert.equal(code, (errors.REASONS[word] or {}).code, path .. word)
      end
      for word in read(path):gmatch('reason = "([a-z_0-9]+)"') do
        if path:find("doctor/", 1, true) or path:find("failure", 1, true) then
          assert.is_table(errors.REASONS[word], path .. word)
        end
      end
    end
    files:close()
  end)

  it("has a sentence, an exit code and an HTTP status for each, and something to do", function()
    for _, list in ipairs({ errors.CODES, errors.RUN, errors.CONNECTOR }) do
      for _, row in ipairs(list) do
        assert.matches("^[%u`]", row.means, row.code)
        assert.is_nil(row.means:find("%.$"), row.code)
        assert.is_number(exit[row.exit], row.code)
        assert.is_true(row.http >= 400 and row.http < 600, row.code)
        assert.is_true(list ~= errors.CODES or #row.try > 0, row.code)
      end
    end
  end)

  it("has reasons with a source for what to try", function()
    local n = 0
    for word, row in pairs(errors.REASONS) do
      n = n + 1
      assert.is_boolean(row.permanent, word)
      assert.is_true(#row.means > 0 and (not row.try or row.source:find("^https://") ~= nil), word)
    end
    assert.equal(#core.errors(), n)
    assert.equal(n, #errors.WORDS)
  end)

  it("has connector codes that exist", function()
    local known = {}
    for _, code in pairs(enums.ConnectorErrorCodes) do known[code] = true end
    for _, row in ipairs(errors.CONNECTOR) do assert.is_true(known[row.code], row.code) end
  end)
end)

describe("from the table of errors comes", function()
  for _, row in ipairs(errors.CODES) do
    it("everything that is told of " .. row.code, function()
      local err = connector_error(row.code)
      local answer = http.of(err)
      assert.same({ row.http, row.code, row.means .. ".", row.retryAfter },
        { answer.status, answer.code, answer.message, answer.retry_after })
      assert.equal(exit[row.exit], exit.of(err))
      assert.equal(row.endsRun == true, verdict.of(err.cause).hopeless == true)
      local known = providers.diagnose(err.cause, {})
      assert.equal(row.try, known.try)
    end)
  end

  for _, row in ipairs(errors.CONNECTOR) do
    it("what is told of " .. row.code, function()
      local err = smtp.ConnectorError(row.code)
      assert.equal(row.http, http.of(err).status)
      assert.equal(row.means .. ".", http.of(err).message)
      assert.equal(exit[row.exit], exit.of(err))
    end)
  end

  it("the exit code of each run that stops", function()
    for _, row in ipairs(errors.RUN) do assert.equal(exit[row.exit],
      exit.of({ cause = { code = row.code } })) end
  end)

  it("what a fault of our own is called, and what to try", function()
    local own = 0
    for _, fault in ipairs(providers.FAULTS) do
      for _, word in ipairs(fault.reason or {}) do assert.is_table(errors.REASONS[word], word) end
      for _, code in ipairs(fault.error or {}) do assert.is_table(smtp_codes[code], code) end
      if fault.reason and not fault.text and not fault.port and fault.secure == nil then own = own + 1 end
    end
    assert.is_true(own > 10)
    local known = providers.diagnose({ code = "ETLS", reason = "tls_expired", message = "x" }, {})
    assert.equal(errors.REASONS.tls_expired.try, known.try)
    assert.equal(errors.REASONS.tls_expired.means, known.name)
  end)

  it("a sender's refusal that ends a run, and one for the size that does not", function()
    local err = { code = "EENVELOPE", permanent = true, delivery = "not_sent" }
    err.reason = "sender_refused"
    assert.is_true(verdict.of(err).hopeless)
    err.reason = "size_refused"
    assert.equal("refused", verdict.of(err).outcome)
  end)

  it("an exit code that tells trying later for every limit of a server", function()
    for _, word in ipairs({ "throttled", "too_many_connections", "greylisted" }) do
      local err = connector_error("EENVELOPE", word)
      err.cause.responseCode, err.cause.permanent = 450, false
      assert.equal(exit.TEMPORARY, exit.of(err))
      assert.is_true(verdict.of(err.cause).retry)
    end
  end)
end)

describe("a made failure", function()
  local cannot = { EDKIM = true, EBUSY = true, ECONFIG = true, EARGUMENT = true, ENOMEM = true, EPHASE = true,
    ECLOSED = true }

  for _, row in ipairs(errors.CODES) do
    it("of " .. row.code .. (cannot[row.code] and " is none" or " has a reason of its code"), function()
      local fault = capture_failure.fault({ code = row.code })
      assert.equal(cannot[row.code] == true, fault ~= nil)
      if fault then return end
      local failures = {}
      capture_failure.add(failures, { code = row.code })
      local err = capture_failure.take(failures, { from = "a@b.example", to = { "c@d.example" } })
      assert.is_table(errors.REASONS[err.reason])
      if errors.REASONS[err.reason].code then assert.equal(row.code, errors.REASONS[err.reason].code) end
    end)
  end
end)

describe("the README's tables of errors", function()
  it("are those of the table", function()
    local readme = read("README.md")
    local codes, reasons = errors.markdown()
    assert.is_truthy(readme:find(codes, 1, true), "stale; it is to be\n" .. codes)
    assert.is_truthy(readme:find(reasons, 1, true), "stale; it is to be\n" .. reasons)
  end)
end)
