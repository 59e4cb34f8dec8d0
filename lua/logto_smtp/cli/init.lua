-- SPDX-License-Identifier: MIT
--- The command `logto-smtp`: reads the command line, runs one subcommand, answers its exit code.

local exit = require("logto_smtp.cli.exit")

local M = {}

local COMMANDS = { "init", "validate", "test", "send", "inbox" }

local function build_parser(argparse, commands)
  local parser = argparse("logto-smtp", "Checks configs of Logto's SMTP connector and sends mail with them.")
  parser:epilog(exit.HELP)
  parser:command_target("command")
  parser:require_command(true)
  for _, name in ipairs(COMMANDS) do
    local module = require("logto_smtp.cli.commands." .. name)
    commands[name] = module
    local command = parser:command(name, module.summary):epilog(exit.HELP)
    module.define(command)
    command:flag("--json", "Print one line of JSON instead of sentences.")
  end
  return parser
end

---@class logto_smtp.cli.Context
---@field stdin file*
---@field stdout file*
---@field stderr file*
---@field getenv fun(name: string): string?
---@field transport? table  instead of the network, for specs

local DEFAULT_CONTEXT = { stdin = io.stdin, stdout = io.stdout, stderr = io.stderr, getenv = os.getenv }

--- Runs one command line.
---@param argv string[]
---@param context? logto_smtp.cli.Context
---@return integer exit code
function M.run(argv, context)
  context = context or DEFAULT_CONTEXT
  local found, argparse = pcall(require, "argparse")
  if not found then
    context.stderr:write("logto-smtp: the Lua module argparse is missing: ",
      "install lua-argparse (Debian) or run `luarocks install argparse`\n")
    return exit.SOFTWARE
  end
  local commands = {}
  local ok, args = build_parser(argparse, commands):pparse(argv)
  if not ok then
    context.stderr:write("logto-smtp: ", args, "\nlogto-smtp --help lists the commands, ",
      "logto-smtp COMMAND --help their options\n")
    return exit.USAGE
  end
  local ran, code = xpcall(function() return commands[args.command].run(args, context) end, debug.traceback)
  if ran then return code end
  if tostring(code):find("interrupted!", 1, true) then return exit.INTERRUPTED end
  context.stderr:write("logto-smtp: internal error: ", tostring(code), "\n")
  return exit.SOFTWARE
end

return M
