-- SPDX-License-Identifier: MIT
--- server: listens, runs a session per connection, keeps what arrived, and serves the control connection.
-- The control connection carries one JSON object a line each way, and is the server's lease on life: when it
-- ends, so does the process.
local json = require "logto_smtp.inbox.json"
local loop_module = require "logto_smtp.inbox.loop"
local script = require "logto_smtp.inbox.script"
local session_module = require "logto_smtp.inbox.session"
local tables = require "logto_smtp.util.tables"
local socket = require "socket"
local ssl = require "ssl"
local stream_module = require "logto_smtp.inbox.stream"

local M = {}

---@class logto_smtp.testing.Store
---@field messages table[]
---@field script logto_smtp.testing.Script
---@field tls_context? userdata
---@field private records table[]
---@field private counters table<string, integer>
---@field private watcher? logto_smtp.testing.Watcher
local Store = {}
Store.__index = Store

--- Who takes messages and ended connections over, so that the store keeps neither.
---@class logto_smtp.testing.Watcher
---@field message fun(message: table)  before the client is told that it was accepted
---@field closed fun(record: table)

local function new_store(settings, watcher)
  return setmetatable({
    watcher = watcher,
    messages = {}, records = {}, live = {}, number = 0, script = script.new(settings.script),
    counters = { connections = 0, auths = 0, authFailures = 0, messages = 0, refused = 0 },
  }, Store)
end

function Store:count(what) self.counters[what] = self.counters[what] + 1 end

function Store:next_number() return self.number + 1 end

function Store:add_message(message)
  self.number = self.number + 1
  message.number = self.number
  self:count("messages")
  if self.watcher then return self.watcher.message(message) end
  self.messages[#self.messages + 1] = message
  if self.waiter then self.waiter() end
end

--- Messages with a number above `since`.
function Store:after(since)
  local list = {}
  for _, message in ipairs(self.messages) do
    if message.number > since then list[#list + 1] = message end
  end
  return list
end

--- LuaSec reads keys from files only, so one exists for the moment it takes to load it.
local function with_file(text, use)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  local result, err = use(name)
  os.remove(name)
  return result, err
end

local function make_context(settings)
  local certificate = settings.certificate
  return with_file(certificate.cert, function(cert)
    return with_file(certificate.key, function(key)
      return ssl.newcontext {
        mode = "server", protocol = settings.tlsProtocol or "any", certificate = cert, key = key,
        options = { "all", "no_sslv2", "no_sslv3" },
      }
    end)
  end)
end

local function finish(store, stream, record, reason)
  if type(reason) ~= "table" then reason = { by = "server", why = tostring(reason) } end
  record.closed, record.closedBy, record.why = loop_module.now(), reason.by, reason.why
  record.flights, record.octetsIn, record.octetsOut = stream.flight, stream.octetsIn, stream.octetsOut
  store.live[record.id] = nil
  stream:finish(reason.farewell, reason.reset)
  if store.watcher then store.watcher.closed(record) end
end

local function start_session(server, client)
  local store = server.store
  store:count("connections")
  local record = {
    id = store.counters.connections, opened = loop_module.now(), commands = {}, violations = {}, messages = 0,
    discarded = 0, tls = false, auth = false,
  }
  if not store.watcher then store.records[#store.records + 1] = record end
  local stream = stream_module.new(client, server.loop, server.settings.latency)
  local session = session_module.new(stream, store, server.settings, record)
  local live = { stream = stream, record = record }
  store.live[record.id] = live
  live.task = server.loop:spawn(function() session:run() end, function(err)
    finish(store, stream, record, err)
  end)
end

local function accept_all(server)
  while true do
    server.loop:wait(server.listener)
    local client = server.listener:accept()
    if client and client:getfd() >= socket._SETSIZE then
      client:send("421 4.3.2 Too many connections\r\n")
      client:close()
    elseif client then
      client:setoption("tcp-nodelay", true)
      start_session(server, client)
    end
  end
end

local ops = {}

function ops.messages(server, request)
  return { messages = server.store:after(request.since) }
end

--- Answers as soon as a message with a number above `since` is there, or after `timeout` seconds.
function ops.wait(server, request)
  local store = server.store
  if store.number <= request.since and request.timeout > 0 then
    store.waiter = function() server.loop:hasten(server.control_task) end
    server.loop:wait(server.control, nil, loop_module.now() + request.timeout)
    store.waiter = nil
  end
  return { messages = store:after(request.since) }
end

function ops.clear(server)
  server.store.messages = {}
  return { number = server.store.number }
end

function ops.script(server, request)
  server.store.script:add(request.rule)
  return {}
end

function ops.clearScript(server)
  server.store.script:clear()
  return {}
end

function ops.connections(server)
  local store = server.store
  for _, live in pairs(store.live) do
    local record, stream = live.record, live.stream
    record.flights, record.octetsIn, record.octetsOut = stream.flight, stream.octetsIn, stream.octetsOut
  end
  return { connections = store.records }
end

function ops.counters(server)
  local open = 0
  for _ in pairs(server.store.live) do open = open + 1 end
  return { counters = tables.assign({ open = open }, server.store.counters) }
end

function ops.disconnect(server, request)
  local list = {}
  for _, live in pairs(server.store.live) do list[#list + 1] = live end
  for _, live in ipairs(list) do
    server.loop:cancel(live.task, {
      by = "server", why = "disconnect", farewell = request.farewell, reset = request.reset,
    })
  end
  return { closed = #list }
end

function ops.stop(server)
  ops.disconnect(server, {})
  server.listener:close()
  server.loop:stop()
  return {}
end

local function send_all(loop, sock, octets)
  local first = 1
  while first <= #octets do
    local last, err, partial = sock:send(octets, first)
    if last then return end
    if err ~= "timeout" then return loop:stop() end
    first = (partial or first - 1) + 1
    loop:wait(nil, sock)
  end
end

--- The next request's line, or nil when control is lost.
local function next_line(server)
  local partial
  while true do
    local line, err, rest = server.control:receive("*l", partial)
    if line then return line end
    partial = rest
    if err ~= "timeout" then return nil end
    server.loop:wait(server.control)
  end
end

local function serve_control(server)
  while true do
    local line = next_line(server)
    if not line then return server.loop:stop() end
    local request = json.decode(line)
    send_all(server.loop, server.control, json.encode(ops[request.op](server, request)) .. "\n")
  end
end

local function stop_with_word(server)
  return function(err)
    if err then io.stderr:write("inbox: ", tostring(err), "\n") end
    server.loop:stop()
  end
end

--- The control task names itself once it runs, so it first waits for its turn.
local function spawn_control(server)
  server.control_task = server.loop:spawn(function()
    server.loop:sleep(0)
    serve_control(server)
  end, stop_with_word(server))
end

--- Ends the process when whoever started it has gone, even if another process inherited the control
--- connection.
local function watch_parent(server, parent)
  local function alive()
    local file = io.open("/proc/" .. parent .. "/stat")
    if file then file:close() end
    return file ~= nil
  end
  if not alive() then return end -- no /proc on this system: the control connection must do
  server.loop:spawn(function()
    while alive() do server.loop:sleep(1) end
    server.loop:stop()
  end)
end

--- The reading end of our standard output closes when the parent does: noticed without any traffic.
local function watch_output(server)
  local output = { getfd = function() return 1 end, dirty = function() return false end }
  server.loop:spawn(function()
    server.loop:wait(output)
    server.loop:stop()
  end)
end

--- Opens the port and serves whoever connects, in tasks of the loop.
---@param loop logto_smtp.testing.Loop
---@param settings table as `options.complete` makes them, the certificate as PEM texts
---@param watcher? logto_smtp.testing.Watcher
---@return { store: logto_smtp.testing.Store, host: string, port: integer }? server, string? err
function M.start(loop, settings, watcher)
  local store, err = new_store(settings, watcher), nil
  if settings.tls ~= "none" then store.tls_context, err = make_context(settings) end
  if err then return nil, "cannot use the certificate: " .. err end
  local server = { store = store, settings = settings, loop = loop }
  server.listener, err = socket.bind(settings.host, ("%d"):format(settings.port), 512)
  if err then
    return nil, ("cannot listen on %s port %d: %s"):format(settings.host, settings.port, err)
  end
  server.listener:settimeout(0)
  local host, port = server.listener:getsockname()
  server.host, server.port = host, tonumber(port)
  loop:spawn(function() accept_all(server) end, stop_with_word(server))
  return server
end

--- Closes the port and every connection.
function M.stop(server)
  ops.stop(server)
end

--- Serves until control is lost or `stop` is asked for. Answers the settings with { host, port } or { err }.
---@param control table connected socket
---@param settings table as `options.complete` makes them
---@param parent integer process id
function M.run(control, settings, parent)
  local server, err = M.start(loop_module.new(), settings)
  if not server then return control:send(json.encode { err = err } .. "\n") end
  control:send(json.encode { host = server.host, port = server.port } .. "\n")
  control:settimeout(0)
  server.control = control
  spawn_control(server)
  watch_parent(server, parent)
  watch_output(server)
  server.loop:run()
end

return M
