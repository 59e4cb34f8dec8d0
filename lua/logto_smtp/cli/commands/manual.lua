-- SPDX-License-Identifier: MIT
--- `logto-smtp manual`: prints the manual page, as `make install` installs it.

local exit = require("logto_smtp.cli.exit")

local M = {
  name = "manual",
  summary = "Print the manual page, for man.",
  examples = {
    { "logto-smtp manual | man -l -", "read it" },
    { "logto-smtp manual > ~/.local/share/man/man1/logto-smtp.1", "install it where no make install did" },
  },
}

function M.define() end

function M.run(_, context)
  context.stdout:write(require("logto_smtp.cli.manual").page(require("argparse")))
  return exit.OK
end

return M
