-- SPDX-License-Identifier: MIT
--- `logto-smtp completion`: prints the script that completes its command lines in a shell.

local exit = require("logto_smtp.cli.exit")

local M = {
  name = "completion",
  summary = "Print the script that completes command lines in bash or zsh.",
  examples = {
    { 'eval "$(logto-smtp completion bash)"', "complete in this bash; put it into ~/.bashrc for every one" },
    { "logto-smtp completion zsh > ~/.zfunc/_logto-smtp", "for zsh, in a folder of its fpath" },
  },
}

function M.define(command)
  command:argument("shell", "bash or zsh."):choices({ "bash", "zsh" })
end

function M.run(args, context)
  local parser = require("logto_smtp.cli.parser").build(require("argparse"), {})
  context.stdout:write(parser["get_" .. args.shell .. "_complete"](parser))
  return exit.OK
end

return M
