-- SPDX-License-Identifier: MIT
-- The example project, run as its user runs it: outside this tree, on an installed library. Then faults are
-- put into the service, one at a time, and the assertion that finds one must say what is wrong.
local net = require("spec.support.net")

local lua = jit and "luajit" or "lua" .. _VERSION:match("%d%.%d")
local abi = jit and "5.1" or _VERSION:match("%d%.%d")
local make = "make --no-print-directory -s LUA=" .. (jit and "luajit" or abi)

local root

-- What busted prints about the example, and its exit status.
local function busted()
  local share = root .. "/share/lua/" .. abi
  local paths = ("LUA_PATH='%s/?.lua;%s/?/init.lua;;' LUA_CPATH='%s/lib/lua/%s/?.so;;'"):format(
    share, share, root, abi)
  return net.run(("cd %s/busted && %s %s %s/run.lua -o plainTerminal"):format(root, paths, lua, root))
end

-- Puts a fault into a file of the example: one text becomes another.
local function spoil(name, right, wrong)
  local path = root .. "/busted/" .. name
  local text = assert(net.read_file(path))
  local first, last = text:find(right, 1, true)
  assert(first, "no such text in " .. name .. ": " .. right)
  net.write_file(path, text:sub(1, first - 1) .. wrong .. text:sub(last + 1))
end

setup(function()
  root = net.tmpdir()
  local install = "%s install PREFIX=%s && cp spec/busted.lua %s/run.lua"
  local said, status = net.run(install:format(make, root, root))
  assert.equal(0, status, said)
end)

teardown(function() net.remove_dir(root) end)

before_each(function() net.run(("rm -rf %s/busted; cp -R examples/busted %s/busted"):format(root, root)) end)

describe("the example for busted", function()
  it("passes on an installed tree", function()
    local said, status = busted()
    assert.equal(0, status, said)
    assert.matches("10 successes / 0 failures / 0 errors / 0 pending", said, 1, true)
  end)

  -- Faults, and what must be said of each: every line is looked for in what busted prints.
  local FAULTS = {
    {
      what = "a code with digits out of order", file = "sign_in.lua",
      right = "payload = { code = code }", wrong = "payload = { code = (code:gsub('(%d)(%d)$', '%2%1')) }",
      said = {
        'expected 1 mail with to "ann@example.com", type "SignIn", code "123456", '
          .. "but the only one that arrived is another:",
        '  mail 1, to ann@example.com, subject "Your sign-in code", code 123465',
        "    code: expected 123456", "               got 123465", "                       ^^",
        'expected 1 mail with to "ann@example.com", code "123456" within 1 s, but the only one',
      },
    }, {
      what = "a code that goes to another person", file = "sign_in.lua",
      right = "to = address,", wrong = 'to = "eve@example.com",',
      said = {
        '  mail 1, to eve@example.com, subject "Your sign-in code", code 123456',
        '    to: expected "ann@example.com", got "eve@example.com"',
      },
    }, {
      what = "a mail of another type", file = "sign_in.lua",
      right = 'type = "SignIn"', wrong = 'type = "Register"',
      said = {
        "    type: expected SignIn, got Register",
        "- Subject: Your sign-in code", "+ Subject: Welcome",
      },
    }, {
      what = "words that nobody agreed on", file = "templates.lua",
      right = "good for ten minutes", wrong = "good for an hour",
      said = {
        'the mail differs from the snapshot "sign-in" (spec/snapshots/sign-in.txt; - kept, + got):',
        "- Your code is {code}. It is good for ten minutes.",
        "+ Your code is {code}. It is good for an hour.",
        "If the new one is right, run again with UPDATE_SNAPSHOTS=1 to keep it.",
      },
    }, {
      what = "a snapshot that is not there", file = "spec/sign_in_spec.lua",
      right = '"sign-in", {', wrong = '"not-there", {',
      said = {
        'there is no snapshot "not-there" (spec/snapshots/not-there.txt). If this mail is right, '
          .. "run again with UPDATE_SNAPSHOTS=1 to keep it:",
        "Subject: Your sign-in code",
      },
    }, {
      what = "a mail to who is blocked", file = "sign_in.lua",
      right = "if self.blocked[key] then", wrong = "if false then",
      said = {
        'expected no mail with to "banned@example.com", but 1 arrived:',
        '  mail 1, to banned@example.com, subject "Your sign-in code", code 123456',
      },
    }, {
      what = "more mails than one a minute", file = "sign_in.lua",
      right = "600, 5, 60, 2", wrong = "600, 5, -1, 2",
      said = {
        "expected exactly 1 mail, but 2 of the 2 that arrived are like that:",
        '  mail 1, to ann@example.com, subject "Your sign-in code", code 123456',
        '  mail 2, to ann@example.com, subject "Your sign-in code", code 123457',
      },
    }, {
      what = "no second try", file = "sign_in.lua",
      right = "600, 5, 60, 2", wrong = "600, 5, 60, 1",
      said = {
        'expected exactly 1 mail with to "ann@example.com" within 0.3 s, but none arrived; '
          .. "the last conversation was:",
        "S: 450 4.7.1 Greylisted, please try again later",
      },
    }, {
      what = "a second try after the content was sent", file = "sign_in.lua",
      right = ' or cause.delivery ~= "not_sent"', wrong = "",
      said = { "expected exactly 1 mail, but 2 of the 2 that arrived are like that:" },
    },
  }

  local function expect_lines(said, lines)
    for _, line in ipairs(lines) do
      if not said:find(line, 1, true) then error(("%q is not in\n%s"):format(line, said), 2) end
    end
  end

  for _, fault in ipairs(FAULTS) do
    it("finds " .. fault.what .. ", and says so", function()
      spoil(fault.file, fault.right, fault.wrong)
      local said, status = busted()
      assert.not_equal(0, status)
      expect_lines(said, fault.said)
    end)
  end
end)
