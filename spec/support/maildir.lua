-- SPDX-License-Identifier: MIT
--- maildir: reads back what a mail server delivered into a maildir, and tells what was sent from the header
--- fields that the server put on top.
local clock = require "spec.support.clock"
local decode = require "logto_smtp.inbox.decode"
local net = require "spec.support.net"

local M = {}

-- Fields that servers put on top; several may be there, and Received may be folded.
local OWN = {
  received = "received",
  ["return-path"] = "returnPath",
  ["delivered-to"] = "deliveredTo",
  ["envelope-to"] = "deliveredTo",
  ["x-original-to"] = "originalTo",
  ["delivery-date"] = "deliveryDate",
}

-- Up to the first field that is not the server's, and that Received is not above. The file has LF line
-- ends, so CRLF is put back.
local function read_message(octets)
  local message, pos = {}, 1
  while not message.received do
    local name, value, after = octets:match("^([%w-]+): ([^\n]*)\n()", pos)
    local own = name and OWN[name:lower()]
    if not own then break end
    while octets:find("^[ \t]", after) do
      local more, next_line = octets:match("^([^\n]*)\n()", after)
      value, after = value .. more, next_line
    end
    message[own] = value
    pos = after
  end
  local seen = decode.message { raw = (octets:sub(pos):gsub("\n", "\r\n")) }
  seen.received = message.received
  seen.deliveredTo = message.originalTo or message.deliveredTo
  seen.returnPath = message.returnPath and message.returnPath:gsub("^<(.*)>$", "%1")
  return seen
end

--- The messages, oldest first: as `logto_smtp.testing` decodes them, with raw (as sent, CRLF line ends),
--- returnPath, deliveredTo and received (the server's own Received field).
---@param path string of the maildir; need not exist yet
---@return table[]
function M.read(path)
  local list, box = {}, path .. "/new"
  local names = net.run("ls -1tr " .. net.quote(box) .. " 2>/dev/null")
  for name in names:gmatch("[^\n]+") do
    local octets = net.read_file(box .. "/" .. name)
    if octets then list[#list + 1] = read_message(octets) end
  end
  return list
end

--- How many there are.
---@param path string
---@return integer
function M.count(path)
  return math.floor(tonumber((net.run("ls -1 " .. net.quote(path .. "/new") .. " 2>/dev/null | wc -l"))))
end

--- Waits until n messages are there, and reads them.
---@param path string
---@param n integer
---@return table[]? messages, integer count
function M.wait_for(path, n)
  local count
  local there = clock.eventually(function()
    count = M.count(path)
    return count >= n
  end)
  return there and M.read(path) or nil, count
end

return M
