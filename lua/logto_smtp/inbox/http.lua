-- SPDX-License-Identifier: MIT
--- A small HTTP/1.1 server (RFC 9110, 9112) in tasks of a loop: GET, HEAD and DELETE without content,
--- everything bounded, and answers only to who names this machine: a web page whose own name points here
--- (DNS rebinding) gets none of it.

local json = require("logto_smtp.util.json")
local loop_module = require("logto_smtp.inbox.loop")
local trim = require("logto_smtp.util.trim")
local socket = require("socket")
local stream_module = require("logto_smtp.inbox.stream")

local MAX_CONNECTIONS = 64
local LINE_OCTETS = 8192
local MAX_HEADERS = 64
local REQUEST_SECONDS = 10
local IDLE_SECONDS = 30
local WRITE_SECONDS = 30

local REASONS = {
  [200] = "OK", [400] = "Bad Request", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [413] = "Content Too Large", [431] = "Request Header Fields Too Large", [501] = "Not Implemented",
  [505] = "HTTP Version Not Supported",
}

---@class logto_smtp.cli.HttpRequest
---@field method string
---@field path string            as sent, without the query
---@field query table<string, string>
---@field task logto_smtp.testing.Task
---@field park fun(deadline: number)  waits until then, or until the task is hastened; the client may leave

---@class logto_smtp.cli.HttpResponse
---@field status integer
---@field type string            of the content
---@field body string
---@field headers? table<string, string>

local BROKEN = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
local FULL = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

local M = {}

--- An answer that says what is wrong.
---@param status integer
---@param message string
---@param headers? table<string, string>
---@return logto_smtp.cli.HttpResponse
function M.fault(status, message, headers)
  return {
    status = status, type = "application/json", body = json.encode({ error = message }) .. "\n",
    headers = headers,
  }
end

local fault = M.fault

-- The next line of a request's head, or nil and a fault; nil, nil when the client had nothing to say.
local function head_line(stream, deadline)
  local line, why = stream:line(LINE_OCTETS, deadline)
  if line then return line end
  return nil, why == "long" and fault(431, "a line of the request is too long") or nil
end

local function read_headers(stream, deadline)
  local headers = {}
  for _ = 1, MAX_HEADERS do
    local line, err = head_line(stream, deadline)
    if not line then return nil, err end
    if line == "" then return headers end
    local name, value = line:match("^([%w!#$%%&'*+%-.^_`|~]+):(.*)$")
    if not name then return nil, fault(400, "a header line is not one") end
    name = name:lower()
    value = trim.both(value)
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return nil, fault(431, "too many header lines")
end

local function decode(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function parse_query(text)
  local query = {}
  for pair in text:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    query[decode(name)] = decode(value)
  end
  return query
end

local function is_local(host, names)
  host = host:lower():gsub(":%d*$", "")
  return host == "localhost" or host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil or host:find("^%[[%x:.]+%]$") ~= nil
    or names[host] ~= nil
end

-- What is wrong with a request's head, as an answer.
local function objection(method, version, headers, host, names)
  if not version:find("^1%.") then return fault(505, "HTTP/1.1, please") end
  if method ~= "GET" and method ~= "HEAD" and method ~= "DELETE" then
    return fault(405, "GET, HEAD and DELETE only", { Allow = "GET, HEAD, DELETE" })
  end
  if headers["transfer-encoding"] then return fault(501, "no content, please") end
  if not (headers["content-length"] or "0"):find("^0+$") then return fault(413, "no content, please") end
  if not host or host:find("[,%s]") then return fault(400, "one Host header, please") end
  if not is_local(host, names) then
    return fault(403, "this inbox does not answer to " .. host .. ": name it with --allow-host")
  end
end

-- The next request, or nil and an answer to it that ends the connection; nil, nil: there is none.
local function read_request(stream, names)
  local line, err = head_line(stream, loop_module.now() + IDLE_SECONDS)
  if line == "" then line, err = head_line(stream, loop_module.now() + IDLE_SECONDS) end -- RFC 9112, 2.2
  if not line then return nil, err end
  local method, target, version = line:match("^(%u+) (%S+) HTTP/(%d%.%d)$")
  if not method then return nil, fault(400, "this is no HTTP request") end
  local headers
  headers, err = read_headers(stream, loop_module.now() + REQUEST_SECONDS)
  if not headers then return nil, err end
  local host, rest = target:match("^[hH][tT][tT][pP]://([^/?]*)(.*)$") -- RFC 9112, 3.2.2
  host = host or headers.host or version == "1.0" and "localhost"
  local wrong = objection(method, version, headers, host, names)
  if wrong then return nil, wrong end
  local path, query = (rest or target):match("^([^?]*)%??(.*)$")
  local connection = (headers.connection or ""):lower()
  return {
    method = method, path = path, query = parse_query(query),
    last = version == "1.0" or connection:find("close", 1, true) ~= nil,
  }
end

local function write_response(stream, response, close, head_only)
  local lines = {
    ("HTTP/1.1 %d %s"):format(response.status, REASONS[response.status]),
    "Date: " .. os.date("!%a, %d %b %Y %H:%M:%S GMT"),
    "Content-Type: " .. response.type,
    ("Content-Length: %d"):format(#response.body),
    "X-Content-Type-Options: nosniff",
    "Cross-Origin-Resource-Policy: same-origin",
    "Cache-Control: no-store",
  }
  for name, value in pairs(response.headers or {}) do lines[#lines + 1] = name .. ": " .. value end
  if close then lines[#lines + 1] = "Connection: close" end
  stream:put(table.concat(lines, "\r\n") .. "\r\n\r\n")
  if not head_only then stream:put(response.body) end
  stream:flush(loop_module.now() + WRITE_SECONDS)
end

-- Waits while a request is served; what the client sends in the meantime is read once and kept.
local function parker(loop, stream)
  local ahead = false
  return function(deadline)
    if ahead then loop:wait(nil, nil, deadline) else ahead = stream:fill(deadline) end
  end
end

local function serve(server, stream, task)
  while true do
    local request, err = read_request(stream, server.names)
    if not request then
      if err then write_response(stream, err, true) end
      stream_module.close("done")
    end
    request.task, request.park = task, parker(server.loop, stream)
    write_response(stream, server.handler(request), request.last, request.method == "HEAD")
    if request.last then stream_module.close("done") end
  end
end

local function start_connection(server, client)
  local stream = stream_module.new(client, server.loop)
  local task
  server.connections = server.connections + 1
  task = server.loop:spawn(function()
    server.loop:sleep(0) -- until the task has its name
    serve(server, stream, task)
  end, function(err)
    server.connections = server.connections - 1
    server.ended(task)
    local broken = type(err) ~= "table"
    stream:finish(broken and BROKEN or nil)
    if broken then server.complain(tostring(err)) end
  end)
end

local function accept_all(server)
  while true do
    server.loop:wait(server.listener)
    local client = server.listener:accept()
    if client and (server.connections >= MAX_CONNECTIONS or client:getfd() >= socket._SETSIZE) then
      client:settimeout(0)
      client:send(FULL)
      client:close()
    elseif client then
      client:setoption("tcp-nodelay", true)
      start_connection(server, client)
    end
  end
end

---@class logto_smtp.cli.HttpOptions
---@field host string            address to listen on
---@field port integer           0: a free one
---@field names string[]         what the server may be called beside localhost and addresses
---@field handler fun(request: logto_smtp.cli.HttpRequest): logto_smtp.cli.HttpResponse
---@field ended fun(task: logto_smtp.testing.Task)  a connection has ended
---@field complain fun(message: string)             the handler raised

--- Opens the port and serves whoever connects.
---@param loop logto_smtp.testing.Loop
---@param options logto_smtp.cli.HttpOptions
---@return { host: string, port: integer }? server, string? err
function M.start(loop, options)
  local listener, err = socket.bind(options.host, ("%d"):format(options.port), 64)
  if not listener then
    return nil, ("cannot listen on %s port %d: %s"):format(options.host, options.port, err)
  end
  listener:settimeout(0)
  local host, port = listener:getsockname()
  local server = {
    loop = loop, listener = listener, host = host, port = tonumber(port), connections = 0, names = {},
    handler = options.handler, ended = options.ended, complain = options.complain,
  }
  for _, name in ipairs(options.names) do server.names[name:lower()] = true end
  loop:spawn(function() accept_all(server) end)
  return server
end

return M
