-- SPDX-License-Identifier: MIT
--- interop: what every real mail server must get from us, however the commands are sent: octets unchanged,
--- each message once, and each refusal told for the message it belongs to, with nothing lost around it. The
--- server refuses the sender refused@shop.example, every recipient but box@, second@ and
--- third@test.example, mails above its size limit, and, if `content` is set, the content of mails with the
--- subject "refuse this".
local assert = require "luassert"
local bodies = require "spec.support.bodies"
local busted = require "busted"
local clock = require "spec.support.clock"
local core = require "logto_smtp.core"
local net = require "spec.support.net"

local describe, it, pending = busted.describe, busted.it, busted.pending
local setup, teardown, before_each = busted.setup, busted.teardown, busted.before_each

local M = {}


local unpack_list = table.unpack or unpack -- luacheck: ignore 113 143

local function config_of(server, more)
  local config = { host = server.host, port = server.port, auth = {}, ignoreTLS = true }
  for name, value in pairs(more) do
    config[name] = value
  end
  return config
end

local WAYS = {
  { title = "everything it offers", config = {} },
  { title = "one command at a time", config = { chunking = false, pipelining = false } },
  { title = "everything over one connection", config = { maxConnections = 1, maxMessages = 1000 } },
  { title = "pipelining alone over one connection", pipelined = true,
    config = { chunking = false, maxConnections = 1, maxMessages = 1000 } },
}

-- Submits all at once and answers the outcomes in the order of the mails; fails when a message is answered
-- twice or not at all.
local function send_all(client, mails)
  local index, outcomes = {}, {}
  for i, mail in ipairs(mails) do
    index[assert(client:submit(mail))] = i
  end
  while client:pending() > 0 do -- each is answered at its totalTimeout, if not before
    for _, done in ipairs(client:poll(1)) do
      local i = assert(index[done.id], "an answer to no message")
      assert.is_nil(outcomes[i])
      outcomes[i] = done
    end
  end
  for i = 1, #mails do
    assert(outcomes[i], "no answer to message " .. i)
  end
  return outcomes
end

local function assert_refused(outcome, code, response_code, words)
  assert.is_nil(outcome.info)
  assert.equal(code, outcome.err.code)
  assert.equal(response_code, outcome.err.responseCode)
  assert.matches(words, outcome.err.message)
  assert.equal("not_sent", outcome.err.delivery)
end

local function recipients(messages)
  local to = {}
  for i, message in ipairs(messages) do to[i] = message.deliveredTo end
  table.sort(to)
  return to
end

-- Nothing more comes once as much has come as was accepted: what is in the box after a further, last message.
local function subjects_after(server, client, expected)
  assert(client:send(bodies.mail { subject = "the last" }))
  local list = assert(server:wait_for(expected + 1))
  local seen = {}
  for _, message in ipairs(list) do
    seen[message.subject] = (seen[message.subject] or 0) + 1
  end
  assert.equal(expected + 1, #list)
  return seen
end

local function octets(with)
  for _, body in ipairs(bodies.list) do
    it("delivers " .. body.title .. " unchanged", function()
      local mail = bodies.mail { text = body.text }
      local info, err = with.client:send(mail)
      assert(info, err and err.message)
      local got = assert(with.server:wait_for(1))[1]
      assert.equal((assert(core.compose(mail))), got.raw)
      assert.equal("box@test.example", got.deliveredTo)
      assert.equal("no-reply@shop.example", got.returnPath)
    end)
  end
end

local function crowd(with)
  it("delivers each of 100 messages once", function()
    local mails = {}
    for i = 1, 100 do
      mails[i] = bodies.mail { subject = "mail " .. i, text = ("line of mail\r\n.\r\n"):rep(i) }
    end
    for i, outcome in ipairs(send_all(with.client, mails)) do
      assert(outcome.info, outcome.err and i .. ": " .. outcome.err.message)
    end
    local seen = {}
    local list = assert(with.server:wait_for(100))
    for _, message in ipairs(list) do
      local i = math.floor(assert(tonumber(message.subject:match("^mail (%d+)$"))))
      assert.is_nil(seen[i])
      seen[i] = true
      assert.equal((assert(core.compose(mails[i]))), message.raw)
    end
    assert.equal(100, #list)
  end)

  it("carries a large content between small ones", function()
    local mails = {}
    for i = 1, 9 do
      local text = i % 3 == 0 and ("0123456789abcdef.\r\n"):rep(11000) or "small"
      mails[i] = bodies.mail { subject = "mail " .. i, text = text }
    end
    for i, outcome in ipairs(send_all(with.client, mails)) do
      assert(outcome.info, outcome.err and i .. ": " .. outcome.err.message)
    end
    for _, message in ipairs(assert(with.server:wait_for(9))) do
      local i = math.floor(assert(tonumber(message.subject:match("^mail (%d+)$"))))
      assert.equal((assert(core.compose(mails[i]))), message.raw)
    end
  end)
end

local function refusals(with, options)
  it("delivers to the two of three recipients that are not refused", function()
    local to = { "box@test.example", "nobody@test.example", "third@test.example" }
    local info, err = with.client:send(bodies.mail { to = to })
    assert(info, err and err.message)
    assert.same({ "box@test.example", "third@test.example" }, info.accepted)
    assert.same({ "nobody@test.example" }, info.rejected)
    assert.equal(550, info.rejectedErrors[1].responseCode)
    local got = assert(with.server:wait_for(2))
    assert.same({ "box@test.example", "third@test.example" }, recipients(got))
  end)

  it("tells each refusal for its own message, and delivers all the others", function()
    local mails, expect = {}, {}
    for i = 1, 24 do
      local mail = bodies.mail { subject = "mail " .. i }
      if i % 4 == 2 then
        mail.to = { "nobody@test.example", "no-one@test.example" }
        expect[i] = { "EENVELOPE", 550, "all recipients were rejected" }
      elseif i % 8 == 3 then
        mail.from = "refused@shop.example"
        expect[i] = { "EENVELOPE", 550, "not from you" }
      elseif i % 8 == 7 and options.content then
        mail.subject = "refuse this"
        expect[i] = { "EMESSAGE", options.content, "not this content" }
      end
      mails[i] = mail
    end
    local accepted = 0
    for i, outcome in ipairs(send_all(with.client, mails)) do
      if expect[i] then
        assert_refused(outcome, unpack_list(expect[i]))
      else
        assert(outcome.info, outcome.err and i .. ": " .. outcome.err.message)
        accepted = accepted + 1
      end
    end
    local seen = subjects_after(with.server, with.client, accepted)
    for i = 1, #mails do
      assert.equal(not expect[i] and 1 or nil, seen["mail " .. i])
    end
  end)

  it("tells that a mail is too large, and delivers those around it", function()
    local mails = {
      bodies.mail { subject = "mail 1" },
      bodies.mail { subject = "mail 2", text = ("many words and more of them\r\n"):rep(12000) },
      bodies.mail { subject = "mail 3" },
    }
    local outcomes = send_all(with.client, mails)
    assert(outcomes[1].info, outcomes[1].err and outcomes[1].err.message)
    assert(outcomes[3].info, outcomes[3].err and outcomes[3].err.message)
    assert.is_nil(outcomes[2].info)
    assert.equal("EMESSAGE", outcomes[2].err.code)
    assert.equal("not_sent", outcomes[2].err.delivery)
    local seen = subjects_after(with.server, with.client, 2)
    assert.same({ ["mail 1"] = 1, ["mail 3"] = 1, ["the last"] = 1 }, seen)
  end)
end

local function over_tls(with)
  it("delivers over STARTTLS with AUTH, and one login serves many mails", function()
    local server = with.server
    local client = assert(core.client(config_of(server, {
      auth = { user = server.user, pass = server.pass }, ignoreTLS = false, tls = { ca = server.ca },
      maxConnections = 1, maxMessages = 1000,
    })))
    local mails = {}
    for i = 1, 40 do
      mails[i] = bodies.mail { subject = "mail " .. i, text = ("."):rep(i) .. "\r\n.\r\n" }
    end
    local ok, why = pcall(function()
      for i, outcome in ipairs(send_all(client, mails)) do
        assert(outcome.info, outcome.err and i .. ": " .. outcome.err.message)
      end
      assert.equal(1, client:stats().logins)
    end)
    client:close()
    assert(ok, why)
    for _, message in ipairs(assert(server:wait_for(40))) do
      local i = math.floor(assert(tonumber(message.subject:match("^mail (%d+)$"))))
      assert.equal((assert(core.compose(mails[i]))), message.raw)
    end
  end)

  for _, method in ipairs({ "PLAIN", "LOGIN" }) do
    it("is told the user by " .. method, function()
      local server = with.server
      local client = assert(core.client(config_of(server, {
        auth = { user = server.user, pass = server.pass, method = method }, ignoreTLS = false,
        tls = { ca = server.ca },
      })))
      local info, err = client:send(bodies.mail())
      client:close()
      assert(info, err and err.message)
      local message = assert(server:wait_for(1))[1]
      local logged = server:log():match("A=" .. method:lower() .. ":(%S+)")
      assert.equal(server.user, message.user or logged)
    end)
  end

  it("tells a wrong password as EAUTH", function()
    local server = with.server
    local client = assert(core.client(config_of(server, {
      auth = { user = server.user, pass = "wrong!" }, ignoreTLS = false, tls = { ca = server.ca },
    })))
    local info, err = client:send(bodies.mail())
    client:close()
    assert.is_nil(info)
    assert.equal("EAUTH", err.code)
    assert.equal(535, err.responseCode)
    assert.is_nil(err.message:find("wrong!", 1, true))
  end)
end

local function leaves_nothing(peer)
  it("leaves nothing behind", function()
    local server = assert(peer.start())
    local dir, port = server.dir, server.port
    server:stop()
    assert.is_truthy(clock.eventually(function() return not net.is_open(port) end))
    assert.is_truthy(clock.eventually(function()
      return select(2, net.run("test -e " .. net.quote(dir))) ~= 0
    end))
  end)
end

---@class spec.InteropOptions
---@field content? integer the reply code of content that is refused by its subject
---@field tls? boolean it offers STARTTLS and AUTH
---@field stops_elsewhere? boolean another spec checks that it leaves nothing behind
---@field lockstep? boolean it offers no PIPELINING

--- Describes one server.
---@param name string
---@param peer { missing: (fun(): string?), start: fun(): table } spec.support.exim and its like
---@param options spec.InteropOptions
function M.describe(name, peer, options)
  describe("a real " .. name, function()
    local with = {}
    local missing = peer.missing()
    if missing then
      it("is sent to", function() pending(missing) end)
      return
    end

    setup(function() with.server = assert(peer.start()) end)
    teardown(function() with.server:stop() end)
    before_each(function() with.server:clear() end)

    for _, way in ipairs(WAYS) do
      if not (options.lockstep and way.pipelined) then
        describe("with " .. way.title, function()
          setup(function() with.client = assert(core.client(config_of(with.server, way.config))) end)
          teardown(function() with.client:close() end)
          octets(with)
          crowd(with)
          refusals(with, options)
        end)
      end
    end
    if options.tls then over_tls(with) end

    if not options.stops_elsewhere then leaves_nothing(peer) end
  end)
end

return M
