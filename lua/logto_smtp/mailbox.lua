-- SPDX-License-Identifier: MIT
--- One mailbox, never two: the rules that keep a verification code with the one it is for.
-- A mail's recipient, and the sender and Reply-To that templates make from user data, each come down to
-- exactly one mailbox (RFC 5322, section 3.4). What user data says can fill a display name and never an
-- address that the template spells out.

local core = require("logto_smtp.core")
local kit = require("logto_smtp.kit")

local M = {}

-- Whether s is an address and nothing else: local part, "@", domain name or literal. Of quoted local parts
-- only those whose quotes cannot be mistaken for anything: spaces between plain words.
local function is_address(s)
  local domain = s:match('^[^%s%c<>()%[%],;:\\"@]+@(.+)$') or s:match('^"[%w%.%-_+ ]+"@(.+)$')
  if not domain or kit.hasSpace(s:match("^[^\"]+") or domain) then return false end
  return (domain:find("^[%w%-%._\128-\255]+$") or domain:find("^%[[%w%.:]+%]$")) ~= nil
end

-- The text without its quoted strings and comments, or nil if one of them does not end.
local function bare_text(s)
  local out, at, depth = {}, 1, 0
  while at <= #s do
    local c = s:sub(at, at)
    if c == '"' and depth == 0 then
      at = s:match('^"[^"\\]*()', at)
      while s:sub(at, at) == "\\" do at = s:match('^\\.[^"\\]*()', at) or #s + 1 end
      if s:sub(at, at) ~= '"' then return nil end
    elseif c == "(" then depth = depth + 1
    elseif c == ")" and depth > 0 then depth = depth - 1
    elseif depth == 0 then out[#out + 1] = c
    end
    at = at + 1
  end
  return depth == 0 and table.concat(out) or nil
end

-- The mailboxes in an address list, groups opened.
local function mailboxes(text)
  local out = {}
  for _, entry in ipairs(core.addresses(text)) do
    for _, mailbox in ipairs(entry.group or { entry }) do
      if mailbox.address and mailbox.address ~= "" then out[#out + 1] = mailbox end
    end
  end
  return out
end

local NONE = "No recipients defined: `to` must name exactly one mailbox, such as user@example.com"
local SEVERAL = "`to` must name exactly one mailbox: send one message per recipient"
-- Octets of a recipient with its name; RFC 5321 allows 254 for the address alone.
local LONGEST = 1000

local UNCLEAR = "`to` must be one plain mailbox, such as user@example.com or Name <user@example.com>"

--- Checks that a recipient is exactly one mailbox.
-- Stricter than the parser of address lists on purpose: whatever could be read as two recipients by any
-- reader is refused, so `a@x.example b@y.example` too. The error never repeats the text.
---@param to any
---@return string|nil mailbox  the text, trimmed
---@return string? reason
function M.recipient(to)
  if type(to) ~= "string" then return nil, NONE end
  local text = kit.trim(to)
  if #text > LONGEST then return nil, UNCLEAR end
  local list = mailboxes(text)
  if #list == 0 then return nil, NONE end
  if #list > 1 then return nil, SEVERAL end
  local bare = bare_text(text)
  local _, ats = (bare or ""):gsub("@", "")
  if ats > 1 or bare and bare:find("[,;]") then return nil, SEVERAL end
  local spec = ats == 1 and (bare:match("^[^%c:<>]*$") or bare:match("^[^%c:<>]*<([^%c:<>]*)>%s*$"))
  if not spec or kit.hasSpace(kit.trim(spec)) or not is_address(list[1].address) then return nil, UNCLEAR end
  return text
end

--- The address alone of a text that M.recipient takes.
---@param to string
---@return string
function M.address(to)
  return mailboxes(to)[1].address
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

-- The first mailbox of a text as address and name; the address is "" if the text holds none.
local function read(text)
  for _, mailbox in ipairs(mailboxes(text)) do
    if mailbox.address:find("@", 1, true) then return mailbox.address, mailbox.name or "" end
  end
  local sender = kit.parseSendFrom(text, "")
  return sender.email, sender.name or ""
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
  if kit.trim(template):find("^{{[^{}]*}}$") then
    local sender = kit.parseSendFrom(core.render(template, payload), "")
    address, name = sender.email, sender.name or ""
  else
    local text, fill = with_words(template)
    address, name = read(text)
    address = kit.trim(fill(address, payload))
    name = kit.sanitizeMailboxDisplayName(fill(name, payload))
  end
  if is_address(address) then return write(address, name) end
  local spare = fallback and mailboxes(fallback)[1]
  if not spare or name == "" then return fallback end
  return write(spare.address, name)
end

return M
