-- SPDX-License-Identifier: MIT
--- `logto-smtp preview`: every template as the mail it makes, in one page, with what is wrong with it.

local browser = require("logto_smtp.cli.browser")
local cjson = require("cjson")
local core = require("logto_smtp.core")
local exit = require("logto_smtp.cli.exit")
local input = require("logto_smtp.cli.input")
local helpers = require("logto_smtp.connector.helpers")
local preview = require("logto_smtp.preview")
local report = require("logto_smtp.cli.views.report")

local M = {
  name = "preview",
  summary = "Show every template as the mail it makes, and what is wrong with it. Connects to nothing.",
  description = [[
Writes one page of HTML (index.html) that shows every template filled with sample values: sender, subject,
the mail at desktop and phone width, light and dark, its source and what is wrong with it; and beside it each
mail as it would be sent (.eml). The page loads nothing and runs no script.]],
  examples = {
    { "logto-smtp preview config.json --open", "write the page to ./logto-smtp-preview and show it" },
    { "logto-smtp preview config.json --set user.name='Zoë' --set code=000000", "with values of your own" },
    { "logto-smtp preview config.json --payload values.json --out /tmp/mails", "with many, elsewhere" },
    { "logto-smtp preview config.json --strict -q || exit", "for a build: 1 when a mail has an error" },
  },
  shared = { "json", "quiet" },
}

function M.define(command)
  input.define(command)
  command:option("--out", "The directory to write to."):argname("DIR"):default("logto-smtp-preview")
  command:option("--payload", "Values over the samples: a JSON object, or the name of a file that holds one.")
    :argname("JSON")
  command:option("--set", "One value over the samples; may be repeated."):argname("NAME=VALUE"):count("*")
  command:flag("--raw", "Put values into HTML as they are, as escapeHtml = false does.")
  command:flag("--open", "Open the page in the browser.")
  command:flag("--strict", "Answer 1 when a mail has an error.")
end

-- Puts a value at a path such as user.name; nil and a sentence if it is none.
local function set(payload, assignment)
  local path, value = assignment:match("^([%w_][%w_.]*)=(.*)$")
  if not path or ("." .. path .. "."):find("..", 1, true) then
    return nil, ("--set wants NAME=VALUE, such as user.name=Ada, and got %q"):format(assignment)
  end
  local place = payload
  local parents, last = path:match("^(.*%.)([^.]+)$")
  for key in (parents or ""):gmatch("([^.]+)%.") do
    if type(place[key]) ~= "table" then place[key] = {} end
    place = place[key]
  end
  place[last or path] = value
  return true
end

-- What --payload and --set say together, or nil, a sentence and an exit code.
local function overrides(args, context)
  local payload = {}
  if args.payload then
    local text = args.payload:find("^%s*[{@]") and args.payload or "@" .. args.payload
    local err, code
    payload, err, code = input.payload(text, context)
    if err then return nil, err, code end
  end
  for _, assignment in ipairs(args.set) do
    local ok, err = set(payload, assignment)
    if not ok then return nil, err, exit.USAGE end
  end
  return payload
end

local function plain_entry(entry)
  local mail = entry.mail or {}
  return {
    index = entry.index, usageType = entry.usageType, contentType = entry.contentType, file = entry.file,
    from = mail.from or cjson.null, replyTo = mail.replyTo or cjson.null,
    subject = mail.subject or cjson.null, size = entry.octets and #entry.octets or cjson.null,
    flags = entry.flags,
  }
end

local function print_json(context, result, page, ok)
  local templates = {}
  for i, entry in ipairs(result.templates) do templates[i] = plain_entry(entry) end
  report.json(context, { ok = ok, page = page, errors = result.errors, warnings = result.warnings,
    notes = result.notes, templates = templates, coverage = result.coverage })
end

local function print_text(context, result, page)
  local function line(...)
    context.stdout:write(core.visible(table.concat({ ... }), "line"), "\n")
  end
  for _, entry in ipairs(result.templates) do
    line(entry.usageType, ": ", entry.mail and entry.mail.subject or "no mail")
    for _, flag in ipairs(entry.flags) do
      if flag.severity ~= "note" then line("  ", flag.severity, ": ", flag.field, " ", flag.message) end
    end
  end
  for _, row in ipairs(result.coverage) do
    for _, flag in ipairs(row.flags) do
      line(row.usageType, ": has no template, and Generic's ", flag.field, " ", flag.message)
    end
  end
  line(("%d errors, %d warnings, %d notes"):format(result.errors, result.warnings, result.notes))
  line(page)
end

function M.run(args, context)
  if args.file == "-" and (args.payload == "-" or args.payload == "@-") then
    return report.failure(args, context, "standard input cannot be both config and payload", exit.USAGE)
  end
  local payload, payload_err, payload_code = overrides(args, context)
  if not payload then return report.failure(args, context, payload_err, payload_code) end
  local config, err, code = input.config(args, context)
  if err then return report.failure(args, context, err, code) end
  local name = args.file == "-" and "config" or args.file
  local checked = helpers.configGuard.safeParse(config)
  if not checked.success then return report.verdict(args, context, name, checked.error.issues, {}) end
  local result = preview.render(config, { payload = payload, escapeHtml = not args.raw })
  local page, write_err = preview.write(result, args.out, name:match("[^/]+$"))
  if not page then return report.failure(args, context, "cannot write " .. write_err, exit.CANNOT_CREATE) end
  local ok = not (args.strict and result.errors > 0)
  if args.json then
    print_json(context, result, page, ok)
  elseif not args.quiet then
    print_text(context, result, page)
  end
  if args.open and not browser.open(page, context) then
    context.stderr:write("logto-smtp: no browser found; open ", core.visible(page), "\n")
  end
  return ok and exit.OK or exit.FLAGGED
end

return M
