-- SPDX-License-Identifier: MIT
--- The classics: how well-known faults look on the wire, what they are called, and what to try.
--
-- A row matches an error when everything it names matches; the first row that matches is the answer, so what
-- is special stands before what is general. `source` says who documents it: check there first when a service
-- has changed its words.

---@class logto_smtp.Fault
---@field id string
---@field at? string[]       provider ids: only where the host belongs to one of them
---@field error? string[]    codes of our own: EAUTH, ETLS, ...
---@field reason? string[]   reasons of our own: our failures are known by them, what servers say by `text`
---@field reply? integer[]   reply codes of the server
---@field enhanced? string[] enhanced status codes
---@field command? string[]  how the step's command begins: EHLO, AUTH, MAIL FROM, RCPT TO, DATA
---@field port? integer[]
---@field secure? boolean    how the config has it, or what it means by its port
---@field text? string[]     Lua patterns, any of them, in what the server said, in lower case
---@field tlsPort? true      the port was found to speak TLS from the first octet
---@field temporary? boolean the reply is 4xx
---@field name? string       what it is; without it only what kind of thing it is is known
---@field try string         what to try
---@field source? string     URL; without it, that of the provider, where the row is of some

local errors = require("logto_smtp.errors")

local REPLY_CODES = "https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3"
local GMAIL = "https://support.google.com/a/answer/3726730"
local MICROSOFT = "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/"
  .. "authenticated-client-smtp-submission"
local SES = "https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html"
local SENDGRID = "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/"
  .. "smtp-errors-and-troubleshooting"
local POSTFIX = "https://www.postfix.org/postconf.5.html"
local TLS_PORTS = "https://www.rfc-editor.org/rfc/rfc8314#section-3.3"

-- A failure of our own: what it is called and what to try is told in errors.
local function own(id, ...)
  local row = errors.REASONS[(...)]
  return { id = id, reason = { ... }, name = row.means, try = row.try, source = row.source }
end

-- The rest of a code.
local function rest(id, ...)
  return { id = id, error = { ... }, try = errors.code((...)).try }
end

---@type logto_smtp.Fault[]
return {
  -- the login
  own("token_refused", "token_refused"),
  {
    id = "gmail_app_password", at = { "gmail" }, error = { "EAUTH" }, reply = { 534, 535 },
    name = "Gmail wants an app password, not the account's own",
    try = "make an app password (Google Account, Security, 2-Step Verification, App passwords) and put its 16 "
      .. "letters into `auth.pass`, or use OAuth 2.0",
    source = GMAIL,
  },
  {
    id = "office365_smtp_auth_off", enhanced = { "5.7.139" },
    name = "SMTP AUTH is switched off at Microsoft, for the mailbox, the tenant or by its security defaults",
    try = "have an administrator enable Authenticated SMTP for the mailbox (Microsoft 365 admin center, Active "
      .. "users, Mail, Manage email apps), or use OAuth 2.0",
    source = MICROSOFT,
  },
  {
    id = "office365_not_logged_in", enhanced = { "5.7.57" },
    name = "Microsoft wants a login before it takes mail",
    try = "set `auth` to the mailbox and its password or token, and port 587 with `secure` false",
    source = MICROSOFT,
  },
  {
    id = "ses_credentials", at = { "ses" }, error = { "EAUTH" }, reply = { 535 },
    name = "these are no SMTP credentials of Amazon SES for this region",
    try = "make SMTP credentials in the SES console of the region in `host`; an IAM access key is none",
    source = SES,
  },
  {
    id = "qq_authorization_code", at = { "qq", "exmail" }, error = { "EAUTH" },
    name = "QQ Mail wants an authorization code, not the account's password",
    try = "switch on SMTP in the mailbox's settings (Account) and put the authorization code it shows into "
      .. "`auth.pass`",
    source = "https://service.mail.qq.com/detail/0/75",
  },
  {
    id = "netease_authorization_code", at = { "163" }, error = { "EAUTH" },
    name = "NetEase Mail wants an authorization code, not the account's password",
    try = "switch on POP3/SMTP/IMAP in the mailbox's settings and put the authorization code it shows into "
      .. "`auth.pass`",
    source = "https://help.mail.163.com",
  },
  {
    id = "sendgrid_apikey", at = { "sendgrid" }, error = { "EAUTH" },
    name = "SendGrid refused the API key",
    try = "let `auth.user` be the word apikey and `auth.pass` an API key (SG.…) that may send mail",
    source = SENDGRID,
  },
  {
    id = "aliyun_smtp_password", at = { "aliyun" }, error = { "EAUTH" },
    name = "DirectMail wants the SMTP password of the sender address, not the account's",
    try = "set an SMTP password for the sender address in the DirectMail console; `auth.user` is that address",
    source = "https://www.alibabacloud.com/help/en/directmail/latest/smtp-service-address",
  },
  {
    id = "app_password", at = { "yahoo", "icloud", "fastmail", "zoho", "outlook" }, error = { "EAUTH" },
    reply = { 534, 535, 554 },
    name = "this service wants an app password, not the account's own",
    try = "make an app password in the account's security settings and put it into `auth.pass`",
  },
  {
    id = "too_many_logins", reason = { "too_many_connections" },
    name = "too many logins or connections at once",
    try = "wait some minutes, then lower `maxConnections`; one warm connection carries many mails",
    source = GMAIL,
  },
  {
    id = "rate", reply = { 421, 450, 451, 452, 454, 550 },
    text = { "sending rate exceeded", "throttling failure", "rate limit", "sending limit exceeded",
      "message quota exceeded", "maximum credits exceeded" },
    name = "the sending limit is reached",
    try = "set `rateLimit` to what the service allows, or raise the quota there",
    source = "https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html",
  },
  own("auth_needs_tls", "auth_not_offered"),
  own("no_mechanism", "auth_no_mechanism"),
  {
    id = "starttls_first", reply = { 451, 503, 530, 538 },
    text = { "must issue a starttls", "starttls first", "starttls is required", "encryption required",
      "tls required", "must use tls" },
    name = "the server wants TLS before anything else",
    try = "leave out `ignoreTLS` and set `requireTLS` true, or use port 465 with `secure` true",
    source = POSTFIX .. "#smtpd_tls_security_level",
  },
  {
    id = "login_first", reply = { 530, 535, 550, 553, 554 }, command = { "MAIL FROM", "RCPT TO", "DATA" },
    text = { "authentication required", "authentication is required", "not authenticated", "need to authenticate",
      "must authenticate", "login first", "send auth command first" },
    name = "the server wants a login before it takes mail",
    try = "set `auth.user` and `auth.pass`",
    source = "https://www.rfc-editor.org/rfc/rfc4954#section-6",
  },

  -- sender and recipient
  {
    id = "ses_sandbox", text = { "email address is not verified" },
    name = "Amazon SES has not verified this sender, or is in its sandbox and has not verified the recipient",
    try = "verify the addresses it names, in the region of `host`, or ask for production access",
    source = "https://repost.aws/knowledge-center/ses-554-400-message-rejected-error",
  },
  {
    id = "sender_not_verified", reply = { 403, 450, 501, 530, 550, 551, 552, 553, 554 },
    text = { "verified sender", "sender identity", "not authorized to send from", "domain .- is not verified",
      "sender .-not verified", "not verified sender", "unverified" },
    name = "the service does not know this sender yet",
    try = "verify the address or the domain of `fromEmail` with the service",
    source = SENDGRID,
  },
  {
    id = "sender_not_yours", reply = { 440, 501, 550, 551, 552, 553, 554 },
    text = { "not owned by user", "mail from must equal", "permissions to send as", "sendasdenied",
      "doesn't conform with authentication", "from address .-not match", "mail address invalid",
      "is not allowed to send as" },
    name = "this login may not send as this sender",
    try = "let `fromEmail` be the address of `auth.user`, or have it allowed there as an alias",
    source = POSTFIX .. "#reject_sender_login_mismatch",
  },
  {
    id = "greylisting", reason = { "greylisted" },
    name = "greylisting: the server turns away whom it does not know yet",
    try = "send again in some minutes: the server takes another try later; a server for submission (port 587 or "
      .. "465, with a login) does not do this",
    source = "https://www.rfc-editor.org/rfc/rfc6647",
  },
  {
    id = "relay_denied", reply = { 454, 550, 551, 553, 554 },
    text = { "relay access denied", "relay not permitted", "relaying denied", "relaying not allowed",
      "not permitted to relay", "unable to relay", "not allowed to relay", "not allowed relay", "denies relay",
      "relaying .-prohibited" },
    name = "relaying denied: the server carries mail only for those it knows",
    try = "set `auth` (a login), or have the server take mail from this machine; port 25 is for mail to the "
      .. "server's own addresses",
    source = POSTFIX .. "#smtpd_relay_restrictions",
  },

  -- EHLO and greeting
  {
    id = "ehlo_name", reply = { 501 }, command = { "EHLO", "HELO" },
    name = "the server does not take our name in EHLO",
    try = "let `name` be an ASCII host name, such as mail.example.com, or leave it out",
    source = GMAIL,
  },
  {
    id = "turned_away", error = { "EPROTOCOL", "ECONNECTION" }, reply = { 421, 521, 550, 554 },
    command = { "CONN", "EHLO" },
    name = "the server turns this machine away before anything was said",
    try = "read its reply: the address of this machine may be on a block list, or the port is for other servers "
      .. "(25); use port 587 or 465",
    source = REPLY_CODES,
  },
  {
    id = "secure_on_clear_port", reason = { "tls_clear_port" }, secure = true,
    name = "`secure` is true, and this port begins in clear text",
    try = "set `secure` false and `requireTLS` true (STARTTLS, as on 587), or use port 465",
    source = TLS_PORTS,
  },
  {
    id = "clear_on_tls_port", tlsPort = true, secure = false,
    name = "`secure` is false, and this port waits for TLS",
    try = "set `secure` true (as on 465), or use port 587",
    source = TLS_PORTS,
  },
  {
    id = "clear_on_465", reason = { "timeout_greeting", "greeting_missing" }, port = { 465 }, secure = false,
    name = "`secure` is false, and port 465 waits for TLS",
    try = "set `secure` true, or use port 587",
    source = TLS_PORTS,
  },
  own("silence", "timeout_greeting"),
  own("no_greeting", "greeting_missing"),

  -- the network
  own("resolver_silent", "timeout_lookup"),
  {
    id = "port_25", port = { 25 },
    reason = { "timeout_connect", "connect_unanswered", "connection_refused", "unreachable" },
    name = "port 25 is blocked: most clouds and providers let no mail out of it",
    try = "use port 587 with `secure` false, or 465 with `secure` true",
    source = "https://cloud.google.com/compute/docs/tutorials/sending-mail",
  },
  own("refused", "connection_refused"),
  own("unreachable", "unreachable"),
  own("descriptors", "no_descriptor"),
  own("no_answer", "timeout_connect"),
  own("unanswered", "connect_unanswered"),

  -- TLS
  own("certificate_expired", "tls_expired"),
  own("certificate_not_yet_valid", "tls_not_yet_valid"),
  own("certificate_name", "tls_wrong_name"),
  own("certificate_untrusted", "tls_untrusted"),
  own("no_starttls", "tls_not_offered"),
  own("tls_version", "tls_version"),

  -- what is none of the above
  { id = "later", temporary = true, try = "the server asks for another try later" },
  rest("dns", "EDNS"),
  rest("connection", "ECONNECTION", "ESOCKET"),
  rest("timeout", "ETIMEDOUT"),
  rest("tls", "ETLS"),
  rest("login", "EAUTH"),
  rest("oauth2", "EOAUTH2"),
  rest("protocol", "EPROTOCOL"),
  rest("envelope", "EENVELOPE"),
  rest("message", "EMESSAGE"),
  rest("proxy", "EPROXY"),
  rest("argument", "EARGUMENT"),
  rest("memory", "ENOMEM"),
  rest("signing", "EDKIM"),
  rest("waiting", "EBUSY"),
  rest("config", "ECONFIG"),
  rest("phase", "EPHASE"),
  rest("closed", "ECLOSED"),
}
