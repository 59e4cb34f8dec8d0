-- SPDX-License-Identifier: MIT
--- auth: the server's side of SASL for SMTP (RFC 4954): PLAIN, LOGIN, CRAM-MD5, XOAUTH2, OAUTHBEARER and
-- EXTERNAL. A mechanism is a function(ask, initial, users) that answers the user's name, or nil and a reply
-- code when the exchange failed. `ask(challenge)` sends a 334 and gives the decoded answer, or nil and a
-- reply code.
local md5 = require "logto_smtp.inbox.md5"
local mime = require "mime"

local M = {}

--- Decodes base64, or nil when it is not base64. "=" stands for an empty initial response (RFC 4954, 4).
---@param text string
---@return string?
function M.decode(text)
  if text == "=" or text == "" then return "" end
  if #text % 4 ~= 0 or not text:find("^[%w+/]+=?=?$") then return nil end
  return (mime.unb64(text))
end

---@param octets string
---@return string
function M.encode(octets)
  if octets == "" then return "" end
  return (mime.b64(octets))
end

local FAILED = 535

local function check_password(users, user, pass)
  for _, known in ipairs(users) do
    if known.user == user and known.pass ~= nil and known.pass == pass then return user end
  end
  return nil, FAILED
end

M.mechanisms = {}

M.mechanisms["PLAIN"] = function(ask, initial, users)
  local answer, code = initial, nil
  if not answer then answer, code = ask("") end
  if not answer then return nil, code end
  local user, pass = answer:match("^[^%z]*%z([^%z]+)%z([^%z]+)$")
  if not user then return nil, 501 end
  return check_password(users, user, pass)
end

M.mechanisms["LOGIN"] = function(ask, initial, users)
  local user, code = initial, nil
  if not user then user, code = ask("Username:") end
  if not user then return nil, code end
  local pass
  pass, code = ask("Password:")
  if not pass then return nil, code end
  return check_password(users, user, pass)
end

local made = 0

M.mechanisms["CRAM-MD5"] = function(ask, initial, users)
  if initial then return nil, 501 end
  made = made + 1
  local challenge = ("<%d.%.6f@inbox.example>"):format(made, require("socket").gettime())
  local answer, code = ask(challenge)
  if not answer then return nil, code end
  local user, digest = answer:match("^(.*) (%x+)$")
  if not user then return nil, 501 end
  for _, known in ipairs(users) do
    local right = known.user == user and known.pass and md5.hmac_hex(known.pass, challenge)
    if right == digest:lower() then return user end
  end
  return nil, FAILED
end

-- Both mechanisms for access tokens differ in how the answer is written and how the client ends a refusal.
local function bearer(pattern, unescape)
  return function(ask, initial, users)
    local answer, code = initial, nil
    if not answer then answer, code = ask("") end
    if not answer then return nil, code end
    local user, token = answer:match(pattern)
    if not user then return nil, 501 end
    user = unescape(user)
    for _, known in ipairs(users) do
      if known.user == user and known.accessToken and known.accessToken == token then return user end
    end
    answer, code = ask('{"status":"401","schemes":"bearer","scope":"https://mail.example/"}')
    return nil, answer and FAILED or code
  end
end

M.mechanisms["XOAUTH2"] = bearer("^user=([^\1]*)\1auth=Bearer ([^\1]*)\1\1$", function(user) return user end)

-- RFC 7628; the user stands in a GS2 header, where "=" and "," are written as =3D and =2C (RFC 5801, 4)
M.mechanisms["OAUTHBEARER"] = bearer("^n,a=([^,\1]*),\1.-auth=Bearer ([^\1]*)\1\1$", function(user)
  return (user:gsub("=2C", ","):gsub("=3D", "="))
end)

-- RFC 4422, A: who the client is has been told elsewhere, here by nothing: any known user is believed.
M.mechanisms["EXTERNAL"] = function(ask, initial, users)
  local answer, code = initial, nil
  if not answer then answer, code = ask("") end
  if not answer then return nil, code end
  for _, known in ipairs(users) do
    if known.user == answer then return answer end
  end
  return nil, FAILED
end

return M
