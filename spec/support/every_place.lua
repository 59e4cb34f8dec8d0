-- SPDX-License-Identifier: MIT
-- Every method of the C module, with mischief at every one of its allocations. Run by every_place_spec as
--    lua every_place.lua PORT ROW ACTION [I OF_N]
-- Calls the row once for each place where Lua's collector can run in it; there, once, a finalizer does what
-- the action says. Or once for each allocation, which fails, by itself (`once`), with the next (`twice`), or
-- with all behind it (`ever`). Of the places far behind only those in turn: the I-th of N. Prints how many
-- places there were, and how many mails were told as accepted, and as not.
local allocator = require("spec_allocator")
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local port, row_name, action = tonumber(arg[1]), arg[2], arg[3]
local turn, turns = tonumber(arg[4] or 1), tonumber(arg[5] or 1)
local MOST = 2000  -- places in one call
local EACH = 12    -- of so many each one is tried

-- A collection from beginning to end at each allocation.
local function collect_always()
  if _G.jit then _G.jit.off() end
  if _VERSION == "Lua 5.4" then
    collectgarbage("incremental", 1, 1000, 64)
  else
    collectgarbage("setpause", 0)
    collectgarbage("setstepmul", _VERSION == "Lua 5.1" and 0 or 1000000)
  end
  collectgarbage()
end

local function collect_seldom()
  if _VERSION == "Lua 5.4" then
    collectgarbage("incremental", 200, 100, 13)
  else
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
  end
end

-- Calls act in the n-th collection from now on, and answers how many there have been.
local armed, count, at, act = false, 0, 0, nil

local plant
local function finalized()
  if not armed then return end
  count = count + 1
  if count < at then return plant() end
  armed = false
  act()
end

if _VERSION == "Lua 5.1" then
  function plant() getmetatable(_G.newproxy(true)).__gc = finalized end
else
  local metatable = { __gc = finalized }
  function plant() setmetatable({}, metatable) end
end

local function disarm(...)
  armed = false
  collect_seldom()
  return ...
end

local function with_finalizer(n, what, call)
  collect_always()
  armed, count, at, act = true, 0, n, what
  plant()
  return disarm(pcall(call))
end

local function stop(...)
  count = allocator.stop()
  return ...
end

local function with_failure(n, times, call)
  collectgarbage()
  allocator.fail(n, times)
  return stop(pcall(call))
end

-- Strings that nothing but a table holds.
local serial = 0
local function fresh(text)
  serial = serial + 1
  return text .. ("%06d"):format(serial)
end

local function mail()
  return {
    from = fresh("sender") .. "@example.com",
    to = {
      fresh("first") .. "@example.com", { name = fresh("A name "), address = fresh("b") .. "@example.com" },
    },
    subject = fresh("subject "), text = fresh(("a line of the text\n"):rep(20)),
    headers = { ["X-Custom"] = fresh("value "), [7] = fresh("seven "), [1.5] = fresh("more "), [1e15] = "x" },
    attachments = { { filename = fresh("name.txt"), content = fresh(("content "):rep(30)) } },
  }
end

local function config(fields)
  local c = { host = "127.0.0.1", port = port, ignoreTLS = true, debug = true, name = fresh("host") }
  for k, v in pairs(fields or {}) do c[k] = v end
  return c
end

local function connector_config(content)
  local templates = {}
  for _, usage in ipairs({ "SignIn", "Register", "ForgotPassword", "Generic" }) do
    templates[#templates + 1] = { usageType = usage, contentType = fresh("text/plain"):sub(1, 10),
      subject = fresh("subject "), content = fresh(content or ("{{code}} " .. ("and more "):rep(20))) }
  end
  return { host = fresh("host.example"), port = 25, fromEmail = fresh("a@b.c"), templates = templates }
end

local told, untold = 0, 0
local function note(fine, info, err)
  if not fine then return false end          -- nothing had been done
  if info then
    assert(info.incomplete or #info.accepted + #info.rejected >= 1)
    told = told + 1
  else
    assert(type(err.code) == "string" and err.code ~= "ENOMEM" and err.delivery == "not_sent", err.message)
    untold = untold + 1
  end
  return true
end

local c = {}   -- what the finalizer can reach
local logger = function(record) c.record = record end

local function with_client(call)
  return function()
    c.client = assert(core.client(config(), { logger = logger }))
    return call
  end
end

local function with_engine(call)
  return function()
    c.engine = assert(core.engine())
    c.engine:setLogging(true)
    c.handle = assert(c.engine:configure(config()))
    return call
  end
end

local function drain()
  local seen = {}
  while pcall(c.client.pending, c.client) do
    for _, result in ipairs(c.client:poll(10)) do
      assert(not seen[result.id])
      seen[result.id] = true
      note(true, result.info, result.err)
    end
    if c.client:pending() == 0 then return end
  end
end

local function drain_engine(taken)
  local function each(results)
    for _, result in ipairs(results or {}) do
      if not result.verification then note(true, result.info, result.err) end
    end
  end
  each(taken)
  while c.engine do
    local fine, pending = pcall(c.engine.pending, c.engine)
    if not fine then return end
    each((c.engine:take()))
    if pending == 0 then return end
    clock.pass(0.002)
  end
end

-- A row answers the call to be made under the finalizer, and what looks at its answer.
local rows = {
  client = function() return function() return core.client(c.config, c.options) end end,
  ["client refused"] = function()
    c.config.templates = connector_config().templates
    c.config.port = fresh("no port ")
    return function() return core.client(c.config) end
  end,
  ["client unusable"] = function()
    c.config.tls = { ca = fresh("no certificate ") }
    return function() return core.client(c.config) end
  end,
  send = with_client(function() return c.client:send(c.mail) end),
  ["send refused"] = with_client(function()
    c.mail.to = { fresh("not an address ") }
    return c.client:send(c.mail)
  end),
  ["send rejected"] = with_client(function()
    c.mail.to[3] = fresh("refused") .. "@example.com"
    return c.client:send(c.mail)
  end),
  probe = with_client(function() return c.client:probe({ from = c.mail.from, to = c.mail.to }) end),
  submit = with_client(function() return c.client:submit(c.mail) end),
  poll = function()
    c.client = assert(core.client(config(), { logger = logger }))
    for _ = 1, 3 do assert(c.client:submit(mail())) end
    return function() return c.client:poll(10) end
  end,
  verify = with_client(function() return c.client:verify() end),
  stats = with_client(function() return c.client:stats() end),
  pending = with_client(function() return c.client:pending() end),
  setLogger = with_client(function() return c.client:setLogger(function() end) end),
  tostring = with_client(function() return tostring(c.client) end),
  close = function()
    c.client = assert(core.client(config(), { logger = logger }))
    assert(note(true, c.client:send(mail())))
    return function() return c.client:close() end
  end,
  -- what nobody holds any more, collected where there is no room on the stack either
  drop = function()
    local held = { assert(core.client(config())), assert(core.engine()) }
    held[1]:submit({ from = "a@example.com", to = "" })
    held[2]:configure(config())
    return coroutine.wrap(function()
      held[1], held[2] = nil, nil
      collectgarbage()
    end)
  end,
  service = function() return function() return core.service("gmail"), core.service() end end,
  version = function() return core.version end,
  validate = function() return function() return core.validate(c.connector) end end,
  ["validate refused"] = function()
    c.connector.templates[2].contentType = fresh("text/none")
    c.connector[fresh("unknown")] = fresh("x")
    c.connector.auth = { type = fresh("none"), user = {} }
    return function() return core.validate(c.connector) end
  end,
  render = function()
    return function()
      return core.render(c.template, c.payload, { escape = "html" })
    end
  end,
  compose = function() return function() return core.compose(c.mail) end end,
  ["compose refused"] = function()
    c.mail.to = fresh("nobody@")
    return function() return core.compose(c.mail) end
  end,
  addresses = function()
    return function() return core.addresses(fresh("A <a@b.c>, B: c@d.e, F <f@g.h>; ")) end
  end,
  visible = function() return function() return core.visible(fresh("text \27 "), "line") end end,
  mask = function()
    return function() return core.mask(fresh("the secret is s3cret "), { c.template }, c.config) end
  end,
  readLine = function()
    c.file = assert(io.open(arg[0]))
    return function() return core.process.readLine(c.file, 4096) end
  end,
  engine = function() return function() return core.engine({ maxQueue = 10 }) end end,
  configure = with_engine(function() return c.engine:configure(c.config) end),
  ["configure refused"] = with_engine(function()
    c.config.port = fresh("no port ")
    return c.engine:configure(c.config)
  end),
  ["engine:submit"] = with_engine(function() return c.engine:submit(c.handle, c.mail) end),
  ["engine:verify"] = with_engine(function() return c.engine:verify(c.handle) end),
  take = function()
    with_engine()()
    for _ = 1, 2 do assert(c.engine:submit(c.handle, mail())) end
    c.engine:verify(c.handle)
    clock.eventually(function() return c.engine:stats().sent >= 2 end)
    return function() return c.engine:take() end
  end,
  ["engine:stats"] = with_engine(function() return c.engine:stats() end),
  ["engine:pending"] = with_engine(function() return c.engine:pending() end),
  ["engine:path"] = with_engine(function() return c.engine:path() end),
  setLogging = with_engine(function() return c.engine:setLogging(false) end),
  forget = with_engine(function() return c.engine:forget(c.handle) end),
  ["engine:tostring"] = with_engine(function() return tostring(c.engine) end),
  ["engine:close"] = function()
    with_engine()()
    for _ = 1, 2 do assert(c.engine:submit(c.handle, mail())) end
    return function() return c.engine:close(10) end
  end,
}

-- What it answered is looked at when the collector is slow again.
local looks = {
  send = function(...) note(...) end,
  ["send refused"] = function(...) note(...) end,
  ["send rejected"] = function(...) note(...) end,
  probe = function(fine, info, err) assert(not fine or info or err.code) end,
  poll = function(fine, results)
    for _, result in ipairs(fine and results or {}) do note(true, result.info, result.err) end
  end,
  take = function(fine, results) drain_engine(fine and results) end,
  ["engine:close"] = function(fine, results) drain_engine(fine and results) end,
}

local function wipe(t)
  for k, v in pairs(t) do
    if type(v) == "table" then wipe(v) end
    t[k] = nil
  end
end

local close_engine = _VERSION == "Lua 5.4" and load("local engine <close> = ...")
  or function(engine) engine:close() end

local FAILURES = { once = 1, twice = 2, ever = 1e15 }

local actions = {
  close = function()
    if c.client then c.client:close() end
    if c.engine then close_engine(c.engine) end
    if c.file then c.file:close() end
  end,
  wipe = function()
    for _, name in ipairs({ "mail", "config", "connector", "payload", "options" }) do wipe(c[name]) end
    c.template = nil
    collectgarbage()
  end,
  raise = function() error("by a finalizer") end,
  again = function()
    if c.client then
      note(pcall(c.client.send, c.client, mail()))
      for _, result in ipairs(row_name ~= "poll" and c.client:poll(0) or {}) do
        note(true, result.info, result.err)
      end
    end
    if c.engine then c.engine:stats() end
    core.validate(connector_config())
    core.render("{{a}}", { a = fresh("x") })
    core.compose(mail())
  end,
}

-- Ends what is there, and tells of what was under way.
local function finish()
  if c.client and action ~= "close" then drain() end
  if c.client then c.client:close() end
  if c.engine and action ~= "close" then drain_engine() end
  if c.engine then pcall(c.engine.close, c.engine) end
  if c.file and io.type(c.file) == "file" then c.file:close() end
end

local n, places = 0, 0
repeat
  n = n + (n < EACH and 1 or n == EACH and turn or turns)
  for k in pairs(c) do c[k] = nil end
  c.mail, c.config, c.connector = mail(), config(), connector_config()
  local deep = { [9.5] = fresh("y"), list = { fresh("z") } }
  c.payload = { code = fresh("code "), [3] = fresh("x"), deep = deep }
  c.template, c.options = fresh("{{code}} {{3}} {{deep.list}} {{deep.9}} "), { logger = logger }
  local call = rows[row_name]()
  local function look(...)
    if looks[row_name] then looks[row_name](...) end
  end
  if FAILURES[action] then
    look(with_failure(n, FAILURES[action], call))
  else
    look(with_finalizer(n, actions[action], call))
  end
  places = math.max(places, count)
  finish()
until count < n or n >= MOST
assert(n < MOST)
io.write(("%d %d %d\n"):format(places, told, untold))
