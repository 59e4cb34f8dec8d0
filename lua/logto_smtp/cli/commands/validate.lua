-- SPDX-License-Identifier: MIT
--- `logto-smtp validate`: checks a config and says what belongs where; connects to nothing.

local core = require("logto_smtp.core")
local exit = require("logto_smtp.cli.exit")
local input = require("logto_smtp.cli.input")
local helpers = require("logto_smtp.connector.helpers")
local providers = require("logto_smtp.diagnosis.providers")
local report = require("logto_smtp.cli.views.report")

local M = {
  name = "validate",
  summary = "Check a config: one line per issue, and advice. Connects to nothing.",
  examples = {
    { "logto-smtp validate config.json", "every issue, with its path and what to do" },
    { "logto-smtp init --provider ses | logto-smtp validate - --json", "the same for a program" },
    { "logto-smtp validate -q config.json || exit", "the exit code alone" },
  },
  shared = { "json", "quiet" },
}

function M.define(command)
  input.define(command)
end

-- What the guard takes because Logto's does, and what cannot work all the same: half a login, a key that is
-- none. Making a client finds it and connects to nothing.
local function unusable(config)
  local client, issues = core.client(config)
  if client then client:close() end
  if issues and issues.code then return nil, issues end
  return issues or {}
end

function M.run(args, context)
  local config, err, code = input.config(args, context)
  if err then return report.failure(args, context, err, code) end
  local result = helpers.configGuard.safeParse(config)
  local issues, lack
  if result.success then issues, lack = unusable(config) else issues = result.error.issues end
  if lack then return report.failure(args, context, lack.message, exit.TEMPORARY) end
  local advice = type(config) == "table" and providers.advise(config, #issues == 0) or {}
  return report.verdict(args, context, args.file == "-" and "config" or args.file, issues, advice)
end

return M
