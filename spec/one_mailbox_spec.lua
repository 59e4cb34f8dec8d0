-- SPDX-License-Identifier: MIT
local one_mailbox = require("logto_smtp.connector.one_mailbox")

describe("recipient()", function()
  for _, row in ipairs({
    { "user@example.com", "user@example.com" },
    { "Ann Lee <User@Example.com>", "User@example.com", "Ann Lee" },
    { '"Lee, Ann" <user@example.com>', "user@example.com", "Lee, Ann" },
    { "  user@example.com ", "user@example.com" },
    { "<user@example.com>", "user@example.com" },
    { "user@bücher.example", "user@xn--bcher-kva.example" },
    { '"a b"@example.com', '"a b"@example.com' },
  }) do
    it(("reads %q"):format(row[1]), function()
      local got = assert(one_mailbox.recipient(row[1]))
      assert.equal(row[2], got.address)
      assert.equal(row[3], got.name)
      assert.equal(row[1]:match("^%s*(.-)%s*$"), got.text)
    end)
  end
end)
