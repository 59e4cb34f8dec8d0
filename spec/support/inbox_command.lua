-- SPDX-License-Identifier: MIT
--- inbox_command: `logto-smtp inbox` as a person runs it, in a process of its own, ended with the spec.
local cjson = require("cjson")
local clock = require("spec.support.clock")
local core = require("logto_smtp.core")
local net = require("spec.support.net")
local shell = require("spec.support.shell")

local M = {}

local open = {}

---@class spec.InboxCommand
---@field start table     what it printed first, with --json
---@field config table    a config that sends to it
---@field directory string  temporary, gone with `stop`
local Inbox = {}
Inbox.__index = Inbox

--- Starts it with --json and --config, or as told. It ends by itself after ten minutes.
---@param options? string for the command line; %s in it is the temporary directory
---@param how? { plain?: boolean, silent?: boolean, wrapper?: string, environment?: string }
---@return spec.InboxCommand
function M.start(options, how)
  how = how or {}
  local directory = net.tmpdir()
  local command = net.fill("$lua bin/logto-smtp inbox --config $dir/config.json $json $options", {
    lua = net.quote(shell.interpreter()), dir = directory, json = how.plain and "" or "--json",
    options = options and options:gsub("%%s", directory) or "",
  })
  if how.wrapper then command = how.wrapper:format(net.quote(command)) end
  local line = ("echo $$; %s exec timeout --foreground 600 %s 2>%s/errors")
    :format(how.environment or "", command, directory)
  local pipe = assert(io.popen("exec 2>&-; sh -c " .. net.quote(line) .. '; echo "exit $?"'))
  local inbox = setmetatable({ pipe = pipe, pid = pipe:read("*l"), directory = directory }, Inbox)
  open[#open + 1] = inbox
  inbox.first = not how.silent and assert(pipe:read("*l"), inbox:errors()) or nil
  inbox.start = not how.plain and cjson.decode(inbox.first) or nil
  local text = clock.eventually(function() return net.read_file(directory .. "/config.json") end)
  assert(text, inbox:errors())
  inbox.config = cjson.decode(text)
  inbox.client = assert(core.client(inbox.config))
  return inbox
end

function Inbox:errors() return net.read_file(self.directory .. "/errors") or "" end

--- Sends it a mail, over a connection that stays open.
---@param fields table
---@return table info
function Inbox:send(fields)
  local mail = {
    from = "shop@example.com", to = "ada@example.org", subject = "Your code", text = "It is 482913.",
  }
  for name, value in pairs(fields) do mail[name] = value end
  return assert(self.client:send(mail))
end

--- The next line it prints.
function Inbox:line() return self.pipe:read("*l") end

--- Asks it by curl; answers what curl prints and its exit status.
---@param path string
---@param options? string of curl
function Inbox:curl(path, options)
  return net.run(("curl -sS -m 120 %s %s"):format(options or "", net.quote(self.start.http .. path)))
end

--- The JSON it answers.
function Inbox:get(path, options)
  return cjson.decode((self:curl(path, options)))
end

--- Waits for the end; answers what it printed until then, and "exit <code>" behind it.
---@return string
function Inbox:rest() return self.pipe:read("*a") end

--- Ends all that was started.
function M.stop()
  for _, inbox in ipairs(open) do
    if inbox.client then inbox.client:close() end
    -- one that has ended by itself has left its number to somebody else
    net.run(("grep -qs %s /proc/%s/cmdline && kill %s"):format(inbox.directory, inbox.pid, inbox.pid))
    inbox.pipe:read("*a")
    inbox.pipe:close()
    net.remove_dir(inbox.directory)
  end
  open = {}
end

return M
