-- SPDX-License-Identifier: MIT
--- The inbox of the command line: mail on one port, HTTP on the other, both on one loop in this process.

local api = require("logto_smtp.inbox.api")
local box = require("logto_smtp.inbox.box")
local certificate = require("logto_smtp.inbox.certificate")
local exit = require("logto_smtp.cli.exit")
local http = require("logto_smtp.inbox.http")
local loop = require("logto_smtp.inbox.loop")
local options = require("logto_smtp.inbox.options")
local smtp = require("logto_smtp.inbox.server")
local process = require("logto_smtp.core").process

local TICK_SECONDS = 0.2 -- how long Ctrl-C may take: LuaSocket waits on through signals
local MAX_COMMANDS = 1000
local FAREWELL_SECONDS = 2

---@class logto_smtp.cli.Inbox
---@field host string
---@field port integer
---@field tls "starttls"|"implicit"|"none"
---@field address string  host and port
---@field url string      of HTTP
---@field ca? string      PEM text
---@field login? { user: string, pass: string }
---@field box logto_smtp.cli.Box
---@field loop logto_smtp.testing.Loop
---@field code integer    exit code to end with
---@field directory? string  for files
---@field private failure? any
local Inbox = {}
Inbox.__index = Inbox

local M = {}

---@param args table  of the command
---@param login? { user: string, pass: string }
---@return logto_smtp.cli.Inbox
function M.new(args, login)
  return setmetatable({
    args = args, login = login, tls = args.tls, box = box.new(args.max), loop = loop.new(), code = exit.OK,
  }, Inbox)
end

-- A name for a host that URLs take.
local function url_host(host)
  return host:find(":", 1, true) and "[" .. host .. "]" or host
end

local function start_http(inbox, watcher)
  local args = inbox.args
  local server, err = http.start(inbox.loop, {
    host = args.host, port = args.http, names = args.names,
    handler = function(request) return api.handle(inbox, request) end,
    ended = function(task) inbox.box:forget(task) end,
    complain = watcher.complain,
  })
  if not server then return nil, err end
  inbox.url = ("http://%s:%d"):format(url_host(server.host), server.port)
  return true
end

-- Looks for Ctrl-C, and keeps short what is remembered of an endless connection.
local function tick(inbox)
  while true do
    inbox.loop:sleep(TICK_SECONDS)
    if process.interrupted() then inbox.loop:stop() end
    for _, live in pairs(inbox.server.store.live) do
      if #live.record.commands > MAX_COMMANDS then live.record.commands = {} end
    end
  end
end

---@class logto_smtp.cli.InboxWatcher: logto_smtp.testing.Watcher
---@field complain fun(message: string)  of an error inside

--- Opens both ports. nil, err: what kept it from that.
---@param watcher logto_smtp.cli.InboxWatcher
---@return boolean? ok, string? err
function Inbox:start(watcher)
  local args = self.args
  local settings = options.complete({
    host = args.host, port = args.port, tls = args.tls, auth = self.login, latency = args.latency / 1000,
    authInClear = args.tls == "none", chunking = true, dsn = true,
  })
  local err
  if args.tls ~= "none" then
    settings.certificate, err = certificate.get(settings.certificate)
    if err then return nil, err end
    self.ca = settings.certificate.ca
  end
  self.server, err = smtp.start(self.loop, settings, watcher)
  if not self.server then return nil, err end
  self.host, self.port = self.server.host, self.server.port
  self.address = ("%s:%d"):format(url_host(self.host), self.port)
  self.loop:spawn(function() tick(self) end)
  return start_http(self, watcher)
end

local function has_output(inbox)
  for _, live in pairs(inbox.server.store.live) do
    if not live.stream:is_flushed() then return true end
  end
  return false
end

--- Ends the loop once the clients have the answers they wait for.
function Inbox:finish()
  self.loop:spawn(function()
    local deadline = loop.now() + FAREWELL_SECONDS + self.args.latency / 1000
    repeat self.loop:sleep(0.01) until not has_output(self) or loop.now() > deadline
    self.loop:stop()
  end)
end

--- Calls a function that does not wait. What it raises ends the loop, and not just the task that called.
function Inbox:guard(what, ...)
  local ok, err = pcall(what, ...)
  if ok then return end
  self.failure = err
  self.loop:stop()
end

--- Serves until `finish`, Ctrl-C or SIGTERM. Raises what `guard` caught.
function Inbox:run()
  process.catchInterrupt()
  self.loop:run()
  process.releaseInterrupt()
  if self.failure then error(self.failure, 0) end
end

--- Closes both ports and every connection.
function Inbox:stop()
  if self.server then smtp.stop(self.server) end
end

return M
