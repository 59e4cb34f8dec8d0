-- SPDX-License-Identifier: MIT
-- What all commands of logto-smtp share: help, quiet, transcripts, colours, output that goes nowhere,
-- completion, the manual page.

local cjson = require("cjson")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local parser_module = require("logto_smtp.cli.parser")
local shell = require("spec.support.shell")
local style = require("logto_smtp.cli.views.style")

local lua = net.quote(shell.interpreter())
local command = lua .. " bin/logto-smtp "

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
end

local function has_not(text, part)
  assert.is_nil(text:find(part, 1, true), part)
end

-- Each command with its argparse element.
local function commands()
  local parser, modules = parser_module.build(require("argparse"), {})
  local list = {}
  for _, element in ipairs(parser._commands) do
    list[#list + 1] = { element = element, module = modules[element._name] }
  end
  return list
end

describe("logto-smtp COMMAND --help", function()
  for _, row in ipairs(commands()) do
    it("has examples that parse: " .. row.module.name, function()
      assert.is_true(#row.module.examples > 0)
      local help = net.run(command .. row.module.name .. " --help")
      for _, example in ipairs(row.module.examples) do
        has(help, example[1])
        for line in example[1]:gmatch("logto%-smtp ([^|>]+)") do
          local said, status = net.run(command .. line:gsub('%)"$', "") .. " --help")
          assert.equal(0, status, said)
        end
      end
      has(help, "Exit codes (sysexits): 0 done;")
    end)
  end

  it("names every exit code", function()
    local exit = require("logto_smtp.cli.exit")
    for name, code in pairs(exit) do
      local told = type(code) ~= "number" or name == "PIPE" or exit.HELP:find("%f[%d]" .. code .. " %a")
      assert.is_truthy(told, name)
    end
  end)
end)

describe("logto-smtp --version", function()
  it("names the versions of its libraries", function()
    local said, status = net.run(command .. "--version")
    assert.equal(0, status)
    assert.matches("^logto%-smtp %d+%.%d+%.%d+ %(libcurl %d[%w%.]+, OpenSSL/%d[%w%.]+, Lua", said)
  end)
end)

describe("logto-smtp, sending,", function()
  local path, inbox

  before_each(function()
    inbox = mailing.inbox({ auth = { user = "someone", pass = "s3cret-pass" } })
    path = os.tmpname()
    net.write_file(path, cjson.encode(inbox:config()))
  end)

  after_each(function()
    os.remove(path)
    mailing.stop()
  end)

  local function send(options)
    return net.run(command .. "send " .. path .. " --to ada@example.org --type SignIn --payload "
      .. net.quote('{"code":"483920"}') .. " " .. options)
  end

  it("shows the conversation on standard error with -v, without password and code", function()
    local said, status = send("-v 2>&1 >/dev/null")
    assert.equal(0, status)
    has(said, "C: AUTH PLAIN /* secret */")
    has(said, "C: RCPT TO:<ada@example.org>")
    assert.matches("S: 250 2%.0%.0 Ok", said)
    assert.matches("^ +%d+%.%d%d%d %[1%] ", said)
    local encoded = require("mime").b64("\0someone\0s3cret-pass")
    for _, secret in ipairs({ "s3cret-pass", "483920", encoded, "\27[" }) do has_not(said, secret) end
    assert.equal("483920", inbox:messages()[1].code)
  end)

  it("shows it for a login that is refused, too", function()
    net.write_file(path, cjson.encode(inbox:config({ auth = { pass = "wr0ng-pass" } })))
    local said, status = send("--verbose --json")
    assert.equal(77, status)
    has(said, "S: 535")
    has_not(said, "wr0ng-pass")
  end)

  it("shows what a server says, and does not let it steer the terminal", function()
    inbox:nextReply({ at = "RCPT", code = 550, text = "5.1.1 no \27[2J such \226\128\174user" })
    local said, status = send("-v")
    assert.equal(69, status)
    has(said, "550 5.1.1 no \\x1B[2J such \\u202Euser")
    has_not(said, "\27")
    has_not(said, "\226\128\174")
    inbox:nextReply({ at = "CONTENT", text = "2.0.0 Ok \27[31m" })
    has(send(""), "server: 250 2.0.0 Ok \\x1B[31m")
  end)

  it("says nothing with -q", function()
    assert.same({ "", 0 }, { send("-q") })
    assert.equal("483920", inbox:messages()[1].code)
  end)

  it("says nothing of a config either, and why a mail was not sent all the same", function()
    assert.same({ "", 0 }, { net.run(command .. "validate --quiet " .. path) })
    net.write_file(path, "{}")
    assert.same({ "", 78 }, { net.run(command .. "validate --quiet " .. path) })
    has(send("-q"), "not sent: the config is not valid")
  end)
end)

describe("what logto-smtp writes", function()
  it("may be cut off by its reader", function()
    for _, line in ipairs({ "--help", "manual", "init --list", "completion bash" }) do
      assert.same({ "", 0 }, { net.run(command .. line .. " | true") }, line)
    end
  end)

  it("is an error when the disk is full", function()
    local said, status = net.run(command .. "manual >/dev/full")
    assert.equal(74, status)
    has(said, "logto-smtp: cannot write the output: ")
  end)

  it("has no escape sequence in a pipe", function()
    for _, row in ipairs(commands()) do has_not(net.run(command .. row.module.name .. " --help"), "\27") end
  end)
end)

describe("cli.style", function()
  local function styled(environment)
    local code = [[
      local output = require("logto_smtp.cli.output").new(io.stdout, 1)
      local paint = require("logto_smtp.cli.views.style").of({ stdout = output, getenv = os.getenv })
      output:write(tostring(paint.terminal), paint.bold("x"), "\n")]]
    local program = os.tmpname()
    net.write_file(program, code)
    -- `script` gives the program a terminal of its own
    local said = net.run(("env -u NO_COLOR TERM=xterm %s script -qec %s /dev/null"):format(environment,
      net.quote(lua .. " " .. program)))
    os.remove(program)
    return (said:gsub("\r", ""))
  end

  it("colours a terminal, and neither with NO_COLOR nor on a dumb one", function()
    assert.equal("true\27[1mx\27[0m", styled(""))
    assert.equal("true\27[1mx\27[0m", styled("NO_COLOR="))
    assert.equal("truex", styled("NO_COLOR=1"))
    assert.equal("truex", styled("TERM=dumb"))
  end)

  it("shows what would steer a terminal, and leaves the rest", function()
    assert.equal("a\\x1B[2Jb\\x07\n\tc", style.plain("a\27[2Jb\7\r\n\tc"))
    assert.equal("\\u009B1m \\u202Egnp.exe", style.plain("\194\1551m \226\128\174gnp.exe"))
    assert.equal("\\u2066x", style.plain("\226\129\166x"))
    assert.equal("Grüße, 世界 — “ok”", style.plain("Grüße, 世界 — “ok”"))
    assert.equal("a b c", style.line("a\r\n b\tc"))
  end)
end)

describe("logto-smtp completion bash", function()
  -- What a real bash offers for the last of the words.
  local script = [[
    eval "$(%s completion bash)" || exit
    COMP_WORDS=(logto-smtp %s)
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    "$(complete -p logto-smtp | sed 's/.*-F \([^ ]*\).*/\1/')"
    echo "${COMPREPLY[@]}"]]

  local function offers(...)
    local words = {}
    for i, word in ipairs({ ... }) do words[i] = net.quote(word) end
    local line = script:format(lua .. " bin/logto-smtp", table.concat(words, " "))
    local said, status = net.run("bash --norc -c " .. net.quote(line))
    assert.equal(0, status, said)
    return said
  end

  it("offers commands, their options and the values of these", function()
    assert.equal("validate", offers("v"))
    has(offers(""), "init validate check preview test send bulk inbox")
    has(offers("test", "config.json", "--"), "--to")
    assert.equal("--quiet", offers("send", "--q"))
    assert.equal("starttls", offers("inbox", "--tls", "s"))
    assert.equal("README.md", offers("test", "--pass-file", "READ"))
  end)
end)

describe("logto-smtp completion zsh", function()
  it("completes a real zsh's lines", function()
    local dir = net.tmpdir()
    net.run(command .. "completion zsh > " .. dir .. "/_logto-smtp")
    local lines = {
      { "logto-smtp val", "logto-smtp validate " },
      { "logto-smtp inbox --ke", "logto-smtp inbox --keep " },
      { "logto-smtp inbox --tls im", "logto-smtp inbox --tls implicit " },
      { "logto-smtp completion z", "logto-smtp completion zsh " },
      { "logto-smtp test --pass-file READ", "logto-smtp test --pass-file README.md " },
    }
    local typed, wanted = {}, {}
    for i, row in ipairs(lines) do typed[i], wanted[i] = net.quote(row[1]), "<" .. row[2] .. ">" end
    local said = net.run(("zsh -f spec/support/completes.zsh %s %s"):format(dir, table.concat(typed, " ")))
    net.remove_dir(dir)
    assert.equal(table.concat(wanted, "\n"), said)
  end)
end)

describe("the manual page", function()
  it("shows every command with its options and examples", function()
    local page = net.run(command .. "manual"):gsub("\\f[BIR]", ""):gsub("\\%-", "-"):gsub("\\e", "\\")
    for _, row in ipairs(commands()) do
      has(page, "\n.SS " .. row.module.name .. "\n")
      for _, option in ipairs(row.element._options) do
        if option._name ~= "-h" then has(page, "\n" .. table.concat(option._public_aliases, ", ")) end
      end
      for _, example in ipairs(row.module.examples) do has(page, "\n" .. example[1] .. "\n") end
    end
  end)

  it("is formatted without a warning", function()
    local said = net.run(command .. "manual | mandoc -T lint -W warning")
    assert.equal("", said)
    has(net.run(command .. "manual | mandoc -T ascii | col -b"), "logto-smtp - check configs")
  end)
end)
