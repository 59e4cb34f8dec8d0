-- SPDX-License-Identifier: MIT
local certificate = require("logto_smtp.inbox.certificate")
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local shell = require("spec.support.shell")
local proxy = require("spec.support.proxy")

local function contains(text, wanted)
  assert.is_true(text:find(wanted, 1, true) ~= nil, ("%q is not in %q"):format(wanted, text))
end

local function url(scheme, port, login)
  return ("%s://%s127.0.0.1:%d"):format(scheme, login and login .. "@" or "", port)
end

local function stop()
  mailing.stop()
  proxy.stop()
end

-- What to do about a login that the proxy wants, by whether the config has one.
local function login_advice(login)
  if login then return "does not take the user and password in proxy: check them" end
  return "put user and password into proxy"
end

-- Sends through the proxy with TLS and a login, which proves that the line is whole.
local function delivers(proxy_url, overrides)
  local inbox = mailing.inbox({ auth = { user = "u", pass = "p" } })
  local config = inbox:config(overrides)
  config.proxy = proxy_url
  local client = mailing.client(config)
  for _ = 1, 2 do assert(client:send(mailing.mail())) end
  assert.equal(2, inbox:counters().messages)
  assert.equal(1, client:stats().connectionsOpened)
end

local function fails(proxy_url, overrides)
  local auth = { user = "u", pass = "mail-s3cret" }
  local config = { host = "127.0.0.1", port = 9, proxy = proxy_url, auth = auth }
  for k, v in pairs(overrides or {}) do config[k] = v end
  local info, err, span = clock.timed(function() return mailing.client(config):send(mailing.mail()) end)
  assert.is_nil(info)
  assert.is_nil((err.message .. tostring(err.response)):find("s3cret", 1, true))
  return err, span
end

describe("option proxy over HTTP (tinyproxy)", function()
  after_each(stop)

  it("carries a session", function() delivers(url("http", proxy.http())) end)

  it("logs in, with what is escaped in the URL", function()
    delivers(url("http", proxy.http("me s3cret"), "me:s3%63ret"))
  end)

  it("tells a wrong or a missing login with the proxy's words", function()
    local port = proxy.http("me s3cret")
    for _, login in ipairs({ "me:wrong-s3cret", false }) do
      local err = fails(url("http", port, login or nil))
      assert.equal("EPROXY", err.code)
      contains(err.message, "Invalid response from proxy: 40")
      contains(err.message, login_advice(login))
      assert.truthy(err.response:find("^HTTP/1%.%d 40[17] "))
    end
  end)

  it("tells that the proxy cannot reach the server", function()
    local err = fails(url("http", proxy.http()), { port = net.free_port() })
    assert.equal("EPROXY", err.code)
    contains(err.message, "check host and port")
  end)

  it("gives the same advice whatever the number by which a proxy asks for a login", function()
    for _, code in ipairs({ 401, 407 }) do
      local answer = ("printf 'HTTP/1.1 %d no\\r\\nContent-Length: 0\\r\\n\\r\\n'; cat"):format(code)
      for _, login in ipairs({ "me:s3cret", false }) do
        local err = fails(url("http", proxy.peer(answer), login or nil), { greetingTimeout = 5000 })
        contains(err.message, ("response from proxy: %d"):format(code))
        contains(err.message, login_advice(login))
      end
    end
  end)

  it("reads a greeting that comes in one piece with the answer to CONNECT", function()
    local port = proxy.peer([[read line
printf 'HTTP/1.1 200 OK\r\n\r\n220 glued ESMTP\r\n'
while read line; do case $line in EHLO*) printf '250 glued\r\n';; QUIT*) exit;; esac; done]])
    local client = mailing.client({ host = "127.0.0.1", port = 9, proxy = url("http", port) })
    local seen = assert(client:verify())
    assert.equal("220 glued ESMTP", seen.greeting)
  end)

  it("does not wait longer than greetingTimeout for a proxy that says nothing", function()
    local port = proxy.peer("cat >/dev/null")
    local err, span = fails(url("http", port), { greetingTimeout = 300, connectionTimeout = 300 })
    assert.equal("ETIMEDOUT", err.code)
    contains(err.message, "no answer from the proxy")
    span:at_least(300)
    span:ended()
  end)

  it("tells that nothing listens, or that it is no proxy", function()
    local err = fails(url("http", net.free_port()))
    assert.equal("EPROXY", err.code)
    contains(err.message, "connect ECONNREFUSED")
    assert.equal("EPROXY", fails(url("http", proxy.peer("printf 'x\\r\\n'"))).code)
  end)
end)

describe("proxy over HTTPS", function()
  after_each(stop)

  it("is verified, also where the server is not", function()
    local pair = assert(certificate.get("valid"))
    local inner = proxy.http()
    local port = proxy.tls(inner, pair.cert .. pair.key)
    delivers(url("https", port), { tls = { ca = { pair.ca, pair.ca } } })
    local err = fails(url("https", port), { tls = { rejectUnauthorized = false } })
    assert.equal("EPROXY", err.code)
    contains(err.message, "nothing this machine trusts")
  end)

  it("must be who it claims to be", function()
    local pair = assert(certificate.get("wrong_name"))
    local port = proxy.tls(proxy.http(), pair.cert .. pair.key)
    local err = fails(url("https", port), { tls = { ca = pair.ca } })
    assert.equal("EPROXY", err.code)
    contains(err.message, "not for 127.0.0.1; use a name it is for in proxy")
  end)
end)

describe("proxy over SOCKS", function()
  after_each(stop)

  for _, scheme in ipairs({ "socks5", "socks5h", "socks" }) do
    it(scheme .. " carries a session (microsocks)", function()
      delivers(url(scheme, proxy.socks5()), { host = "localhost" })
    end)
  end

  -- Dante takes the 0.0.0.1 that announces a name for an address, so this peer reads SOCKS 4a itself.
  it("socks4a lets the proxy look up the name", function()
    local port = proxy.peer([[exec python3 -c '
import os, select, socket
ask = os.read(0, 512)
assert ask[:2] == b"\x04\x01" and ask[4:7] == b"\0\0\0" and ask[7]
name = ask[8:].split(b"\0")[1].decode()
far = socket.create_connection((name, int.from_bytes(ask[2:4], "big")))
os.write(1, b"\0\x5a" + bytes(6))
while True:
    for fd in select.select([0, far], [], [])[0]:
        octets = os.read(0, 65536) if fd == 0 else far.recv(65536)
        if not octets: raise SystemExit
        far.sendall(octets) if fd == 0 else os.write(1, octets)
']])
    delivers(url("socks4a", port), { host = "localhost" })
  end)

  for _, scheme in ipairs({ "socks4", "socks5" }) do
    it(scheme .. " carries a session (dante)", function()
      delivers(url(scheme, proxy.dante()))
    end)
  end

  it("logs in, and tells a wrong login", function()
    local port = proxy.socks5("me s3cret")
    delivers(url("socks5", port, "me:s3cret"))
    for _, login in ipairs({ "me:wrong-s3cret", false }) do
      local err = fails(url("socks5", port, login or nil))
      assert.equal("EPROXY", err.code)
      contains(err.message, login_advice(login))
    end
  end)

  it("tells why the proxy gave no way", function()
    for _, scheme in ipairs({ "socks4", "socks5" }) do
      local err = fails(url(scheme, proxy.dante()), { port = 1 })
      assert.equal("EPROXY", err.code)
      contains(err.message, "The SOCKS proxy 127.0.0.1:")
    end
    contains(fails(url("socks5", proxy.socks5()), { port = net.free_port() }).message, "refused")
  end)

  it("does not wait for ever for one that says nothing", function()
    local limits = { greetingTimeout = 300, connectionTimeout = 300 }
    local err, span = fails(url("socks5", proxy.peer("cat >/dev/null")), limits)
    assert.equal("ETIMEDOUT", err.code)
    span:at_least(300)
    span:ended()
  end)
end)

describe("proxy in the config", function()
  after_each(stop)

  it("is refused by the guard where it is no proxy, without its password", function()
    for _, bad in ipairs({ "ftp://u:s3cret@h", "http://u:s3cret@", "socks4://u:s3cret@h", "h:3128" }) do
      local client, issues = core.client({ host = "h", port = 25, proxy = bad })
      assert.is_nil(client)
      assert.same({ "proxy" }, issues[1].path)
      assert.is_nil(issues[1].message:find("s3cret", 1, true))
    end
  end)

  it("that is elsewhere makes no loopback of the server's localhost: no password in clear", function()
    -- 0.0.0.0 reaches this machine, and is no loopback address by its looks
    local inbox = mailing.inbox({ tls = "none", auth = { user = "u", pass = "p" }, authInClear = true })
    local config = inbox:config({ proxy = ("http://0.0.0.0:%d"):format(proxy.http()) })
    local _, err = mailing.client(config):send(mailing.mail())
    assert.equal("ETLS", err.code)
    assert.equal(0, inbox:counters().auths)
  end)
end)

describe("check 40: proxies of the environment", function()
  after_each(stop)

  it("are not used", function()
    local inbox = mailing.inbox({ tls = "none" })
    local script = ([[
      local client = assert(require("logto_smtp.core").client({ host = "127.0.0.1", port = %d }))
      print(client:verify() and "reached")]]):format(inbox.port)
    local dead = ("http://127.0.0.1:%d"):format(net.free_port())
    local said = net.run(("ALL_PROXY=%s all_proxy=%s smtp_proxy=%s %s -e %s"):format(dead, dead, dead,
      net.quote(shell.interpreter()), net.quote(script)))
    contains(said, "reached")
  end)
end)
