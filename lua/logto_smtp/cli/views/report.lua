-- SPDX-License-Identifier: MIT
--- Prints what a command found: sentences for people, or one line of JSON for --json.
-- Results go to standard output, everything about a failure to standard error (with --json: to standard
-- output as well, since a script reads one stream).

local explain = require("logto_smtp.cli.views.failure")
local exit = require("logto_smtp.cli.exit")
local json = require("logto_smtp.util.json")
local helpers = require("logto_smtp.connector.helpers")
local style = require("logto_smtp.cli.views.style")

local M = {}

local FIELD_ORDER = {
  "ok", "valid", "issues", "advice", "info", "error", "code", "reason", "path", "message", "fault", "try",
  "source", "data", "cause", "accepted", "rejected", "envelope", "messageId", "messageSize", "response",
}

--- One line of JSON. order: of the keys, where it is not that of most reports.
function M.json(context, value, order)
  context.stdout:write(json.shown(json.encode(value, { order = order or FIELD_ORDER })), "\n")
end

--- A failure before anything was sent: a sentence and its exit code.
---@return integer
function M.failure(args, context, message, code)
  if args.json then
    M.json(context, { ok = false, error = { message = message } })
  else
    context.stderr:write("logto-smtp: ", style.plain(message), "\n")
  end
  return code
end

local function write_problems(out, problems)
  for _, problem in ipairs(problems) do
    local line = style.line(helpers.issueLine(problem.path, problem.message))
    out:write("  ", line, problem.try and "; " .. problem.try or "", "\n")
  end
end

local function write_advice(out, advice)
  for _, hint in ipairs(advice) do out:write("  advice: ", hint.path, " ", style.line(hint.message), "\n") end
end

--- What the guard says of a config, and the advice on it.
---@return integer
function M.verdict(args, context, name, issues, advice)
  local problems = explain.issues(issues)
  name = style.line(name)
  local code = #problems == 0 and exit.OK or exit.CONFIG
  if args.json then
    M.json(context, { valid = #problems == 0, issues = issues, advice = advice })
  elseif args.quiet then
    return code
  elseif #problems > 0 then
    context.stdout:write(name, ": not valid\n")
    write_problems(context.stdout, problems)
    write_advice(context.stdout, advice)
  else
    context.stdout:write(name, ": valid\n")
    write_advice(context.stdout, advice)
  end
  return code
end

local function plain_cause(cause)
  if type(cause) ~= "table" then return nil end
  local out = {}
  for _, field in ipairs({ "code", "reason", "message", "command", "response", "responseCode", "enhancedCode",
    "permanent", "delivery" }) do
    out[field] = cause[field]
  end
  return out
end

--- A mail that did not go out, with the config it was to go by and the advice on that.
---@return integer
function M.not_sent(args, context, err, advice, config)
  local code, known = exit.of(err), explain.diagnose(err, config) or {}
  if args.json then
    M.json(context, { ok = false, error = {
      code = err.code, message = explain.message(err), data = err.data, cause = plain_cause(err.cause),
      fault = known.name, try = known.try, source = known.source,
    }, advice = advice })
    return code
  end
  if err.code == "invalid_config" then
    context.stderr:write("logto-smtp: not sent: the config is not valid\n")
    write_problems(context.stderr, explain.issues(err.data.issues))
    return code
  end
  context.stderr:write("logto-smtp: not sent: ", style.line(explain.message(err)), "\n")
  for _, line in ipairs({ { "this is: ", known.name }, { "try: ", known.try }, { "see: ", known.source } }) do
    if line[2] then context.stderr:write("  ", line[1], line[2], "\n") end
  end
  write_advice(context.stderr, advice)
  return code
end

--- A mail that the server took.
---@return integer
function M.sent(args, context, info)
  if args.json then
    M.json(context, { ok = true, info = info })
  elseif not args.quiet then
    context.stdout:write("sent to ", style.line(table.concat(info.accepted, ", ")),
      "\n  server: ", style.line(info.response), "\n  message: ", style.line(info.messageId), "\n")
  end
  return exit.OK
end

return M
