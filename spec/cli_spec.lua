-- SPDX-License-Identifier: MIT
local cjson = require("cjson")
local cli = require("logto_smtp.cli")
local configs = require("spec.support.configs")
local shell = require("spec.support.shell")
local testing = require("logto_smtp.testing")

-- A stream that keeps what is written and gives what it was made with.
local function stream(text)
  return {
    written = "",
    write = function(self, ...)
      self.written = self.written .. table.concat({ ... })
      return self
    end,
    read = function() return text end,
    flush = function() end,
  }
end

-- Runs one command line; options: stdin, env, transport.
local function run(argv, options)
  options = options or {}
  local context = {
    stdin = stream(options.stdin or ""), stdout = stream(), stderr = stream(),
    getenv = function(name) return (options.env or {})[name] end,
    transport = options.transport,
  }
  local code = cli.run(argv, context)
  return { code = code, out = context.stdout.written, err = context.stderr.written }
end

local function file_with(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function contains(text, part)
  assert.is_not_nil(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
end

local VALID = cjson.encode(configs.config())

-- A transport that fails with an SMTP error.
local function failing(err)
  return { send = function() return nil, err end }
end

describe("logto-smtp init", function()
  it("prints a complete config, and notes beside it", function()
    local result = run({ "init", "--provider", "gmail" })
    assert.are.equal(0, result.code)
    local config = cjson.decode(result.out)
    assert.are.equal("smtp.gmail.com", config.host)
    assert.are.equal(465, config.port)
    assert.is_true(config.secure)
    assert.are.equal(0, run({ "validate", "-" }, { stdin = result.out }).code)
    assert.is_not_nil(result.out:find('^{\n  "host": "smtp.gmail.com",\n  "port": 465,\n  "secure": true,\n'))
    contains(result.err, "app password")
    contains(result.err, "https://support.google.com/a/answer/176600")
  end)

  it("prints one line of JSON with --json", function()
    local result = run({ "init", "--provider", "sendgrid", "--json" })
    assert.are.equal("apikey", cjson.decode(result.out).config.auth.user)
    assert.are.equal("", result.err)
  end)

  it("names the presets when it does not know one", function()
    local result = run({ "init", "--provider", "nobody" })
    assert.are.equal(64, result.code)
    contains(result.err, 'no preset for "nobody"; there are gmail, sendgrid, aliyun')
  end)

  it("lists the services", function()
    contains(run({ "init", "--list" }).out, "smtp-relay.brevo.com")
    for line in run({ "init", "--list", "--json" }).out:gmatch("[^\n]+") do
      assert.is_string(cjson.decode(line).host)
    end
  end)
end)

describe("logto-smtp validate", function()
  it("answers 0 for a config that passes", function()
    local result = run({ "validate", "-" }, { stdin = VALID })
    assert.are.equal(0, result.code)
    assert.are.equal("config: valid\n", result.out)
  end)

  it("prints one line per issue with its path and what to do, and answers 78", function()
    local config = configs.config({ port = "smtp", logger = "yes", auth = { type = "login", user = 5 } })
    config.templates[1].contentType = "html"
    config.templates[2].subject = nil
    local path = file_with(cjson.encode(config))
    local result = run({ "validate", path })
    os.remove(path)
    assert.are.equal(78, result.code)
    assert.are.equal(path .. ": not valid\n"
      .. "  port: Expected number, received string; "
      .. "write a number: 465 (TLS from the start) or 587 (STARTTLS)\n"
      .. '  auth.user: Expected string, received number; write {"user": ..., "pass": ...}, or for OAuth 2.0 '
      .. '{"type": "oauth2", "user": ..., ...}\n'
      .. "  templates[0].contentType: Invalid enum value. Expected 'text/plain' | 'text/html', "
      .. "received 'html'; "
      .. 'write "text/plain" or "text/html"\n'
      .. "  templates[1].subject: Required; write the mail's subject\n"
      .. "  logger: Expected boolean, received string; write true or false, without quotes\n", result.out)
  end)

  it("gives advice on a config that passes", function()
    local result = run({ "validate", "-" }, { stdin = cjson.encode(configs.config({ secure = true })) })
    assert.are.equal(0, result.code)
    contains(result.out, "advice: secure port 587 starts in clear text")
  end)

  for path, wrong in pairs({
    ["auth.type"] = { auth = { user = "u@example.com", refreshToken = "s3cret" } },
    ["auth.privateKey"] = {
      auth = { type = "oauth2", user = "u@example.com", serviceClient = "c", privateKey = "s3cret" } },
    ["auth.method"] = { auth = { user = "u@example.com", pass = "s3cret", method = "ROT13" } },
    ["dkim.privateKey"] = {
      dkim = { domainName = "example.com", keySelector = "k", privateKey = "s3cret" } },
  }) do
    it("finds what the guard takes and what cannot work all the same: " .. path, function()
      local result = run({ "validate", "-" }, { stdin = cjson.encode(configs.config(wrong)) })
      assert.are.equal(78, result.code)
      contains(result.out, "config: not valid\n  " .. path .. ": ")
      assert.is_nil(result.out:find("s3cret", 1, true))
    end)
  end

  it("prints the guard's issues and the advice with --json", function()
    local result = run({ "validate", "-", "--json" }, { stdin = "{}" })
    assert.are.equal(78, result.code)
    local verdict = cjson.decode(result.out)
    assert.is_false(verdict.valid)
    assert.are.same({ "host" }, verdict.issues[1].path)
    assert.are.same({ valid = true, issues = {}, advice = {} },
      cjson.decode(run({ "validate", "-", "--json" }, { stdin = VALID }).out))
  end)

  it("says where a file is no JSON, and which one cannot be read", function()
    local result = run({ "validate", "-" }, { stdin = '{"host": }' })
    assert.are.equal(78, result.code)
    contains(result.err, "standard input is not JSON (at character 10)")
    result = run({ "validate", "/nowhere/config.json" })
    assert.are.equal(66, result.code)
    contains(result.err, "cannot read /nowhere/config.json")
  end)
end)

describe("logto-smtp test and send", function()
  it("test sends Generic with code 000000", function()
    local recorder = configs.recorder()
    local result = run({ "test", "-", "--to", "a@b.c" }, { stdin = VALID, transport = recorder })
    assert.are.equal(0, result.code)
    assert.are.equal("Generic: 000000", recorder.mails[1].text)
    assert.are.equal("a@b.c", recorder.mails[1].to)
    contains(result.out, "sent to a@b.c\n  server: 250 OK\n")
  end)

  it("send takes the type and a payload, from the command line or a file", function()
    local recorder = configs.recorder()
    local argv = { "send", "-", "--to", "a@b.c", "--type", "SignIn", "--payload", '{"code":"42"}', "--json" }
    local result = run(argv, { stdin = VALID, transport = recorder })
    assert.are.equal("SignIn: 42", recorder.mails[1].text)
    assert.are.same({ "a@b.c" }, cjson.decode(result.out).info.accepted)
    local path = file_with('{"code":"43"}')
    argv[7 + 1] = "@" .. path
    run(argv, { stdin = VALID, transport = recorder })
    os.remove(path)
    assert.are.equal("SignIn: 43", recorder.mails[2].text)
  end)

  it("take the password from the environment or a file", function()
    local recorder = configs.recorder()
    local argv = { "test", "-", "--to", "a@b.c", "--pass-env", "SMTP_PASS" }
    run(argv, { stdin = VALID, transport = recorder, env = { SMTP_PASS = "from env" } })
    assert.are.equal("from env", recorder.configs[1].auth.pass)
    local path = file_with("from file\n")
    run({ "test", "-", "--to", "a@b.c", "--pass-file", path }, { stdin = VALID, transport = recorder })
    os.remove(path)
    assert.are.equal("from file", recorder.configs[2].auth.pass)
    local result = run(argv, { stdin = VALID, transport = recorder })
    assert.are.equal(64, result.code)
    contains(result.err, "SMTP_PASS is not set")
  end)

  local failures = {
    { { code = "EAUTH", message = "Invalid login: 535 no", responseCode = 535 }, 77, "auth.pass" },
    { { code = "EDNS", message = "getaddrinfo ENOTFOUND x" }, 68, "host" },
    { { code = "ECONNECTION", message = "Connection closed" }, 75, "firewall" },
    { { code = "ETIMEDOUT", message = "Timeout" }, 75, "secure" },
    { { code = "ETLS", message = "bad certificate" }, 76, "tls.ca" },
    { { code = "EENVELOPE", message = "all refused", responseCode = 550 }, 69, "fromEmail" },
    { { code = "EENVELOPE", message = "greylisted", responseCode = 451 }, 75, "another try later" },
    { { code = "EAUTH", message = "busy", responseCode = 454 }, 75, "another try later" },
    { { code = "ECONNECTION", message = "closed", delivery = "unknown" }, 75, "may have gone out" },
  }
  for _, row in ipairs(failures) do
    local cause = row[1]
    it(("answer %d and what to try for %s (%s)"):format(row[2], cause.code, cause.message), function()
      local argv = { "test", "-", "--to", "a@b.c" }
      local result = run(argv, { stdin = VALID, transport = failing(cause) })
      assert.are.equal(row[2], result.code)
      contains(result.err, "not sent: " .. cause.message)
      contains(result.err, row[3])
      argv[#argv + 1] = "--json"
      result = run(argv, { stdin = VALID, transport = failing(cause) })
      assert.are.equal(row[2], result.code)
      assert.are.equal(cause.code, cjson.decode(result.out).error.cause.code)
    end)
  end

  it("give the advice on the config with a failure", function()
    local options = {
      stdin = cjson.encode(configs.config({ secure = true })),
      transport = failing({ code = "ETLS", message = "wrong version number" }),
    }
    local result = run({ "test", "-", "--to", "a@b.c" }, options)
    contains(result.err, "advice: secure port 587 starts in clear text")
    result = run({ "test", "-", "--to", "a@b.c", "--json" }, options)
    assert.are.equal("secure", cjson.decode(result.out).advice[1].path)
  end)

  it("answer 65 for a recipient that is not one mailbox or a bad payload, 78 for a bad config", function()
    assert.are.equal(65, run({ "test", "-", "--to", "a@b.c,d@e.f" }, { stdin = VALID }).code)
    local result = run({ "test", "-", "--to", "a@b.c" }, { stdin = "{}" })
    assert.are.equal(78, result.code)
    contains(result.err, "  host: Required; name your mail server")
    for _, payload in ipairs({ "{", "5", "null", '"x"' }) do
      local argv = { "send", "-", "--to", "a@b.c", "--payload", payload }
      assert.are.equal(65, run(argv, { stdin = VALID }).code)
    end
  end)

  it("deliver to a real server", function()
    local inbox = assert(testing.startInbox({ auth = { user = "u", pass = "s3cret" } }))
    finally(function()
      require("logto_smtp.transport").default.close()
      inbox:stop()
    end)
    local config = inbox:config()
    config.auth.pass = nil
    local argv = { "test", "-", "--to", "ada@example.org", "--pass-env", "P" }
    local result = run(argv, { stdin = cjson.encode(config), env = { P = "s3cret" } })
    assert.are.equal(0, result.code, result.err)
    assert.are.equal("000000", assert(inbox:waitFor({ to = "ada@example.org" })).code)
    result = run(argv, { stdin = cjson.encode(config), env = { P = "wr0ng" } })
    assert.are.equal(77, result.code)
    assert.is_nil((result.out .. result.err):find("wr0ng", 1, true))
  end)
end)

describe("logto-smtp", function()
  it("runs as a program, and documents its exit codes in --help", function()
    for _, line in ipairs({ "--help", "init --help", "validate --help", "test --help", "send --help",
      "inbox --help" }) do
      local text = shell.run("bin/logto-smtp " .. line)
      contains(text, "Exit codes (sysexits): 0 done; 64 wrong command line;")
      contains(text, "exit 0\n")
    end
    contains(shell.run("bin/logto-smtp --help"), "validate")
    contains(shell.run("bin/logto-smtp validate /nowhere"), "exit 66\n")
  end)

  it("answers 64 for a wrong command line and points to --help", function()
    for _, argv in ipairs({ {}, { "nothing" }, { "test", "-" }, { "validate" }, { "init", "--nothing" } }) do
      local result = run(argv)
      assert.are.equal(64, result.code)
      contains(result.err, "logto-smtp --help")
    end
  end)
end)
