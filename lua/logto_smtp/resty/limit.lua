-- SPDX-License-Identifier: MIT
--- How many messages may go to one recipient, and be asked for from one address of an end user, in a time.
-- Counters live in a lua_shared_dict, so that all workers count together. A window opens with the first
-- message and closes so many seconds later; the count is one atomic step. A counter is never pushed out to
-- make room: in a full dict a message that cannot be counted is not let through.

local arguments = require("logto_smtp.util.arguments")
local ngx = require("ngx")

local M = {}

-- What a dict of counters knows a subject by. Hashed, so that no address lies in shared memory as it is.
local function key(kind, subject)
  return ngx.sha1_bin(kind .. ":" .. subject)
end

-- The first four groups of an IPv6 address, in one spelling: a home has a network of 64 bits. nil for other
-- text, and for what lies in ::/64, where the IPv4 addresses are.
local function network_of(ip)
  local head, tail = ip:match("^([%x:]-)::([%x:.]*)$")
  local groups = {}
  for group in (head or ip):gmatch("%x+") do groups[#groups + 1] = group end
  if head then
    local behind = 0
    for group in tail:gmatch("[%x.]+") do behind = behind + (group:find(".", 1, true) and 2 or 1) end
    for _ = #groups + 1, math.min(4, 8 - behind) do groups[#groups + 1] = "0" end
    for group in tail:gmatch("[%x.]+") do groups[#groups + 1] = group end
  end
  local network = {}
  for i = 1, 4 do
    local number = tonumber(groups[i] or "", 16)
    if not number then return nil end
    network[i] = ("%x"):format(number)
  end
  local text = table.concat(network, ":")
  return text ~= "0:0:0:0" and text or nil
end

--- What counts as one end user: an IPv4 address, also one written as IPv6 (::ffff:192.0.2.1); the /64 network
-- of an IPv6 address; any other text as it is.
---@param ip string
---@return string
function M.user(ip)
  if #ip > 45 then return ip end
  local text = ip:lower()
  local v4 = text:match("^::ffff:(%d+%.%d+%.%d+%.%d+)$")
  if v4 then return v4 end
  return text:find(":", 1, true) and network_of(text) or text
end

local swept = {} -- dict -> when

-- Takes closed windows out of a full dict; not more than once a second, for it looks at every counter.
local function sweep(dict)
  local now = ngx.now()
  if swept[dict] and now >= swept[dict] and now < swept[dict] + 1 then return end
  swept[dict] = now
  dict:flush_expired()
end

-- Counts one more; answers how many there are in the window, or nil and why it cannot be counted.
local function count(dict, name, seconds)
  for attempt = 1, 2 do
    local n, why = dict:incr(name, 1)
    if n then return n end
    if why ~= "not found" then return nil, why end
    local added
    added, why = dict:safe_add(name, 1, seconds)
    if added then return 1 end
    if why ~= "exists" and attempt == 2 then return nil, why end
    if why == "no memory" then sweep(dict) end
  end
  return nil, "the counter comes and goes"
end

local function check_pair(pair, name)
  if pair == nil then return nil end
  local n, seconds = nil, nil
  if type(pair) == "table" then n, seconds = pair[1], pair[2] end
  if type(n) ~= "number" or type(seconds) ~= "number" or n < 1 or n % 1 ~= 0 or seconds <= 0 then
    error(("bad rateLimit: `%s` is to be { count, seconds }"):format(name), 0)
  end
  return { n = n, seconds = seconds }
end

---@class logto_smtp.RateLimit
---@field dict string  name of the lua_shared_dict; of no other use
---@field perRecipient? [integer, number]  messages, seconds
---@field perIp? [integer, number]  messages, seconds; by the `ip` that Logto gives, where it gives one

--- Makes a check out of the options; raises when they are wrong. The check answers true; or false and the
-- seconds until it would answer true; or nil and why nothing can be counted. It wants the form of an address
-- that all its spellings share.
---@param options logto_smtp.RateLimit
---@return fun(key: string, ip?: string): boolean|nil, number|string|nil
function M.new(options)
  local dict = type(options) == "table" and ngx.shared[options.dict or ""]
  if not dict then
    error("bad rateLimit: `dict` is to name a lua_shared_dict of the nginx.conf", 0)
  end
  local fault = arguments.fault(options, { dict = true, perRecipient = true, perIp = true })
  if fault then error("bad rateLimit: " .. fault, 0) end
  local per_recipient = check_pair(options.perRecipient, "perRecipient")
  local per_ip = check_pair(options.perIp, "perIp")
  if not per_recipient and not per_ip then error("bad rateLimit: neither `perRecipient` nor `perIp`", 0) end

  local function take(rule, kind, subject)
    local name = key(kind, subject)
    local n, why = count(dict, name, rule.seconds)
    if not n then return nil, why end
    if n <= rule.n then return true end
    return false, math.max(1, math.ceil(dict:ttl(name) or rule.seconds))
  end

  -- The user first: who is over the limit cannot use up that of a recipient.
  return function(recipient, ip)
    if per_ip and ip then
      local free, detail = take(per_ip, "ip", M.user(ip))
      if not free then return free, detail end
    end
    if not per_recipient then return true end
    return take(per_recipient, "to", recipient)
  end
end

return M
