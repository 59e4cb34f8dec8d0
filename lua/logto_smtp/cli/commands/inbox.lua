-- SPDX-License-Identifier: MIT
--- `logto-smtp inbox`: a mail server on a loopback port that keeps what it gets and prints it.

local cjson = require("cjson")
local exit = require("logto_smtp.cli.exit")
local json = require("logto_smtp.json")
local report = require("logto_smtp.cli.report")

local M = {
  name = "inbox",
  summary = "Start a mail server on a loopback port and print each mail, until Ctrl-C.",
}

function M.define(command)
  command:option("--port", "The port; a free one without it."):argname("N"):convert(tonumber)
  command:option("--tls", "starttls (default), implicit or none."):choices({ "starttls", "implicit", "none" })
    :default("starttls")
  command:option("--user", "Demand this login, with --pass-env."):argname("NAME")
  command:option("--pass-env", "Take the login's password from this environment variable."):argname("NAME")
  command:option("--count", "Stop after this many mails."):argname("N"):convert(tonumber)
end

local function login_of(args, context)
  if not args.user then return nil end
  local pass = args.pass_env and context.getenv(args.pass_env)
  if pass then return { user = args.user, pass = pass } end
  return nil, "--user wants its password: put it into an environment variable and name that with --pass-env"
end

local function print_start(args, context, inbox)
  if args.json then
    return report.json(context, {
      host = inbox.host, port = inbox.port, ca = inbox.ca, config = inbox:config(),
    })
  end
  context.stdout:write(("listening on %s:%d (tls %s); Ctrl-C ends it\n"):format(inbox.host, inbox.port,
    args.tls), "connection settings for a config:\n", json.encode(inbox:config(), { indent = 2 }), "\n")
end

local function print_mail(args, context, mail)
  if args.json then
    return report.json(context, { envelope = mail.envelope, headers = mail.headers, subject = mail.subject,
      text = mail.text or cjson.null, html = mail.html or cjson.null, tls = mail.tls, auth = mail.auth })
  end
  context.stdout:write("\nfrom ", mail.envelope.from, " to ", table.concat(mail.envelope.to, ", "), "\n")
  context.stdout:write("subject: ", mail.subject or "", "\n\n", mail.text or mail.html or "", "\n")
end

-- Prints mails as they come, until the count is reached or Ctrl-C raises.
local function watch(args, context, inbox)
  local seen = 0
  while not args.count or seen < args.count do
    inbox:waitFor({ n = seen + 1, timeout = 1 })
    local mails = inbox:messages()
    for i = seen + 1, #mails do print_mail(args, context, mails[i]) end
    context.stdout:flush()
    seen = #mails
  end
end

function M.run(args, context)
  local login, err = login_of(args, context)
  if err then return report.failure(args, context, err, exit.USAGE) end
  local inbox, start_err = require("logto_smtp.testing").startInbox({
    port = args.port, tls = args.tls ~= "none" and args.tls or false, auth = login,
  })
  if not inbox then
    return report.failure(args, context, "cannot start the inbox: " .. tostring(start_err), exit.TEMPORARY)
  end
  print_start(args, context, inbox)
  context.stdout:flush()
  local ok, why = pcall(watch, args, context, inbox)
  inbox:stop()
  if ok or tostring(why):find("interrupted!", 1, true) then return exit.OK end
  error(why, 0)
end

return M
