-- SPDX-License-Identifier: MIT
--- Mails as Python's email package reads them: an opinion that is not ours.

local cjson = require("cjson")
local mime = require("mime")

local M = {}

---@class spec.ReadMail
---@field counts table<string, integer>  fields by lower-case name
---@field headers table<string, string>  their decoded values
---@field people table<string, string[][]>  name and address of each, by lower-case field
---@field parts { type: string, params: table, filename: string?, names: string[], content: string? }[]
---@field defects string[]

--- One reading for each mail, in their order.
---@param mails string[]  octets
---@return spec.ReadMail[]
function M.read(mails)
  local list = os.tmpname()
  local paths, readings = {}, {}
  for i, octets in ipairs(mails) do
    paths[i] = list .. "." .. i
    local file = assert(io.open(paths[i], "wb"))
    file:write(octets)
    file:close()
  end
  local file = assert(io.open(list, "w"))
  file:write(table.concat(paths, "\n"), "\n")
  file:close()
  local pipe = assert(io.popen("/usr/bin/python3 spec/support/read_mails.py <" .. list))
  for line in pipe:lines() do
    local mail = cjson.decode(line)
    for _, part in ipairs(mail.parts) do
      part.content = part.content ~= cjson.null and (mime.unb64(part.content) or "") or nil
    end
    readings[#readings + 1] = mail
  end
  pipe:close()
  os.remove(list)
  for _, path in ipairs(paths) do os.remove(path) end
  assert(#readings == #mails, "Python could not read every mail")
  return readings
end

local MODULES = "build/interop/npm/node_modules"

--- Who else reads addresses: by name the command, and the file without which it is not here.
M.PARSERS = {
  python = { command = "/usr/bin/python3 spec/support/read_addresses.py" },
  mailparser = {
    command = "node spec/support/read_addresses.js " .. MODULES,
    needs = MODULES .. "/mailparser/package.json",
  },
}

--- The mailboxes of To, groups opened, of each mail. nil: the parser is not here.
---@param mails string[]  octets
---@param parser "python"|"mailparser"
---@return { name: string, user: string, domain: string }[][]|nil
function M.recipients(mails, parser)
  parser = M.PARSERS[parser]
  local there = not parser.needs or io.open(parser.needs)
  if not there then return nil end
  if parser.needs then there:close() end
  local list, readings = os.tmpname(), {}
  local file = assert(io.open(list, "w"))
  for _, octets in ipairs(mails) do
    file:write('"', (octets:gsub(".", function(c) return ("%02x"):format(c:byte()) end)), '"\n')
  end
  file:close()
  local pipe = assert(io.popen(parser.command .. " <" .. list))
  for line in pipe:lines() do readings[#readings + 1] = cjson.decode(line) end
  pipe:close()
  os.remove(list)
  assert(#readings == #mails, "not every mail could be read")
  return readings
end

return M
