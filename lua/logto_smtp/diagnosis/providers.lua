-- SPDX-License-Identifier: MIT
--- Mail services: where each one listens, what it wants as user and password, and advice on configs that
-- pass the guard and will not work all the same.
--
-- One table holds what is known of each service; `source` says where to check it. Another, logto_smtp.diagnosis.faults,
-- holds how the well-known faults look. Nothing here connects.

local advise = require("logto_smtp.diagnosis.advice")
local core = require("logto_smtp.core")
local errors = require("logto_smtp.errors")
local faults = require("logto_smtp.diagnosis.faults")
local tables = require("logto_smtp.util.tables")

local M = {}

---@class logto_smtp.Provider
---@field id string        what get() and the command's --provider take
---@field name string
---@field aliases string[]
---@field host string      "<...>" marks a part to fill in
---@field hosts string[]   Lua patterns: hosts that belong to this service
---@field port integer
---@field secure boolean   true: TLS from the first octet; false: STARTTLS, demanded by requireTLS
---@field ports {port: integer, secure: boolean}[]  every pair that works, the recommended one first
---@field user string      what auth.user is, as an example value
---@field pass string      what auth.pass is, as an example value
---@field from? "user"     the sender's address must be auth.user (or an alias that the service knows)
---@field userIs? string   the only value that auth.user can have
---@field passStarts? string  how every auth.pass begins
---@field notes string[]
---@field source string

-- Pairs of port and `secure`.
local function tls(...)
  local out = {}
  for i, port in ipairs({ ... }) do out[i] = { port = port, secure = true } end
  return out
end

local function ports(implicit, starttls, starttls_first)
  local first, second = implicit, {}
  for i, port in ipairs(starttls) do second[i] = { port = port, secure = false } end
  if starttls_first then first, second = second, first end
  local out = {}
  for _, pair in ipairs(first) do out[#out + 1] = pair end
  for _, pair in ipairs(second) do out[#out + 1] = pair end
  return out
end

local PROVIDERS = {
  {
    id = "gmail", name = "Gmail", aliases = { "google", "googlemail", "google-workspace" },
    host = "smtp.gmail.com", hosts = { "^smtp%.gmail%.com$", "^smtp%.googlemail%.com$" },
    ports = ports(tls(465), { 587 }),
    user = "<your-address>@gmail.com", pass = "<16-character-app-password>", from = "user",
    notes = {
      "Use an app password (Google Account, Security, 2-Step Verification) or OAuth 2.0, not the account's own.",
      "Port 465 goes with secure true and requireTLS false, port 587 with secure false and requireTLS true.",
      "`name`, if set, must be ASCII: Gmail answers 501-5.5.4 to anything else.",
    },
    source = "https://support.google.com/a/answer/176600",
  },
  {
    id = "sendgrid", name = "Twilio SendGrid", aliases = { "twilio" },
    host = "smtp.sendgrid.net", hosts = { "^smtp%.sendgrid%.net$", "^smtp%.eu%.sendgrid%.net$" },
    ports = ports(tls(465), { 587, 25, 2525 }, true),
    user = "apikey", pass = "<SG.api-key-with-mail-send-permission>", userIs = "apikey", passStarts = "SG.",
    notes = { "fromEmail must be a verified sender or belong to an authenticated domain (Sender Management)." },
    source = "https://docs.sendgrid.com/for-developers/sending-email/integrating-with-the-smtp-api",
  },
  {
    id = "aliyun", name = "Alibaba Cloud DirectMail",
    aliases = { "aliyun-direct-mail", "aliyun-dm", "directmail", "alibaba" },
    host = "smtpdm.aliyun.com", hosts = { "^smtpdm[%w%-]*%.aliyun%.com$", "^smtpdm[%w%-]*%.aliyuncs%.com$" },
    ports = ports(tls(465), { 80, 25 }),
    user = "<sender-address>@<your.domain>", pass = "<smtp-password-of-the-sender-address>", from = "user",
    notes = {
      "The user is the sender address of the DirectMail console, its password the one set there as SMTP password.",
      "On Alibaba Cloud's own machines port 25 is closed: use 465, or 80 without TLS from the first octet.",
      "Other regions have hosts of their own, for instance smtpdm-ap-southeast-1.aliyun.com.",
    },
    source = "https://www.alibabacloud.com/help/en/directmail/latest/smtp-service-address",
  },
  {
    id = "office365", name = "Microsoft 365", aliases = { "outlook365", "microsoft365", "exchange-online", "m365" },
    host = "smtp.office365.com", hosts = { "^smtp%.office365%.com$", "^smtp%-legacy%.office365%.com$" },
    ports = ports({}, { 587, 25 }),
    user = "<mailbox>@<your.domain>", pass = "<password>", from = "user",
    notes = {
      "SMTP AUTH must be enabled for the mailbox; Microsoft is retiring it for passwords, so plan for OAuth 2.0.",
      "fromEmail must be the mailbox itself or one it may send as (otherwise 5.7.60 SendAsDenied).",
    },
    source = "https://learn.microsoft.com/exchange/mail-flow-best-practices/"
      .. "how-to-set-up-a-multifunction-device-or-application-to-send-email-using-microsoft-365-or-office-365",
  },
  {
    id = "outlook", name = "Outlook.com", aliases = { "hotmail", "live" },
    host = "smtp-mail.outlook.com", hosts = { "^smtp%-mail%.outlook%.com$" },
    ports = ports({}, { 587 }),
    user = "<your-address>@outlook.com", pass = "<app-password>", from = "user",
    notes = { "Personal accounts sign in with OAuth 2.0 nowadays; a password may be refused with 535 5.7.139." },
    source = "https://support.microsoft.com/office/pop-imap-and-smtp-settings-for-outlook-com",
  },
  {
    id = "ses", name = "Amazon SES", aliases = { "amazon-ses", "aws", "aws-ses" },
    host = "email-smtp.<region>.amazonaws.com", hosts = { "^email%-smtp[%w%-]*%.[%w%-]+%.amazonaws%.com$" },
    ports = ports(tls(465, 2465), { 587, 2587, 25 }, true),
    user = "<smtp-user-name>", pass = "<smtp-password>",
    notes = {
      "SMTP credentials are made in the SES console for one region; an IAM access key does not work as it is.",
      "In the sandbox, recipients must be verified too.",
    },
    source = "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html",
  },
  {
    id = "postmark", name = "Postmark", aliases = { "postmarkapp" },
    host = "smtp.postmarkapp.com", hosts = { "^smtp[%w%-]*%.postmarkapp%.com$" },
    ports = ports({}, { 587, 2525, 25 }),
    user = "<server-api-token>", pass = "<server-api-token>",
    notes = {
      "User and password are the same server API token.",
      "The header X-PM-Message-Stream in customHeaders picks the message stream.",
    },
    source = "https://postmarkapp.com/developer/user-guide/send-email-with-smtp",
  },
  {
    id = "mailgun", name = "Mailgun", aliases = {},
    host = "smtp.mailgun.org", hosts = { "^smtp%.mailgun%.org$", "^smtp%.eu%.mailgun%.org$" },
    ports = ports(tls(465), { 587, 2525, 25 }, true),
    user = "postmaster@<your.domain>", pass = "<smtp-password-of-that-user>",
    notes = { "Domains in the EU region use smtp.eu.mailgun.org." },
    source = "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp",
  },
  {
    id = "resend", name = "Resend", aliases = {},
    host = "smtp.resend.com", hosts = { "^smtp%.resend%.com$" },
    ports = ports(tls(465, 2465), { 587, 2587, 25 }),
    user = "resend", pass = "<re_api-key>", userIs = "resend", passStarts = "re_",
    notes = { "fromEmail must belong to a verified domain." },
    source = "https://resend.com/docs/send-with-smtp",
  },
  {
    id = "brevo", name = "Brevo", aliases = { "sendinblue" },
    host = "smtp-relay.brevo.com", hosts = { "^smtp%-relay%.brevo%.com$", "^smtp%-relay%.sendinblue%.com$" },
    ports = ports(tls(465), { 587, 2525 }, true),
    user = "<smtp-login>", pass = "<smtp-key>",
    notes = { "The password is an SMTP key (Settings, SMTP & API), not an API key and not the account's password." },
    source = "https://developers.brevo.com/docs/smtp-integration",
  },
  {
    id = "qq", name = "QQ Mail", aliases = { "qqmail" },
    host = "smtp.qq.com", hosts = { "^smtp%.qq%.com$" },
    ports = ports(tls(465), { 587 }),
    user = "<your-number>@qq.com", pass = "<authorization-code>", from = "user",
    notes = { "Enable SMTP in the mailbox's settings; the password is the authorization code shown there." },
    source = "https://service.mail.qq.com/detail/0/75",
  },
  {
    id = "exmail", name = "Tencent Exmail", aliases = { "tencent", "qqex" },
    host = "smtp.exmail.qq.com", hosts = { "^smtp%.exmail%.qq%.com$", "^hwsmtp%.exmail%.qq%.com$" },
    ports = ports(tls(465), {}),
    user = "<mailbox>@<your.domain>", pass = "<client-password>", from = "user", notes = {},
    source = "https://open.work.weixin.qq.com/help2/pc/19902",
  },
  {
    id = "163", name = "NetEase 163", aliases = { "netease", "163mail" },
    host = "smtp.163.com", hosts = { "^smtp%.163%.com$", "^smtp%.126%.com$", "^smtp%.yeah%.net$" },
    ports = ports(tls(465, 994), { 587, 25 }),
    user = "<your-address>@163.com", pass = "<authorization-code>", from = "user",
    notes = { "Enable SMTP in the mailbox's settings; the password is the authorization code shown there." },
    source = "https://help.mail.163.com",
  },
  {
    id = "zoho", name = "Zoho Mail", aliases = { "zohomail" },
    host = "smtp.zoho.com", hosts = { "^smtp%.zoho%.[%w%.]+$", "^smtppro%.zoho%.[%w%.]+$" },
    ports = ports(tls(465), { 587 }),
    user = "<your-address>@zohomail.com", pass = "<app-password>", from = "user",
    notes = {
      "Organisations with their own domain use smtppro.zoho.com; accounts in other data centres .eu, .in and so on.",
    },
    source = "https://www.zoho.com/mail/help/zoho-smtp.html",
  },
  {
    id = "mailjet", name = "Mailjet", aliases = {},
    host = "in-v3.mailjet.com", hosts = { "^in%-v3%.mailjet%.com$", "^in%.mailjet%.com$" },
    ports = ports(tls(465), { 587, 2525, 25 }, true),
    user = "<api-key>", pass = "<secret-key>", notes = {},
    source = "https://documentation.mailjet.com/hc/en-us/articles/360043229473",
  },
  {
    id = "smtp2go", name = "SMTP2GO", aliases = {},
    host = "mail.smtp2go.com", hosts = { "^mail[%w%-]*%.smtp2go%.com$" },
    ports = ports(tls(465, 8465, 443), { 2525, 587, 8025, 80, 25 }, true),
    user = "<smtp-user>", pass = "<smtp-password>", notes = {},
    source = "https://support.smtp2go.com/hc/en-gb/articles/223087967",
  },
  {
    id = "mailtrap", name = "Mailtrap", aliases = {},
    host = "live.smtp.mailtrap.io", hosts = { "^[%w%-]+%.smtp%.mailtrap%.io$" },
    ports = ports({}, { 587, 2525, 25 }),
    user = "<api or smtp@mailtrap.io>", pass = "<api-token>",
    notes = { "sandbox.smtp.mailtrap.io keeps every mail to itself: right for tests, wrong for people." },
    source = "https://docs.mailtrap.io/email-api-smtp/setup/smtp-integration",
  },
  {
    id = "yahoo", name = "Yahoo Mail", aliases = {},
    host = "smtp.mail.yahoo.com", hosts = { "^smtp%.mail%.yahoo%.com$" },
    ports = ports(tls(465), { 587 }),
    user = "<your-address>@yahoo.com", pass = "<app-password>", from = "user", notes = {},
    source = "https://help.yahoo.com/kb/SLN4724.html",
  },
  {
    id = "icloud", name = "iCloud Mail", aliases = { "apple" },
    host = "smtp.mail.me.com", hosts = { "^smtp%.mail%.me%.com$" },
    ports = ports({}, { 587 }),
    user = "<your-address>@icloud.com", pass = "<app-specific-password>", from = "user", notes = {},
    source = "https://support.apple.com/102525",
  },
  {
    id = "fastmail", name = "Fastmail", aliases = {},
    host = "smtp.fastmail.com", hosts = { "^smtp%.fastmail%.com$" },
    ports = ports(tls(465), { 587 }),
    user = "<your-address>@fastmail.com", pass = "<app-password>", from = "user", notes = {},
    source = "https://www.fastmail.help/hc/en-us/articles/1500000278342",
  },
  {
    id = "smtp", name = "Any SMTP server", aliases = { "generic", "other", "custom" },
    host = "<host>", hosts = {},
    ports = ports(tls(465), { 587 }, true),
    user = "<username>", pass = "<password>", notes = {},
    source = "https://www.rfc-editor.org/rfc/rfc8314",
  },
}

local by_name = {}
for _, provider in ipairs(PROVIDERS) do
  provider.port, provider.secure = provider.ports[1].port, provider.ports[1].secure
  by_name[provider.id] = provider
  for _, alias in ipairs(provider.aliases) do by_name[alias] = provider end
end

--- Every provider, in the order to show them.
---@return logto_smtp.Provider[]
function M.list()
  local out = {}
  for i, provider in ipairs(PROVIDERS) do out[i] = provider end
  return out
end

--- The provider of a name or alias, in any case.
---@param name string
---@return logto_smtp.Provider?
function M.get(name)
  return by_name[(name:lower():gsub("[%s_]+", "-"))]
end

--- The provider that a host belongs to.
---@param host string
---@return logto_smtp.Provider?
function M.byHost(host)
  for _, provider in ipairs(PROVIDERS) do
    for _, pattern in ipairs(provider.hosts) do
      if host:lower():find(pattern) then return provider end
    end
  end
  return nil
end

local PURPOSES = {
  { "SignIn", "Your sign-in code", "sign-in" },
  { "Register", "Your sign-up code", "sign-up" },
  { "ForgotPassword", "Reset your password", "password reset" },
  { "Generic", "Your verification code", "verification" },
}

local function example_templates()
  local out = {}
  for i, purpose in ipairs(PURPOSES) do
    out[i] = {
      usageType = purpose[1],
      contentType = "text/plain",
      subject = purpose[2],
      content = "Your " .. purpose[3] .. " code is {{code}}. It is valid for 10 minutes.",
    }
  end
  return out
end

--- A complete config for a provider, for the user to fill in what stands between "<" and ">".
---@param provider logto_smtp.Provider
---@return table config
function M.example(provider)
  return {
    host = provider.host,
    port = provider.port,
    secure = provider.secure,
    requireTLS = not provider.secure,
    auth = { type = "login", user = provider.user, pass = provider.pass },
    fromEmail = "Your App <" .. (provider.from == "user" and provider.user:gsub("[<>]", "")
      or "no-reply@your.domain") .. ">",
    templates = example_templates(),
  }
end

--- The order in which people expect a config's keys; for logto_smtp.json.
M.KEY_ORDER = {
  "host", "port", "secure", "requireTLS", "type", "user", "pass", "auth", "fromEmail", "replyTo",
  "usageType", "contentType", "subject", "content", "templates", "customHeaders",
}

--- A config as it acts: a copy in which `service` has put its host, port and the rest.
---@param config table  passed the guard
---@return table
function M.effective(config)
  local effective = tables.assign({}, config)
  local service = type(config.service) == "string" and core.service(config.service)
  tables.assign(effective, service or {})
  return effective
end

--- Whether a config asks for TLS from the first octet.
---@param config table  passed the guard
---@return boolean
function M.isSecure(config)
  if type(config.secure) == "boolean" then return config.secure end
  return tonumber(config.port) == 465
end

--- What will probably not work about a config that has passed the guard.
-- No message repeats a password, a token or a key.
---@param config table
---@param valid? boolean  false: it has not passed, and advice is on its names alone
---@return {path: string, message: string}[]  empty: nothing to say
function M.advise(config, valid)
  if valid == false then return advise(config, nil, false) end
  local effective = M.effective(config)
  return advise(effective, M.byHost(effective.host), true)
end

--- The faults that are known by name; what `diagnose` looks through.
M.FAULTS = faults

local function holds(list, value)
  for _, wanted in ipairs(list) do
    if value == wanted then return true end
  end
  return false
end

local function begins(list, text)
  for _, start in ipairs(list) do
    if text and text:sub(1, #start) == start then return true end
  end
  return false
end

local function contains(list, text)
  for _, pattern in ipairs(list) do
    if text:find(pattern) then return true end
  end
  return false
end

-- One test per field of a fault: what the row wants, and what there is.
local TESTS = {
  at = function(wanted, case) return holds(wanted, case.provider and case.provider.id) end,
  error = function(wanted, case) return holds(wanted, case.err.code) end,
  reason = function(wanted, case) return holds(wanted, case.err.reason) end,
  reply = function(wanted, case) return holds(wanted, case.err.responseCode) end,
  enhanced = function(wanted, case) return holds(wanted, case.err.enhancedCode) end,
  command = function(wanted, case) return begins(wanted, case.err.command) end,
  port = function(wanted, case) return holds(wanted, tonumber(case.config.port)) end,
  secure = function(wanted, case) return wanted == M.isSecure(case.config) end,
  text = function(wanted, case) return contains(wanted, case.text) end,
  tlsPort = function(_, case) return case.tls_port end,
  temporary = function(_, case)
    local code = case.err.responseCode
    return code ~= nil and code >= 400 and code < 500
  end,
}

local function matches(fault, case)
  for field, test in pairs(TESTS) do
    if fault[field] ~= nil and not test(fault[field], case) then return false end
  end
  return true
end

-- What a service wants as login, for a refusal that is none of the known ones.
local function login_at(provider)
  return {
    id = "login", name = provider.name .. " refused the login", source = provider.source,
    try = ("at %s `auth.user` is %s, and `auth.pass` %s"):format(provider.name, provider.user, provider.pass),
  }
end

-- A server's words. Ours are not looked into; an error of another transport, without a reason, may have
-- the server's in its message only.
local function said_by_server(err)
  return err.response or not errors.reasonOf(err) and err.message or ""
end

---@class logto_smtp.Diagnosis
---@field id string
---@field name? string    what it is, where it is well known
---@field try string      what to try
---@field source? string  URL of who says so

--- What an error is, where it is well known, and what to try.
---@param err table     an SMTP error: what client:send() answers, or the cause of a ConnectorError
---@param config table  that it happened with
---@param tls_port? boolean  the port was found to speak TLS from the first octet
---@return logto_smtp.Diagnosis?  nil: an error with a code of none of ours
function M.diagnose(err, config, tls_port)
  local effective = M.effective(config)
  local case = {
    err = err, config = effective, tls_port = tls_port,
    provider = type(effective.host) == "string" and M.byHost(effective.host) or nil,
    text = said_by_server(err):lower(),
  }
  for _, fault in ipairs(faults) do
    if matches(fault, case) then
      if fault.id == "login" and case.provider then return login_at(case.provider) end
      local source = fault.source or fault.at and case.provider.source or nil
      return { id = fault.id, name = fault.name, try = fault.try, source = source }
    end
  end
  return nil
end

return M
