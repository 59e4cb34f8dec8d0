-- SPDX-License-Identifier: MIT
-- The doctor, against servers that have each of the faults it knows.

local certificate = require("logto_smtp.inbox.certificate")
local cjson = require("cjson")
local clock = require("spec.support.clock")
local dnsmasq = require("spec.support.dnsmasq")
local doctor = require("logto_smtp.doctor")
local json = require("logto_smtp.util.json")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local postfix = require("spec.support.postfix")
local providers = require("logto_smtp.providers")
local shell = require("spec.support.shell")
local socket = require("socket")

local LOGIN = { user = "u", pass = "s3cret-pass" }

local dns

local RECORDS = {
  "host-record=mail.shop.example,127.0.0.1",
  "mx-host=shop.example,mx2.shop.example,20", "mx-host=shop.example,mx1.shop.example,10",
  "txt-record=shop.example,v=spf1 include:_spf.shop.example -all", "txt-record=shop.example,verification=1",
  "txt-record=_dmarc.shop.example,v=DMARC1; p=reject",
  "txt-record=k1._domainkey.shop.example,v=DKIM1; k=rsa; p=MIIB",
  "txt-record=two.example,v=spf1 -all", "txt-record=two.example,v=spf1 +all",
  "txt-record=open.example,v=spf1 +all", "txt-record=k1._domainkey.open.example,v=DKIM1; p=",
}
for _, host in ipairs({ "smtp.gmail.com", "smtp.office365.com", "email-smtp.eu-west-1.amazonaws.com",
  "smtp.qq.com", "smtp.163.com", "smtp.sendgrid.net", "smtpdm.aliyun.com", "smtp.mail.yahoo.com" }) do
  RECORDS[#RECORDS + 1] = "host-record=" .. host .. ",127.0.0.1"
end

setup(function() dns = dnsmasq.start(RECORDS) end)
teardown(function() dns:stop() end)
after_each(mailing.stop)

-- The steps of a report by name; of several of one name, the first that failed.
local function by_name(report)
  local out = {}
  for _, step in ipairs(report.steps) do
    if not out[step.name] or step.ok == false and out[step.name].ok ~= false then out[step.name] = step end
  end
  return out
end

local function failures(report)
  local out = {}
  for _, step in ipairs(report.steps) do
    if step.ok == false then out[#out + 1] = step.name end
  end
  return table.concat(out, " ")
end

local function examine(config, options)
  local all = { timeout = 60, resolver = dns.address }
  for k, v in pairs(options or {}) do all[k] = v end
  local report = doctor.examine(config, all)
  return report, by_name(report)
end

local function fault_of(id)
  for _, fault in ipairs(providers.FAULTS) do
    if fault.id == id then return fault end
  end
  error("no fault has the id " .. id)
end

-- The address of a DNS server that never answers.
local function silent_resolver()
  local silent = socket.udp4()
  finally(function() silent:close() end)
  assert(silent:setsockname("127.0.0.1", 0))
  local _, port = silent:getsockname()
  return ("127.0.0.1#%d"):format(port)
end

local function inbox_of(options)
  local all = { auth = LOGIN }
  for k, v in pairs(options or {}) do all[k] = v end
  return mailing.inbox(all)
end

describe("a server that is fine", function()
  it("gets ticks only", function()
    local inbox = inbox_of()
    local report, steps = examine(inbox:config({
      host = "mail.shop.example", tls = { servername = "localhost" }, fromEmail = "Shop <code@shop.example>",
    }))
    assert.are.equal("", failures(report))
    assert.is_true(report.ok)
    assert.are.equal("mail.shop.example is 127.0.0.1", steps.dns.detail)
    assert.are.equal("mx1.shop.example, mx2.shop.example", steps.mx.detail)
    assert.are.equal("v=spf1 include:_spf.shop.example -all", steps.spf.detail)
    assert.are.equal("v=DMARC1; p=reject", steps.dmarc.detail)
    assert.are.equal(("127.0.0.1:%d"):format(inbox.port), steps.tcp.detail)
    assert.are.equal("220 inbox.example ESMTP ready", steps.greeting.detail)
    assert.matches("AUTH PLAIN LOGIN", steps.ehlo.detail, 1, true)
    assert.matches("^TLSv1.3, .*\ncertificate 1: CN=localhost, issued by CN=Test CA", steps.tls.detail)
    assert.are.equal("PLAIN as u", steps.auth.detail)
    assert.matches("RCPT TO:<code@shop.example>: 250 2.1.5", steps.probe.detail, 1, true)
    for _, step in ipairs(report.steps) do
      assert.are.same({}, step.advice, step.name)
      assert.is_true(step.ms >= 0)
      if step.name ~= "dkim" then assert.is_true(step.ok, step.name) end
    end
    assert.are.equal(0, inbox:counters().messages)
  end)

  it("gets ticks too where only a second attempt can log in", function()
    for _, options in ipairs({ { mechanisms = { "CRAM-MD5" } }, { initialResponse = "ignored" } }) do
      local report, steps = examine(inbox_of(options):config())
      assert.are.equal("", failures(report))
      assert.matches(" as u$", steps.auth.detail)
    end
  end)

  it("is asked for another recipient, or for none", function()
    local inbox = inbox_of()
    local _, steps = examine(inbox:config(), { to = "ada@example.org" })
    assert.matches("RCPT TO:<ada@example.org>: 250", steps.probe.detail, 1, true)
    _, steps = examine(inbox:config(), { probe = false })
    assert.is_nil(steps.probe.ok)
    local asked = 0
    for _, connection in ipairs(inbox:connections()) do
      for _, command in ipairs(connection.commands) do asked = asked + (command.verb == "MAIL" and 1 or 0) end
    end
    assert.are.equal(1, asked)
  end)

  it("is examined with TLS from the first octet, without login and without TLS", function()
    assert.is_true(examine(inbox_of({ tls = "implicit" }):config()).ok)
    local report, steps = examine(mailing.inbox({ tls = "none" }):config())
    assert.is_true(report.ok)
    assert.are.equal("none: the connection is not encrypted", steps.tls.detail)
    assert.are.equal("no login: the config has none", steps.auth.detail)
  end)

  it("may have addresses that do not answer", function()
    local inbox = inbox_of()
    local report = doctor.examine(inbox:config({ host = "localhost" }), { timeout = 60 })
    assert.is_true(report.ok)
  end)

  it("tells the steps as they end", function()
    local told, begun = {}, {}
    local report = examine(inbox_of():config(), {
      onBegin = function(name) begun[#begun + 1] = name end,
      onStep = function(step) told[#told + 1] = step end,
    })
    assert.are.same(report.steps, told)
    assert.are.equal("config", begun[1])
  end)
end)

describe("the sender's domain", function()
  local function steps_of(domain, more)
    local inbox = inbox_of()
    local overrides = { fromEmail = "code@" .. domain }
    for k, v in pairs(more or {}) do overrides[k] = v end
    local report, steps = examine(inbox:config(overrides))
    assert.is_true(report.ok)
    return steps
  end

  local function signing(domain)
    local key = net.run("openssl genrsa 1024 2>/dev/null")
    return { dkim = { domainName = domain, keySelector = "k1", privateKey = key } }
  end

  it("is looked up in the form that DNS knows, however it is written", function()
    for _, domain in ipairs({ "nöthing.example", "NÖTHING。example", "nothing.example." }) do
      assert.are.equal("none", steps_of(domain).mx.detail)
    end
  end)

  it("is warned of what is missing", function()
    local steps = steps_of("nothing.example")
    for _, name in ipairs({ "mx", "spf", "dmarc" }) do
      assert.are.equal("none", steps[name].detail)
      assert.are.equal(1, #steps[name].advice)
    end
  end)

  it("is warned of two SPF records, of one that lets everybody, and of keys that are not there", function()
    assert.matches("merge the 2 SPF records", steps_of("two.example").spf.advice[1], 1, true)
    local steps = steps_of("open.example", signing("open.example"))
    assert.matches("anyone may send as open.example", steps.spf.advice[1], 1, true)
    assert.matches("revoked", steps.dkim.advice[1], 1, true)
    assert.are.equal("none", steps_of("two.example", signing("two.example")).dkim.detail)
    assert.are.equal("the key is published", steps_of("shop.example", signing("shop.example")).dkim.detail)
  end)

  it("has the DMARC policy of the domain above it", function()
    assert.are.equal("v=DMARC1; p=reject", steps_of("mail.shop.example").dmarc.detail)
  end)

  it("is not checked when the resolver is silent, and that does not take long", function()
    local report, steps, span = clock.timed(function()
      return examine(inbox_of():config(), { resolver = silent_resolver(), timeout = 1 })
    end)
    span:ended()
    assert.is_true(report.ok)
    for _, name in ipairs({ "mx", "spf", "dmarc" }) do
      assert.are.equal("not checked: the resolver does not answer", steps[name].detail)
    end
  end)

  it("is not checked without lua-unbound", function()
    local loaded = package.loaded.lunbound
    package.loaded.lunbound = nil
    package.preload.lunbound = function() error("module 'lunbound' not found") end
    local report = doctor.examine(inbox_of():config({ host = "localhost" }), { timeout = 60 })
    package.preload.lunbound, package.loaded.lunbound = nil, loaded
    assert.is_true(report.ok)
    local steps = by_name(report)
    assert.are.equal("not checked: install lua-unbound", steps.mx.detail)
    assert.matches("127.0.0.1", steps.dns.detail, 1, true)
  end)
end)

describe("a config", function()
  it("that is not valid goes no further, and one that is gets advice", function()
    local report, steps = examine({ host = "x" })
    assert.are.equal("config", failures(report))
    assert.is_true(#steps.config.issues > 0)
    assert.is_true(steps.probe.skipped)
    assert.are.equal(13, #report.steps)
    report, steps = examine(inbox_of():config({ connectionTimeout = 30 }))
    assert.is_true(report.ok)
    assert.matches("connectionTimeout counts milliseconds", steps.advice.advice[1], 1, true)
  end)

  it("that no client can be made of is told as one that is not valid", function()
    local report, steps = examine(inbox_of():config({ auth = { user = "u", pass = "p", method = "ROT13" } }))
    assert.are.equal("config", failures(report))
    assert.are.same({ "auth", "method" }, steps.config.issues[1].path)
  end)

  it("whose sender has no address fails at the probe", function()
    local report, steps = examine(inbox_of():config({ fromEmail = "My App" }))
    assert.are.equal("probe", failures(report))
    assert.are.equal("fromEmail holds no mail address", steps.probe.detail)
    assert.are.equal("not checked: the sender has no domain", steps.mx.detail)
  end)

  it("with a proxy is examined through it", function()
    local report, steps = examine(inbox_of():config({ proxy = "http://127.0.0.1:1" }))
    assert.are.equal("proxy", failures(report))
    assert.is_nil(steps.dns.ok)
  end)
end)

-- What goes wrong on the way to the server and in TLS, with the server that does it. Each row: the fault, the
-- step that fails, and what sets it up: it answers the config, and options where they matter.
local WAYS = {
  { "secure_on_clear_port", "tls", function() return inbox_of():config({ secure = true }) end },
  { "clear_on_tls_port", "greeting", function()
    return inbox_of({ tls = "implicit" }):config({ secure = false, greetingTimeout = 300 })
  end },
  { "no_greeting", "greeting", function()
    return inbox_of({ script = { { at = "CONNECT", drop = "before", times = "always" } } }):config()
  end },
  { "silence", "greeting", function()
    local inbox = inbox_of({ tls = "none", script = { { at = "CONNECT", silent = true, times = "always" } } })
    return inbox:config({ greetingTimeout = 300 })
  end },
  { "refused", "tcp", function() return inbox_of():config({ port = net.free_port() }) end },
  { "no_answer", "tcp", function()
    local port, release = net.blackhole()
    finally(release)
    return inbox_of():config({ port = port }), { timeout = 1 }
  end },
  { "dns", "dns", function() return inbox_of():config({ host = "nowhere.example" }) end },
  { "resolver_silent", "dns", function()
    return inbox_of():config({ host = "mail.shop.example" }), { resolver = silent_resolver(), timeout = 1 }
  end },
  { "certificate_expired", "tls", function() return inbox_of({ certificate = "expired" }):config() end },
  { "certificate_name", "tls", function() return inbox_of({ certificate = "wrong_name" }):config() end },
  { "certificate_untrusted", "tls", function()
    return inbox_of({ certificate = "self_signed" }):config()
  end },
  { "certificate_untrusted", "tls", function()
    local inbox = inbox_of({ tls = "implicit" })
    return inbox:config({ tls = { ca = assert(certificate.make("valid")).ca } })
  end },
  { "tls_version", "tls", function()
    return inbox_of({ tlsProtocol = "tlsv1_2" }):config({ tls = { minVersion = "TLSv1.3" } })
  end },
  { "no_starttls", "tls", function() return inbox_of({ tls = "none" }):config({ requireTLS = true }) end },
  { "auth_needs_tls", "auth", function() return inbox_of():config({ ignoreTLS = true }) end },
  { "no_mechanism", "auth", function() return inbox_of({ mechanisms = { "XOAUTH2" } }):config() end },
  { "turned_away", "greeting", function()
    return inbox_of({ script = { { at = "CONNECT", code = 554, text = "5.7.1 blocked using a list",
      times = "always" } } }):config()
  end },
}

describe("the way to the server:", function()
  for i, row in ipairs(WAYS) do
    it(("%s (%d) fails at %s, by its name"):format(row[1], i, row[2]), function()
      local config, options = row[3]()
      local report, steps = examine(config, options)
      local fault = fault_of(row[1])
      assert.are.equal(row[2], failures(report))
      assert.are.equal(fault.name, steps[row[2]].fault)
      assert.are.same({ fault.try }, steps[row[2]].advice)
      assert.is_true(steps.probe.skipped)
    end)
  end

  it("shows the chain of a certificate that is not taken", function()
    local _, steps = examine(inbox_of({ certificate = "self_signed" }):config())
    assert.are.equal("CN=localhost", steps.tls.chain[1].issuer)
    assert.matches("certificate 1: CN=localhost, issued by CN=localhost, until 20", steps.tls.detail, 1, true)
  end)

  it("takes another look where the certificate is at fault alone", function()
    local function looks(options, overrides)
      local inbox = inbox_of(options)
      local _, steps = examine(inbox:config(overrides))
      assert.is_false(steps.tls.ok)
      return #inbox:connections()
    end
    assert.are.equal(looks({}, { secure = true }) + 1, looks({ certificate = "expired" }))
  end)

  it("gives no password away for a look at the certificate", function()
    local inbox = inbox_of({ certificate = "self_signed" })
    examine(inbox:config())
    for _, connection in ipairs(inbox:connections()) do
      for _, command in ipairs(connection.commands) do assert.are_not.equal("AUTH", command.verb) end
    end
  end)

  it("a port 25 that does not answer is told as blocked", function()
    for _, err in ipairs({ { code = "ETIMEDOUT", reason = "timeout_connect", message = "Connection timeout" },
      { code = "ESOCKET", reason = "connection_refused", message = "connect ECONNREFUSED 192.0.2.1:25" } }) do
      assert.are.equal("port_25", providers.diagnose(err, { host = "mail.example.com", port = 25 }).id)
    end
    local silence = { code = "ETIMEDOUT", reason = "timeout_greeting", message = "Greeting never received" }
    local clear = { host = "x", port = 465, secure = false }
    assert.are.equal("clear_on_465", providers.diagnose(silence, clear).id)
    assert.are.equal("silence", providers.diagnose(silence, { host = "x", port = 587 }).id)
  end)
end)

-- What servers say, in their own words: the fault, the step that fails, the host, where it is said, the code
-- and the lines.
local WORDS = {
  { "gmail_app_password", "auth", "smtp.gmail.com", "AUTH", 535, {
    "5.7.8 Username and Password not accepted. For more information, go to",
    "5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-42f - gsmtp" } },
  { "gmail_app_password", "auth", "smtp.gmail.com", "AUTH", 534, {
    "5.7.9 Application-specific password required. For more information, go to",
    "5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor 5b1f17b1804b1-42f - gsmtp" } },
  { "too_many_logins", "auth", "smtp.gmail.com", "AUTH", 454, {
    "4.7.0 Too many login attempts, please try again later. For more information, go to",
    "4.7.0  https://support.google.com/mail/answer/7126229 - gsmtp" } },
  { "ehlo_name", "ehlo", "smtp.gmail.com", "EHLO", 501, {
    '5.5.4 HELO/EHLO argument "내-앱" invalid, closing connection.',
    "5.5.4  https://support.google.com/mail/?p=helo 5b1f17b1804b1-42f - gsmtp" } },
  { "office365_smtp_auth_off", "auth", "smtp.office365.com", "AUTH", 535, {
    "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit "
      .. "https://aka.ms/smtp_auth_disabled for more information. [AM0PR02.eurprd02.prod.outlook.com]" } },
  { "office365_not_logged_in", "probe", "smtp.office365.com", "MAIL", 530, {
    "5.7.57 Client not authenticated to send mail. [AM0PR02CA0001.eurprd02.prod.outlook.com]" } },
  { "sender_not_yours", "probe", "smtp.office365.com", "MAIL", 550, {
    "5.7.60 SMTP; Client does not have permissions to send as this sender" } },
  { "ses_sandbox", "probe", "email-smtp.eu-west-1.amazonaws.com", "RCPT", 554, {
    "Message rejected: Email address is not verified. The following identities failed the check in region "
      .. "EU-WEST-1: a@example.com" } },
  { "ses_credentials", "auth", "email-smtp.eu-west-1.amazonaws.com", "AUTH", 535, {
    "Authentication Credentials Invalid" } },
  { "rate", "probe", "email-smtp.eu-west-1.amazonaws.com", "MAIL", 454, {
    "Throttling failure: Maximum sending rate exceeded." } },
  { "qq_authorization_code", "auth", "smtp.qq.com", "AUTH", 535, {
    "Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, "
      .. "or system is busy. More information at https://help.mail.qq.com/detail/108/1023" } },
  { "netease_authorization_code", "auth", "smtp.163.com", "AUTH", 535, { "Error: authentication failed" } },
  { "netease_authorization_code", "auth", "smtp.163.com", "AUTH", 550, { "User has no permission" } },
  { "sender_not_yours", "probe", "smtp.163.com", "MAIL", 553, { "Mail from must equal authorized user" } },
  { "sendgrid_apikey", "auth", "smtp.sendgrid.net", "AUTH", 535, {
    "Authentication failed: The provided authorization grant is invalid, expired, or revoked" } },
  { "sender_not_verified", "probe", "smtp.sendgrid.net", "MAIL", 550, {
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is "
      .. "resolved." } },
  { "aliyun_smtp_password", "auth", "smtpdm.aliyun.com", "AUTH", 526, { "Authentication failure[0]" } },
  { "sender_not_yours", "probe", "smtpdm.aliyun.com", "MAIL", 440, {
    "mail from account doesn't conform with authentication (Auth Account:a@example.com|Mail Account:b)" } },
  { "app_password", "auth", "smtp.mail.yahoo.com", "AUTH", 535, {
    "5.7.0 (#AUTH005) Too many bad auth attempts." } },
  { "relay_denied", "probe", "mail.shop.example", "RCPT", 550, { "relay not permitted" } },
  { "relay_denied", "probe", "mail.shop.example", "RCPT", 550, {
    "5.7.54 SMTP; Unable to relay recipient in non-accepted domain" } },
  { "sender_not_yours", "probe", "mail.shop.example", "RCPT", 553, {
    "5.7.1 <a@example.com>: Sender address rejected: not owned by user u" } },
  { "greylisting", "probe", "mail.shop.example", "RCPT", 450, {
    "4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/" } },
  { "starttls_first", "probe", "mail.shop.example", "MAIL", 530, {
    "5.7.0 Must issue a STARTTLS command first" } },
  { "login_first", "probe", "mail.shop.example", "MAIL", 530, { "5.7.0 Authentication required" } },
  { "too_many_logins", "greeting", "mail.shop.example", "CONNECT", 421, {
    "4.7.0 mail.shop.example Error: too many connections from 192.0.2.1" } },
  { "login", "auth", "mail.shop.example", "AUTH", 535, { "5.7.8 Error: authentication failed" } },
  { "later", "probe", "mail.shop.example", "RCPT", 451, { "4.3.0 Temporary lookup failure" } },
}

local EXIT = { auth = "77", probe = "69", ehlo = "76", greeting = "76" }

describe("what servers say:", function()
  local function config_for(row)
    local inbox = inbox_of()
    for _, at in ipairs({ row[4], row[4] == "EHLO" and "HELO" or nil }) do
      inbox:nextReply({ at = at, code = row[5], text = row[6], times = "always" })
    end
    return inbox:config({ host = row[3], tls = { servername = "localhost" } }), inbox
  end

  for _, row in ipairs(WORDS) do
    it(("%s is known by %d %s"):format(row[1], row[5], row[6][1]), function()
      local report, steps = examine((config_for(row)))
      local fault = fault_of(row[1])
      assert.are.equal(row[2], failures(report))
      assert.are.equal(fault.name, steps[row[2]].fault)
      assert.are.equal(fault.try, steps[row[2]].advice[1])
      assert.matches(row[6][1], steps[row[2]].detail, 1, true)
      assert.is_nil(json.encode(report):find(LOGIN.pass, 1, true))
    end)
  end

  it("the command prints it, exits accordingly, and tells no secret", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    for _, n in ipairs({ 1, 4, 5, 20, 23 }) do
      local row = WORDS[n]
      local config = config_for(row)
      net.write_file(path, cjson.encode(config))
      local line = ("bin/logto-smtp check %s --timeout 60 --resolver '%s'"):format(path, dns.address)
      local text = shell.run(line)
      assert.matches("\n  ✗ " .. row[2], text, 1, true)
      assert.matches("this is: " .. fault_of(row[1]).name, text, 1, true)
      assert.matches("try: " .. fault_of(row[1]).try, text, 1, true)
      local code = row[5] < 500 and "75" or EXIT[row[2]]
      assert.matches("the way is blocked\nexit " .. code .. "\n", text, 1, true)
      assert.is_nil(text:find("s3cret", 1, true))
      assert.is_nil(text:find("\27", 1, true))
    end
  end)

  it("`test` names it, too", function()
    local inbox = inbox_of()
    local config = inbox:config()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    net.write_file(path, cjson.encode(config))
    inbox:nextReply({ at = "CONTENT", code = 554, text = WORDS[8][6] })
    local text = shell.run("bin/logto-smtp test " .. path .. " --to ada@example.org")
    assert.matches("this is: " .. fault_of("ses_sandbox").name, text, 1, true)
    assert.matches("see: " .. fault_of("ses_sandbox").source, text, 1, true)
    assert.matches("exit 69\n", text, 1, true)
  end)
end)

describe("a login that a service refuses for an unknown reason", function()
  it("is told what the service wants", function()
    local err = { code = "EAUTH", command = "AUTH PLAIN", responseCode = 535, message = "Invalid login" }
    local known = providers.diagnose(err, { host = "smtp-relay.brevo.com", port = 587 })
    assert.are.equal("Brevo refused the login", known.name)
    assert.are.equal("at Brevo `auth.user` is <smtp-login>, and `auth.pass` <smtp-key>", known.try)
    assert.are.equal(providers.get("brevo").source, known.source)
  end)
end)

describe("every fault", function()
  local fields = { "at", "error", "reason", "reply", "enhanced", "command", "port", "text" }

  it("has an id of its own, something to try, and a source when it has a name", function()
    local seen = {}
    for _, fault in ipairs(providers.FAULTS) do
      assert.is_nil(seen[fault.id], fault.id)
      seen[fault.id] = true
      assert.is_string(fault.try)
      if fault.name and not fault.at then assert.matches("^https://", fault.source) end
      for _, field in ipairs(fields) do assert.is_true(fault[field] == nil or #fault[field] > 0) end
      for _, id in ipairs(fault.at or {}) do assert.is_table(providers.get(id), id) end
    end
  end)

  it("with a name is in one of the tables here", function()
    local proven = { port_25 = true, clear_on_465 = true }
    for _, rows in ipairs({ WAYS, WORDS }) do
      for _, row in ipairs(rows) do proven[row[1]] = true end
    end
    local missing = {}
    for _, fault in ipairs(providers.FAULTS) do
      if fault.name and not proven[fault.id] then missing[#missing + 1] = fault.id end
    end
    assert.are.same({ "token_refused", "unreachable", "descriptors", "unanswered",
      "certificate_not_yet_valid" }, missing)
    local token = { code = "EAUTH", reason = "token_refused", command = "AUTH XOAUTH2", responseCode = 535,
      message = "x" }
    assert.are.equal("token_refused", providers.diagnose(token, { host = "smtp.gmail.com", port = 465 }).id)
    local unreachable = { code = "ESOCKET", reason = "unreachable",
      message = "connect ENETUNREACH 2001:db8::1:587" }
    assert.are.equal("unreachable", providers.diagnose(unreachable, { host = "x", port = 587 }).id)
    local lack = { code = "ESOCKET", reason = "no_descriptor",
      message = "connect EMFILE x; this process has too many files open" }
    assert.are.equal("descriptors", providers.diagnose(lack, { host = "x", port = 25 }).id)
    local unanswered = { code = "ESOCKET", reason = "connect_unanswered", message = "connect ETIMEDOUT" }
    assert.are.equal("unanswered", providers.diagnose(unanswered, { host = "x", port = 587 }).id)
    local early = { code = "ETLS", reason = "tls_not_yet_valid", message = "x" }
    assert.are.equal("certificate_not_yet_valid", providers.diagnose(early, { host = "x" }).id)
  end)
end)

describe("logto-smtp check", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  local function run(config, more)
    net.write_file(path, cjson.encode(config))
    local line = "bin/logto-smtp check %s --timeout 60 --resolver '%s' %s"
    return shell.run(line:format(path, dns.address, more or ""))
  end

  it("prints a tick for each step and exits with 0", function()
    local text = run(inbox_of():config({ fromEmail = "code@shop.example" }))
    local ticks = {}
    for name in text:gmatch("  ✓ (%w+) +[^\n]+  %d+ ms\n") do ticks[#ticks + 1] = name end
    assert.are.equal("config advice dns mx spf dmarc tcp greeting ehlo tls auth probe",
      table.concat(ticks, " "))
    assert.matches("the way is clear\nexit 0\n", text, 1, true)
  end)

  it("prints what the docs show", function()
    local wanted = net.read_file("docs/command.md"):match("\n```text\n%$ logto%-smtp check [^\n]+\n(.-)```\n")
    local pair = assert(certificate.make("expired", "DNS:mail.shop.example"))
    local inbox = inbox_of({ certificate = pair, name = "mail.shop.example" })
    local text = run(inbox:config({ host = "mail.shop.example", fromEmail = "code@shop.example" }))
    -- what is not the same in every run: times, dates, addresses, and the names of test certificates
    local function plain(said)
      said = said:gsub("%d+ ms", "N ms"):gsub("%d+%-%d+%-%d+T%d+:%d+:%d+Z", "DATE")
      return (said:gsub("%d+%.%d+%.%d+%.%d+", "IP"):gsub("IP:%d+", "IP:PORT"):gsub("CN=[^\n,]+", "CN=NAME"))
    end
    assert.are.equal(plain(wanted) .. "exit 76\n", plain(text))
  end)

  it("prints one object with --json, and nothing with --quiet", function()
    local inbox = inbox_of({ certificate = "expired" })
    local text = run(inbox:config(), "--json")
    local object = cjson.decode(text:match("^[^\n]+"))
    assert.is_false(object.ok)
    local steps = by_name(object)
    assert.is_true(steps.ehlo.ok)
    assert.are.equal("ETLS", steps.tls.code)
    assert.are.equal(cjson.null, steps.probe.ok)
    assert.are.equal(fault_of("certificate_expired").name, steps.tls.fault)
    assert.are.equal("exit 76\n", text:match("\n(.*)$"))
    assert.are.equal("exit 76\n", run(inbox:config(), "--quiet"))
  end)

  it("prints the issues of a config, and exits with 78", function()
    local text = run({ host = "x", port = "smtp" })
    assert.matches("✗ config   4 issues", text, 1, true)
    assert.matches("port: Expected number, received string; write a number", text, 1, true)
    assert.matches("skipped   advice, dns, mx,", text, 1, true)
    assert.matches("exit 78\n", text, 1, true)
  end)

  it("exits with 68 for an unknown host, with 75 for a closed port", function()
    local inbox = inbox_of()
    assert.matches("exit 68\n", run(inbox:config({ host = "nowhere.example" })), 1, true)
    assert.matches("exit 75\n", run(inbox:config({ port = net.free_port() })), 1, true)
  end)

  it("shows colours and what is under way on a terminal, and no colours with NO_COLOR", function()
    net.write_file(path, cjson.encode(inbox_of():config({ port = net.free_port() })))
    local line = net.quote(shell.interpreter()) .. " bin/logto-smtp check " .. path
    local function on_terminal(environment)
      local pty = "env -u NO_COLOR TERM=xterm %s script -qec %s /dev/null"
      return (net.run(pty:format(environment, net.quote(line))))
    end
    local text = on_terminal("")
    assert.matches("  \27[32m✓\27[0m config", text, 1, true)
    assert.matches("  \27[31m✗\27[0m tcp", text, 1, true)
    assert.matches("\27[2m… dns\27[0m\r\27[K", text, 1, true)
    assert.is_nil(on_terminal("NO_COLOR=1"):find("\27", 1, true))
  end)

  it("shows the conversation with -v, without secrets", function()
    local text = run(inbox_of():config(), "-v")
    assert.matches("AUTH PLAIN /* secret */", text, 1, true)
    assert.matches("RSET", text, 1, true)
    assert.is_nil(text:find(LOGIN.pass, 1, true))
  end)

  it("wants a time limit and a resolver that are some", function()
    for _, options in ipairs({ "--timeout 0", "--timeout x", "--resolver dns.example", "--resolver 1:x" }) do
      assert.matches("exit 64\n", run({}, options), 1, true)
    end
  end)
end)

describe("Postfix #e2e", function()
  it("that relays for nobody it does not know is told so, and the login helps", function()
    local server, err = postfix.start({ own_domain = "shop.example" })
    if not server then return pending(err) end
    finally(function() server:stop() end)
    local inbox = mailing.inbox()
    local config = inbox:config({ host = server.host, port = server.port, tls = { ca = server.ca } })
    local report, steps = examine(config, { to = "ada@example.org" })
    assert.are.equal("probe", failures(report))
    assert.are.equal(fault_of("relay_denied").name, steps.probe.fault)
    assert.matches("Relay access denied", steps.probe.detail, 1, true)
    config.auth = { user = server.user, pass = server.pass }
    assert.are.equal("", failures((examine(config, { to = "ada@example.org" }))))
  end)
end)
