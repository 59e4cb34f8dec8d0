-- SPDX-License-Identifier: MIT
--- `logto-smtp bulk`: sends one message of a type to each recipient of a list, and reports.

local bulk = require("logto_smtp.bulk")
local core = require("logto_smtp.core")
local exit = require("logto_smtp.cli.exit")
local input = require("logto_smtp.cli.input")
local numbers = require("logto_smtp.cli.views.numbers")
local pace = require("logto_smtp.bulk.pace")
local progress = require("logto_smtp.cli.views.progress")
local recipients = require("logto_smtp.bulk.recipients")
local report = require("logto_smtp.cli.views.report")
local style = require("logto_smtp.cli.views.style")
local summary = require("logto_smtp.cli.views.summary")
local verbose = require("logto_smtp.cli.verbose")
local tables = require("logto_smtp.util.tables")

local process = core.process

-- More recipients than this on a server elsewhere want a word of agreement.
local MANY = 100

local M = {
  name = "bulk",
  summary = "Send one message of a type to each recipient of a list, and report.",
  description = [[
Send one message of a type to each recipient of a list, and report.

The list is CSV whose first line names the columns, or one JSON object a line. The column
`to` or `email` is the recipient; each column is a variable of the template (`user.name`
is {{user.name}}). It is read while messages leave, however long it is.

With --journal each message is noted on the disk before it leaves, so that --resume goes on
after a crash or Ctrl-C without sending anything twice. Messages that were on their way at
a crash are of unknown delivery: they are listed, and --resend-unknown sends them again.

Ctrl-C finishes what is in flight; a second one ends at once. Exit codes: 0 everything sent;
75 something was put off, --resume tries again; 69 something was refused for good, or is of
unknown delivery; 65 some rows cannot be sent; 130 Ctrl-C; otherwise what ended the run.]],
  examples = {
    { "logto-smtp bulk config.json --recipients list.csv --type SignIn --dry-run",
      "render and check every message, send none" },
    { "logto-smtp bulk config.json --recipients list.csv --type SignIn --only-to example.com",
      "send to one domain only" },
    { "logto-smtp bulk config.json --recipients list.csv --rate 20/s --journal run.jsonl --yes",
      "no faster than 20 a second, and able to go on" },
    { "logto-smtp bulk config.json --recipients list.csv --rate 20/s --journal run.jsonl --yes --resume",
      "go on with it" },
  },
  shared = { "json", "quiet", "verbose" },
}

local function whole(least)
  return function(text)
    local n = tonumber(text)
    if n and n >= least and n < 2 ^ 53 and n == math.floor(n) then return n end
    return nil, ("%q is no whole number from %d up"):format(text, least)
  end
end

local function seconds(text)
  local n = tonumber(text)
  if n and n >= 0 and n <= 3600 then return n end
  return nil, ("%q is no number of seconds up to 3600"):format(text)
end

function M.define(command)
  input.define(command)
  command:option("--recipients", "The list: a file, or - for standard input."):argname("FILE"):count(1)
  command:option("--type", "The usage type, which picks the template."):argname("TYPE"):default("Generic")
  command:option("--payload", "A variable for all (KEY=VALUE), or a JSON object of them, or @FILE. "
    .. "What a recipient brings wins."):argname("VALUE"):count("*")
  command:option("--encoding", "The encoding of the list, such as windows-1252; UTF-8 without it.")
    :argname("NAME")
  command:option("--rate", "No faster than this: 20/s, 1200/m or 50000/h."):argname("RATE")
    :convert(pace.parse)
  command:option("--connections", "Connections at once, instead of the config's maxConnections.")
    :argname("N"):convert(whole(1))
  command:option("--limit", "Stop after this many messages."):argname("N"):convert(whole(1))
  command:flag("--dry-run", "Render and check every message; connect to nothing.")
  command:option("--only-to", "Skip recipients of other domains; commas between several."):argname("DOMAINS")
  command:flag("--unique", "Send to each recipient once; all of them are kept in memory.")
  command:flag("--yes", ("Agree to more than %d recipients on a server that is not on this machine, and to "
    .. "mails with placeholders that nothing fills."):format(MANY))
  command:option("--retries", "Further tries of what the server puts off, 3 without it.")
    :argname("N"):convert(whole(0))
  command:option("--retry-delay", "Seconds before the first of them, 1 without it; doubled each time.")
    :argname("SECONDS"):convert(seconds)
  command:option("--journal", "Note in this file what is sent."):argname("FILE")
  command:flag("--resume", "Go on with that journal; nothing is sent twice.")
  command:flag("--resend-unknown", "With --resume: send again what may have been sent.")
end

local function payload_of(args, context)
  local payload = {}
  for _, text in ipairs(args.payload) do
    local key, value = text:match("^([^={@][^=]*)=(.*)$")
    if key then
      payload[key] = value
    else
      local object, err, code = input.payload(text, context)
      if not object then return nil, err .. "; or KEY=VALUE", code end
      tables.assign(payload, object)
    end
  end
  return payload
end

local function domains_of(text)
  if not text then return nil end
  local list = {}
  for domain in text:gmatch("[^,%s]+") do list[#list + 1] = (domain:gsub("^@", "")) end
  return list
end

local function is_here(config)
  if type(config) ~= "table" or config.service or config.proxy then return false end
  return core.isLoopback(tostring(config.host))
end

-- Whether a list is longer than MANY; true where only reading it would tell.
local function is_long(source)
  if source == "-" then return true end
  local reader = recipients.open(source, {})
  if not reader then return false end
  local count = 0
  while count <= MANY and reader.next() do count = count + 1 end
  reader.close()
  return count > MANY
end

local function ask(context, host)
  context.stderr:write(("More than %d recipients through %s. Go on? [y/N] "):format(MANY, style.line(host)))
  local answer = context.stdin:read("*l") or ""
  return answer:find("^%s*[yY]") ~= nil
end

-- Keeps a slip from mailing the world. nil: go on.
local function refusal(args, context, config)
  local few = args.limit and args.limit <= MANY
  if args.yes or args.only_to or args.dry_run or few or is_here(config) then return nil end
  if not is_long(args.recipients) then return nil end
  local host = type(config) == "table" and tostring(config.service or config.host) or "?"
  local can_ask = args.recipients ~= "-" and args.file ~= "-" and context.stdin == io.stdin
    and process.isTerminal(0) and style.of(context, "stderr").terminal
  if can_ask then return not ask(context, host) and "nothing was sent" or nil end
  return ("more than %d recipients through %s: say --yes if you mean it, or --only-to DOMAIN, or --limit N")
    :format(MANY, host)
end

local function exit_code(r)
  if r.interrupted then return exit.INTERRUPTED end
  if r.stopped then return exit.of({ cause = r.stopped }) end
  if r.deferred > 0 then return exit.TEMPORARY end
  if r.refused + r.before.refused + r.unknown > 0 then return exit.UNAVAILABLE end
  return r.invalid > 0 and exit.DATA or exit.OK
end

local function tell_in_short(context, r)
  local missing = r.refused + r.invalid + r.deferred + r.unknown
  local why = r.interrupted and "interrupted; " or ""
  if r.stopped then why = "ended early: " .. style.line(r.stopped.message) .. "; " end
  context.stderr:write(("logto-smtp: %s%s sent, %s not\n"):format(why, numbers.count(r.sent),
    numbers.count(missing)))
end

local function tell_all(args, context, r)
  if args.json then
    report.json(context, r)
  else
    local paint = style.of(context)
    paint.line = style.line
    summary.write(r, context.stdout, paint, args.journal)
  end
  context.stdout:flush()
end

local function tell(args, context, r)
  local code = exit_code(r)
  r.ok = code == exit.OK
  if args.quiet and not args.json then
    if code ~= exit.OK then tell_in_short(context, r) end
    return code
  end
  local told, raised = pcall(tell_all, args, context, r)
  if told then return code end
  tell_in_short(context, r) -- nobody reads the report, or the disk is full: what was sent is sent
  error(raised, 0)
end

local function view_of(args, context)
  local paint = style.of(context, "stderr")
  local has_bar = paint.terminal and context.getenv("TERM") ~= "dumb"
  if args.quiet or (args.json and not has_bar) then return nil end
  return progress.view(context.stderr, paint, has_bar)
end

local function options_of(args, context, config, payload, view)
  local told = false
  return {
    config = config, recipients = args.recipients, type = args.type, payload = payload, rate = args.rate,
    connections = args.connections, limit = args.limit, onlyTo = domains_of(args.only_to),
    unique = args.unique, dryRun = args.dry_run, retries = args.retries, retryDelay = args.retry_delay,
    encoding = args.encoding, allowUnfilled = args.yes,
    journal = args.journal, resume = args.resume, resendUnknown = args.resend_unknown,
    stdin = context.stdin,
    logger = verbose.logger(args, context, config), interrupted = process.interrupted,
    onProgress = view and function(p)
      if p.stopping and not told then
        told = true
        view.clear()
        context.stderr:write("finishing what is in flight; Ctrl-C ends at once\n")
      end
      view.show(p)
    end,
  }
end

local function run(args, context, options, view)
  local r, err = bulk.run(options)
  if view then view.clear() end
  if r then return tell(args, context, r) end
  if err.name == "ConnectorError" then return report.not_sent(args, context, err, {}) end
  return report.failure(args, context, err.message, exit.of({ cause = err }))
end

local function send(args, context, config, payload)
  local view = view_of(args, context)
  local options = options_of(args, context, config, payload, view)
  process.catchInterrupt()
  local ran, code = pcall(run, args, context, options, view)
  process.releaseInterrupt()
  if not ran then error(code, 0) end
  return code
end

function M.run(args, context)
  if args.file == "-" and args.recipients == "-" then
    return report.failure(args, context, "standard input cannot be both config and list", exit.USAGE)
  end
  if args.resume and not args.journal then
    return report.failure(args, context, "--resume wants the --journal to go on with", exit.USAGE)
  end
  local config, err, code = input.config(args, context)
  if err then return report.failure(args, context, err, code) end
  if type(config) ~= "table" then
    return report.failure(args, context, "the config is not a JSON object", exit.CONFIG)
  end
  local payload, payload_err, payload_code = payload_of(args, context)
  if not payload then return report.failure(args, context, payload_err, payload_code) end
  local reason = refusal(args, context, config)
  if reason then return report.failure(args, context, reason, exit.USAGE) end
  return send(args, context, config, payload)
end

return M
