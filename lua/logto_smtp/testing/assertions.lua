-- SPDX-License-Identifier: MIT
--- assertions: what luassert, and so busted, can assert about mails once this is required:
--
--     assert.mail_sent(inbox, { to = "user@example.com", code = "123456" })    answers the mail
--     assert.no_mail_sent(inbox, { to = "other@example.com" })
--     assert.mail_count(inbox, 2, { type = "SignIn" })
--     assert.mail(mail).matches_snapshot("sign-in")
--     assert.mail.matches_snapshot(mail, "sign-in", { code = true })
--
-- The first argument of the first three is an inbox or a capture.
local arrivals = require "logto_smtp.testing.arrivals"
local filter_module = require "logto_smtp.testing.filter"
local luassert = require "luassert"
local snapshot = require "logto_smtp.testing.snapshot"

-- What luassert would print of the arguments is long and of no use.
local function hide(arguments)
  local hidden = {}
  for i = 1, arguments.n do hidden[i] = true end
  arguments.nofmt = hidden
end

local function check(name, arguments, position, level)
  level = level + 1
  hide(arguments)
  local given, filter = arguments[1], arguments[position]
  if not arrivals.is(given) then
    local what = "bad argument #1 to '%s' (an inbox or a capture expected, got %s)"
    error(what:format(name, type(given)), level)
  end
  if filter == nil then filter = {} end
  arrivals.check(given, filter, ("#%d to '%s'"):format(position, name), level)
  return given, filter
end

local function within(timeout)
  return timeout > 0 and (" within %g s"):format(timeout) or ""
end

local function unwanted(state, given, filter)
  local timeout = filter.timeout or 0
  local matching = arrivals.gather(given, filter, 1, timeout)
  state.failure_message = ("expected no%s, but %d arrived:%s"):format(
    filter_module.describe(1, filter):gsub("^1", ""), #matching, filter_module.listing(matching, filter))
  return #matching > 0
end

-- Asserted to be: waits. Asserted not to be: looks at once, unless given a time.
local function mail_sent(state, arguments, level)
  level = (level or 1) + 1
  local given, filter = check("mail_sent", arguments, 2, level)
  if not state.mod then
    if filter.n then error("bad argument #2 to 'no_mail_sent' (n has no meaning here)", level) end
    return unwanted(state, given, filter)
  end
  local wanted, timeout = filter.n or 1, filter.timeout or given.patience
  local matching, all = arrivals.gather(given, filter, wanted, timeout)
  if #matching >= wanted then return true, { filter.n and matching or matching[1] } end
  local expected = ("expected %s%s"):format(filter_module.describe(wanted, filter), within(timeout))
  state.failure_message = arrivals.explain(given, filter, expected, #matching, all)
  return false
end

local function mail_count(state, arguments, level)
  level = (level or 1) + 1
  local given, filter = check("mail_count", arguments, 3, level)
  local wanted = arguments[2]
  if type(wanted) ~= "number" then
    error(("bad argument #2 to 'mail_count' (number expected, got %s)"):format(type(wanted)), level)
  end
  if filter.n then error("bad argument #3 to 'mail_count' (n has no meaning here)", level) end
  local timeout = filter.timeout or wanted > 0 and state.mod and given.patience or 0
  local matching, all = arrivals.gather(given, filter, wanted, timeout)
  local words = filter_module.describe(wanted, filter)
  if #matching == wanted then
    state.failure_message = ("expected any number but %s, and that many arrived:%s"):format(words,
      filter_module.listing(all, filter))
    return true
  end
  state.failure_message = arrivals.explain(given, filter, ("expected exactly %s%s"):format(words,
    #matching < wanted and within(timeout) or ""), #matching, all)
  return false
end

-- `assert.mail(mail)`; with what waitFor() answers when there is none, its explanation is the second value.
local function mail(state, arguments)
  if arguments then state.mail = { given = arguments[1], why_none = arguments[2] } end
  return state
end

local function is_mail(value)
  return type(value) == "table" and type(value.envelope) == "table" and type(value.part) == "table"
end

local function matches_snapshot(state, arguments, level)
  level = (level or 1) + 1
  hide(arguments)
  local held = rawget(state, "mail")
  local message = held or { given = table.remove(arguments, 1) }
  local name, options = arguments[1], arguments[2]
  if not is_mail(message.given) then
    local why = type(message.why_none) == "string" and ": " .. message.why_none or ""
    error(("a mail of an inbox or a capture expected, got %s%s"):format(type(message.given), why), level)
  end
  if type(name) ~= "string" or not name:find("^[%w_-][%w._/-]*$") or name:find("..", 1, true) then
    error("matches_snapshot needs a name of letters, digits, and - _ . /", level)
  end
  local same, why_not = snapshot.compare(message.given, name, options, not state.mod)
  if same == nil and not state.mod then error(why_not, level) end
  state.failure_message = why_not or ("the mail is as the snapshot %q has it, but should not be"):format(name)
  return same == true
end

-- luassert finds no text under this key, so that our own words stand alone.
local KEY = "assertion.logto_smtp"

luassert:register("assertion", "mail_sent", mail_sent, KEY, KEY)
luassert:register("assertion", "mail_count", mail_count, KEY, KEY)
luassert:register("modifier", "mail", mail)
luassert:register("assertion", "matches_snapshot", matches_snapshot, KEY, KEY)

return luassert
