-- SPDX-License-Identifier: MIT
--- The content handler that Logto's HTTP email connector posts to: checks who asks, what for and how often,
-- hands the message to a connector, and answers 200 once the mail server has accepted it. Every other answer
-- is `{ code, message }` with a status that fits. Logto shows that text to whoever signs in, so it names the
-- kind of failure and the server's reply codes, never its words; those go into nginx's log.

local null = require("cjson").null
local ngx = require("ngx")
local arguments = require("logto_smtp.util.arguments")
local response = require("logto_smtp.resty.response")
local authorization = require("logto_smtp.resty.authorization")
local codes = require("logto_smtp.connector.constants").ConnectorErrorCodes
local failure = require("logto_smtp.resty.failure")
local limit = require("logto_smtp.resty.limit")
local request = require("logto_smtp.resty.request")

local MAX_BODY_SIZE = 65536

-- Seconds after which a check that failed on our side may work again.
local PAUSE = 5

local REFUSAL_CODES = {
  [400] = codes.InvalidRequestParameters,
  [401] = codes.AuthorizationFailed,
  [405] = codes.InvalidRequestParameters,
  [413] = codes.InvalidRequestParameters,
  [415] = codes.InvalidRequestParameters,
  [429] = codes.RateLimitExceeded,
  [500] = codes.General,
  [503] = codes.General,
}

local function refuse(refusal)
  local status = refusal.status
  if refusal.log then response.log(ngx.ERR, refusal.log) end
  response.send(status, { code = REFUSAL_CODES[status], message = refusal.message }, {
    ["Allow"] = status == 405 and "POST" or nil,
    ["WWW-Authenticate"] = status == 401 and 'Bearer realm="logto-smtp"' or nil,
    ["Retry-After"] = refusal.retry_after,
  })
end

-- The hashes of what is let in now, by a function that may look it up elsewhere.
local function ask_for_hashes(give)
  local ok, values, why = pcall(give)
  if not ok then values, why = nil, values end
  if values == nil then return nil, tostring(why) end
  return authorization.hashes(values)
end

-- Whether who sent this request may use the endpoint; nil and a refusal if not.
local function check_authorization(allowed)
  if not allowed then return true end
  local hashes, why = allowed, nil
  if type(allowed) == "function" then hashes, why = ask_for_hashes(allowed) end
  if not hashes then
    return nil, { status = 503, message = "The authorization cannot be checked at the moment.",
      retry_after = PAUSE, log = "the function `authorization`: what it gave " .. why }
  end
  if authorization.matches(ngx.var.http_authorization, hashes) then return true end
  return nil, { status = 401, message = "The Authorization header is missing or not the agreed one." }
end

local function check_rate(check, data)
  local free, detail = check(data.key, data.ip)
  if free then return true end
  if free == false then
    return nil, { status = 429, message = "Too many messages; try again later.", retry_after = detail }
  end
  return nil, { status = 503, message = "The rate of messages cannot be checked at the moment.",
    retry_after = PAUSE, log = "rate limit: no room in its lua_shared_dict, make it larger: " .. detail }
end

-- The data of this request, if it is to be served; nil and a refusal if not.
local function accept(self)
  if ngx.req.get_method() ~= "POST" then
    return nil, { status = 405, message = "The method is to be POST." }
  end
  local known, stranger = check_authorization(self.authorization)
  if not known then return nil, stranger end
  if not request.isJson(ngx.var.http_content_type, ngx.var.http_content_encoding) then
    return nil, { status = 415, message = "The body is to be application/json, in UTF-8, not compressed." }
  end
  local body, unread = request.body(self.max_body_size)
  if not body then return nil, unread end
  local data, unclear = request.parse(body)
  if not data or not self.rate_limit then return data, unclear end
  local free, over = check_rate(self.rate_limit, data)
  return free and data, over
end

local function serve(self)
  local data, refusal = accept(self)
  if not data then return refuse(refusal) end
  local message = { to = data.to, type = data.type, payload = data.payload, ip = data.ip }
  local ok, info, err = pcall(self.connector.sendMessage, message)
  if ok and info then
    return response.send(200, { messageId = type(info) == "table" and info.messageId or null })
  end
  if not ok then err = info end
  local told = failure.of(err)
  response.log(told.status >= 500 and ngx.ERR or ngx.WARN, failure.line(err, data.payload))
  local headers = { ["Retry-After"] = told.retry_after }
  response.send(told.status, { code = told.code, reason = told.reason, message = told.message }, headers)
end

local OPTIONS = { authorization = true, maxBodySize = true, rateLimit = true }

local function check_options(connector, options)
  local function check(condition, text)
    if not condition then error("bad argument to 'httpEmailEndpoint': " .. text, 4) end
  end
  check(type(connector) == "table" and type(connector.sendMessage) == "function",
    "the first is to be a connector")
  check(type(options) == "table" and options.authorization ~= nil,
    "`authorization` is missing; false lets everybody send who reaches the endpoint")
  local fault_of_options = arguments.fault(options, OPTIONS)
  check(not fault_of_options, fault_of_options or "")
  local allowed, size = options.authorization, options.maxBodySize
  if allowed ~= false and type(allowed) ~= "function" then
    local hashes, fault = authorization.hashes(allowed)
    check(hashes, ("`authorization` %s"):format(fault or ""))
    allowed = hashes
  end
  check(size == nil or type(size) == "number" and size >= 1, "`maxBodySize` is to be a number of octets")
  return { connector = connector, authorization = allowed, max_body_size = size or MAX_BODY_SIZE }
end

---@class logto_smtp.EndpointOptions
---@field authorization string|string[]|false|fun(): string|string[]|nil, string?  what Logto's
---  field for it holds; several, to change it without a pause; a function that gives either, and may yield;
---  false: no check
---@field maxBodySize? integer  octets of a request; 65536 without it
---@field rateLimit? logto_smtp.RateLimit  no limit without it

--- Makes the handler, for content_by_lua. Make it once, in init_by_lua, not in each request.
---@param connector {sendMessage: fun(data: logto_smtp.Data): table|nil, any}
---@param options logto_smtp.EndpointOptions
---@return fun() handler
local function httpEmailEndpoint(connector, options)
  local self = check_options(connector, options)
  self.rate_limit = options.rateLimit and limit.new(options.rateLimit) or nil
  return function() return serve(self) end
end

return httpEmailEndpoint
