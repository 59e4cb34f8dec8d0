-- SPDX-License-Identifier: MIT
-- The list of media types is what its maker makes of the version of mime-db that spec/interop asks for.

local MIME_DB = "build/interop/npm/node_modules/mime-db"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

describe("the list of media types", function()
  it("is not stale", function()
    local there = io.open(MIME_DB .. "/db.json")
    if not there then return pending("mime-db is not in build/interop; make deps fetches it by npm") end
    there:close()
    package.path = "spec/interop/?.lua;" .. package.path
    local made = require("mime_types").generate(MIME_DB)
    assert.is_true(made == read("src/pure/mime_type.def"),
      "make it anew: lua5.4 spec/interop/mime_types.lua " .. MIME_DB .. " > src/pure/mime_type.def")
  end)

  it("names each ending once, in order, and nothing that a reader unpacks", function()
    local last = ""
    for ending, type in read("src/pure/mime_type.def"):gmatch('X%("([^"]+)", "([^"]+)"') do
      assert.is_true(last < ending, ending)
      assert.matches("^[a-z-]+/[%w.+-]+$", type)
      assert.is_nil(type:match("^multipart/"))
      assert.is_true(not type:match("^message/") or ending == "eml")
      last = ending
    end
  end)
end)
