-- SPDX-License-Identifier: MIT
local clock = require("spec.support.clock")
local decode = require("logto_smtp.inbox.decode")
local one_mailbox = require("logto_smtp.connector.one_mailbox")
local template_mail = require("logto_smtp.connector.template_mail")
local trim = require("logto_smtp.util.trim")

local MANY = 2 * 1024 * 1024
local spaces = (" "):rep(MANY)

describe("trim", function()
  for text, wanted in pairs({
    [""] = "", [" \t\r\n "] = "", ["a"] = "a", [" a b \n"] = "a b", ["a "] = "a", ["\na"] = "a",
  }) do
    it(("takes white space from %q"):format(text), function()
      assert.equal(wanted, trim.both(text))
    end)
  end

  it("takes it from the right of each line", function()
    assert.equal("a\n\n b\nc", trim.lines("a \t\n \n b\nc\t"))
  end)
end)

-- What takes 2 MiB, and would take hours where a run of spaces is looked at again from each of them.
for name, call in pairs({
  ["trim.both()"] = function() return trim.both("x" .. spaces .. "y") end,
  ["trim.both() of spaces"] = function() return trim.both(spaces) end,
  ["trim.lines()"] = function() return trim.lines("x" .. spaces .. "y\n" .. spaces) end,
  ["a placeholder"] = function()
    return template_mail.placeholders({ subject = "{{a" .. spaces .. "b}}", content = "" })
  end,
  ["a sender without an address"] = function()
    return one_mailbox.render(("x"):rep(MANY), {}, "a@b.example")
  end,
  ["a sender of spaces and letters"] = function()
    return one_mailbox.render(spaces .. "x" .. spaces .. ("y"):rep(MANY), {}, "a@b.example")
  end,
  ["a Content-ID"] = function()
    local raw = "Subject: x\r\nContent-ID: x" .. spaces .. "y\r\n\r\nx\r\n"
    return decode.message({ raw = raw, envelope = { to = {} } })
  end,
}) do
  describe(name, function()
    it("takes a time that grows with its length alone", function()
      clock.spares_processor(20, call)
    end)
  end)
end
