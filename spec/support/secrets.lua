-- SPDX-License-Identifier: MIT
--- secrets: random secrets, the forms in which a peer may repeat them, and whether a text has any.
local cjson = require "cjson"
local mime = require "mime"

local M = {}

M.USER = "user@example.com"
M.HARMLESS = "w0rd-that-is-none"

--- A secret in which octets that encodings change stand beside those that they leave.
---@param n integer
---@return string
function M.random(n)
  local some = "abcxyzABCXYZ0123456789%+=\\&/\"<' -_.~!@#$"
  local octets = { "k" }
  for i = 2, n - 1 do
    local at = math.random(#some)
    octets[i] = some:sub(at, at)
  end
  octets[n] = "Q"
  return table.concat(octets)
end

local function each(text, octet)
  return (text:gsub("[^%w]", octet))
end

-- Of a code its digits, each made something else; any other secret as it is.
local function digits(secret, digit)
  return secret:find("^%d+$") and (secret:gsub("%d", digit)) or secret
end

---@type table<string, fun(secret: string): string>
M.ENCODINGS = {
  plain = function(s) return s end,
  ["upper case"] = string.upper,
  ["in groups"] = function(s) return s:find("^%d+$") and s:sub(1, 3) .. "-" .. s:sub(4) or s end,
  spelled = function(s) return digits(s, "%0 ") end,
  ["full-width"] = function(s)
    return digits(s, function(c) return "\239\188" .. string.char(0x90 + tonumber(c)) end)
  end,
  percent = function(s) return each(s, function(c) return ("%%%02X"):format(c:byte()) end) end,
  ["percent, lower case"] = function(s)
    return (s:gsub(".", function(c) return ("%%%02x"):format(c:byte()) end))
  end,
  form = function(s)
    return each(s, function(c) return c == " " and "+" or ("%%%02X"):format(c:byte()) end)
  end,
  json = function(s) return cjson.encode(s) end,
  ["json, all escaped"] = function(s)
    return (s:gsub(".", function(c) return ("\\u%04x"):format(c:byte()) end))
  end,
  html = function(s)
    return (s:gsub("[&<>\"']",
      { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#x27;" }))
  end,
  ["quoted-printable"] = function(s) return each(s, function(c) return ("=%02X"):format(c:byte()) end) end,
  hex = function(s) return each(s:gsub(".", function(c) return ("%02x"):format(c:byte()) end), "") end,
  base64 = function(s) return (mime.b64(s)) end,
  ["base64 of PLAIN"] = function(s) return (mime.b64("\0" .. M.USER .. "\0" .. s)) end,
  ["base64 of XOAUTH2"] = function(s)
    return (mime.b64("user=" .. M.USER .. "\1auth=Bearer " .. s .. "\1\1"))
  end,
  ["base64 of Basic"] = function(s) return (mime.b64("proxy:" .. s)) end,
}

--- The forms of a secret: each encoding, and that percent-encoded as in the URL or form it goes by.
---@param secret string
---@return string[]
function M.forms(secret)
  local forms = {}
  for _, encode in pairs(M.ENCODINGS) do
    local form = encode(secret)
    forms[#forms + 1] = form
    forms[#forms + 1] = M.ENCODINGS.percent(form)
  end
  return forms
end

--- The lines of a reply that repeats the secrets in all their forms. They are few: libcurl bounds the sum of
--- what it has read of an answer to EHLO behind each of its lines.
---@param secrets string[]
---@return string[]
function M.repeated(secrets)
  local forms, lines = {}, {}
  for _, secret in ipairs(secrets) do
    for _, form in ipairs(M.forms(secret)) do forms[#forms + 1] = M.HARMLESS .. " (" .. form .. ")" end
  end
  for i = 1, #forms, 8 do lines[#lines + 1] = table.concat(forms, " ", i, math.min(i + 7, #forms)) end
  return lines
end

--- Everything that is in a value, keys too, and what tostring makes of it.
---@param value any
---@param list? string[]  is added to
---@return string[]
function M.texts(value, list, seen)
  list, seen = list or {}, seen or {}
  if type(value) == "table" and not seen[value] then
    seen[value] = true
    list[#list + 1] = tostring(value)
    for k, v in pairs(value) do
      M.texts(k, list, seen)
      M.texts(v, list, seen)
    end
  elseif type(value) ~= "table" then
    list[#list + 1] = tostring(value)
  end
  return list
end

--- Raises when a secret is in a text, in any form.
---@param text string
---@param secrets string[]
---@param place string  where the peer repeated them
function M.assert_none(text, secrets, place)
  for _, secret in ipairs(secrets) do
    for _, form in ipairs(M.forms(secret)) do
      local at = text:find(form, 1, true)
      local around = at and text:sub(math.max(at - 80, 1), at + 80)
      if at then error(("%s: %q is in: %s"):format(place, form, around), 2) end
    end
  end
end

return M
