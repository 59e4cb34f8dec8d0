-- SPDX-License-Identifier: MIT
--- The command line as argparse sees it, made of what each command says of itself. Help, completion and the
-- manual page are all read from it.

local exit = require("logto_smtp.cli.exit")

local M = {}

local COMMANDS = {
  "init", "validate", "check", "preview", "test", "send", "bulk", "inbox", "schema", "completion", "manual",
}

M.SUMMARY = "Checks configs of Logto's SMTP connector and sends mail with them."

-- The options that commands share; each names those it takes.
local SHARED = {
  json = function(command)
    command:flag("--json", "Print one line of JSON instead of sentences.")
  end,
  quiet = function(command)
    command:flag("-q --quiet", "Print nothing but errors; the exit code tells.")
  end,
  verbose = function(command)
    command:flag("-v --verbose", "Print the conversation with the server on standard error, without secrets.")
  end,
}

---@class logto_smtp.cli.Command  a module of cli/commands
---@field name string
---@field summary string      one sentence
---@field description? string more than that, for --help and the manual; lines up to 100 columns
---@field examples string[][] { command line, what it does }
---@field shared? string[]    of "json", "quiet", "verbose"
---@field define fun(command: table)  adds its own arguments and options
---@field run fun(args: table, context: logto_smtp.cli.Context): integer

local function epilog(examples)
  local lines = { "Examples:" }
  for _, example in ipairs(examples) do
    lines[#lines + 1] = "   " .. example[1]
    lines[#lines + 1] = "         " .. example[2]
  end
  return table.concat(lines, "\n") .. "\n\n" .. exit.HELP
end

local function versions()
  local version = require("logto_smtp.core").version()
  local jit = rawget(_G, "jit")
  return ("logto-smtp %s (libcurl %s, %s, %s)\n"):format(version.module, version.libcurl, version.tls,
    jit and jit.version or _VERSION)
end

M.EXAMPLES = {
  { "logto-smtp init --provider gmail > config.json", "write a complete config to start from" },
  { "logto-smtp validate config.json", "find what is wrong with it" },
  { "logto-smtp test config.json --to you@example.com", "send a mail with it" },
}

---@class logto_smtp.cli.Shown  what --help and --version ask for, found while parsing
---@field text? string

--- Builds the parser.
---@param argparse table  the module
---@param shown logto_smtp.cli.Shown  gets the text when the command line asks for one; parsing raises then
---@return table parser, table<string, logto_smtp.cli.Command> commands
function M.build(argparse, shown)
  local function show(make)
    return function()
      shown.text = make()
      error("shown", 0)
    end
  end
  local function add_help(element)
    element:add_help({ action = show(function() return element:get_help() .. "\n" end) })
  end
  local parser = argparse("logto-smtp", M.SUMMARY, epilog(M.EXAMPLES))
  add_help(parser)
  parser:flag("--version", "Show the versions of this program and its libraries."):action(show(versions))
  parser:command_target("command"):require_command(true)
  local commands = {}
  for _, name in ipairs(COMMANDS) do
    local module = require("logto_smtp.cli.commands." .. name)
    commands[name] = module
    local command = parser:command(name, module.description or module.summary, epilog(module.examples))
    command:summary(module.summary)
    add_help(command)
    module.define(command)
    for _, option in ipairs(module.shared or {}) do SHARED[option](command) end
  end
  return parser, commands
end

return M
