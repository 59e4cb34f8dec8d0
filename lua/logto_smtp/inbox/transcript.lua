-- SPDX-License-Identifier: MIT
--- transcript: connections as a text to read. Shows no secret and no content.
local M = {}

local function shown(command)
  if command.verb == "CONTENT" then return ("(%s octets of content)"):format(command.octets or "too many") end
  if command.verb == "AUTH" then
    local head, rest = command.line:match("^(%S+%s+%S+)(.*)$")
    return head and head .. (rest ~= "" and " ***" or "") or command.line
  end
  return command.line
end

local function printable(octets)
  octets = octets:gsub("\r\n$", "")
  return (octets:gsub("\r\n", "\n        S: "):gsub("[%z\1-\9\11-\31\127]", function(c)
    return ("\\x%02X"):format(c:byte())
  end))
end

--- The connections, one command and its reply a line, with the second and the flight each was read in.
---@param connections table[]
---@return string
function M.format(connections)
  local lines = {}
  for _, connection in ipairs(connections) do
    lines[#lines + 1] = ("connection %d%s"):format(connection.id,
      connection.tls and (" (%s, %s)"):format(connection.tls.version, connection.tls.cipher) or "")
    for _, command in ipairs(connection.commands) do
      lines[#lines + 1] = ("  %6.3f flight %d C: %s"):format(command.time - connection.opened, command.flight,
        printable(shown(command)))
      if command.reply then lines[#lines + 1] = "        S: " .. printable(command.reply) end
    end
    for _, violation in ipairs(connection.violations) do lines[#lines + 1] = "  violation: " .. violation end
    if connection.closed then
      lines[#lines + 1] = ("  %6.3f closed by %s: %s"):format(connection.closed - connection.opened,
        connection.closedBy, connection.why)
    end
  end
  return table.concat(lines, "\n")
end

return M
