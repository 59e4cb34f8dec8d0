-- SPDX-License-Identifier: MIT
--- `logto-smtp inbox`: a mail server on a loopback port that keeps what it gets and prints it.

local cjson = require("cjson")
local exit = require("logto_smtp.cli.exit")
local json = require("logto_smtp.json")
local providers = require("logto_smtp.providers")
local report = require("logto_smtp.cli.report")

local M = {
  name = "inbox",
  summary = "Start a mail server on a loopback port and print each mail, until Ctrl-C.",
  examples = { { "logto-smtp inbox --config config.json", "and a config that sends to it" } },
  shared = { "json" },
}

function M.define(command)
  command:option("--port", "The port; a free one without it."):argname("N"):convert(tonumber)
  command:option("--tls", "starttls (default), implicit or none."):choices({ "starttls", "implicit", "none" })
    :default("starttls")
  command:option("--user", "Demand this login, with --pass-env."):argname("NAME")
  command:option("--pass-env", "Take the login's password from this environment variable."):argname("NAME")
  command:option("--config", "Write a config that sends to the inbox into this file."):argname("FILE")
  command:option("--count", "Stop after this many mails."):argname("N"):convert(tonumber)
end

local function login_of(args, context)
  if not args.user then return nil end
  local pass = args.pass_env and context.getenv(args.pass_env)
  if pass then return { user = args.user, pass = pass } end
  return nil, "--user wants its password: put it into an environment variable and name that with --pass-env"
end

local function write_config(path, inbox)
  local file, err = io.open(path, "wb")
  if not file then return nil, "cannot write " .. err end
  file:write(json.encode(inbox:config(), { indent = 2, order = providers.KEY_ORDER }), "\n")
  file:close()
  return true
end

local function print_start(args, context, inbox)
  if args.json then
    return report.json(context, { host = inbox.host, port = inbox.port, tls = args.tls, ca = inbox.ca })
  end
  context.stdout:write(("listening on %s:%d (tls %s); Ctrl-C ends it\n"):format(inbox.host, inbox.port,
    args.tls))
end

local function print_mail(args, context, mail)
  if args.json then
    return report.json(context, {
      envelope = { from = mail.envelope.from, to = mail.envelope.to }, subject = mail.subject or cjson.null,
      text = mail.text or cjson.null, html = mail.html or cjson.null, tls = mail.tls, auth = mail.auth,
      raw = mail.raw,
    })
  end
  local recipients = table.concat(mail.envelope.to, ">, <")
  context.stdout:write("\nfrom <", mail.envelope.from, "> to <", recipients, ">\n")
  for _, header in ipairs(mail.headers) do context.stdout:write(header.name, ": ", header.value, "\n") end
  context.stdout:write("\n", mail.text or mail.html or "", "\n")
end

-- Prints mails as they come, until the count is reached or Ctrl-C raises.
local function watch(args, context, inbox)
  local seen = 0
  while not args.count or seen < args.count do
    local mails = inbox:waitFor({ n = seen + 1, timeout = 1 }) or {}
    for i = seen + 1, #mails do print_mail(args, context, mails[i]) end
    context.stdout:flush()
    seen = math.max(seen, #mails)
  end
end

function M.run(args, context)
  local login, err = login_of(args, context)
  if err then return report.failure(args, context, err, exit.USAGE) end
  local found, testing = pcall(require, "logto_smtp.testing")
  if not found then
    return report.failure(args, context, "the inbox needs LuaSocket and LuaSec: install lua-socket and "
      .. "lua-sec (Debian), or luasocket and luasec with luarocks", exit.SOFTWARE)
  end
  local inbox, start_err = testing.startInbox({
    port = args.port, tls = args.tls, auth = login, authInClear = args.tls == "none",
  })
  if not inbox then
    return report.failure(args, context, "cannot start the inbox: " .. start_err, exit.TEMPORARY)
  end
  local written, write_err = true, nil
  if args.config then written, write_err = write_config(args.config, inbox) end
  if not written then
    inbox:stop()
    return report.failure(args, context, write_err, exit.CANNOT_CREATE)
  end
  print_start(args, context, inbox)
  context.stdout:flush()
  local ok, why = pcall(watch, args, context, inbox)
  inbox:stop()
  if ok or tostring(why):find("interrupted!", 1, true) then return exit.OK end
  error(why, 0)
end

return M
