-- SPDX-License-Identifier: MIT
-- A process that has no descriptor left: whatever that makes fail is told as EMFILE, and as nothing else.
-- Each case runs in a process of its own with 0, 1, 2, ... descriptors left, from where nothing can be done
-- to where all can, and once more when there are enough again.

local cjson = require("cjson")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local shell = require("spec.support.shell")
local token_endpoint = require("spec.support.token_endpoint")

local LIMIT, MOST = 100, 32

-- Answers true, or nil and what it was told.
local CASES = {
  ["core.client()"] = [[
    local client, err = core.client(config)
    if client then client:close() end
    return client ~= nil, err]],
  ["client:send()"] = [[
    client = client or prepare(function() return assert(core.client(config)) end)
    return client:send(mail)]],
  ["client:verify()"] = [[
    local one, err = core.client(config)
    if not one then return nil, err end
    local seen, why = one:verify()
    one:close()
    return seen, why]],
  ["connector.sendMessage()"] = [[
    connector = connector or logto.createConnector { getConfig = function() return config end }
    local data = { to = "a@example.com", type = "SignIn", payload = { code = "1" } }
    local info, err = connector.sendMessage(data)
    transport.close()
    if not info and err.code ~= "general" then error(err.message) end
    return info, info or err.cause]],
  ["core.engine()"] = [[
    local engine, err = core.engine { directory = directory }
    if not engine then return nil, err end
    engine:close()
    return true]],
  ["engine:submit()"] = [[
    engine = engine or prepare(function() return assert(core.engine { directory = directory }) end)
    handle = handle or assert(engine:configure(config))
    assert(engine:submit(handle, mail))
    local done = clock.eventually(function() return engine:take()[1] end)
    if done then return done.info, done.err end
    error("the engine answers nothing")]],
  ["doctor.examine()"] = [[
    local report = doctor.examine(config, { timeout = 5, probe = false, })
    for _, step in ipairs(report.steps) do
      if step.ok == false and step.err then return nil, step.err end
      if step.ok == false then return nil, { code = "?", message = step.name .. ": " .. step.detail } end
    end
    return true]],
}

-- What the module reads when it is first used is read before the descriptors are gone.
local PROGRAM = [[
local cjson = require("cjson")
core, mail, doctor = require("logto_smtp.core"), {}, require("logto_smtp.doctor")
logto, transport = require("logto_smtp"), require("logto_smtp.transport").default
clock = require("spec.support.clock")
local given = cjson.decode(io.open(arg[1]):read("*a"))
config, mail, directory = given.config, given.mail, given.directory
local held = {}
local function fill(left)
  while true do
    local file = io.open("/dev/null")
    if not file then break end
    held[#held + 1] = file
  end
  for _ = 1, left do table.remove(held):close() end
end
local function release()
  while #held > 0 do table.remove(held):close() end
end
function prepare(make)
  local n = #held
  release()
  local made = make()
  clock.pass(0.2) -- a thread of its own may still look round
  fill(given.left)
  return made
end
local run = assert((loadstring or load)(given.case))
fill(given.left)
local ok, result, err = pcall(run)
release()
local again, recovered, why = pcall(run)
print(cjson.encode {
  raised = not ok and tostring(result) or nil, done = ok and result and true or false,
  code = ok and not result and err.code or nil,
  message = ok and not result and (err.message or err[1].message) or nil,
  recovered = again and recovered and true or false,
  why = again and why and why.message or tostring(recovered),
})
os.exit(0)
]]

local function attempt(dir, case, config, left)
  net.write_file(dir .. "/case.json", cjson.encode {
    case = case, config = config, left = left, mail = mailing.mail(), directory = dir,
  })
  local command = ("ulimit -n %d; exec timeout 60 %s %s/program.lua %s/case.json")
    :format(LIMIT, shell.interpreter(), dir, dir)
  local text = net.run("bash -c " .. net.quote(command) .. " 2>&1")
  local fine, answer = pcall(cjson.decode, text:match("[^\n]*$") or "")
  return assert(fine and answer, text)
end

describe("without a descriptor left,", function()
  local dir, endpoint

  setup(function()
    dir = net.tmpdir()
    net.write_file(dir .. "/program.lua", PROGRAM)
    endpoint = token_endpoint.start()
  end)
  teardown(function()
    endpoint:stop()
    net.remove_dir(dir)
  end)
  after_each(mailing.stop)

  local function config_of(kind)
    local token = kind == "token"
    local users = { { user = "user@example.com", pass = "p4ss" } }
    for i = 1, 1000 do users[i + 1] = { user = "user@example.com", accessToken = "ya29.token-" .. i } end
    local inbox = mailing.inbox {
      tls = kind == "file" and "starttls" or "none", authInClear = true, requireAuth = false,
      auth = users, mechanisms = { "PLAIN", "XOAUTH2" },
    }
    local config = inbox:config { host = kind == "name" and "localhost" or nil }
    config.auth = token and endpoint:auth("hour") or { user = "user@example.com", pass = "p4ss" }
    if kind == "file" then
      net.write_file(dir .. "/ca.pem", config.tls.ca)
      config.tls.ca = dir .. "/ca.pem"
    end
    return config
  end

  local function check(name, kind)
    local config, done, lacked = config_of(kind), false, 0
    for left = 0, MOST do
      local got = attempt(dir, CASES[name], config, left)
      local said = ("%d left: %s %s"):format(left, tostring(got.code), got.raised or got.message or "")
      assert.is_nil(got.raised, said)
      if got.done then
        done = true
      else
        lacked = lacked + 1
        assert.equal("ESOCKET", got.code, said)
        assert.is_truthy(got.message:find("EMFILE", 1, true), said)
        assert.is_truthy(got.message:find("too many files open", 1, true), said)
        assert.is_nil(got.message:find("not valid", 1, true), said)
      end
      assert.is_true(got.recovered, ("%d left, then enough: %s"):format(left, got.why))
      if got.done and left > lacked + 2 then break end
    end
    assert.is_true(done)
    assert.is_true(lacked > 0)
  end

  -- what there is to look for: a name, the file of tls.ca, or a token at an endpoint over TLS
  for name, kinds in pairs({
    ["core.client()"] = { "file" }, ["client:send()"] = { "name", "file", "token" },
    ["client:verify()"] = { "name" }, ["connector.sendMessage()"] = { "file" },
    ["core.engine()"] = { "name" }, ["engine:submit()"] = { "file", "token" },
    ["doctor.examine()"] = { "name" },
  }) do
    for _, kind in ipairs(kinds) do
      it(("%s says so, with a %s to look for"):format(name, kind), function() check(name, kind) end)
    end
  end
end)
