-- SPDX-License-Identifier: MIT
--- `logto-smtp check`: the doctor on a terminal.

local cjson = require("cjson")
local exit = require("logto_smtp.cli.exit")
local failure = require("logto_smtp.cli.views.failure")
local input = require("logto_smtp.cli.input")
local helpers = require("logto_smtp.connector.helpers")
local report = require("logto_smtp.cli.views.report")
local style = require("logto_smtp.cli.views.style")
local verbose = require("logto_smtp.cli.verbose")

local M = {
  name = "check",
  summary = "Go the way of a mail step by step, and say where it ends and what to try. Sends nothing.",
  description = "Checks the config, the names in DNS, the connection, TLS with its certificates, the login,\n"
    .. "and whether the server would take a mail to the recipient (MAIL FROM, RCPT TO, RSET). Sends nothing.",
  examples = {
    { "logto-smtp check config.json", "each step with a tick or a cross, its time, and what to try" },
    { "logto-smtp check config.json --to you@example.com", "ask the server for this recipient" },
    { "logto-smtp check config.json --no-probe --json", "up to the login, for a program" },
  },
  shared = { "json", "quiet", "verbose" },
}

function M.define(command)
  input.define(command)
  command:option("--to", "The recipient to ask for; the sender itself without it."):argname("ADDRESS")
  command:flag("--no-probe", "Stop after the login: no MAIL FROM and RCPT TO.")
  command:option("--resolver", "Ask this DNS server, an IP address with or without #PORT; needs lua-unbound.")
    :argname("ADDRESS")
  command:option("--timeout", "Seconds for each step."):argname("N"):convert(tonumber):default("10")
end

local STEP_ORDER = {
  "ok", "host", "port", "steps", "name", "ms", "detail", "fault", "advice", "source", "code", "reason",
  "responseCode",
  "enhancedCode", "response", "issues", "chain", "subject", "issuer", "expires",
}

-- A step as JSON; ok is null where it was skipped or could not be checked.
local function plain_step(step)
  local err = step.err or {}
  local ok = step.ok
  if ok == nil then ok = cjson.null end
  return {
    name = step.name, ok = ok, ms = step.ms, detail = step.detail, advice = step.advice, fault = step.fault,
    source = step.source, code = err.code, reason = err.reason, responseCode = err.responseCode,
      enhancedCode = err.enhancedCode,
    response = err.response, issues = step.issues, chain = step.chain,
  }
end

local function write_json(context, result)
  local steps = {}
  for i, step in ipairs(result.steps) do steps[i] = plain_step(step) end
  report.json(context, { ok = result.ok, host = result.host, port = result.port, steps = steps }, STEP_ORDER)
end

local function mark(step, paint)
  if step.ok == nil then return paint.dim("-") end
  if not step.ok then return paint.red("✗") end
  return #step.advice > 0 and paint.yellow("!") or paint.green("✓")
end

-- Prints the steps as they end; on a terminal, what is under way on the last line meanwhile. Answers two
-- functions for that, and one for the end.
local function printer(context, paint)
  local waiting, skipped = false, {}
  local function clear()
    if waiting then context.stdout:write("\r\27[K") end
    waiting = false
  end
  local function begin(name)
    if not paint.colours then return end
    clear()
    context.stdout:write("  ", paint.dim("… " .. name))
    context.stdout:flush()
    waiting = true
  end
  local function line(label, text)
    for part in style.plain(text):gmatch("[^\n]+") do
      context.stdout:write((" "):rep(13), label, part, "\n")
      label = (" "):rep(#label)
    end
  end
  local function done(step)
    clear()
    if step.skipped then
      skipped[#skipped + 1] = step.name
      return
    end
    local first, rest = style.plain(step.detail):match("^([^\n]*)\n?(.*)$")
    local time = step.ok == nil and "" or paint.dim(("  %d ms"):format(step.ms))
    context.stdout:write("  ", mark(step, paint), (" %-9s"):format(step.name), first, time, "\n")
    line("", rest)
    for _, problem in ipairs(failure.issues(step.issues or {})) do
      local try = problem.try and "; " .. problem.try or ""
      line("", helpers.issueLine(problem.path, problem.message) .. try)
    end
    if step.fault then line("this is: ", step.fault) end
    for _, advice in ipairs(step.advice) do line("try: ", advice) end
    if step.source then line("see: ", step.source) end
    context.stdout:flush()
  end
  local function finish(result)
    if skipped[1] then
      context.stdout:write("  ", paint.dim("- skipped   " .. table.concat(skipped, ", ")), "\n")
    end
    context.stdout:write(result.ok and "the way is clear\n" or "the way is blocked\n")
  end
  return begin, done, finish
end

local function exit_code(result)
  for _, step in ipairs(result.steps) do
    if step.ok == false then
      return step.name == "config" and exit.CONFIG or exit.of({ cause = step.err })
    end
  end
  return exit.OK
end

-- What is wrong with the options, or nil.
local function misuse(args)
  if not args.timeout or args.timeout <= 0 then return "--timeout wants a number of seconds above 0" end
  local resolver = args.resolver or "::1"
  if not resolver:find("^[%x:.]+$") and not resolver:find("^[%x:.]+#%d+$") or not resolver:find("[:.]") then
    return "--resolver wants an IP address, with or without #PORT, such as 192.0.2.53 or 127.0.0.1#5353"
  end
end

function M.run(args, context)
  local complaint = misuse(args)
  if complaint then return report.failure(args, context, complaint, exit.USAGE) end
  local config, err, code = input.config(args, context)
  if err then return report.failure(args, context, err, code) end
  local found, doctor = pcall(require, "logto_smtp.diagnosis.doctor")
  if not found then
    return report.failure(args, context, "the check needs LuaSocket: install lua-socket (Debian), or "
      .. "luasocket with luarocks", exit.SOFTWARE)
  end
  local options = {
    to = args.to, probe = not args.no_probe, resolver = args.resolver, timeout = args.timeout,
    logger = verbose.logger(args, context, config),
  }
  local finish = function() end
  if args.json then
    finish = function(result) write_json(context, result) end
  elseif not args.quiet then
    options.onBegin, options.onStep, finish = printer(context, style.of(context))
  end
  local result = doctor.examine(config, options)
  finish(result)
  return exit_code(result)
end

return M
