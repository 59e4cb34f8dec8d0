-- SPDX-License-Identifier: MIT
-- One table of errors: what makes them and what tells of them know the same codes and reasons.
local capture_failure = require("logto_smtp.testing.failure")
local core = require("logto_smtp.core")
local constants = require("logto_smtp.connector.constants")
local error_docs = require("spec.support.error_docs")
local errors = require("logto_smtp.errors")
local exit = require("logto_smtp.cli.exit")
local http = require("logto_smtp.resty.failure")
local providers = require("logto_smtp.providers")
local smtp = require("logto_smtp")
local consequence = require("logto_smtp.bulk.consequence")

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function lua_files()
  local list = assert(io.popen("find lua/logto_smtp bin -type f"))
  local next_path = list:lines()
  return function()
    local path = next_path()
    if path then return path, read(path) end
    list:close()
  end
end

local function sources()
  local all = assert(io.popen("cat src/*/*.c"))
  local text = all:read("*a")
  all:close()
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
    local given = {}
    for _, word in ipairs(errors.WORDS) do given[errors.REASONS[word].code or ""] = true end
    for _, list in ipairs({ smtp_codes, run_codes }) do
      for code in pairs(list) do assert.is_true(given[code], code) end
    end
  end)

  it("has each code and reason that is written in Lua, where no error is made beside it", function()
    for path, text in lua_files() do
      for code in text:gmatch('code [=~]= "(E[A-Z0-9]+)"') do
        assert.is_table(errors.code(code), path .. " " .. code)
      end
      for word in text:gmatch('reason [=~]?= "([a-z_0-9]+)"') do
        assert.is_table(path:find("preview", 1, true) and {} or errors.REASONS[word], path .. " " .. word)
      end
      local own = path:find("logto_smtp/errors.lua", 1, true)
      assert.is_nil(not own and text:match('code = "E[A-Z0-9]+"') or nil, path)
    end
  end)

  it("has no reason that nothing makes", function()
    local made = {}
    for _, text in lua_files() do
      for word in text:gmatch('errors%.make%(%s*"([a-z_0-9]+)"') do made[word] = true end
    end
    local names, first, c_text = {}, {}, sources()
    local row = 'X%(([A-Z0-9_]+), "([a-z_0-9]+)", ([A-Z0-9]+)'
    for name, word, status in read("src/pure/reason.def"):gmatch(row) do
      names[word], first[status] = name, first[status] or word
      if first[status] == word and c_text:find("LS_" .. status .. ",", 1, true) then made[word] = true end
    end
    for _, word in ipairs(errors.WORDS) do
      assert.is_true(made[word] or c_text:find("LS_REASON_" .. names[word] .. "%f[^A-Z0-9_]") ~= nil, word)
    end
  end)

  it("makes errors that are whole, and none of a reason without a code", function()
    assert.same({ code = "EPHASE", reason = "phase_cannot_wait", message = "x", permanent = true,
      delivery = "not_sent" }, errors.make("phase_cannot_wait", "x"))
    assert.is_false(errors.make("worker_ending", "x").permanent)
    assert.has_error(function() errors.make("throttled", "x") end)
    assert.has_error(function() errors.make("no_such_reason", "x") end)
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
    assert.equal(n, #errors.WORDS)
    for _, known in ipairs(core.errors()) do assert.equal(known.code, errors.REASONS[known.reason].code) end
  end)

  it("has connector codes that exist", function()
    local known = {}
    for _, code in pairs(constants.ConnectorErrorCodes) do known[code] = true end
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
      assert.equal(row.endsRun == true, consequence.of(err.cause).hopeless == true)
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

  for _, word in ipairs(errors.WORDS) do
    local row = errors.REASONS[word]
    local code = row.code or "EENVELOPE"
    if smtp_codes[code] then
      it("what the endpoint tells of " .. word, function()
        local err = connector_error(code, word)
        err.cause.message, err.cause.response = "secret of jane@mx.example", "550 jane@mx.example"
        local answer = http.of(err)
        local sentence = row.means:sub(1, 1):upper() .. row.means:sub(2) .. "."
        assert.same({ errors.code(code).http, code, word, sentence },
          { answer.status, answer.code, answer.reason, answer.message })
      end)
    end
  end

  it("a text of the code alone where the reason is none of the table", function()
    for _, strange in ipairs({ "jane@mx.example", "", 5, true, {} }) do
      local answer = http.of(connector_error("ETLS", strange))
      assert.same({ "No safe connection to the mail server." }, { answer.message, answer.reason })
    end
  end)

  it("what ends a run of many", function()
    local ending = {}
    for _, row in ipairs(errors.CODES) do
      if row.endsRun then ending[#ending + 1] = row.code end
    end
    assert.equal("ETLS EAUTH EOAUTH2 EDKIM ECONFIG EARGUMENT ECLOSED", table.concat(ending, " "))
  end)

  it("another exit code for a list that is not there than for one that is broken", function()
    assert.equal(exit.NO_INPUT, exit.of({ cause = errors.make("list_not_opened", "x") }))
    assert.equal(exit.DATA, exit.of({ cause = errors.make("list_unreadable", "x") }))
  end)

  it("the chain that the doctor shows, for a certificate at fault alone", function()
    local shown = {}
    for _, word in ipairs(errors.WORDS) do
      if errors.REASONS[word].certificate then shown[#shown + 1] = word end
    end
    assert.equal("tls_untrusted tls_wrong_name tls_expired tls_not_yet_valid tls_revoked tls_crl_unusable",
      table.concat(shown, " "))
  end)

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

  for _, word in ipairs(errors.WORDS) do
    local row = errors.REASONS[word]
    if row.try then
      it("what the doctor says to try for " .. word, function()
        local known = providers.diagnose({ code = row.code, reason = word, message = "x" }, {})
        assert.same({ row.means, row.try, row.source }, { known.name, known.try, known.source })
      end)
    end
  end

  it("what may be tried again after a while", function()
    local soon = {}
    for _, row in ipairs(errors.CODES) do
      if row.retryAfter then soon[#soon + 1] = row.code .. " " .. row.retryAfter end
    end
    assert.equal("EBUSY 1, ENOMEM 1, ECLOSED 1", table.concat(soon, ", "))
  end)

  it("a sender's refusal that ends a run, and one for the size that does not", function()
    local err = { code = "EENVELOPE", permanent = true, delivery = "not_sent" }
    err.reason = "sender_refused"
    assert.is_true(consequence.of(err).hopeless)
    err.reason = "size_refused"
    assert.equal("refused", consequence.of(err).outcome)
  end)

  it("an exit code that tells trying later for every limit of a server", function()
    for _, word in ipairs({ "throttled", "too_many_connections", "greylisted" }) do
      local err = connector_error("EENVELOPE", word)
      err.cause.responseCode, err.cause.permanent = 450, false
      assert.equal(exit.TEMPORARY, exit.of(err))
      assert.is_true(consequence.of(err.cause).retry)
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

describe("our own words", function()
  local function fault_of(err) return providers.diagnose(err, {}).id end
  local words = "Message failed: 550 relay access denied, certificate has expired"

  it("decide nothing: a fault goes by the reason, or by what the server said", function()
    local err = { code = "EENVELOPE", reason = "recipient_refused", responseCode = 550, message = words }
    assert.equal("envelope", fault_of(err))
    err.response = "550 5.7.1 Relay access denied"
    assert.equal("relay_denied", fault_of(err))
    err.reason, err.response, err.responseCode = nil, nil, 550
    err.code = "EELSE"
    assert.equal("relay_denied", fault_of(err))
  end)

  it("are looked into by no part of the library", function()
    for path, text in lua_files() do
      for line in text:gmatch("[^\n]+") do
        local looks = line:find("%f[%w_][%w_.]*message:l?o?w?e?r?%(?%)?:?find%(")
          or line:find("%f[%w]err[%w_]*:find%(") or line:find("%f[%w]reason:find%(")
        assert.is_nil(looks, path .. ": " .. line)
      end
    end
  end)
end)

describe("the docs' tables of errors", function()
  it("are those of the table (make docs)", function()
    for _, path in ipairs(error_docs.PAGES) do assert.equal(error_docs.page(path, read(path)), read(path)) end
  end)

  it("have each status of the endpoint beside its codes, and each code that is no 502", function()
    local told, n = {}, 0
    for status, cell in read("docs/nginx.md"):gmatch("\n| (%d%d%d) | ([^|]+) |") do
      for code in cell:gmatch("`([%w_]+)`") do
        local row = smtp_codes[code]
        n = n + 1
        if row then assert.equal(tonumber(status), row.http, code) end
        told[code] = true
      end
    end
    assert.is_true(n > 10)
    for code, row in pairs(smtp_codes) do
      assert.is_true(row.http == 502 or row.code == "EARGUMENT" or told[code] == true, code)
    end
  end)
end)
