-- SPDX-License-Identifier: MIT
local addresses = require("spec.support.addresses")
local core = require("logto_smtp.core")
local reader = require("spec.support.reader")

local LISTS, SPOILT, MAILS = 20000, 10000, 2000

local function shown(list)
  local out = {}
  for i, entry in ipairs(list) do
    out[i] = entry.group and ("%s:{%s}"):format(entry.name, shown(entry.group))
      or ("%s<%s>"):format(entry.name or "", entry.address)
  end
  return table.concat(out, " | ")
end

local function compose(to)
  return core.compose({ from = "x@y.example", to = to, text = "x" })
end

local function flat(list)
  local out = {}
  for _, entry in ipairs(list) do
    for _, mailbox in ipairs(entry.group or { entry }) do out[#out + 1] = mailbox end
  end
  return out
end

-- The text with each quoted string as Q, each comment as \1, each domain literal as L; nil: one never ends.
local function skeleton(text)
  local out, at, behind_at = {}, 1, false
  while at <= #text do
    local c, stop = text:sub(at, at), at
    if c == '"' or c == "(" then
      local depth, i = 1, at
      repeat
        i = i + 1
        local d = text:sub(i, i)
        if d == "" then return nil end
        if d == "\\" then i = i + 1
        elseif c == "(" and d == "(" then depth = depth + 1
        elseif d == (c == "(" and ")" or '"') then depth = depth - 1
        end
      until depth == 0
      c, stop = c == "(" and "\1" or "Q", i
    elseif c == "[" and behind_at then
      stop = text:find("]", at, true)
      if not stop then return nil end
      c = "L"
    end
    out[#out + 1] = c
    behind_at = c == "@" or behind_at and (c == "\1" or c:find("[ \t\r\n]") ~= nil)
    at = stop + 1
  end
  return (table.concat(out):gsub("<[ \t\r\n\1]*@[^<>:;]*:", "<"))
end

local function plain(s) return (s:gsub("%p", "%%%0")) end

-- What is wrong with the mailboxes that were read from a text, or nil: each '@' outside of quotes, comments,
-- literals and routes is one mailbox, and each domain stands as it is behind one. An '@' in a name is none
-- where white space is beside it, or where the name is the address once more.
local function misread(text, mailboxes)
  local bones = skeleton(text)
  if not bones then return "something never ends" end
  local _, ats = bones:gsub("@", "")
  for name in bones:gmatch("([^,;:<>]*)<") do
    ats = ats - select(2, name:gsub("@", ""))
    for spec in name:gmatch("[^%s\1]+@[^%s\1]+") do
      local is_read = false
      for _, mailbox in ipairs(mailboxes) do is_read = is_read or mailbox.address:lower() == spec:lower() end
      if not is_read then return spec .. " is lost" end
    end
  end
  if ats ~= #mailboxes then return ("%d of %d were read"):format(#mailboxes, ats) end
  local tight = bones:gsub("[ \t\r\n]+", " "):gsub(" ?%. ?", ".") .. " "
  for _, mailbox in ipairs(mailboxes) do
    local domain = mailbox.address:match("@([^@%]]+)$") or "L"
    local stands = "@[ \1]*" .. plain(domain) .. "%.?[ \1,;>\194\226\227]"
    if not tight:find(stands) then return domain .. " is glued" end
  end
end

-- What is wrong with how a well-formed list is taken, or nil.
local function wrong(text, truth, sent)
  local list, err = core.addresses(text)
  if not list then return err.message end
  local got, wanted = shown(list), shown(truth)
  if got ~= wanted then return ("read as %s\nand not %s"):format(got, wanted) end
  local octets, envelope = compose(text)
  if #sent == 0 then return octets and "sent to nobody" end
  if not octets then return envelope.message end
  got, wanted = table.concat(envelope.to, " "), table.concat(sent, " ")
  return got ~= wanted and ("sent to %s\nand not %s"):format(got, wanted) or nil
end

-- What is wrong with how a spoilt list is taken, or nil; and whether it is taken.
local function taken_wrongly(text)
  local list, err = core.addresses(text)
  local octets, envelope = compose(text)
  if not list then
    return err.code ~= "EENVELOPE" and err.message or octets and "read and refused", false
  end
  local reason = misread(text, flat(list))
  if reason or not octets then return reason, true end
  local head = octets:match("^(.-)\r\n\r\n"):gsub("\r\n([ \t])", "%1")
  if head:find("\r\nBcc", 1, true) then return "another field", true end
  for _, address in ipairs(envelope.to) do
    if address:find("[%z\1-\31\127]") then return "a control in " .. address, true end
    if not head:find(address, 1, true) then return address .. " is not in To", true end
  end
  return nil, true
end

describe("an address list", function()
  it(("is read and sent to exactly, %d times"):format(LISTS), function()
    local r = addresses.random(20261123)
    for i = 1, LISTS do
      local text, truth, sent = addresses.list(r)
      local reason = wrong(text, truth, sent)
      if reason then error(("list %d, %q, is %s"):format(i, text, reason)) end
    end
  end)

  it(("is taken as it stands or refused, when it is spoilt, %d times"):format(SPOILT), function()
    local r, count = addresses.random(5321), 0
    for i = 1, SPOILT do
      local text = addresses.spoil(r, (addresses.list(r)))
      local reason, taken = taken_wrongly(text)
      if reason then error(("list %d, %q: %s"):format(i, text, reason)) end
      count = count + (taken and 1 or 0)
    end
    assert.is_true(count > SPOILT / 10 and count < SPOILT * 9 / 10, count)
  end)

  -- White space is left out of what is compared: Python adds some between encoded-words, mailparser takes
  -- some out of quoted local parts and doubles '%' where it decodes a domain. A name that holds encoded-words
  -- of its own is decoded there.
  local function bare(s) return (s:gsub("[%s%%]", "")) end

  for parser in pairs(reader.PARSERS) do
    it("is read by others as it was meant, from To: " .. parser, function()
      local r, mails, wanted = addresses.random(5322), {}, {}
      while #mails < MAILS do
        local text, truth, sent = addresses.list(r)
        if #sent > 0 then
          mails[#mails + 1] = assert(compose(text))
          wanted[#wanted + 1] = flat(truth)
        end
      end
      local readings = reader.recipients(mails, parser)
      if not readings then return pending(parser .. " is not in build/interop; make deps fetches it") end
      for i, got in ipairs(readings) do
        local context = ("mail %d: %s"):format(i, shown(wanted[i]))
        assert.equal(#wanted[i], #got, context)
        for j, mailbox in ipairs(wanted[i]) do
          local user = mailbox.address:match("^(.*)@%[[^%]]*%]$") or mailbox.address:match("^(.*)@")
          if user:find('^"') then user = user:sub(2, -2):gsub("\\(.)", "%1") end
          assert.equal(bare(user), bare(got[j].user), context)
          local name = mailbox.name or ""
          if not name:find("=?", 1, true) then assert.equal(bare(name), bare(got[j].name), context) end
        end
      end
    end)
  end
end)
