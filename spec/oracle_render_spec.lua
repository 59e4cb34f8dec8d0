-- SPDX-License-Identifier: MIT
local golden = require("spec.support.golden")
local replaceSendMessageHandlebars = require("logto_smtp").replaceSendMessageHandlebars

describe("replaceSendMessageHandlebars() on the golden cases", function()
  for _, row in ipairs(golden.rows("render")) do
    it(row.id .. ": " .. row.about, function()
      assert.are.equal(row.expected, replaceSendMessageHandlebars(row.input.template, row.input.payload))
    end)
  end
end)
