-- SPDX-License-Identifier: MIT
--- commands: what each SMTP command does (RFC 5321, 1870, 2920, 3030, 3207, 4954, 6152, 6531).
-- A handler is a function(session, entry, argument); entry is the command's record.
local auth = require "logto_smtp.inbox.auth"
local content = require "logto_smtp.inbox.content"
local path = require "logto_smtp.inbox.path"
local stream_module = require "logto_smtp.inbox.stream"

local M = {}

local function has_octets_waiting(session)
  return session.stream:pending() > 0
end

--- RFC 2920, 3.1: these must be the last command of a flight.
local function must_be_last(session, entry)
  if has_octets_waiting(session) then
    session:violation(entry.verb .. " was not the last command of its flight")
  end
end

local function note_pipelining(session, entry)
  if has_octets_waiting(session) and session.offers.PIPELINING == nil then
    session:violation("pipelined behind " .. entry.verb .. " though PIPELINING was not offered")
  end
end

local function greet(session, argument)
  session.greeted, session.transaction = argument, nil
  session.record.ehlo = argument
end

function M.EHLO(session, entry, argument)
  must_be_last(session, entry)
  if argument == "" then return session:refuse("EHLO", entry, 501, "EHLO needs a name") end
  session:refresh_offers()
  local lines = { session.settings.name }
  for _, line in ipairs(session.lines) do lines[#lines + 1] = line end
  session:answer("EHLO", entry, 250, lines, function() greet(session, argument) end)
end

function M.HELO(session, entry, argument)
  if argument == "" then return session:refuse("HELO", entry, 501, "HELO needs a name") end
  session:answer("HELO", entry, 250, session.settings.name, function()
    greet(session, argument)
    session.offers = {}
  end)
end

local function tls_obstacle(session, argument)
  if session.stream.secure then return 503, "5.5.1 TLS is already active" end
  if argument ~= "" then return 501, "5.5.4 STARTTLS takes no parameter" end
  if session.offers.STARTTLS == nil then return 502, "5.5.1 STARTTLS is not offered" end
  if not session.store.tls_context then return 454, "4.7.0 TLS is not available" end
end

function M.STARTTLS(session, entry, argument)
  local code, text = tls_obstacle(session, argument)
  if code then return session:refuse("STARTTLS", entry, code, text) end
  local discarded = session.stream:discard()
  if discarded > 0 then
    session.record.discarded = session.record.discarded + discarded
    session:violation("octets in clear behind STARTTLS")
  end
  if session:answer("STARTTLS", entry, 220, "2.0.0 Ready to start TLS") then session:begin_tls(entry) end
end

local function offers_mechanism(session, name)
  for offered in (session.offers.AUTH or ""):gmatch("%S+") do
    if offered:upper() == name then return auth.mechanisms[name] end
  end
end

local AUTH_REPLIES = {
  [501] = "5.5.2 Cannot decode the response",
  [535] = "5.7.8 Authentication credentials invalid",
}

local function exchange(session, entry, mechanism, argument)
  local initial
  local way = session.settings.initialResponse
  if argument ~= "" and way == "refused" then return nil, 501 end
  if argument ~= "" and way == "taken" then
    initial = auth.decode(argument)
    if not initial then return nil, 501 end
  end
  local function ask(challenge)
    local line = session:challenge(entry, auth.encode(challenge))
    if not line then return nil, 0 end
    if line == "*" then return nil, 501 end
    local answer = auth.decode(line)
    if not answer then return nil, 501 end
    return answer
  end
  return mechanism(ask, initial, session.settings.users or {})
end

local function authenticate(session, entry, name, mechanism, initial)
  entry.mechanism, entry.initial = name, initial ~= ""
  local user, code = exchange(session, entry, mechanism, initial)
  if code == 0 then return end
  local reply, text = 235, "2.7.0 Authentication successful"
  if not user then reply, text = code, AUTH_REPLIES[code] end
  local stands = session:answer("AUTH", entry, reply, text, function()
    if reply ~= 235 and entry.code ~= 235 then return end
    session.user = user or "?"
    session.record.auth = { mechanism = name, user = user }
  end)
  session.store:count(stands and "auths" or "authFailures")
end

function M.AUTH(session, entry, argument)
  local name, initial = argument:match("^(%S+)%s*(.*)$")
  if not session.greeted then return session:refuse("AUTH", entry, 503, "5.5.1 EHLO first") end
  if session.user then return session:refuse("AUTH", entry, 503, "5.5.1 Already authenticated") end
  if session.transaction then return session:refuse("AUTH", entry, 503, "5.5.1 Not during a transaction") end
  if not session.offers.AUTH then return session:refuse("AUTH", entry, 502, "5.5.1 AUTH is not offered") end
  if not name then return session:refuse("AUTH", entry, 501, "5.5.4 AUTH needs a mechanism") end
  local mechanism = offers_mechanism(session, name:upper())
  if not mechanism then return session:refuse("AUTH", entry, 504, "5.5.4 Mechanism not offered") end
  authenticate(session, entry, name:upper(), mechanism, initial)
end

local function mail_obstacle(session)
  local settings = session.settings
  if session.refused then return 503, "5.5.1 This server takes no mail" end
  if not session.greeted then return 503, "5.5.1 EHLO or HELO first" end
  if session.transaction then return 503, "5.5.1 A transaction is under way" end
  if settings.requireTls and not session.stream.secure then return 530, "5.7.0 STARTTLS first" end
  if settings.requireAuth and not session.user then return 530, "5.7.0 Authentication required" end
  if settings.maxMessages and session.record.messages >= settings.maxMessages then
    return 421, "4.7.0 Enough messages for one connection, closing"
  end
end

local function size_fault(session, value)
  local size = tonumber(value)
  if not size or not value:find("^%d+$") then return 501, "5.5.4 SIZE needs a number" end
  local limit = tonumber(session.offers.SIZE) or 0
  if limit > 0 and size > limit then return 552, "5.3.4 Message size exceeds the limit" end
end

local MAIL_PARAMETERS = {
  SIZE = { extension = "SIZE", check = size_fault },
  BODY = {
    extension = "8BITMIME",
    check = function(session, value)
      value = value:upper()
      if value == "BINARYMIME" and session.offers.BINARYMIME ~= nil then return end
      if value ~= "8BITMIME" and value ~= "7BIT" then return 501, "5.5.4 Unknown BODY value" end
    end,
  },
  SMTPUTF8 = { extension = "SMTPUTF8" },
  REQUIRETLS = { extension = "REQUIRETLS" },
  AUTH = { extension = "AUTH" },
  RET = { extension = "DSN" },
  ENVID = { extension = "DSN" },
}

local RCPT_PARAMETERS = { NOTIFY = { extension = "DSN" }, ORCPT = { extension = "DSN" } }

local function parameter_fault(session, known, parameters)
  for keyword, value in pairs(parameters) do
    local rule = known[keyword]
    if not rule or session.offers[rule.extension] == nil then
      return 555, "5.5.4 Parameter not recognised: " .. keyword
    end
    if rule.check then
      local code, text = rule.check(session, value == true and "" or value)
      if code then return code, text end
    end
  end
end

local function address_fault(address, utf8_allowed)
  if not utf8_allowed and address:find("[\128-\255]") then
    return 553, "5.6.7 Address needs SMTPUTF8"
  end
end

local function refuse_mail(session, entry, code, text)
  session:refuse("MAIL", entry, code, text)
  if code == 421 then
    session.stream:flush()
    stream_module.close("message limit")
  end
end

function M.MAIL(session, entry, argument)
  note_pipelining(session, entry)
  local code, text = mail_obstacle(session)
  if code then return refuse_mail(session, entry, code, text) end
  local address, parameters = path.parse(argument, "FROM")
  if not address then return session:refuse("MAIL", entry, 501, "5.1.7 Bad sender address syntax") end
  code, text = parameter_fault(session, MAIL_PARAMETERS, parameters)
  if not code then code, text = address_fault(address, parameters.SMTPUTF8) end
  if code then return session:refuse("MAIL", entry, code, text) end
  session:answer("MAIL", entry, 250, "2.1.0 Sender ok", function()
    session.transaction = { from = address, mailParams = parameters, to = {}, rcptParams = {} }
  end)
end

local function is_recipient(address)
  return address:lower() == "postmaster" or address:find("^.+@.+$") ~= nil
end

function M.RCPT(session, entry, argument)
  note_pipelining(session, entry)
  local transaction = session.transaction
  if not transaction then return session:refuse("RCPT", entry, 503, "5.5.1 MAIL first") end
  if transaction.chunks then return session:refuse("RCPT", entry, 503, "5.5.1 Content is under way") end
  local address, parameters = path.parse(argument, "TO")
  if not address or not is_recipient(address) then
    return session:refuse("RCPT", entry, 501, "5.1.3 Bad recipient address syntax")
  end
  local code, text = parameter_fault(session, RCPT_PARAMETERS, parameters)
  if not code then code, text = address_fault(address, transaction.mailParams.SMTPUTF8) end
  if not code and #transaction.to >= session.settings.maxRecipients then
    code, text = 452, "4.5.3 Too many recipients"
  end
  if code then return session:refuse("RCPT", entry, code, text) end
  session:answer("RCPT", entry, 250, "2.1.5 Recipient ok", function()
    transaction.to[#transaction.to + 1] = address
    transaction.rcptParams[#transaction.rcptParams + 1] = parameters
  end)
end

M.DATA = function(session, entry)
  must_be_last(session, entry)
  content.data(session, entry)
end

M.BDAT = content.bdat

function M.RSET(session, entry)
  note_pipelining(session, entry)
  session:answer("RSET", entry, 250, "2.0.0 Ok", function() session.transaction = nil end)
end

function M.NOOP(session, entry)
  must_be_last(session, entry)
  session:answer("NOOP", entry, 250, "2.0.0 Ok")
end

function M.VRFY(session, entry, argument)
  must_be_last(session, entry)
  if argument == "" then return session:refuse("VRFY", entry, 501, "5.5.4 VRFY needs an address") end
  session:answer("VRFY", entry, 252, "2.5.0 Send some mail, it will be tried")
end

function M.HELP(session, entry)
  session:answer("HELP", entry, 214, "2.0.0 This server keeps what it receives and delivers nothing")
end

function M.EXPN(session, entry)
  session:refuse("OTHER", entry, 502, "5.5.1 Not implemented")
end

function M.QUIT(session, entry)
  must_be_last(session, entry)
  if session:answer("QUIT", entry, 221, "2.0.0 Bye") then
    session.stream:flush()
    stream_module.close("quit")
  end
end

return M
