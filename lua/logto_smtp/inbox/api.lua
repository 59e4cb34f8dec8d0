-- SPDX-License-Identifier: MIT
--- What an inbox answers over HTTP: its mails as JSON, each one's octets, text and HTML.

local arguments = require("logto_smtp.util.arguments")
local box_module = require("logto_smtp.inbox.box")
local http = require("logto_smtp.inbox.http")
local json = require("logto_smtp.util.json")
local loop_module = require("logto_smtp.inbox.loop")

local MAX_WAIT_SECONDS = 60
local MAX_LIMIT = 100

local M = {}

local HELP = [[
GET /messages           {"messages": [...], "last": N}, oldest first, at most 100
    ?to=ADDRESS         an envelope recipient
    ?from=TEXT          in the envelope sender or the From header
    ?subject=TEXT       in the subject
    ?since=N            only mails after number N: pass the last answer's "last"
    ?wait=SECONDS       until one matches, 60 at most; then the list is empty
    ?limit=N            at most N
GET /messages/N         one of them
GET /messages/N/raw     its octets (message/rfc822)
GET /messages/N/text    its text
GET /messages/N/html    its HTML, sandboxed
DELETE /messages        forget all: {"deleted": N}
GET /health             {"ok": true, ...}
]]

-- A mail's HTML may show what a mail program would, and do nothing.
local SANDBOX = {
  ["Content-Security-Policy"] = "sandbox; default-src 'none'; img-src http: https: data:; "
    .. "style-src 'unsafe-inline' http: https:; font-src http: https: data:",
  ["Referrer-Policy"] = "no-referrer",
}

local fault = http.fault

local function content(type_, body, headers)
  return { status = 200, type = type_, body = body, headers = headers }
end

local function answer(value)
  return content("application/json", json.encode(value, { order = box_module.ORDER }) .. "\n")
end

local TEXTS = { to = true, from = true, subject = true }
local NUMBERS = {
  since = { default = 0, max = 2 ^ 53 },
  limit = { default = MAX_LIMIT, max = MAX_LIMIT },
  wait = { default = 0, max = MAX_WAIT_SECONDS },
}

local NAMES = {}
for _, list in ipairs({ TEXTS, NUMBERS }) do
  for name in pairs(list) do NAMES[name] = true end
end

-- The filter a query asks for, or nil and what is wrong with it.
local function read_filter(query)
  local filter = {}
  for name, value in pairs(query) do
    if TEXTS[name] then
      filter[name] = value
    elseif NUMBERS[name] then
      local number = value:find("^%d+%.?%d*$") and tonumber(value)
      if not number then return nil, ("%s=%s is not a number"):format(name, value) end
      filter[name] = math.min(number, NUMBERS[name].max)
    else
      local meant = arguments.meant(name, NAMES)
      return nil, ("there is no filter %q%s"):format(name, meant ~= "" and meant
        or "; there are to, from, subject, since, limit and wait")
    end
  end
  for name, rule in pairs(NUMBERS) do filter[name] = filter[name] or rule.default end
  filter.limit, filter.since = math.max(1, math.floor(filter.limit)), math.floor(filter.since)
  return filter
end

local function list(inbox, request)
  local filter, wrong = read_filter(request.query)
  if not filter then return fault(400, wrong) end
  local box, deadline = inbox.box, loop_module.now() + filter.wait
  local found, last = box:find(filter)
  while #found == 0 and loop_module.now() < deadline do
    box:during(request.task, function() request.park(deadline) end)
    found, last = box:find(filter)
  end
  local messages = {}
  for i, message in ipairs(found) do messages[i] = box_module.describe(message) end
  return answer({ messages = messages, last = last })
end

local VIEWS = {
  [""] = function(message) return answer(box_module.describe(message)) end,
  ["/raw"] = function(message) return content("message/rfc822", message.raw) end,
  ["/text"] = function(message)
    return message.text and content("text/plain; charset=utf-8", message.text)
  end,
  ["/html"] = function(message)
    return message.html and content("text/html; charset=utf-8", message.html, SANDBOX)
  end,
}

local function one(inbox, number, view)
  local message = inbox.box:get(tonumber(number))
  if not message then return fault(404, "there is no mail " .. number .. ", or not any more") end
  local show = VIEWS[view]
  return show and show(message) or fault(404, ("mail %s has no %s"):format(number, view:sub(2)))
end

local function health(inbox)
  return answer({ ok = true, host = inbox.host, port = inbox.port, tls = inbox.tls,
    messages = inbox.box:count(), last = inbox.box.last })
end

--- Answers a request.
---@param inbox { box: logto_smtp.cli.Box, host: string, port: integer, tls: string }
---@param request logto_smtp.cli.HttpRequest
---@return logto_smtp.cli.HttpResponse
function M.handle(inbox, request)
  local path = request.path
  if request.method == "DELETE" then
    if path == "/messages" then return answer({ deleted = inbox.box:clear() }) end
    return fault(405, "only /messages can be deleted", { Allow = "GET, HEAD" })
  end
  if path == "/" then return content("text/plain; charset=utf-8", HELP) end
  if path == "/health" then return health(inbox) end
  if path == "/messages" then return list(inbox, request) end
  local number, view = path:match("^/messages/(%d+)(.*)$")
  if number then return one(inbox, number, view) end
  return fault(404, "there is no " .. path .. "; GET / tells what there is")
end

return M
