-- SPDX-License-Identifier: MIT
--- One mailbox, never two: the rules that keep a verification code with the one it is for.
-- A mail's recipient, and the sender and Reply-To that templates make from user data, each come down to
-- exactly one mailbox (RFC 5322, section 3.4). What user data says can fill a display name and never an
-- address that the template spells out.

local core = require("logto_smtp.core")
local helpers = require("logto_smtp.connector.helpers")

local M = {}

-- Whether s is an address and nothing else.
local function is_address(s)
  local recipient = core.recipient(s)
  return recipient ~= nil and not recipient.name and not s:find("<", 1, true)
end

local PLAIN = "such as user@example.com"
local FAULTS = {
  none = "No recipients defined: `to` must name exactly one mailbox, " .. PLAIN,
  several = "`to` must name exactly one mailbox: send one message per recipient",
  unclear = "`to` must be one plain mailbox, " .. PLAIN .. " or Name <user@example.com>",
}

---@class logto_smtp.Recipient
---@field text string     as given, trimmed
---@field address string  as it goes into the envelope
---@field name? string
---@field key string      the same for each spelling of the address

--- Reads a recipient, which is exactly one mailbox.
-- Stricter than the parser of address lists on purpose: whatever could be read as two recipients by any
-- reader is refused, so `a@x.example b@y.example` and `a@x.example(@y.example)` too. The error never repeats
-- the text.
---@param to any
---@return logto_smtp.Recipient|nil
---@return string? reason
function M.recipient(to)
  if type(to) ~= "string" then return nil, FAULTS.none end
  local recipient, fault = core.recipient(to)
  if not recipient then return nil, FAULTS[fault] end
  recipient.text = helpers.trim(to)
  return recipient
end

-- A mailbox as header text that every parser reads back as this one mailbox.
local function write(address, name)
  if name == "" then return address end
  if not name:find("^[%w_ ]+$") then
    name = '"' .. name:gsub('[\\"]', "\\%0") .. '"'
  end
  return name .. " <" .. address .. ">"
end

-- The template with every placeholder replaced by an inert word, and what each word stands for.
-- Words are lower-case letters and digits, so that they pass through names, local parts and domains alike.
local function with_words(template)
  local prefix = "ph"
  while template:lower():find(prefix, 1, true) do prefix = prefix .. "q" end
  local placeholders = {}
  local text = template:gsub("{{[^{}]*}}", function(placeholder)
    placeholders[#placeholders + 1] = placeholder
    return prefix .. #placeholders .. "z"
  end)
  return text, function(s, payload)
    return (s:gsub(prefix .. "(%d+)z", function(i)
      return core.render(placeholders[tonumber(i)], payload)
    end))
  end
end

-- The mailboxes in an address list, groups opened; none if it cannot be read.
local function mailboxes(text)
  local out = {}
  for _, entry in ipairs(core.addresses(text) or {}) do
    for _, mailbox in ipairs(entry.group or { entry }) do out[#out + 1] = mailbox end
  end
  return out
end

-- The first mailbox of a template as address and name; the address is "" if the text holds none. A template
-- is read more leniently than user data: its author may have left out the brackets around the address.
local function read(text)
  local mailbox = mailboxes(text)[1]
  if mailbox then return mailbox.address, mailbox.name or "" end
  local sender = helpers.parseSendFrom(text, "")
  if sender.email ~= "" then return sender.email, sender.name or "" end
  for from, word, to in text:gmatch("()(%S+)()") do
    local at = word:find("@", 2, true)
    if at and at < #word then return word, text:sub(1, from - 1) .. text:sub(to) end
  end
  return "", sender.name or ""
end

--- Renders a template's `sendFrom` or `replyTo` to exactly one mailbox.
-- The template is read first and filled afterwards, piece by piece. A template that is one placeholder and
-- nothing else takes its mailbox from the value. Without a usable address, the display name goes with the
-- address of the fallback.
---@param template string
---@param payload table
---@param fallback? string  the config's fromEmail or replyTo
---@return string?  the mailbox as header text; the fallback itself if the template says nothing
function M.render(template, payload, fallback)
  local address, name
  if helpers.trim(template):find("^{{[^{}]*}}$") then
    local sender = helpers.parseSendFrom(core.render(template, payload), "")
    address, name = sender.email, sender.name or ""
  else
    local text, fill = with_words(template)
    address, name = read(text)
    address = helpers.trim(fill(address, payload))
    name = helpers.sanitizeMailboxDisplayName(fill(name, payload))
  end
  if is_address(address) then return write(address, name) end
  local spare = fallback and mailboxes(fallback)[1]
  if not spare or name == "" then return fallback end
  return write(spare.address, name)
end

return M
