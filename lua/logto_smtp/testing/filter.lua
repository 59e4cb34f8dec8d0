-- SPDX-License-Identifier: MIT
--- filter: which mails are meant, and for a person who expected another: what arrived, and how it differs.
local address = require "logto_smtp.util.address"
local arguments = require "logto_smtp.util.arguments"

local M = {}

local SHOWN_OCTETS = 160
local SHOWN_MAILS = 10

---@class logto_smtp.testing.Filter
---@field to? string an envelope recipient (in any spelling)
---@field from? string the envelope sender (likewise), or part of the From header
---@field subject? string part of the subject
---@field type? string a TemplateType: the mail was made from a template of this type; see `usage`
---@field code? string the verification code
---@field link? string part of the first link
---@field text? string part of the text
---@field html? string part of the HTML
---@field n? integer how many; default 1
---@field timeout? number seconds; default 5 for an inbox, 0 for a capture

local function quoted(text)
  text = text:gsub("[%z\1-\31\127\\\"]", function(c)
    return c == "\n" and "\\n" or c == "\r" and "\\r" or c == "\t" and "\\t" or c:find('["\\]') and "\\" .. c
      or ("\\x%02X"):format(c:byte())
  end)
  if #text > SHOWN_OCTETS then text = text:sub(1, SHOWN_OCTETS) .. "... (" .. #text .. " octets)" end
  return '"' .. text .. '"'
end

local function has_recipient(message, wanted)
  return address.isAmong(wanted, message.envelope.to)
end

local function shown_or(value, none)
  return value and quoted(value) or none
end

--- A test for a part of a field of the message.
local function part_of(name)
  return {
    name = name,
    test = function(message, wanted) return (message[name] or ""):find(wanted, 1, true) ~= nil end,
    differs = function(message, wanted)
      return ("expected %s in it, got %s"):format(quoted(wanted), shown_or(message[name], "none"))
    end,
  }
end

local function places(wanted, got)
  if #wanted ~= #got then return "" end
  local marks = wanted:gsub("().", function(i) return wanted:sub(i, i) == got:sub(i, i) and " " or "^" end)
  return "\n         " .. marks:gsub(" +$", "")
end

-- Both below each other, so that two digits that changed places are seen at once.
local function code_differs(message, wanted)
  if not message.code then
    local body = shown_or(message.text or message.html, "none")
    return ("expected %s, got no code; its text is %s"):format(wanted, body)
  end
  return ("expected %s\n     got %s%s"):format(wanted, message.code, places(wanted, message.code))
end

local FIELDS = {
  {
    name = "to", test = has_recipient,
    differs = function(message, wanted)
      local list = {}
      for i, to in ipairs(message.envelope.to) do list[i] = quoted(to) end
      return ("expected %s, got %s"):format(quoted(wanted), table.concat(list, ", "))
    end,
  },
  {
    name = "from",
    test = function(message, wanted)
      return address.same(message.envelope.from, wanted) or (message.from or ""):find(wanted, 1, true) ~= nil
    end,
    differs = function(message, wanted)
      return ("expected %s, got %s (header: %s)"):format(quoted(wanted), quoted(message.envelope.from),
        shown_or(message.from, "none"))
    end,
  },
  part_of "subject",
  {
    name = "type", test = function(message, wanted) return message.types[wanted] == true end,
    differs = function(message, wanted)
      local got = "a mail made from none of the templates known"
      if message.type then got = table.concat(message.types, " or ") end
      return ("expected %s, got %s"):format(wanted, got)
    end,
  },
  {
    name = "code", differs = code_differs,
    test = function(message, wanted) return message.code == wanted end,
  },
  part_of "link",
  part_of "text",
  part_of "html",
}

local TYPES = { n = "number", timeout = "number" }
for _, field in ipairs(FIELDS) do TYPES[field.name] = "string" end

--- What is wrong with a filter, or nil. types: those of the templates known.
---@param filter any
---@param types string[]
---@return string?
function M.fault(filter, types)
  if type(filter) ~= "table" then return "table expected, got " .. type(filter) end
  for key, value in pairs(filter) do
    local expected = TYPES[key]
    if not expected then return ("unknown field %q%s"):format(tostring(key), arguments.meant(key, TYPES)) end
    if type(value) ~= expected then
      return ("field %s: %s expected, got %s"):format(key, expected, type(value))
    end
  end
  if not filter.type then return nil end
  for _, known in ipairs(types) do
    if known == filter.type then return nil end
  end
  return ("field type: no template of type %q is known, only %s"):format(filter.type,
    #types > 0 and table.concat(types, ", ") or "none at all: send with a config of this inbox")
end

--- The differences of a message from what the filter wants, as { name=, text= }, in the order of the fields.
local function differences(message, filter)
  local list = {}
  for _, field in ipairs(FIELDS) do
    local wanted = filter[field.name]
    if wanted ~= nil and not field.test(message, wanted) then
      list[#list + 1] = { name = field.name, text = field.differs(message, wanted) }
    end
  end
  return list
end

--- The messages that match, in order.
---@param messages logto_smtp.testing.Message[]
---@param filter logto_smtp.testing.Filter
---@return logto_smtp.testing.Message[]
function M.matching(messages, filter)
  local list = {}
  for _, message in ipairs(messages) do
    if #differences(message, filter) == 0 then list[#list + 1] = message end
  end
  return list
end

--- "1 mail with to "a@b.example"", in plain words.
---@param n integer
---@param filter logto_smtp.testing.Filter
---@return string
function M.describe(n, filter)
  local words = {}
  for _, field in ipairs(FIELDS) do
    local wanted = filter[field.name]
    if wanted ~= nil then words[#words + 1] = field.name .. " " .. quoted(wanted) end
  end
  local with = #words > 0 and " with " .. table.concat(words, ", ") or ""
  return ("%d mail%s%s"):format(n, n == 1 and "" or "s", with)
end

--- A mail in one line.
---@param message logto_smtp.testing.Message
---@return string
function M.summary(message)
  return ("mail %d, to %s, subject %s%s"):format(message.number, table.concat(message.envelope.to, ", "),
    quoted(message.subject or ""), message.code and ", code " .. message.code or "")
end

local function ranked(messages, filter)
  local list = {}
  for i, message in ipairs(messages) do
    list[i] = { message = message, differs = differences(message, filter) }
  end
  table.sort(list, function(a, b)
    if #a.differs ~= #b.differs then return #a.differs < #b.differs end
    return a.message.number < b.message.number
  end)
  return list
end

--- The mails that arrived, those first that differ least, each with its differences.
---@param messages logto_smtp.testing.Message[]
---@param filter logto_smtp.testing.Filter
---@return string text lines, each with a line end in front
function M.listing(messages, filter)
  local lines, list = {}, ranked(messages, filter)
  local mixed = #list > 0 and #list[1].differs == 0 and #list[#list].differs > 0
  for i, item in ipairs(list) do
    if i > SHOWN_MAILS then
      lines[#lines + 1] = ("\n  and %d more"):format(#messages - SHOWN_MAILS)
      break
    end
    local mark = mixed and #item.differs == 0 and " (like that)" or ""
    lines[#lines + 1] = "\n  " .. M.summary(item.message) .. mark
    for _, difference in ipairs(item.differs) do
      local indent = (" "):rep(#difference.name + 2)
      lines[#lines + 1] = ("\n    %s: %s"):format(difference.name,
        (difference.text:gsub("\n", "\n    " .. indent)))
    end
  end
  return table.concat(lines)
end

return M
