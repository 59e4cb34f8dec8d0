-- SPDX-License-Identifier: MIT
--- `logto-smtp send`: sends one message of a type with a payload, as the connector does for a user.

local exit = require("logto_smtp.cli.exit")
local input = require("logto_smtp.cli.input")
local helpers = require("logto_smtp.connector.helpers")
local mailer = require("logto_smtp.connector.template_mail")
local providers = require("logto_smtp.diagnosis.providers")
local report = require("logto_smtp.cli.views.report")
local verbose = require("logto_smtp.cli.verbose")

local M = {
  name = "send",
  summary = "Send one message of a type, filled from a payload.",
  examples = {
    { [[logto-smtp send config.json --to you@example.com --type SignIn --payload '{"code":"123456"}']],
      "the SignIn template with a code" },
    { "logto-smtp send config.json --to you@example.com --payload @payload.json",
      "the Generic one, filled from a file" },
  },
  shared = { "json", "quiet", "verbose" },
}

function M.define(command)
  input.define(command)
  command:option("--to", "The recipient: exactly one mailbox."):argname("ADDRESS"):count(1)
  command:option("--type", "The usage type, which picks the template."):argname("TYPE"):default("Generic")
  command:option("--payload", "What the template names: a JSON object, or @FILE (@- reads standard input).")
    :argname("JSON"):default("{}")
  command:flag("--yes", "Agree to a mail with placeholders that nothing fills.")
end

-- What keeps a slip from being sent, or nil.
local function slip(args, config, data)
  local fault = helpers.usageTypeFault(data.type, config)
  if fault then return fault, exit.USAGE end
  local template = type(config) == "table" and helpers.configGuard.safeParse(config).success
    and helpers.getConfigTemplateByType(data.type, config)
  if not template or args.yes then return nil end
  local names = mailer.unfilled(mailer.placeholders(template), data.payload)
  if #names == 0 then return nil end
  return ("%s; add it to --payload, or say --yes"):format(mailer.unfilledReason(names)), exit.DATA
end

--- Sends and reports; also what `test` runs.
---@param check? fun(args: table, config: any, data: table): string?, integer?  why it is not to be sent
---@return integer exit code
function M.deliver(args, context, data, check)
  local config, err, code = input.config(args, context)
  if not err and check then err, code = check(args, config, data) end
  if err then return report.failure(args, context, err, code) end
  local connector = require("logto_smtp").createConnector({
    transport = context.transport, logger = verbose.logger(args, context, config),
  })
  local info, send_err = connector.sendMessage(data, config)
  if not info then
    -- The guard has passed whatever got as far as the transport, so there can be advice on it.
    local advice = send_err.cause and providers.advise(config) or {}
    return report.not_sent(args, context, send_err, advice, config)
  end
  return report.sent(args, context, info)
end

function M.run(args, context)
  if args.file == "-" and args.payload == "@-" then
    return report.failure(args, context, "standard input cannot be both config and payload", exit.USAGE)
  end
  local payload, err, code = input.payload(args.payload, context)
  if err then return report.failure(args, context, err, code) end
  return M.deliver(args, context, { to = args.to, type = args.type, payload = payload }, slip)
end

return M
