-- SPDX-License-Identifier: MIT
local logger = require("logto_smtp.transport.logger")

describe("a line of the log", function()
  for _, row in ipairs({
    { "550 5.1.1 nobody of that name", "550 5.1.1 nobody of that name" },
    { "550-one\r\n550 two\n[error] forged", "550-one 550 two [error] forged" },
    { "red \27[31m, bell \7, end \0 and delete \127",
      "red \\x1B[31m, bell \\x07, end \\x00 and delete \\x7F" },
    { "control beyond ASCII \194\155 31m", "control beyond ASCII \\u009B 31m" },
    { "reordered \226\128\174gnp.exe", "reordered \\u202Egnp.exe" },
    { "no UTF-8: caf\233", "no UTF-8: caf\\xE9" },
    { "Grüße ☕ \194\160", "Grüße ☕ \194\160" },
  }) do
    it(("holds %q"):format(row[1]), function()
      assert.equal(row[2], logger.line(row[1]))
    end)
  end
end)
