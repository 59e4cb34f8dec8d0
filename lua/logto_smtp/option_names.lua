-- SPDX-License-Identifier: MIT
--- The names of all options, and which of them somebody meant who wrote another.

local nearest = require("logto_smtp.nearest")

local M = {}

local function set(text)
  local names = {}
  for name in text:gmatch("%S+") do names[name] = true end
  return names
end

--- By the object they stand in; "" is the config itself.
---@type table<string, table<string, boolean>>
M.places = {
  [""] = set([[
    host port auth fromEmail replyTo templates service secure requireTLS ignoreTLS opportunisticTLS tls
    servername name localAddress proxy customHeaders attachDataUrls dkim connectionTimeout dnsTimeout
    greetingTimeout socketTimeout totalTimeout pool maxConnections maxMessages maxIdle maxAge checkIdle
    rateLimit rateDelta maxRequeues pipelining chunking authMethod forceAuth logger debug transactionLog
    component disableFileAccess disableUrlAccess family allowInternalNetworkInterfaces dnsTtl direct
    sendmail path args url streamTransport jsonTransport SES connection socket getSocket secured customAuth
    lmtp]]),
  tls = set([[
    rejectUnauthorized ca cert key passphrase pfx ciphers minVersion maxVersion servername ALPNProtocols
    ecdhCurve sigalgs crl host port path socket lookup]]),
  auth = set([[
    user pass type method clientId clientSecret refreshToken accessToken accessUrl expires privateKey
    serviceClient scope customParams customHeaders timeout serviceRequestTimeout tls]]),
}

local function place_with(name)
  for _, place in ipairs({ "tls", "auth", "" }) do
    if M.places[place][name] then return place end
  end
end

--- What somebody meant by a name that is no option of this place; nil when it is one, or is like none.
---@param place string  "", "tls" or "auth"
---@param name string
---@return string? name
---@return string? place  where that name belongs
function M.meant(place, name)
  if M.places[place][name] or #name > 40 then return nil end
  local elsewhere = place_with(name)
  if elsewhere then return name, elsewhere end
  local near = nearest(name, M.places[place])
  if near then return near, place end
end

return M
