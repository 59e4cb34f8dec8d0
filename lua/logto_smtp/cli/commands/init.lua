-- SPDX-License-Identifier: MIT
--- `logto-smtp init`: prints a complete example config for a mail service.

local exit = require("logto_smtp.cli.exit")
local json = require("logto_smtp.util.json")
local providers = require("logto_smtp.diagnosis.providers")
local report = require("logto_smtp.cli.views.report")

local M = {
  name = "init",
  summary = "Print a complete example config for a mail service.",
  examples = {
    { "logto-smtp init --list", "which services there are" },
    { "logto-smtp init --provider gmail > config.json", "a complete config to start from" },
  },
  shared = { "json" },
}

local function names()
  local out = {}
  for _, provider in ipairs(providers.list()) do out[#out + 1] = provider.id end
  return table.concat(out, ", ")
end

function M.define(command)
  command:option("--provider", "The mail service: " .. names() .. "."):argname("NAME"):default("smtp")
  command:flag("--list", "List the services with their hosts and ports instead.")
end

local function describe_ports(provider)
  local out = {}
  for _, pair in ipairs(provider.ports) do
    out[#out + 1] = ("%d (secure %s)"):format(pair.port, tostring(pair.secure))
  end
  return table.concat(out, ", ")
end

local function list(args, context)
  for _, provider in ipairs(providers.list()) do
    if args.json then
      report.json(context, { provider = provider.id, name = provider.name, host = provider.host,
        ports = provider.ports, source = provider.source })
    else
      context.stdout:write(("%-10s %-26s %s\n%10s %s\n"):format(provider.id, provider.name, provider.host, "",
        describe_ports(provider)))
    end
  end
  return exit.OK
end

function M.run(args, context)
  if args.list then return list(args, context) end
  local provider = providers.get(args.provider)
  if not provider then
    return report.failure(args, context,
      ("no preset for %q; there are %s"):format(args.provider, names()), exit.USAGE)
  end
  local config = providers.example(provider)
  if args.json then
    report.json(context, { provider = provider.id, config = config, notes = provider.notes,
      source = provider.source })
    return exit.OK
  end
  context.stdout:write(json.encode(config, { indent = 2, order = providers.KEY_ORDER }), "\n")
  for _, note in ipairs(provider.notes) do context.stderr:write("note: ", note, "\n") end
  context.stderr:write("see: ", provider.source, "\n")
  return exit.OK
end

return M
