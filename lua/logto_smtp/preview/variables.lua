-- SPDX-License-Identifier: MIT
--- The variables that Logto fills in per usage type, and samples of them.
-- Names and shapes are those of Logto's documentation ("Email templates") and of its core, which builds
-- `application`, `organization`, `user` and `inviter` for each message. A variable that a message does not
-- have leaves its placeholder in the mail as it is written, so which ones are optional matters.

local tables = require("logto_smtp.util.tables")

local M = {}

-- Objects map their keys to true, or to a table for an object within.
local BRANDING = { logoUrl = true, darkLogoUrl = true, favicon = true, darkFavicon = true }
local USER = {
  id = true, name = true, username = true, primaryEmail = true, primaryPhone = true, avatar = true,
  profile = {
    familyName = true, givenName = true, middleName = true, nickname = true, preferredUsername = true,
    profile = true, website = true, gender = true, birthdate = true, zoneinfo = true, locale = true,
    address = {
      formatted = true, streetAddress = true, locality = true, region = true, postalCode = true,
      country = true,
    },
  },
}

local SHAPES = {
  code = true,
  link = true,
  locale = true,
  uiLocales = true,
  application = { id = true, name = true, displayName = true, branding = BRANDING },
  organization = { id = true, name = true, branding = BRANDING },
  user = USER,
  inviter = USER,
}

-- usage type | what each message has | what some have
local SIGNING_IN = { { "code", "application", "locale" }, { "organization", "uiLocales" } }
local SIGNED_IN = { { "code", "user", "locale" }, { "application", "uiLocales" } }
local BY_TYPE = {
  SignIn = SIGNING_IN,
  Register = SIGNING_IN,
  ForgotPassword = SIGNING_IN,
  Generic = { { "code" }, { "locale", "uiLocales" } },
  OrganizationInvitation = { { "link", "organization" }, { "inviter", "locale" } },
  UserPermissionValidation = SIGNED_IN,
  BindNewIdentifier = SIGNED_IN,
  MfaVerification = { { "code", "application", "locale" }, { "organization", "user", "uiLocales" } },
  BindMfa = { { "code", "locale" }, { "user", "application", "organization", "uiLocales" } },
}

--- The usage types in the order in which Logto's console lists them.
M.TYPES = {
  "SignIn", "Register", "ForgotPassword", "OrganizationInvitation", "Generic", "UserPermissionValidation",
  "BindNewIdentifier", "MfaVerification", "BindMfa",
}

local LOGO = "https://cdn.example.com/logo.png"
local PERSON = {
  id = "u5g2pbm0kd3q", name = "Ada Lovelace", username = "ada", primaryEmail = "ada@example.org",
  primaryPhone = "447700900123", avatar = "https://cdn.example.com/ada.png",
  profile = { givenName = "Ada", familyName = "Lovelace", locale = "en-GB" },
}

local SAMPLES = {
  code = "204863",
  link = "https://app.example.com/invitations/4s8x1k?token=c2FtcGxl",
  locale = "en",
  uiLocales = "en-GB en",
  application = {
    id = "k9a2xw7d3m1q", name = "Example App", displayName = "Example", branding = { logoUrl = LOGO },
  },
  organization = { id = "org7f3h2", name = "Analytical Engines & Co.", branding = { logoUrl = LOGO } },
  user = PERSON,
  inviter = {
    id = "u8c4tn1ve6rs", name = "Grace Hopper", username = "grace", primaryEmail = "grace@example.org",
    profile = { givenName = "Grace", familyName = "Hopper" },
  },
}

--- Whether Logto has a usage type.
---@param usage_type string
---@return boolean
function M.isType(usage_type)
  return BY_TYPE[usage_type] ~= nil
end

--- What Logto gives to a usage type: names that each message has, names that some have.
---@param usage_type string  an unknown one counts as Generic
---@return string[] always, string[] sometimes
function M.names(usage_type)
  local names = BY_TYPE[usage_type] or BY_TYPE.Generic
  return names[1], names[2]
end

--- A sample payload of a usage type: everything that Logto may give, and `overrides` over it.
---@param usage_type string
---@param overrides? table
---@return table
function M.sample(usage_type, overrides)
  local out = {}
  for _, names in ipairs({ M.names(usage_type) }) do
    for _, name in ipairs(names) do out[name] = tables.copy(SAMPLES[name]) end
  end
  return tables.merge(out, overrides or {})
end

local function lead(shape, keys)
  for i = 2, #keys do
    if type(shape) ~= "table" or not shape[keys[i]] then return false end
    shape = shape[keys[i]]
  end
  return type(shape) ~= "table" and true or "object"
end

--- What becomes of a placeholder's path in the mails of a usage type:
-- "always" and "sometimes" (filled, or left as written where the message lacks it), "empty" (the object has
-- no such field), "object" (prints `[object Object]`), "unknown" (left as written).
---@param usage_type string
---@param path string
---@param overrides? table  its names count as given to each message
---@return "always"|"sometimes"|"empty"|"object"|"unknown"
function M.fate(usage_type, path, overrides)
  local keys = {}
  for key in (path .. "."):gmatch("([^.]*)%.") do keys[#keys + 1] = key end
  if overrides and overrides[keys[1]] ~= nil then return "always" end
  for i, fate in ipairs({ "always", "sometimes" }) do
    for _, name in ipairs((select(i, M.names(usage_type)))) do
      if name == keys[1] then
        local found = lead(SHAPES[name], keys)
        return found == true and fate or found == "object" and "object" or "empty"
      end
    end
  end
  return "unknown"
end

return M
