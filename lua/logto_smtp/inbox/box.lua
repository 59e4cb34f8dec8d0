-- SPDX-License-Identifier: MIT
--- The mails an inbox keeps: the newest ones, bounded by count and by octets.

local cjson = require("cjson")
local address = require("logto_smtp.util.address")
local decode = require("logto_smtp.inbox.decode")

local MAX_OCTETS = 268435456

---@class logto_smtp.cli.Box
---@field last integer  number of the mail that came last
---@field octets integer
---@field private max integer
---@field private first integer  number of the oldest mail kept
---@field private messages table<integer, logto_smtp.testing.Message>
---@field private waiting table<logto_smtp.testing.Task, boolean>
local Box = {}
Box.__index = Box

local M = {}

---@param max integer  how many mails to keep
---@return logto_smtp.cli.Box
function M.new(max)
  return setmetatable({ max = max, first = 1, last = 0, octets = 0, messages = {}, waiting = {} }, Box)
end

local function drop_oldest(self)
  self.octets = self.octets - #self.messages[self.first].raw
  self.messages[self.first] = nil
  self.first = self.first + 1
end

--- Takes a message as the server makes it, and answers it decoded.
---@param loop logto_smtp.testing.Loop
---@param message table
---@return logto_smtp.testing.Message
function Box:add(loop, message)
  message.wire = nil
  decode.message(message)
  message.part = nil
  for _, attachment in ipairs(message.attachments) do
    attachment.size, attachment.content = #attachment.content, nil
  end
  self.last, self.octets = message.number, self.octets + #message.raw
  self.messages[self.last] = message
  while self.last - self.first >= self.max or self.octets > MAX_OCTETS and self.first < self.last do
    drop_oldest(self)
  end
  for task in pairs(self.waiting) do loop:hasten(task) end
  return message
end

--- Forgets all; answers how many there were.
---@return integer
function Box:clear()
  local count = self:count()
  while self.first <= self.last do drop_oldest(self) end
  return count
end

function Box:count() return self.last - self.first + 1 end

---@param number integer
---@return logto_smtp.testing.Message?
function Box:get(number) return self.messages[number] end

local function contains(text, wanted)
  return text ~= nil and text:lower():find(wanted:lower(), 1, true) ~= nil
end

local FILTERS = {
  to = function(message, wanted) return address.isAmong(wanted, message.envelope.to) end,
  from = function(message, wanted)
    local sender = message.envelope.from
    return address.same(sender, wanted) or contains(sender, wanted) or contains(message.from, wanted)
  end,
  subject = function(message, wanted) return contains(message.subject, wanted) end,
}

---@class logto_smtp.cli.BoxFilter
---@field to? string       an envelope recipient, in any spelling
---@field from? string     part of the envelope sender or the From header
---@field subject? string  part of the subject
---@field since integer    only mails with a greater number
---@field limit integer    at most so many

--- The oldest mails that match, and the number up to which was looked.
---@param filter logto_smtp.cli.BoxFilter
---@return logto_smtp.testing.Message[] list, integer last
function Box:find(filter)
  local list = {}
  for number = math.max(self.first, filter.since + 1), self.last do
    local message, fits = self.messages[number], true
    for name, test in pairs(FILTERS) do
      fits = fits and (filter[name] == nil or test(message, filter[name]))
    end
    if fits then list[#list + 1] = message end
    if #list == filter.limit then return list, number end
  end
  return list, self.last
end

--- While a task waits for the next mail, its deadline comes at once when there is one.
---@param task logto_smtp.testing.Task
---@param wait fun()
function Box:during(task, wait)
  self.waiting[task] = true
  wait()
  self.waiting[task] = nil
end

--- A task has ended, whatever it did.
---@param task logto_smtp.testing.Task
function Box:forget(task) self.waiting[task] = nil end

local function timestamp(seconds)
  local whole = math.floor(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. (".%03dZ"):format(math.floor((seconds - whole) * 1000))
end

local function headers_of(message)
  local list = {}
  for i, header in ipairs(message.headers) do list[i] = { name = header.name, value = header.value } end
  return list
end

--- A mail as it is shown in JSON, without its octets.
---@param message logto_smtp.testing.Message
---@return table
function M.describe(message)
  local null = cjson.null
  local attachments = {}
  for i, attachment in ipairs(message.attachments) do
    attachments[i] = {
      filename = attachment.filename or null, contentType = attachment.contentType, size = attachment.size,
      cid = attachment.cid or null,
    }
  end
  return {
    number = message.number, time = timestamp(message.time), size = #message.raw,
    envelope = { from = message.envelope.from, to = message.envelope.to },
    subject = message.subject or null, code = message.code or null, link = message.link or null,
    text = message.text or null, html = message.html or null, headers = headers_of(message),
    attachments = attachments, tls = message.tls or false, auth = message.auth or false,
  }
end

--- The order of a mail's fields in JSON.
M.ORDER = {
  "messages", "number", "time", "envelope", "from", "to", "subject", "code", "link", "text", "html",
  "headers", "name", "value", "attachments", "tls", "auth", "size", "last",
}

return M
