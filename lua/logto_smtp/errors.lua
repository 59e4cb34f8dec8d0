-- SPDX-License-Identifier: MIT
--- errors: what each failure means for whoever gets it, told once.
--
-- A code has a row: what it means to somebody who may know nothing of the mail (so no host, no address), what
-- to do, the exit code of the command (a name of cli/exit), the HTTP status of the endpoint, and whether it
-- ends a bulk run. A reason, which says more than its code, has what differs. Which reasons there are, what
-- they mean and whether another attempt could help, whoever makes them knows: the C module (`core.errors()`),
-- and HERE for what is made in Lua, by `errors.make`.

local core = require("logto_smtp.core")

local M = {}

---@class logto_smtp.SmtpError  what client:send() answers, and the `cause` of a ConnectorError
---@field code string            ECONNECTION, EAUTH, ...; each of `errors.CODES`
---@field reason? string         what exactly happened: each of `errors.REASONS`; a word stays
---@field message string
---@field command? string        the step: CONN, EHLO, STARTTLS, AUTH PLAIN, MAIL FROM, RCPT TO, DATA, API
---@field response? string       what the server said
---@field responseCode? integer
---@field enhancedCode? string
---@field permanent boolean      another attempt would end the same
---@field delivery "not_sent"|"unknown"
---@field accepted? string[]
---@field rejected? string[]
---@field rejectedErrors? logto_smtp.SmtpError[]  each with its recipient

---@class logto_smtp.ErrorRow
---@field code? string        nil: of a reason that a reply makes of any error
---@field means string
---@field try? string         what to do
---@field source? string      URL of who says so
---@field exit string         a name of cli/exit
---@field http integer        the status of the HTTP endpoint
---@field retryAfter? integer seconds, for the endpoint's answer
---@field endsRun? boolean    no message of a bulk run could be sent
---@field certificate? boolean  of a reason: the server's certificate is at fault
---@field permanent? boolean  of a reason: another attempt would end the same, unless a reply tells otherwise

local CHECK_PLACE = "check `host` and `port`; a firewall or hosting provider may block outgoing mail "
  .. "ports"

--- The codes of SMTP errors, in the order they are told in.
---@type logto_smtp.ErrorRow[]
M.CODES = {
  { code = "EDNS", exit = "NO_HOST", http = 502, means = "The name of the mail server could not be resolved",
    try = "check `host` for typing errors, and that this machine can look up names" },
  { code = "ESOCKET", exit = "TEMPORARY", http = 502, means = "The mail server could not be reached",
    try = CHECK_PLACE },
  { code = "ECONNECTION", exit = "TEMPORARY", http = 502, means = "The mail server ended the connection",
    try = CHECK_PLACE },
  { code = "ETIMEDOUT", exit = "TEMPORARY", http = 504, means = "The mail server did not answer in time",
    try = "check `host`, `port` and `secure`: a firewall may be in the way, or the port expects TLS" },
  { code = "ETLS", exit = "PROTOCOL", http = 502, endsRun = true,
    means = "No safe connection to the mail server",
    try = "check `secure` against the port (465: true, 587: false) and the server's certificate (`tls.ca`)" },
  { code = "EAUTH", exit = "NO_PERMISSION", http = 502, endsRun = true,
    means = "The mail server did not accept the login",
    try = "check `auth.user` and `auth.pass`; many services want an app password or an API key here" },
  { code = "EOAUTH2", exit = "NO_PERMISSION", http = 502, endsRun = true,
    means = "No access token for the mail server could be had",
    try = "check the OAuth 2.0 values: the refresh token may be revoked, or belong to another client" },
  { code = "EENVELOPE", exit = "UNAVAILABLE", http = 502,
    means = "The mail server refused the sender or the recipient",
    try = "check `fromEmail` (may this login send as it?) and the recipient" },
  { code = "EMESSAGE", exit = "UNAVAILABLE", http = 502,
    means = "The mail server refused the message, or it cannot be composed",
    try = "the server refused the message itself: read its reply" },
  { code = "EDKIM", exit = "CONFIG", http = 500, endsRun = true, means = "The message could not be signed",
    try = "see the message; nothing went out" },
  { code = "EBUSY", exit = "TEMPORARY", http = 503, retryAfter = 1, means = "Too many messages are waiting",
    try = "1,000 messages or 64 MiB, or as many as an engine's limits allow: `client:poll` or "
      .. "`engine:take`, then "
      .. "submit again" },
  { code = "EPROTOCOL", exit = "PROTOCOL", http = 502, means = "The mail server does not speak SMTP as it "
    .. "should",
    try = "check that `host` and `port` name a mail server, and `secure` fits the port" },
  { code = "EPROXY", exit = "UNAVAILABLE", http = 502, means = "The proxy to the mail server refused",
    try = "check `proxy`" },
  { code = "ECONFIG", exit = "CONFIG", http = 400, endsRun = true,
    means = "The config of the mail server cannot be used", try = "the message names the option" },
  { code = "EARGUMENT", exit = "SOFTWARE", http = 500, endsRun = true,
    means = "The mail server was asked in vain",
    try = "the program passes what cannot be used; the message says what" },
  { code = "ENOMEM", exit = "TEMPORARY", http = 503, retryAfter = 1,
    means = "This machine has no memory left",
    try = "send less at once" },
  { code = "EPHASE", exit = "SOFTWARE", http = 500, means = "No mail can be sent at this point of a request",
    try = "nginx: the phase cannot wait (`enqueue` there), or belongs to no worker" },
  { code = "ECLOSED", exit = "TEMPORARY", http = 503, retryAfter = 1, endsRun = true,
    means = "The service is ending and sends nothing any more",
    try = "nginx: the worker is ending; the next one takes the mail" },
}

--- What ends a bulk run before or beside its mails: `report.stopped.code`, or the error of `bulk.run`.
---@type logto_smtp.ErrorRow[]
M.RUN = {
  { code = "EOPTION", exit = "USAGE", http = 500, endsRun = true,
    means = "An option of the run cannot be used" },
  { code = "ELIST", exit = "DATA", http = 500, endsRun = true,
    means = "The list cannot be opened or read on" },
  { code = "EJOURNAL", exit = "CANNOT_CREATE", http = 500, endsRun = true,
    means = "The journal cannot be opened or written" },
  { code = "EINTERNAL", exit = "SOFTWARE", http = 500, endsRun = true, means = "A fault of this program" },
}

--- The codes of ConnectorErrors that have no SMTP error below them.
---@type logto_smtp.ErrorRow[]
M.CONNECTOR = {
  { code = "invalid_config", exit = "CONFIG", http = 400, means = "The config of the mail server is not "
    .. "valid",
    try = "its `data.issues` name each field" },
  { code = "invalid_request_parameters", exit = "DATA", http = 400,
    means = "`to` is to be exactly one mailbox" },
  { code = "insufficient_request_parameters", exit = "DATA", http = 400,
    means = "The request lacks a field" },
  { code = "template_not_found", exit = "CONFIG", http = 400, means = "There is no template for this type "
    .. "of message",
    try = "add one of its `usageType`, or a Generic one" },
  { code = "rate_limit_exceeded", exit = "TEMPORARY", http = 429,
    means = "Too many messages; try again later" },
  { code = "general", exit = "UNAVAILABLE", http = 502, means = "The message could not be handed over" },
}

-- What a failure is when it is none of these.
local UNKNOWN = { exit = "UNAVAILABLE", http = 500, means = "The message could not be sent" }

local CONNECT = "https://man7.org/linux/man-pages/man2/connect.2.html"
local CERTIFICATES = "https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/"
local STARTTLS = "https://www.rfc-editor.org/rfc/rfc8314#section-3.3"
local AUTH = "https://www.rfc-editor.org/rfc/rfc4954#section-4"

-- What a reason has of its own: what to try, who says so, and where it differs from its code.
local OWN = {
  connection_refused = { source = "https://www.rfc-editor.org/rfc/rfc9293#section-3.5.2",
    try = "check `host` and `port`, and that the server runs; a firewall may refuse in its place" },
  unreachable = { source = CONNECT,
    try = "check the network of this machine (IPv6, VPN, container) and `host`" },
  connect_unanswered = { source = CONNECT,
    try = "check `host` and `port`; a firewall on the way may drop the packets: try 587, 465 or 2525" },
  timeout_connect = { source = CONNECT,
    try = "check `host` and `port`; a firewall on the way may drop the packets: try 587, 465 or 2525" },
  no_descriptor = { source = "https://man7.org/linux/man-pages/man2/getrlimit.2.html",
    try = "raise the limit (`ulimit -n`, LimitNOFILE of systemd, worker_rlimit_nofile of nginx), or find "
      .. "what keeps "
      .. "them open" },
  timeout_lookup = { source = "https://man7.org/linux/man-pages/man5/resolv.conf.5.html",
    try = "check the network, and the name servers in /etc/resolv.conf" },
  timeout_greeting = { source = "https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2.1",
    try = "check `port`: this may be no mail server, a TLS port (then `secure` true), or a firewall that "
      .. "answers "
      .. "for the server" },
  greeting_missing = { source = "https://www.rfc-editor.org/rfc/rfc5321#section-3.1",
    try = "check `port`: this may be no mail server, or a TLS port (then `secure` true); or it turns this "
      .. "machine away" },
  tls_revoked = { certificate = true },
  tls_crl_unusable = { certificate = true },
  tls_not_yet_valid = { certificate = true, source = CERTIFICATES, try = "check the clock of both machines" },
  tls_expired = { certificate = true, source = CERTIFICATES,
    try = "have the server's certificate renewed; check the clock of this machine" },
  tls_wrong_name = { certificate = true, source = "https://www.rfc-editor.org/rfc/rfc9525",
    try = "let `host`, or `tls.servername`, be a name that the certificate is for" },
  tls_untrusted = { certificate = true, source = CERTIFICATES,
    try = "give the certificate (self-signed) or that of its authority as `tls.ca`; a public server may "
      .. "send its "
      .. "chain without the intermediate" },
  tls_not_offered = { source = STARTTLS,
    try = "use its TLS port (465) with `secure` true; only where the line is safe, set `ignoreTLS` true" },
  tls_version = { source = "https://www.rfc-editor.org/rfc/rfc8996",
    try = "have the server brought up to TLS 1.2 or later; `tls.minVersion` lowers what is taken here" },
  auth_not_offered = { source = AUTH,
    try = "many servers offer AUTH only over TLS: leave out `ignoreTLS`, and use port 587 with STARTTLS or "
      .. "465 "
      .. "with `secure` true; without a login to give, remove `auth`" },
  auth_no_mechanism = { source = AUTH,
    try = "give `auth` what the server asks for, a password or OAuth 2.0 (`auth.type`), and leave "
      .. "`auth.method` "
      .. "out" },
  token_refused = { source = "https://developers.google.com/gmail/imap/xoauth2-protocol",
    try = "ask for the scope that sends mail (Google: https://mail.google.com/, Microsoft: SMTP.Send), and "
      .. "let "
      .. "`auth.user` be the mailbox that granted it" },
  sender_refused = { endsRun = true },
  list_not_opened = { exit = "NO_INPUT" },
}

-- Reasons of errors made in Lua: word, code, whether the same attempt would fail again, what it means.
local HERE = {
  { "phase_cannot_wait", "EPHASE", true, "this phase of a request cannot wait for a mail" },
  { "phase_cannot_send", "EPHASE", true, "no mail can be begun in this phase" },
  { "worker_ending", "ECLOSED", false, "the nginx worker is ending" },
  { "no_timer", "EBUSY", false, "nginx gives no further timer" },
  { "no_result", "ETIMEDOUT", false, "no result came in time" },
  { "option_unusable", "EOPTION", true, "an option of the run cannot be used" },
  { "list_not_opened", "ELIST", true, "the list cannot be opened" },
  { "list_unreadable", "ELIST", true, "the list cannot be read on" },
  { "list_changed", "ELIST", true, "the list is not the one that the journal is of" },
  { "journal_unusable", "EJOURNAL", true, "the journal cannot be opened, or is of another run" },
  { "journal_unwritable", "EJOURNAL", true, "the journal cannot be written" },
  { "fault_here", "EINTERNAL", true, "a fault of this program" },
}

local by_code = {}
for _, list in ipairs({ M.CODES, M.RUN, M.CONNECTOR }) do
  for _, row in ipairs(list) do by_code[row.code] = row end
end

--- Every reason, by its word; without what its code's row says already.
---@type table<string, logto_smtp.ErrorRow>
M.REASONS = {}
--- The same in the order they are told in: the C module's, then those made in Lua.
---@type string[]
M.WORDS = {}

local function add_reason(word, code, permanent, means)
  local row = { code = code, means = means, permanent = permanent }
  for field, value in pairs(OWN[word] or {}) do row[field] = value end
  M.REASONS[word], M.WORDS[#M.WORDS + 1] = row, word
end

for _, known in ipairs(core.errors()) do
  add_reason(known.reason, known.code, known.permanent, known.means)
end
for _, row in ipairs(HERE) do add_reason(row[1], row[2], row[3], row[4]) end
for word in pairs(OWN) do assert(M.REASONS[word], word) end

--- An error that is made in Lua.
---@param reason string   one of `errors.REASONS` that has a code
---@param message string
---@return logto_smtp.SmtpError
function M.make(reason, message)
  local row = M.REASONS[reason]
  return {
    code = assert(row and row.code, reason), reason = reason, message = message, permanent = row.permanent,
    delivery = "not_sent",
  }
end

--- What is told of a code: the row of an SMTP error, of a run, or of a ConnectorError; nil for any other.
---@param code any
---@return logto_smtp.ErrorRow?
function M.code(code)
  return by_code[code]
end

--- The reason of an SMTP error; nil: none that is known. Errors of a transport that is not ours may come
-- without one.
---@param err table
---@return string?
function M.reasonOf(err)
  if M.REASONS[err.reason] then return err.reason end
  if err.code ~= "EENVELOPE" or type(err.responseCode) ~= "number" then return nil end
  local sender = type(err.command) == "string" and err.command:find("^MAIL") ~= nil
  return core.reasonOf(sender and "sender_refused" or "recipient_refused", err.responseCode,
    err.enhancedCode or "", err.response or "")
end

--- What an SMTP error means in one respect: as its reason has it, else as its code.
---@param err table
---@param field string  of logto_smtp.ErrorRow
function M.says(err, field)
  local own = M.REASONS[M.reasonOf(err)]
  if own and own[field] ~= nil then return own[field] end
  local row = by_code[err.code] or UNKNOWN
  return row[field]
end

M.UNKNOWN = UNKNOWN

local function capitalised(text)
  return text:sub(1, 1):upper() .. text:sub(2)
end

--- What an SMTP error is, for somebody who may know nothing of the mail: its reason's sentence, else its
-- code's. Always one of this table, whatever the error says.
---@param err table
---@return string  without a full stop
function M.sentence(err)
  return capitalised(M.says(err, "means"))
end

return M
