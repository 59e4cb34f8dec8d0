-- SPDX-License-Identifier: MIT
local certificate = require("logto_smtp.inbox.certificate")
local chain = require("spec.support.chain")
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local postfix = require("spec.support.postfix")
local proxy = require("spec.support.proxy")

local pem = chain.get()
local dir = net.tmpdir()
for name, text in pairs(pem) do net.write_file(dir .. "/" .. name, text) end

teardown(function() net.remove_dir(dir) end)

local function stop()
  mailing.stop()
  proxy.stop()
end

local function contains(text, wanted)
  assert.is_true(text:find(wanted, 1, true) ~= nil, ("%q is not in %q"):format(wanted, text))
end

local function inbox_of(name, mode)
  return mailing.inbox({ tls = mode or "implicit",
    certificate = { cert = pem[name] .. pem.inter, key = pem[name .. ".key"], ca = pem.root } })
end

local function verify(inbox, tls, more)
  local config = { host = "127.0.0.1", port = inbox.port, secure = true, tls = tls }
  for k, v in pairs(more or {}) do config[k] = v end
  return mailing.client(config):verify()
end

-- What client(config) says of these tls options.
local function issue(tls, more)
  local config = { host = "127.0.0.1", port = 25, tls = tls }
  for k, v in pairs(more or {}) do config[k] = v end
  local client, issues = core.client(config)
  assert.is_nil(client)
  return issues[1].message
end

describe("check 27: tls.ca with a chain", function()
  after_each(stop)

  it("accepts the root, the intermediate, an array, and files", function()
    local inbox = inbox_of("server")
    local sources = { pem.root, pem.inter, { pem.client, pem.root }, dir .. "/root",
      { dir .. "/client", dir .. "/root" } }
    for _, ca in ipairs(sources) do assert(verify(inbox, { ca = ca })) end
  end)

  it("tells version, cipher, peer, issuer, expiry", function()
    local tls = assert(verify(inbox_of("server"), { ca = pem.root })).tls
    assert.equal("TLSv1.3", tls.version)
    assert.truthy(tls.cipher:find("^TLS_"))
    assert.equal("CN=server", tls.peer)
    assert.equal("CN=inter", tls.issuer)
    assert.truthy(tls.expires:find("^%d%d%d%d%-%d%d%-%d%dT"))
    assert.is_false(tls.resumed)
  end)

  it("tells what is wrong with it when the client is made", function()
    contains(issue({ ca = "/nowhere.pem" }), "tls.ca names a file that cannot be used: there is no such file")
    contains(issue({ ca = "/dev/zero" }), "it is no plain file")
    contains(issue({ ca = pem["root.crl"] }), "tls.ca must hold certificates")
    contains(issue({ ca = dir .. "/root" }, { disableFileAccess = true }), "disableFileAccess")
  end)
end)

describe("tls.crl", function()
  after_each(stop)

  local lists = { pem["root.crl"], pem["inter.crl"] }

  it("refuses a certificate that was revoked", function()
    local _, err = verify(inbox_of("revoked"), { ca = pem.root, crl = lists })
    assert.equal("ETLS", err.code)
    contains(err.message, "tls.crl says that the certificate was revoked (issuer: CN=inter)")
  end)

  it("accepts one that was not, from texts and files", function()
    assert(verify(inbox_of("server"), { ca = pem.root, crl = lists }))
    assert(verify(inbox_of("server"), { ca = pem.root, crl = { dir .. "/root.crl", dir .. "/inter.crl" } }))
    assert(verify(inbox_of("revoked"), { ca = pem.root }))
  end)

  it("tells whose list is missing", function()
    local _, err = verify(inbox_of("server"), { ca = pem.root, crl = pem["root.crl"] })
    contains(err.message, "tls.crl has no revocation list of CN=inter")
    contains(issue({ crl = pem.root }), "tls.crl must hold revocation lists")
  end)
end)

describe("a server that demands a certificate", function()
  local port

  before_each(function()
    local inbox = mailing.inbox({ tls = "none" })
    port = proxy.tls(inbox.port, pem.server .. pem.inter .. pem["server.key"], pem.root)
  end)
  after_each(stop)

  local ways = {
    ["cert and key"] = { cert = pem.client .. pem.inter, key = pem["client.key"] },
    ["files"] = { cert = dir .. "/client", key = dir .. "/client.key" },
    ["a locked key"] = { cert = pem.client, key = pem["client.locked"], passphrase = "key-pass" },
    ["key as {pem, passphrase}"] = { cert = { pem.client },
      key = { { pem = pem["client.locked"], passphrase = "key-pass" } } },
    ["pfx in base64"] = { pfx = pem["client.p12.base64"], passphrase = "pfx-pass" },
  }
  for name, tls in pairs(ways) do
    it("tls.cert, tls.key, tls.passphrase, tls.pfx: takes ours: " .. name, function()
      tls.ca = pem.root
      if tls.cert then tls.cert = name == "files" and dir .. "/both" or { pem.client .. pem.inter } end
      net.write_file(dir .. "/both", pem.client .. pem.inter)
      assert(verify({ port = port }, tls))
    end)
  end

  -- closing with our Finished unread resets the connection, and a reset can overtake the server's alert
  local function refusal(at, version, tls)
    tls.ca, tls.maxVersion = pem.root, version
    return clock.eventually(function()
      local _, why = verify({ port = at }, tls)
      return why.code == "ETLS" and why
    end) or {}
  end

  it("gets none: the message says what to give", function()
    local wanted = { ["TLSv1.2"] = "tls_nothing_common", ["TLSv1.3"] = "tls_client_certificate_wanted" }
    for version, reason in pairs(wanted) do
      local err = refusal(port, version, {})
      assert.equal(reason, err.reason)
      contains(err.message, "tls.cert")
    end
  end)

  for _, version in ipairs({ "TLSv1.2", "TLSv1.3" }) do
    it("gets one it does not know, or one that has expired, in " .. version, function()
      local stranger, expired = assert(certificate.make("valid")), assert(certificate.make("expired"))
      local err = refusal(port, version, { cert = stranger.cert, key = stranger.key })
      assert.equal("tls_client_certificate_refused", err.reason)
      local inbox = mailing.inbox({ tls = "none" })
      local other = proxy.tls(inbox.port, pem.server .. pem.inter .. pem["server.key"], expired.ca)
      err = refusal(other, version, { cert = expired.cert, key = expired.key })
      assert.equal("tls_client_certificate_refused", err.reason)
      contains(err.message, "certificate expired")
    end)
  end
end)

describe("tls options that cannot work are issues when the client is made", function()
  local rows = {
    { "another's key", { cert = pem.client, key = pem["server.key"] }, "tls.key does not belong" },
    { "no key at all", { cert = pem.client, key = pem.client }, "tls.key must hold a private key" },
    { "no certificate", { cert = pem["client.key"], key = pem["client.key"] },
      "tls.cert must hold certificates" },
    { "a locked key", { cert = pem.client, key = pem["client.locked"] },
      "give its passphrase as tls.passphrase" },
    { "a wrong passphrase", { cert = pem.client, key = pem["client.locked"], passphrase = "s3cret" },
      "tls.passphrase does not open tls.key" },
    { "a wrong passphrase of pfx", { pfx = pem["client.p12.base64"], passphrase = "s3cret" },
      "tls.passphrase does not open tls.pfx" },
    { "pfx without passphrase", { pfx = pem["client.p12.base64"] }, "give its passphrase" },
    { "no pfx", { pfx = ("MIIA"):rep(20) }, "tls.pfx must be PKCS #12" },
    { "ciphers nobody knows", { ciphers = "NO-SUCH" }, "tls.ciphers is not understood" },
    { "suites nobody knows", { ciphers = "TLS_NO_SUCH" }, "tls.ciphers is not understood" },
    { "curves nobody knows", { ecdhCurve = "no-such" }, "tls.ecdhCurve is not understood" },
    { "signatures nobody knows", { sigalgs = "no-such" }, "tls.sigalgs is not understood" },
    { "versions crossed", { minVersion = "TLSv1.3", maxVersion = "TLSv1.2" }, "tls.minVersion is above" },
    { "a key's text for a name", { cert = pem.client, key = "s3cret" }, "tls.key names a file" },
    { "of another runtime", { secureProtocol = "TLSv1_2_method" }, "tls.secureProtocol is refused" },
  }
  for _, row in ipairs(rows) do
    it(row[1], function()
      local message = issue(row[2])
      contains(message, row[3])
      assert.is_nil(message:find("s3cret", 1, true))
    end)
  end
end)

describe("what the handshake is made of", function()
  after_each(stop)

  it("tls.ciphers: a list up to TLS 1.2, suites of TLS 1.3", function()
    local inbox = inbox_of("server")
    local function cipher(list)
      local tls = assert(verify(inbox, { ca = pem.root, ciphers = list })).tls
      return tls.version .. " " .. tls.cipher
    end
    assert.equal("TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256", cipher("ECDHE-ECDSA-AES128-GCM-SHA256"))
    assert.equal("TLSv1.3 TLS_CHACHA20_POLY1305_SHA256", cipher("TLS_CHACHA20_POLY1305_SHA256"))
    local both = "TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"
    assert.equal("TLSv1.3 TLS_AES_128_GCM_SHA256", cipher(both))
  end)

  it("tls.ecdhCurve, tls.sigalgs and tls.ALPNProtocols are obeyed", function()
    local inbox = inbox_of("server")
    assert(verify(inbox, { ca = pem.root, ecdhCurve = "P-256", sigalgs = "ECDSA+SHA256",
      ALPNProtocols = { "smtp" } }))
    local _, err = verify(inbox, { ca = pem.root, sigalgs = "RSA-PSS+SHA256" })
    assert.equal("ETLS", err.code)
    contains(err.message, "tls.sigalgs")
  end)
end)

describe("check 26: opportunisticTLS", function()
  after_each(stop)

  local function start(overrides)
    local inbox, client = mailing.start({ tls = "starttls", auth = { user = "u", pass = "p" },
      authInClear = true, requireAuth = false }, overrides)
    inbox:nextReply({ at = "STARTTLS", code = 454, text = "4.7.0 not now" })
    return inbox, client:send(mailing.mail())
  end

  it("goes on in clear where STARTTLS is refused", function()
    local inbox, info = start({ opportunisticTLS = true })
    assert.is_table(info)
    assert.is_nil(info.tls)
    assert.is_false(inbox:messages()[1].tls)
  end)

  it("yields to requireTLS, and to a password that would leave this machine", function()
    for _, more in ipairs({ { requireTLS = true }, { host = "0.0.0.0" } }) do
      more.opportunisticTLS = true
      local inbox, info, err = start(more)
      assert.is_nil(info)
      assert.equal("ETLS", err.code)
      assert.equal(0, inbox:counters().auths)
    end
  end)

  it("still refuses a bad certificate", function()
    local inbox = inbox_of("server", "starttls")
    local _, err = verify(inbox, nil, { secure = false, opportunisticTLS = true })
    assert.equal("ETLS", err.code)
  end)
end)

describe("TLS sessions #e2e", function()
  it("are resumed by the next connection, after STARTTLS and with implicit TLS (Postfix)", function()
    local server, why = postfix.start()
    if not server then return pending(why) end
    for _, port in ipairs({ server.port, server.smtps_port }) do
      local client = mailing.client({ host = "127.0.0.1", port = port, secure = port == server.smtps_port,
        tls = { ca = server.ca }, maxMessages = 1,
        auth = { user = server.user .. "@mail.example", pass = server.pass } })
      local seen = {}
      for i = 1, 3 do seen[i] = assert(client:send(mailing.mail())).tls end
      assert.same({ false, true, true }, { seen[1].resumed, seen[2].resumed, seen[3].resumed })
      assert.equal(seen[1].peer, seen[2].peer)
    end
    mailing.stop()
    server:stop()
  end)
end)
