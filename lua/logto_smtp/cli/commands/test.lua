-- SPDX-License-Identifier: MIT
--- `logto-smtp test`: what the "Send" button of Logto's console does: the Generic template, code 000000.

local input = require("logto_smtp.cli.input")
local send = require("logto_smtp.cli.commands.send")

local M = {
  name = "test",
  summary = "Send the Generic template with code 000000, as Logto's console does to test.",
  examples = {
    { "logto-smtp test config.json --to you@example.com", "what the Send button of Logto's console does" },
    { "logto-smtp test config.json --to you@example.com --pass-env SMTP_PASS",
      "with a password that is not in the file" },
    { "logto-smtp test config.json --to you@example.com -v", "and show what was said" },
  },
  shared = { "json", "quiet", "verbose" },
}

function M.define(command)
  input.define(command)
  command:option("--to", "The recipient: exactly one mailbox."):argname("ADDRESS"):count(1)
end

function M.run(args, context)
  return send.deliver(args, context, { to = args.to, type = "Generic", payload = { code = "000000" } })
end

return M
