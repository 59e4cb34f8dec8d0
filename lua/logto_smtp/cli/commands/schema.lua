-- SPDX-License-Identifier: MIT
--- `logto-smtp schema`: prints the JSON Schema of a config.

local exit = require("logto_smtp.cli.exit")
local json = require("logto_smtp.util.json")
local option_schema = require("logto_smtp.config.schema")

local M = {
  name = "schema",
  summary = "Print the JSON Schema of a config, for editors and validators.",
  description = "Print the JSON Schema (2020-12) of a config. With\n"
    .. "\"$schema\": \"./logto-smtp.schema.json\" in the config, an editor completes options and marks\n"
    .. "mistakes.",
  examples = {
    { "logto-smtp schema > logto-smtp.schema.json", "beside the config that names it" },
    { "logto-smtp schema | jq .properties.tls", "what an option may be" },
  },
}

function M.define() end

function M.run(_, context)
  local schema, order = option_schema.document()
  context.stdout:write(json.encode(schema, { indent = 2, order = order }), "\n")
  return exit.OK
end

return M
