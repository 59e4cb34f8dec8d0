-- SPDX-License-Identifier: MIT
-- Replies that are not whole, not one, not answered or without end, at every step.
local clock = require("spec.support.clock")
local mailing = require("spec.support.mailing")

local login = { user = "user", pass = "s3cret-pass" }

-- What differs from a server with a login in clear, to come to a step.
local STEPS = {
  { "CONNECT" }, { "EHLO" }, { "STARTTLS", { tls = "starttls" } }, { "AUTH" }, { "MAIL" }, { "RCPT" },
  { "DATA" }, { "CONTENT" }, { "BDAT", { chunking = true } }, { "MAIL", { tls = "implicit" } },
  { "CONTENT", { tls = "starttls" } },
}

local function each_step(few, call)
  for _, step in ipairs(few and { STEPS[2], STEPS[5] } or STEPS) do
    local tls = step[2] and step[2].tls
    call(step[1], step[2], tls and ("%s (%s TLS)"):format(step[1], tls) or step[1])
  end
end

-- Clients of servers with one rule each send one mail each, all at once: what each was told.
local function errors_of(cases)
  local left, errors = #cases, {}
  for i, case in ipairs(cases) do
    local options = { auth = login, authInClear = true }
    for k, v in pairs(case.options or {}) do options[k] = v end
    local inbox, client = mailing.start(options, {
      totalTimeout = (case.rule.drop or case.again) and 300 or 600000, -- until then it is tried again
      maxRequeues = 0,
    })
    local rule = { times = "always" }
    for k, v in pairs(case.rule) do rule[k] = v end
    inbox:nextReply(rule)
    cases[i].client = client
  end
  for _, case in ipairs(cases) do assert(case.client:submit(mailing.mail())) end
  while left > 0 do
    for i, case in ipairs(cases) do
      for _, item in ipairs(case.client:poll(0.005)) do
        errors[i], left = item.err or {}, left - 1
      end
    end
  end
  return errors
end

describe("a reply cut short by the end of the connection", function()
  after_each(mailing.stop)

  for n, said in ipairs({
    { "421 too many", "421 too many", 421, false },
    { "421-too\r\n421 many", "421-too\n421 many", 421, false },
    { "554-no\r\n", "554-no", 554, true },
    { "5", "5", nil, false },
  }) do
    it(("is told wherever it comes: %q"):format(said[1]), function()
      local cases = {}
      each_step(n > 1, function(at, options, title)
        cases[#cases + 1] = {
          title = title, options = options, rule = { at = at, raw = said[1], drop = "after" },
        }
      end)
      for i, err in ipairs(errors_of(cases)) do
        local title = cases[i].title
        assert.equal(said[2], err.response, title)
        assert.equal(said[3], err.responseCode, title)
        assert.equal(said[4], err.permanent, title)
        assert.equal("ECONNECTION", err.code, title)
        local words = ": " .. said[2]
        assert.equal(words, err.message:sub(-#words), title)
      end
    end)
  end

  it("is told where the connection is reset behind it", function()
    local cases = {}
    each_step(false, function(at, options, title)
      if not (options and options.tls) then
        cases[#cases + 1] = {
          title = title, options = options,
          rule = { at = at, raw = "421 4.3.2 too many", drop = "after", reset = true },
        }
      end
    end)
    for i, err in ipairs(errors_of(cases)) do
      assert.equal("421 4.3.2 too many", err.response, cases[i].title)
      assert.equal(421, err.responseCode, cases[i].title)
    end
  end)

  it("tells no part of a password that is cut with it", function()
    local err = errors_of({ { rule = { at = "AUTH", raw = "535 bad: s3cret-pa", drop = "after" } } })[1]
    assert.equal("535 bad: ***", err.response)
  end)

  it("ends QUIT as any end does", function()
    local inbox, client = mailing.start(nil, { maxMessages = 1 })
    inbox:nextReply({ at = "QUIT", raw = "421 too ma", drop = "after", times = "always" })
    mailing.send_all(client, 3)
    assert.equal(3, #inbox:messages())
  end)
end)

describe("a reply code of anything but three digits", function()
  after_each(mailing.stop)

  for n, said in ipairs({
    "2500 2.0.0 ok\r\n", "25999 ok\r\n", "250ok\r\n", "250-a\r\n2500 b\r\n", "5500 no\r\n",
  }) do
    it(("is no reply: %q"):format(said), function()
      local cases = {}
      each_step(n > 1, function(at, options, title)
        cases[#cases + 1] = { title = title, at = at, options = options, rule = { at = at, raw = said } }
      end)
      for i, err in ipairs(errors_of(cases)) do
        local at, title = cases[i].at, cases[i].title
        local sent = at == "CONTENT" -- the first BDAT carries one octet
        assert.equal("EPROTOCOL", err.code, title)
        assert.equal(sent and "unknown" or "not_sent", err.delivery, title)
      end
    end)
  end

  -- libcurl counts octets where it finds no space: behind the first it would wait for ever.
  for _, line in ipairs({ "%d\n", "%d-\n" }) do
    it(("ends a login that libcurl reads otherwise: %q"):format(line), function()
      local cases = {}
      for at, code in pairs({ CONNECT = 220, EHLO = 250, AUTH = 235 }) do
        cases[#cases + 1] = { title = at, rule = { at = at, raw = line:format(code) } }
      end
      for i, err in ipairs(errors_of(cases)) do assert.equal("EPROTOCOL", err.code, cases[i].title) end
    end)
  end
end)

-- libcurl reads them with the reply before them, and gives them to nobody.
describe("words in one piece with the last reply of a login", function()
  after_each(mailing.stop)

  local function told(at, words)
    return errors_of({ {
      options = at == "EHLO" and { auth = false } or nil,
      rule = { at = at, extra = words, drop = "after" },
    } })[1]
  end

  it("are told", function()
    for _, at in ipairs({ "EHLO", "AUTH" }) do
      local err = told(at, "421 4.7.0 slow down\r\n")
      assert.equal(421, err.responseCode, at)
      assert.equal("421 4.7.0 slow down", err.response, at)
      err = told(at, "421 4.7.0 slow")
      assert.equal("421 4.7.0 slow", err.response, at)
    end
  end)

  it("are no reply to what comes next", function()
    local inbox, client = mailing.start({ auth = login, authInClear = true })
    inbox:nextReply({ at = "AUTH", extra = "250 2.0.0 stray\r\n" })
    assert(client:send(mailing.mail()))
    assert.equal(1, #inbox:messages())
    for _, command in ipairs(inbox:connections()[1].commands) do assert.not_equal("MAIL", command.verb) end
    assert.equal(2, inbox:counters().connections)
  end)
end)

describe("a reply whose lines have different codes", function()
  after_each(mailing.stop)

  for n, said in ipairs({
    { "220-welcome\r\n521 5.3.2 no mail here\r\n", 521, true },
    { "220-welcome\r\n250-ok\r\n554-no\r\n554 5.7.1 mail\r\n", 554, true },
    { "554-no mail\r\n220 welcome\r\n", 554, true },
    { "250-ok\r\n451 4.7.1 later\r\n", 451, false },
    { "354-ok\r\n250 ok\r\n", nil, false },
  }) do
    it(("is no reply, and a refusal in it counts: %q"):format(said[1]), function()
      local cases = {}
      each_step(n > 1, function(at, options, title)
        cases[#cases + 1] = {
          title = title, options = options, again = said[2] == 451, rule = { at = at, raw = said[1] },
        }
      end)
      for i, err in ipairs(errors_of(cases)) do
        local title = cases[i].title
        assert.equal("EPROTOCOL", err.code, title)
        assert.equal(said[2], err.responseCode, title)
        assert.equal(said[3], err.permanent, title)
        assert.equal(said[1]:gsub("\r\n$", ""):gsub("\r", ""), err.response, title)
      end
    end)
  end

  it("refuses the connection where it greets", function()
    local cases = {
      { rule = { at = "CONNECT", raw = "220-welcome\r\n521 no\r\n" } },
      { rule = { at = "CONNECT", raw = "554-welcome\r\n554 no\r\n" } },
      { rule = { at = "CONNECT", raw = "220-welcome\r\n220-to\r\n554 no\r\n", drop = "after" } },
    }
    for _, err in ipairs(errors_of(cases)) do assert.equal("greeting_refused", err.reason) end
  end)
end)

describe("EHLO refused by a server that then closes", function()
  after_each(mailing.stop)

  for _, said in ipairs({
    { 550, true, "hello_refused" }, { 530, true, "hello_refused" }, { 554, true, "hello_refused" },
    { 421, false, "server_closing" },
  }) do
    it(("is told, and not the end of HELO: %d"):format(said[1]), function()
      local cases = {}
      for _, how in ipairs({ false, true }) do
        cases[#cases + 1] = {
          rule = { at = "EHLO", code = said[1], text = "5.7.1 not you", drop = "after", reset = how },
        }
      end
      for _, err in ipairs(errors_of(cases)) do
        assert.equal(said[1], err.responseCode)
        assert.equal(said[2], err.permanent)
        assert.equal(said[3], err.reason)
        assert.equal("EHLO", err.command)
        assert.equal(said[1] .. " 5.7.1 not you", err.response)
      end
    end)
  end
end)

describe("a reply without end", function()
  after_each(mailing.stop)

  for _, endless in ipairs({ "lines", "line" }) do
    it("ends at every step, long before the message's time is over: of " .. endless, function()
      local cases = {
        { title = "AUTH, TLS", options = { tls = "implicit" }, rule = { at = "AUTH", endless = endless } },
      }
      each_step(false, function(at, options, title)
        cases[#cases + 1] = {
          title = title, options = options, rule = { at = at, endless = endless },
        }
      end)
      local errors, _, span = clock.timed(function() return errors_of(cases) end)
      for i, err in ipairs(errors) do
        assert.equal("EPROTOCOL", err.code, cases[i].title)
        assert.equal("reply_too_long", err.reason, cases[i].title)
        assert.is_true(#err.message < 5000)
      end
      span:ended()
    end)
  end
end)
