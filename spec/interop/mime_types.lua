-- SPDX-License-Identifier: MIT
--- Makes src/pure/mime_type.def from the list of media types that npm's mime-db keeps:
--    lua5.4 spec/interop/mime_types.lua path/to/mime-db > src/pure/mime_type.def
-- spec/mime_types_spec.lua says when the file is not what this makes of the version in package.json: raise
-- the version there, and run this.

local cjson = require("cjson")

-- Where mime-db follows use rather than the registration, or a reader would act on what it says.
local OVER = {
  vcf = "text/vcard", vcard = "text/vcard", -- RFC 6350, 10.1
  yaml = "application/yaml", yml = "application/yaml", -- RFC 9512, 2.1
  pem = "application/x-pem-file", -- mime-db says a CA certificate, which programs offer to install
  tgz = "application/gzip", -- it is none to mime-db
}

-- The ending that people know, where mime-db names another one first.
local USUAL = {
  ["text/vcard"] = "vcf", ["application/yaml"] = "yaml", ["application/x-pem-file"] = "pem",
  ["video/quicktime"] = "mov", ["audio/mpeg"] = "mp3",
}

-- Who names the type: the registry of IANA, a web server's list, or nobody.
local WEIGHT = { iana = 4, apache = 3, none = 2, nginx = 1 }

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return cjson.decode(text)
end

-- A file attached by its ending is data. Of message/..., only what people call a mail is meant as one.
local function is_wanted(ending, type)
  return ending:match("^[%w+-]+$") and not type:match("^multipart/")
    and (not type:match("^message/") or ending == "eml")
end

local function is_better(type, weight, best)
  if not best then return true end
  local vague, other = type == "application/octet-stream", best.type == "application/octet-stream"
  if vague ~= other then return other end
  return weight > best.weight or weight == best.weight and type < best.type
end

local M = {}

--- The file, from the directory of mime-db.
---@param directory string
---@return string
function M.generate(directory)
  local db, types, best, usual = read(directory .. "/db.json"), {}, {}, {}
  for type in pairs(db) do types[#types + 1] = type end
  table.sort(types)
  for _, type in ipairs(types) do
    local weight = WEIGHT[db[type].source or "none"]
    for _, ending in ipairs(db[type].extensions or {}) do
      if is_wanted(ending, type) and is_better(type, weight, best[ending]) then
        best[ending] = { type = type, weight = weight }
      end
    end
  end
  for ending, type in pairs(OVER) do best[ending] = { type = type } end
  for _, type in ipairs(types) do
    for _, ending in ipairs(db[type].extensions or {}) do
      if not usual[type] and best[ending] and best[ending].type == type then usual[type] = ending end
    end
  end
  for type, ending in pairs(USUAL) do usual[type] = ending end
  local endings, lines = {}, {}
  for ending in pairs(best) do endings[#endings + 1] = ending end
  table.sort(endings)
  for i, ending in ipairs(endings) do
    local type = best[ending].type
    lines[i] = ('X("%s", "%s", %d)'):format(ending, type, usual[type] == ending and 1 or 0)
  end
  return ([[
/* SPDX-License-Identifier: MIT
 * Media types by file name ending: X(ending, type, 1: the type's usual ending), in the endings' order.
 * Made by spec/interop/mime_types.lua from mime-db %s; not to be edited. */
%s
]]):format(read(directory .. "/package.json").version, table.concat(lines, "\n"))
end

if arg and arg[0] and arg[0]:match("mime_types%.lua$") then io.write(M.generate(arg[1])) end

return M
