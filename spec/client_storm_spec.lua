-- SPDX-License-Identifier: MIT
-- What a server does to connections, and how many it gets for it: bounded, whatever it does.
local core = require("logto_smtp.core")
local clock = require("spec.support.clock")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")

local login = { user = "user", pass = "s3cret-pass" }

-- How the server ends each connection, and how the error of the messages begins that waited for it.
local ENDS = {
  { "closes instead of a greeting", { at = "CONNECT", drop = "before" }, "Unexpected socket close" },
  { "resets instead of a greeting", { at = "CONNECT", drop = "before", reset = true } },
  { "closes behind its greeting", { at = "CONNECT", drop = "after" }, "Connection closed unexpectedly" },
  { "greets with 421", { at = "CONNECT", code = 421, text = "4.3.2 full", drop = "after" },
    "Invalid greeting. response=421 4.3.2 full" },
  { "closes instead of answering EHLO", { at = "EHLO", drop = "before" }, "Connection closed unexpectedly" },
  { "closes right behind its answer to EHLO", { at = "EHLO", drop = "after" },
    "Connection closed unexpectedly" },
  { "answers EHLO with 421", { at = "EHLO", code = 421, text = "4.3.2 full", drop = "after" },
    "Server terminates connection. response=421 4.3.2 full" },
  { "closes instead of answering AUTH", { at = "AUTH", drop = "before" }, "Connection closed unexpectedly" },
  { "closes right behind the login", { at = "AUTH", drop = "after" }, "Connection closed unexpectedly" },
  { "resets right behind the login", { at = "AUTH", drop = "after", reset = true } },
  { "says 421 right behind the login", { at = "AUTH", extra = "421 4.7.0 slow down\r\n", drop = "after" } },
  { "closes instead of answering MAIL", { at = "MAIL", drop = "before" }, "Connection closed unexpectedly" },
  { "answers MAIL with 421", { at = "MAIL", code = 421, text = "4.3.2 full", drop = "after" } },
  { "answers RCPT with 421", { at = "RCPT", code = 421, text = "4.3.2 full", drop = "after" } },
  { "closes instead of answering DATA", { at = "DATA", drop = "before" }, "Connection closed unexpectedly" },
}

-- Submits n mails to the server of each row, and waits for all.
local function run(rows, n)
  local runs = {}
  for i, row in ipairs(rows) do
    local inbox, client = mailing.start({ auth = login, authInClear = true }, { totalTimeout = 3000 })
    local rule = { times = "always" }
    for k, v in pairs(row[2]) do rule[k] = v end
    inbox:nextReply(rule)
    local at = row[2].at
    runs[i] = { title = row[1], words = row[3], inbox = inbox, client = client, errors = {},
      ready = at == "MAIL" or at == "RCPT" or at == "DATA" or (at == "AUTH" and row[2].drop == "after") }
  end
  for _, r in ipairs(runs) do
    for i = 1, n do assert(r.client:submit(mailing.mail({ subject = "mail " .. i }))) end
  end
  local left = #runs * n
  while left > 0 do
    for _, r in ipairs(runs) do
      for _, item in ipairs(r.client:poll(0.01)) do
        left = left - 1
        r.errors[#r.errors + 1] = assert(item.err, r.title)
      end
    end
  end
  return runs
end

describe("the storm of a server that ends each connection", function()
  after_each(mailing.stop)

  for _, n in ipairs({ 1, 100 }) do
    it(("is a few connections for %d mails, and each mail learns why"):format(n), function()
      -- one, then one after 0.1, 1 and 2 seconds; where a login works five at once, where many wait; at the
      -- latest when time was up
      for _, r in ipairs(run(ENDS, n)) do
        local counters = r.inbox:counters()
        local most = (n == 1 or not r.ready) and 4 or 8
        assert.is_true(counters.connections <= most, r.title .. counters.connections)
        assert.is_true(counters.auths <= most, r.title)
        assert.equal(n, #r.errors)
        for _, err in ipairs(r.errors) do
          assert.equal("not_sent", err.delivery, r.title)
          assert.is_false(err.permanent, r.title)
          assert.is_nil(err.message:find("totalTimeout", 1, true), r.title .. ": " .. err.message)
          if r.words then assert.equal(r.words, err.message:sub(1, #r.words), r.title) end
        end
      end
    end)
  end
end)

describe("a server that", function()
  after_each(mailing.stop)

  it("drops what it is sent twice in a row, and then does not, loses no mail", function()
    for _, at in ipairs({ "CONNECT", "EHLO", "AUTH", "MAIL" }) do
      local inbox, client = mailing.start({ auth = login, authInClear = true }, { maxConnections = 1 })
      inbox:nextReply({ at = at, drop = "before", times = 2 })
      for _ = 1, 40 do assert(client:submit(mailing.mail())) end
      for _, item in ipairs(mailing.drain(client, 40)) do assert(item.info, item.err and item.err.message) end
      assert.equal(40, inbox:counters().messages)
      assert.is_true(inbox:counters().connections <= 5)
      mailing.stop()
    end
  end)

  it("says 421 to MAIL twice in a row, and then does not, gets a lone mail", function()
    local inbox, client = mailing.start({ auth = login, authInClear = true }, { maxRequeues = 0 })
    inbox:nextReply({ at = "MAIL", code = 421, text = "4.3.2 restarting", drop = "after", times = 2 })
    assert(client:send(mailing.mail()))
    assert.equal(3, inbox:counters().connections)
  end)

  it("drops all connections again and again while a queue goes through loses no mail", function()
    local inbox, client = mailing.start({ auth = login, authInClear = true, latency = 0.01 })
    for _ = 1, 200 do assert(client:submit(mailing.mail())) end
    local done = 0
    while done < 200 do
      local before = done
      for _, item in ipairs(client:poll(5)) do
        assert(item.info or item.err.delivery == "unknown", item.err and item.err.message)
        done = done + 1
      end
      if math.floor(before / 30) < math.floor(done / 30) then inbox:disconnect() end
    end
  end)

  -- what is refused, and what the server does to the connection then
  local REFUSALS = {
    { at = "CONTENT", code = 451, text = "4.7.0 not now", drop = "after" },
    { at = "RCPT", code = 450, text = "4.7.1 not now", drop = "after" },
    { at = "MAIL", code = 550, text = "5.7.1 not you", drop = "after" },
    { at = "DATA", code = 421, text = "4.7.0 not now", drop = "after" },
  }

  it("refuses each mail and closes gets no login for each", function()
    local runs = {}
    for i, refusal in ipairs(REFUSALS) do
      local inbox, client = mailing.start({ auth = login, authInClear = true })
      inbox:nextReply({ at = refusal.at, code = refusal.code, text = refusal.text, drop = refusal.drop,
        times = "always" })
      runs[i] = { inbox = inbox, client = client, code = refusal.code }
      for _ = 1, 20 do assert(client:submit(mailing.mail())) end
    end
    local _, _, span = clock.timed(function()
      local left = #runs * 7
      while left > 0 do
        for _, r in ipairs(runs) do
          for _, item in ipairs(r.client:poll(0.01)) do
            left = left - 1
            assert.equal(r.code, item.err.responseCode, r.code .. item.err.message)
          end
        end
      end
    end)
    for _, r in ipairs(runs) do
      span:holds(r.inbox:counters().auths, 5 + 3, 1 / 2)
    end
  end)

  it("refuses what it does not like and stays is not slowed", function()
    local inbox, client = mailing.start({ auth = login, authInClear = true })
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 nobody", skip = 3, times = 9 })
    for _ = 1, 60 do assert(client:submit(mailing.mail())) end
    local refused = 0
    for _, item in ipairs(mailing.drain(client, 60)) do refused = refused + (item.err and 1 or 0) end
    assert.equal(9, refused)
    assert.is_true(inbox:counters().auths <= 5)
  end)

  it("refuses a login gets one, however many mails wait", function()
    local inbox = mailing.inbox({ tls = "none", auth = login, authInClear = true, latency = 0.05 })
    local engine = assert(core.engine({ directory = net.tmpdir() }))
    local handle = engine:configure(inbox:config({ auth = { user = "user", pass = "another" } }))
    for _ = 1, 100 do assert(engine:submit(handle, mailing.mail())) end
    local left = 100
    clock.eventually(function()
      for _, item in ipairs((engine:take())) do
        left = left - 1
        assert.equal(535, item.err.responseCode)
      end
      return left == 0
    end)
    engine:close(0)
    assert.equal(1, inbox:counters().authFailures)
  end)

  it("has refused a login is not asked again and again", function()
    local inbox, client = mailing.start({ auth = { user = "user", pass = "another" }, authInClear = true },
      { auth = login })
    local _, _, span = clock.timed(function()
      for _ = 1, 100 do
        local _, err = client:send(mailing.mail())
        assert.equal("EAUTH", err.code)
        assert.equal(535, err.responseCode)
      end
    end)
    span:holds(inbox:counters().authFailures, 5, 1 / 4)
  end)
end)

-- How a server treats each verification, and what stays the beginning of what is told.
local UNVERIFIED = {
  { { at = "CONNECT", drop = "before" }, "ECONNECTION", "Unexpected socket close" },
  { { at = "EHLO", code = 421, text = "4.3.2 full", drop = "after" }, "ECONNECTION", "Server terminates" },
  { { at = "AUTH", drop = "before" }, "ECONNECTION", "Connection closed unexpectedly" },
  { { at = "AUTH", code = 535, text = "5.7.8 no" }, "EAUTH", "Invalid login: 535 5.7.8 no" },
}
local VERIFICATIONS = 20

describe("verifications without end", function()
  local engine

  after_each(function()
    if engine then engine:close(0) end
    mailing.stop()
  end)

  -- Has the engine verify so often over each handle; answers what came, by handle.
  local function verify_all(handles)
    local of, seen, left = {}, {}, 0
    for i, handle in ipairs(handles) do
      seen[i] = {}
      for _ = 1, VERIFICATIONS do of[assert(engine:verify(handle))] = seen[i] end
      left = left + VERIFICATIONS
    end
    clock.eventually(function()
      for _, item in ipairs((engine:take())) do
        table.insert(of[item.id], item)
        left = left - 1
      end
      return left == 0
    end)
    return seen
  end

  it("get a few connections of a server that fails, and each learns why", function()
    local inboxes, handles = {}, {}
    engine = assert(core.engine({ directory = net.tmpdir() }))
    for i, row in ipairs(UNVERIFIED) do
      inboxes[i] = mailing.inbox({ tls = "none", auth = login, authInClear = true })
      inboxes[i]:nextReply({ at = row[1].at, code = row[1].code, text = row[1].text, drop = row[1].drop,
        times = "always" })
      handles[i] = engine:configure(inboxes[i]:config())
    end
    local seen, _, span = clock.timed(function() return verify_all(handles) end)
    for i, row in ipairs(UNVERIFIED) do
      -- one, and one after 0.1, 1 and 2 seconds
      span:holds(inboxes[i]:counters().connections, 1 + 3, 1 / 2)
      assert.equal(VERIFICATIONS, #seen[i])
      for _, item in ipairs(seen[i]) do
        assert.equal(row[2], item.err.code)
        assert.equal(row[3], item.err.message:sub(1, #row[3]))
      end
      assert.matches("in a row; the next begins in %d+%.%d s", seen[i][VERIFICATIONS].err.message)
    end
  end)

  it("get a few of one that ends each behind its login, whether that was told or not", function()
    local inboxes, handles = {}, {}
    engine = assert(core.engine({ directory = net.tmpdir() }))
    for i, extra in ipairs({ "", "421 4.7.0 too many\r\n" }) do
      inboxes[i] = mailing.inbox({ tls = "none", auth = login, authInClear = true })
      inboxes[i]:nextReply({ at = "AUTH", extra = extra, drop = "after", times = "always" })
      handles[i] = engine:configure(inboxes[i]:config({ totalTimeout = 1500 }))
    end
    local _, _, span = clock.timed(function() return verify_all(handles) end)
    for _, inbox in ipairs(inboxes) do span:holds(inbox:counters().auths, 1 + 2, 1 / 2) end
  end)

  it("get a connection each of a server that does well", function()
    local inbox = mailing.inbox({ tls = "none", auth = login, authInClear = true })
    engine = assert(core.engine({ directory = net.tmpdir() }))
    local handle = engine:configure(inbox:config({ maxConnections = 2 }))
    for _, item in ipairs(verify_all({ handle })[1]) do assert(item.verification) end
    assert.equal(VERIFICATIONS, inbox:counters().connections)
    local client = mailing.client(inbox:config())
    for _ = 1, VERIFICATIONS do assert(client:verify()) end
    assert.equal(2 * VERIFICATIONS, inbox:counters().connections)
  end)
end)
