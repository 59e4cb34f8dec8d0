-- SPDX-License-Identifier: MIT
--- `logto-smtp inbox`: a mail server for developers, on a loopback port. Delivers nothing.

local browser = require("logto_smtp.cli.browser")
local exit = require("logto_smtp.cli.exit")
local json = require("logto_smtp.util.json")
local providers = require("logto_smtp.diagnosis.providers")
local report = require("logto_smtp.cli.views.report")
local style = require("logto_smtp.cli.views.style")

local M = {
  name = "inbox",
  summary = "Start a mail server on a loopback port and print each mail and its code, until Ctrl-C.",
  description = [[
Start a mail server on a loopback port and print each mail and its code, until Ctrl-C.
Whatever it is sent stays here: nothing is delivered. Programs in any language read the mails as JSON over
HTTP: GET / there lists what it answers. The newest mails are kept, up to --max and 256 MiB.]],
  examples = {
    { "logto-smtp inbox --port 2525 --http 8025", "on ports that you know" },
    { "logto-smtp inbox --config config.json --auth me:secret", "with a login, and a config that fits" },
    { "logto-smtp inbox --keep mails --open", "keep each mail as a file, and show it in the browser" },
    { "logto-smtp inbox -q --count 1 --port 2525", "print the code of the next mail, and end" },
  },
  shared = { "json", "verbose" },
}

local function whole(least, most)
  return function(text)
    local number = tonumber(text)
    if number and number % 1 == 0 and number >= least and number <= most then return number end
    return nil, ("%s is not a whole number from %d to %d"):format(text, least, most)
  end
end

function M.define(command)
  local port = whole(0, 65535)
  command:option("--port", "The port for mail; 0 is a free one."):argname("N"):convert(port):default("0")
  command:option("--http", "The port for HTTP; 0 is a free one."):argname("N"):convert(port):default("0")
  command:option("--host", "The address for both ports."):argname("ADDRESS"):default("127.0.0.1")
  command:option("--allow-host", "Answer HTTP requests to this name, too. May be given several times.")
    :argname("NAME"):count("*"):target("names")
  command:option("--tls", "How TLS begins."):choices({ "starttls", "implicit", "none" }):default("starttls")
  command:option("--auth", "Demand this login. For tests: others on this machine see command lines.")
    :argname("USER:PASS")
  command:option("--user", "Demand this login, with --pass-env."):argname("NAME")
  command:option("--pass-env", "Take the login's password from this environment variable."):argname("NAME")
  command:option("--latency", "Hold each answer back for so many milliseconds."):argname("MS")
    :convert(whole(0, 60000)):default("0")
  command:option("--config", "Write a config that sends to the inbox into this file."):argname("FILE")
  command:option("--ca", "Write the authority of its certificate into this file, for other clients.")
    :argname("FILE")
  command:option("--keep", "Keep each mail as an .eml file in this directory."):argname("DIR")
  command:flag("--open", "Show each mail in the browser, from a file that stays.")
  command:flag("-q --quiet", "Print one line for each mail: the code, else the link, else the subject.")
  command:flag("--headers", "Print the headers, too.")
  command:option("--max", "How many mails to keep in memory."):argname("N"):convert(whole(1, 1000000))
    :default("1000")
  command:option("--count", "End after this many mails."):argname("N"):convert(whole(1, 1000000000))
end

-- The login to demand, or nil and what is wrong.
local function login_of(args, context)
  if args.auth and args.user then return nil, "--auth and --user: one of them, please" end
  if args.auth then
    local user, pass = args.auth:match("^([^:]+):(.+)$")
    if user then return { user = user, pass = pass } end
    return nil, "--auth wants a user and a password with a colon between"
  end
  if not args.user then return nil end
  local pass = args.pass_env and context.getenv(args.pass_env)
  if pass and pass ~= "" then return { user = args.user, pass = pass } end
  return nil, "--user wants its password: put it into an environment variable and name that with --pass-env"
end

-- A complete config that sends to the inbox.
local function config_for(inbox)
  local config = providers.example(providers.get("smtp"))
  config.host, config.port, config.secure = inbox.host, inbox.port, inbox.tls == "implicit"
  config.auth = inbox.login and { user = inbox.login.user, pass = inbox.login.pass } or { type = "login" }
  config.tls = inbox.ca and { ca = inbox.ca } or nil
  if inbox.tls == "none" then config.requireTLS = nil end
  return json.encode(config, { indent = 2, order = providers.KEY_ORDER }) .. "\n"
end

-- Writes and makes what was asked for before the first mail. nil, err: it cannot be.
local function prepare(args, inbox)
  local mail_files = require("logto_smtp.cli.views.mail_files")
  local ok, err = true, nil
  if args.config then ok, err = mail_files.write(args.config, config_for(inbox)) end
  if ok and args.ca then ok, err = mail_files.write(args.ca, inbox.ca or "") end
  if ok and args.keep then
    ok, err = mail_files.make_directory(args.keep)
    inbox.directory = args.keep
  elseif ok and args.open then
    inbox.directory, err = mail_files.temporary_directory()
    ok = inbox.directory
  end
  return ok, err
end

local TLS = { starttls = "STARTTLS", implicit = "TLS from the first octet", none = "no TLS" }

local function print_start(args, context, inbox)
  if args.json then
    report.json(context, { host = inbox.host, port = inbox.port, tls = inbox.tls, ca = inbox.ca,
      http = inbox.url })
  elseif not args.quiet then
    context.stdout:write("listening on ", inbox.address, " (", TLS[inbox.tls], "); Ctrl-C ends it\n",
      "mails as JSON: ", inbox.url, "/messages\n")
  end
  context.stdout:flush()
end

-- Writes a mail's files; answers their paths.
local function write_files(args, context, inbox, message)
  local mail_files = require("logto_smtp.cli.views.mail_files")
  local paths = {}
  local function write(extension, octets)
    local path = mail_files.path(inbox.directory, message, extension)
    local ok, err = mail_files.write(path, octets)
    if ok then
      paths[#paths + 1] = path
      return path
    end
    inbox.code = exit.CANNOT_CREATE
    context.stderr:write("logto-smtp: mail ", tostring(message.number), ": ", style.plain(err), "\n")
  end
  if args.keep then write("eml", message.raw) end
  local page = args.open and write("html", mail_files.page(message))
  if page then browser.open(page, context) end
  return paths
end

local function print_mail(args, context, message, paths)
  local printer = require("logto_smtp.cli.views.mails")
  if args.json then
    local shown = require("logto_smtp.inbox.box").describe(message)
    shown.raw, shown.files = message.raw, paths
    report.json(context, shown)
  elseif args.quiet then
    context.stdout:write(printer.essence(message), "\n")
  else
    context.stdout:write(printer.mail(message, style.of(context), { headers = args.headers, files = paths }))
  end
  context.stdout:flush()
end

-- What to do with each mail and each connection that has ended.
local function watcher(args, context, inbox)
  return {
    message = function(raw)
      local message = inbox.box:add(inbox.loop, raw)
      inbox:guard(print_mail, args, context, message, write_files(args, context, inbox, message))
      if message.number == args.count then inbox:finish() end
    end,
    closed = function(record)
      if not args.verbose then return end
      context.stderr:write(style.plain(require("logto_smtp.inbox.transcript").format({ record })), "\n")
    end,
    complain = function(message)
      context.stderr:write("logto-smtp: internal error: ", style.plain(message), "\n")
    end,
  }
end

function M.run(args, context)
  local login, err = login_of(args, context)
  if err then return report.failure(args, context, err, exit.USAGE) end
  local found, server = pcall(require, "logto_smtp.inbox.command")
  if not found then
    return report.failure(args, context, "the inbox needs LuaSocket and LuaSec: install lua-socket and "
      .. "lua-sec (Debian), or luasocket and luasec with luarocks", exit.SOFTWARE)
  end
  local inbox = server.new(args, login)
  local started, start_err = inbox:start(watcher(args, context, inbox))
  if not started then
    return report.failure(args, context, "cannot start the inbox: " .. start_err, exit.TEMPORARY)
  end
  local ready, why = prepare(args, inbox)
  if not ready then
    inbox:stop()
    return report.failure(args, context, why, exit.CANNOT_CREATE)
  end
  print_start(args, context, inbox)
  local ok, run_err = pcall(inbox.run, inbox)
  inbox:stop()
  if not ok then error(run_err, 0) end
  return inbox.code
end

return M
