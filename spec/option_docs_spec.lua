-- SPDX-License-Identifier: MIT
-- What is made of the table of options, and checked in, is not stale.

local docs = require("spec.support.option_docs")
local net = require("spec.support.net")

describe("what make docs writes", function()
  it("is what the tables of options in the docs say", function()
    local page = assert(net.read_file(docs.PAGE))
    assert.equal(docs.page(page), page)
  end)

  it("is the LuaLS class of a config", function()
    assert.equal(docs.types(), net.read_file(docs.TYPES))
  end)
end)
