-- SPDX-License-Identifier: MIT
local mailbox = require("logto_smtp.mailbox")

describe("address()", function()
  for _, row in ipairs({
    { "user@example.com", "user@example.com" },
    { "Ann Lee <User@Example.com>", "User@Example.com" },
    { '"Lee, Ann" <user@example.com>', "user@example.com" },
    { "  user@example.com ", "user@example.com" },
    { "<user@example.com>", "user@example.com" },
  }) do
    it(("is the address alone of %q"):format(row[1]), function()
      assert.equal(row[2], mailbox.address(assert(mailbox.recipient(row[1]))))
    end)
  end
end)
