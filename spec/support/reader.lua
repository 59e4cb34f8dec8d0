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

return M
