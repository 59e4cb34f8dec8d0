-- SPDX-License-Identifier: MIT
local json = require("logto_smtp.util.json")

describe("isUtf8() (RFC 3629, 4)", function()
  for _, row in ipairs({
    { true, "" }, { true, "plain\0text\127" }, { true, "\194\128 \223\191" },
    { true, "\224\160\128\239\191\191" },
    { true, "\240\144\128\128\244\143\191\191" }, { true, "\237\159\191\238\128\128" },
    { false, "\128" }, { false, "a\191b" }, { false, "\192\175" }, { false, "\193\191" }, { false, "\194" },
    { false, "\194a" }, { false, "\224\159\191" }, { false, "\237\160\128" }, { false, "\226\130" },
    { false, "\240\143\191\191" },
    { false, "\244\144\128\128" }, { false, "\240\159\152" }, { false, "\255" },
  }) do
    it(("says %s of %q"):format(tostring(row[1]), row[2]), function()
      assert.equal(row[1], json.isUtf8(row[2]))
      assert.equal(row[1], json.isUtf8("é" .. row[2] .. "é"))
    end)
  end
end)
