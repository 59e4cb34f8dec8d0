-- SPDX-License-Identifier: MIT
-- How an inbox begins and ends: soon, beside others, and with nothing left behind, whatever happens to
-- whoever started it.
local certificate = require "logto_smtp.inbox.certificate"
local clock = require "spec.support.clock"
local net = require "spec.support.net"
local shell = require "spec.support.shell"
local testing = require "logto_smtp.testing"

local dir

before_each(function() dir = net.tmpdir() end)
after_each(function() net.remove_dir(dir) end)

-- Lua code in a process of its own, with a directory of kept certificates of its own.
local function run(code, mode)
  local paths = ("package.path=%q package.cpath=%q "):format(package.path, package.cpath)
  return net.run(("XDG_CACHE_HOME=%s/cache %s -e %s %s"):format(dir, shell.interpreter(),
    net.quote(paths .. code), mode or ""))
end

-- Busted on a spec file of this text; `$dir` stands for the directory.
local function busted(text, name)
  local path = ("%s/%s_spec.lua"):format(dir, name or "a")
  net.write_file(path, (text:gsub("%$dir", dir)))
  local lua = shell.interpreter()
  return ("XDG_CACHE_HOME=%s/cache %s spec/busted.lua -o plainTerminal %s"):format(dir, lua, path)
end

local function port_in(name)
  return tonumber((assert(net.read_file(dir .. "/" .. name))))
end

local function is_free_soon(port)
  return clock.eventually(function() return not net.is_open(port) end)
end

local BEGINNING = [[
local file = io.open("$dir/port", "w")
local inbox
local function begin()
  inbox = assert(require("logto_smtp.testing").startInbox())
  file:write(("%d"):format(inbox.port))
  file:close()
end
]]

describe("an inbox's port and process are gone", function()
  for what, text in pairs {
    ["after an error in setup"] = [[
      describe("x", function() setup(function() begin() error("oops") end) it("y", function() end) end)]],
    ["after an error in a spec that has no teardown"] = [[
      it("y", function() begin() error("oops") end)]],
    ["after os.exit in the middle"] = [[
      it("y", function() begin() os.exit(3) end)]],
    ["when the run is killed"] = [[
      it("y", function() begin() os.execute("kill -9 $PPID; sleep 0.05") end)]],
    ["when another process holds its connection"] = [[
      it("y", function()
        begin()
        os.execute("sleep 60 >/dev/null 2>&1 </dev/null & echo $! >$dir/sleeper")
        os.execute("kill -9 $PPID; sleep 0.05")
      end)]],
  } do
    it(what, function()
      local _, status = net.run(busted(BEGINNING .. text))
      assert.not_equal(0, status)
      local port = port_in("port")
      assert.is_true(port > 0 and is_free_soon(port))
    end)
  end
end)

describe("runs of busted at the same time", function()
  it("each have their inboxes, and make one certificate to share", function()
    local text = [[
      it("sends to both", function()
        local testing, smtp = require "logto_smtp.testing", require "logto_smtp"
        local one = assert(testing.startInbox())
        local two = assert(testing.startInbox { certificate = "self_signed" })
        local connector = smtp.createConnector {}
        for i = 1, 3 do
          local data = { to = "a@b.example", type = "SignIn", payload = { code = "12345" .. i } }
          assert(connector.sendMessage(data, one:config()))
        end
        assert.equal(3, #one:waitFor { n = 3 })
        assert.equal(0, #two:messages())
        require("logto_smtp.transport").default.close()
        one:stop()
        two:stop()
      end)]]
    local lines = {}
    for i = 1, 4 do lines[i] = busted(text, "run" .. i) .. (" >%s/out%d 2>&1 &"):format(dir, i) end
    net.run(table.concat(lines, "\n") .. "\nwait")
    for i = 1, 4 do
      assert.matches("1 success / 0 failures", net.read_file(("%s/out%d"):format(dir, i)), 1, true)
    end
    assert.equal("self_signed\nvalid", (net.run("ls -A " .. dir .. "/cache/logto-smtp")))
    assert.equal("700", (net.run("stat -c %a " .. dir .. "/cache/logto-smtp")))
    local kept = net.read_file(dir .. "/cache/logto-smtp/valid")
    assert.is_nil(kept:find("PRIVATE KEY.*PRIVATE KEY.*PRIVATE KEY"))
  end)
end)

describe("the certificates that are kept", function()
  local KEPT = [[local pair = require("logto_smtp.inbox.certificate").get("valid")
    io.write(pair.cert, pair.key)]]

  local function kept() return dir .. "/cache/logto-smtp/valid" end

  it("are used again", function()
    local first = run(KEPT)
    assert.matches("BEGIN CERTIFICATE.*BEGIN PRIVATE KEY", first)
    assert.equal(first, (run(KEPT)))
  end)

  for what, change in pairs {
    ["too old"] = function(text) return (text:gsub("^made %d+", "made " .. os.time() - 21 * 86400)) end,
    ["from the future"] = function(text) return (text:gsub("^made %d+", "made " .. os.time() + 1000)) end,
    ["cut short"] = function(text) return text:sub(1, -100) end,
    ["something else"] = function() return "hello\n" end,
    ["empty"] = function() return "" end,
  } do
    it("are made anew when the file is " .. what, function()
      local first = run(KEPT)
      net.write_file(kept(), change(net.read_file(kept())))
      local second = run(KEPT)
      assert.matches("BEGIN CERTIFICATE.*BEGIN PRIVATE KEY", second)
      assert.not_equal(first, second)
      assert.equal(second, (run(KEPT)))
    end)
  end

  it("are not needed: nothing is written without a home", function()
    local command = ("env -u XDG_CACHE_HOME -u HOME %s -e %s"):format(shell.interpreter(), net.quote(
      ("package.path=%q package.cpath=%q "):format(package.path, package.cpath) .. KEPT))
    assert.matches("BEGIN CERTIFICATE.*BEGIN PRIVATE KEY", (net.run(command)))
    net.write_file(dir .. "/cache", "no directory")
    assert.matches("BEGIN CERTIFICATE.*BEGIN PRIVATE KEY", (run(KEPT)))
  end)

  it("say what openssl says when it fails", function()
    local pair, err = certificate.make("valid", "NONSENSE:x")
    assert.is_nil(pair)
    assert.matches("cannot make a certificate with the openssl command: .*NONSENSE", err)
  end)
end)

describe("startInbox()", function()
  it("makes no certificate where there is one", function()
    local cert = certificate.get("valid").cert
    for _, tls in ipairs { "starttls", "none" } do
      local inbox = assert(testing.startInbox { tls = tls })
      inbox:stop()
    end
    assert.equal(cert, certificate.get("valid").cert)
  end)
end)
