-- SPDX-License-Identifier: MIT
--- snapshot: a mail as a text to read and to compare with one kept in a file. What is new in each mail is
-- left out: date, Message-ID, boundaries, Content-IDs, signatures; and if asked, the code.
local shell = require "logto_smtp.util.shell"
local diff = require "logto_smtp.testing.diff"

local M = {}

local VOLATILE = { "Date", "Message-ID", "DKIM-Signature", "Received" }

---@class logto_smtp.testing.SnapshotOptions
---@field code? boolean the verification code is left out
---@field volatile? string[] names of further headers whose values are left out
---@field directory? string default "spec/snapshots"

local function plain_replace(text, what, by)
  return (text:gsub(what:gsub("%p", "%%%0"), (by:gsub("%%", "%%%%"))))
end

local function leaves(part, list)
  for _, inner in ipairs(part.parts or {}) do leaves(inner, list) end
  if not part.parts then list[#list + 1] = part end
  return list
end

local function header_lines(message, options)
  local volatile, lines = {}, {}
  for _, list in ipairs { VOLATILE, options.volatile or {} } do
    for _, name in ipairs(list) do volatile[name:lower()] = true end
  end
  for _, header in ipairs(message.headers) do
    local value = header.value:gsub("%s+", " ")
    if volatile[header.name:lower()] then value = "(another each time)" end
    if header.name:lower() == "content-type" then
      value = value:gsub('boundary="[^"]*"', "boundary=..."):gsub("boundary=[^%s;.]+", "boundary=...")
    end
    lines[#lines + 1] = header.name .. ": " .. value
  end
  return table.concat(lines, "\n")
end

local function body_of(part)
  if part.contentType:find("^text/") then return (part.content:gsub("\r\n", "\n"):gsub("\n$", "")) end
  local sum = 0
  for i = 1, #part.content do sum = (sum * 31 + part.content:byte(i)) % 4294967296 end
  return ("(%d octets, sum %.0f)"):format(#part.content, sum)
end

local function leaf_text(part)
  local words = { part.contentType }
  if part.disposition then words[#words + 1] = part.disposition end
  if part.filename then words[#words + 1] = ("%q"):format(part.filename) end
  if part.cid then words[#words + 1] = "cid:" .. part.cid end
  return ("--- %s\n%s"):format(table.concat(words, ", "), body_of(part))
end

--- The mail as a text.
---@param message logto_smtp.testing.Message
---@param options? logto_smtp.testing.SnapshotOptions
---@return string
function M.format(message, options)
  options = options or {}
  local list = leaves(message.part, {})
  local pieces = {
    ("from <%s> to <%s>\n"):format(message.envelope.from, table.concat(message.envelope.to, ">, <")),
    header_lines(message, options) .. "\n",
  }
  for _, part in ipairs(list) do pieces[#pieces + 1] = leaf_text(part) .. "\n" end
  local text = table.concat(pieces, "\n")
  for i, part in ipairs(list) do
    if part.cid then text = plain_replace(text, "cid:" .. part.cid, "cid:part" .. i) end
  end
  if options.code and message.code then text = plain_replace(text, message.code, "{code}") end
  return text
end

local function path_of(name, options)
  return ("%s/%s.txt"):format(options.directory or "spec/snapshots", name)
end

local ENOENT = 2

local function read(path)
  local file, why, number = io.open(path, "rb")
  if not file and number ~= ENOENT then error(why, 0) end
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return (text:gsub("\r\n", "\n"))
end

local function write(path, text)
  local file = io.open(path, "wb")
  if not file then
    os.execute("mkdir -p " .. shell.quote(path:match("^(.*)/")))
    file = assert(io.open(path, "wb"))
  end
  file:write(text)
  file:close()
end

local function may_update()
  local wish = os.getenv("UPDATE_SNAPSHOTS")
  return wish ~= nil and wish ~= "" and wish ~= "0"
end

local AGAIN = "run again with UPDATE_SNAPSHOTS=1 to keep it"

--- Compares a mail with the snapshot of that name; only with UPDATE_SNAPSHOTS=1 in the environment is one
--- written. Nothing is written when `only_look` is set.
---@param message logto_smtp.testing.Message
---@param name string path below the directory, without ".txt"
---@param options? logto_smtp.testing.SnapshotOptions
---@param only_look? boolean
---@return boolean? same nil when there is none to compare with
---@return string? why_not
function M.compare(message, name, options, only_look)
  options = options or {}
  local path, got = path_of(name, options), M.format(message, options)
  local kept = read(path)
  if kept == got then return true end
  if may_update() and not only_look then
    write(path, got)
    return true
  end
  if not kept then
    local missing = "there is no snapshot %q (%s). If this mail is right, %s:\n%s"
    return nil, missing:format(name, path, AGAIN, got)
  end
  local differs = "the mail differs from the snapshot %q (%s; - kept, + got):\n%s\n"
    .. "If the new one is right, %s."
  return false, differs:format(name, path, diff.format(kept, got), AGAIN)
end

return M
