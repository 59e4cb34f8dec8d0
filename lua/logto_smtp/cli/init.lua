-- SPDX-License-Identifier: MIT
--- The command `logto-smtp`: reads the command line, runs one subcommand, answers its exit code.

local exit = require("logto_smtp.cli.exit")
local output = require("logto_smtp.cli.output")
local parser_module = require("logto_smtp.cli.parser")
local style = require("logto_smtp.cli.views.style")

local M = {}

---@class logto_smtp.cli.Context
---@field stdin file*
---@field stdout logto_smtp.cli.Output
---@field stderr file*|{ fd?: integer }
---@field getenv fun(name: string): string?
---@field transport? table  instead of the network, for specs

local function own_context()
  local stderr = { fd = 2 }
  function stderr:write(...)
    io.stderr:write(...) -- who does not read errors is not told about errors
    return self
  end
  return { stdin = io.stdin, stdout = output.new(io.stdout, 1), stderr = stderr, getenv = os.getenv }
end

-- The command and its arguments, or nil and the exit code where there is nothing to run.
local function parse(argparse, argv, context)
  local shown = {}
  local parser, commands = parser_module.build(argparse, shown)
  local ran, ok, args = pcall(parser.pparse, parser, argv)
  if shown.text then
    context.stdout:write(shown.text)
    return nil, exit.OK
  end
  if not ran then error(ok, 0) end
  if ok then return commands[args.command], args end
  context.stderr:write("logto-smtp: ", style.plain(args), "\nlogto-smtp --help lists the commands, ",
    "logto-smtp COMMAND --help their options\n")
  return nil, exit.USAGE
end

local function run(argv, context)
  local found, argparse = pcall(require, "argparse")
  if not found then
    context.stderr:write("logto-smtp: the Lua module argparse is missing: ",
      "install lua-argparse (Debian) or run `luarocks install argparse`\n")
    return exit.SOFTWARE
  end
  local command, args = parse(argparse, argv, context)
  local code = args
  if command then code = command.run(args, context) end
  context.stdout:flush()
  return code
end

--- Runs one command line.
---@param argv string[]
---@param context? logto_smtp.cli.Context
---@return integer exit code
function M.run(argv, context)
  context = context or own_context()
  local ran, code = xpcall(function() return run(argv, context) end, debug.traceback)
  if ran then return code end
  if type(code) == "table" and code.output then
    if code.code ~= exit.PIPE then
      context.stderr:write("logto-smtp: cannot write the output: ", style.plain(code.message), "\n")
    end
    return code.code
  end
  if tostring(code):find("interrupted!", 1, true) then return exit.INTERRUPTED end
  context.stderr:write("logto-smtp: internal error: ", style.plain(tostring(code)), "\n")
  return exit.SOFTWARE
end

return M
