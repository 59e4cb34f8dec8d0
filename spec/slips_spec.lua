-- SPDX-License-Identifier: MIT
-- Slips that would send wrong mail, or real mail from a spec: each stops before the first one, and says what
-- was meant.

local bulk = require("logto_smtp.bulk")
local cjson = require("cjson")
local configs = require("spec.support.configs")
local core = require("logto_smtp.core")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local shell = require("spec.support.shell")
local smtp = require("logto_smtp")
local testing = require("logto_smtp.testing")

local lua = net.quote(shell.interpreter())
local dir, inbox

before_each(function()
  dir = net.tmpdir()
  inbox = mailing.inbox({ tls = "none" })
  net.write_file(dir .. "/config.json", cjson.encode(inbox:config({ ignoreTLS = true })))
end)

after_each(function()
  mailing.stop()
  net.remove_dir(dir)
end)

local function has(text, part)
  assert.is_truthy(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
end

-- Runs a command over a list; what it says and its exit status.
local function run(command, list, options)
  net.write_file(dir .. "/list", list or "")
  local line = " bin/logto-smtp " .. command .. " $/config.json " .. options
  return net.run(lua .. (line:gsub("%$", dir)))
end

local function of_list(list, options)
  return run("bulk", list, "--recipients $/list --type SignIn " .. (options or ""))
end

describe("a type that there is not", function()
  it("is no reason to send Generic, in bulk and in send", function()
    for _, row in ipairs({ { "Signin", "; did you mean `SignIn`? There are BindMfa, " },
      { "Newsletter", "; there are BindMfa, BindNewIdentifier, ForgotPassword, Generic, " } }) do
      local said, status = run("bulk", "to,code\na@x.example,1\n", "--recipients $/list --type " .. row[1])
      assert.equal(64, status, said)
      has(said, ('there is no type "%s"%s'):format(row[1], row[2]))
      said, status = run("send", nil, "--to a@x.example --payload '{\"code\":\"1\"}' --type " .. row[1])
      assert.equal(64, status, said)
      has(said, ('there is no type "%s"%s'):format(row[1], row[2]))
    end
    assert.equal(0, #inbox:messages())
  end)

  it("is one that the config has, or that the caller's own templates may have", function()
    local config = inbox:config({ ignoreTLS = true })
    config.templates[#config.templates + 1] = { usageType = "Newsletter", subject = "News", content = "x",
      contentType = "text/plain" }
    local options = { config = config, type = "Newsletter", recipients = { "a@x.example" } }
    assert.equal(1, assert(bulk.run(options)).sent)
    options.type, options.getI18nEmailTemplate = "Own", function()
      return { subject = "Own", content = "x", contentType = "text/plain" }
    end
    assert.equal(1, assert(bulk.run(options)).sent)
    options.getI18nEmailTemplate = nil
    local report, err = bulk.run(options)
    assert.is_nil(report)
    assert.equal("EOPTION", err.code)
  end)
end)

describe("a placeholder that nothing fills", function()
  it("is sent by bulk to nobody, and to all with --yes", function()
    local said, status = of_list("to,pin\na@x.example,1\nb@x.example,2\n")
    assert.equal(65, status, said)
    has(said, "line 2: a@x.example: nothing fills {{code}} of the template")
    has(said, "{{code}} in 2 places")
    assert.equal(0, #inbox:messages())
    said, status = of_list("to,pin\na@x.example,1\n", "--dry-run")
    assert.equal(65, status, said)
    said, status = of_list("to,pin\na@x.example,1\nb@x.example,2\n", "--yes")
    assert.equal(0, status, said)
    assert.equal(2, #inbox:messages())
  end)

  it("is looked for in each row, and in the template alone", function()
    local said, status = of_list('{"to":"a@x.example","code":"{{name}}"}\n{"to":"b@x.example"}\n'
      .. '{"to":"c@x.example","code":""}\n')
    assert.equal(65, status, said)
    local to = {}
    for i, mail in ipairs(inbox:messages()) do to[i] = mail.envelope.to[1] end
    table.sort(to)
    assert.same({ "a@x.example", "c@x.example" }, to)
  end)

  it("is sent by send only with --yes", function()
    local said, status = run("send", nil, "--to a@x.example --type SignIn")
    assert.equal(65, status, said)
    has(said, "nothing fills {{code}} of the template; add it to --payload, or say --yes")
    assert.equal(0, #inbox:messages())
    said, status = run("send", nil, "--to a@x.example --type SignIn --yes")
    assert.equal(0, status, said)
    said, status = run("send", nil, "--to a@x.example --type SignIn --payload '{\"code\":\"123456\"}'")
    assert.equal(0, status, said)
    assert.equal(2, #inbox:messages())
  end)
end)

describe("a list that is not UTF-8", function()
  local LATIN = "to,code,name\na@x.example,1,Zo\235\nb@x.example,2,Ada\n"

  it("is refused with the row", function()
    local said, status = of_list(LATIN)
    assert.equal(65, status, said)
    has(said, "line 2: -: the line is not UTF-8; save it as UTF-8, or say its encoding")
    assert.equal(1, #inbox:messages())
    said, status = of_list("to,code,n\228me\na@x.example,1,x\n")
    assert.equal(66, status, said)
    has(said, "line 1: the line is not UTF-8")
  end)

  it("is taken in the encoding that is said", function()
    local config = inbox:config({ ignoreTLS = true })
    for _, template in ipairs(config.templates) do
      template.subject, template.content = "To {{name}}", "{{code}}"
    end
    net.write_file(dir .. "/config.json", cjson.encode(config))
    for i, row in ipairs({
      { "windows-1252", LATIN, "Zo\195\171" },
      -- its second octet is a backslash
      { "shift_jis", "to,code,name\na@x.example,1,\131\\\n", "\227\130\189" },
      { "utf-8", "\239\187\191to,code,name\na@x.example,1,Zo\195\171\n", "Zo\195\171" },
      { "gb18030", 'to,code,name\na@x.example,1,"\214\208,\206\196"\n', "\228\184\173,\230\150\135" },
    }) do
      local said, status = of_list(row[2], "--json --encoding " .. row[1])
      assert.equal(0, status, said)
      local subject
      for _, mail in ipairs(inbox:messages()) do
        if mail.envelope.to[1] == "a@x.example" then subject = mail.subject end
      end
      assert.equal("To " .. row[3], subject, i)
    end
    local said, status = of_list(LATIN, "--encoding klingon")
    assert.equal(66, status, said)
    has(said, "no encoding is named klingon")
    has(of_list(LATIN, "--encoding utf-16"), "a list in utf-16 cannot be read by lines; save it as UTF-8")
    said, status = of_list("to,code\na@x.example,\129\n", "--encoding shift_jis")
    assert.equal(65, status, said)
    has(said, "line 2: -: the line is no text of this encoding")
  end)
end)

describe("columns that fill the same variable", function()
  for header, words in pairs({
    ["to,code,code"] = "names the column `code` twice",
    ["to,code, code "] = "names the column `code` twice",
    ["to,To,code"] = "names the column `To` twice",
    ["email,code,EMAIL"] = "names the column `EMAIL` twice",
    ["to,user,user.name"] = "names `user` and `user.name`, and one is within the other",
    ["to,user.name,user"] = "names `user` and `user.name`, and one is within the other",
  }) do
    it("refuse the list: " .. header, function()
      local said, status = of_list(header .. "\na@x.example,1,2\n")
      assert.equal(66, status, said)
      has(said, words)
      assert.equal(0, #inbox:messages())
    end)
  end

  it("are none of these", function()
    for _, header in ipairs({ "to,code,,", "to,email,code,x", "to,code,Code,user.name",
      "to,code,user.a,user.b" }) do
      local said, status = of_list(header .. "\na@x.example,1,2,3\n")
      assert.equal(0, status, said)
    end
  end)
end)

-- { call, what it is to say }: an option that there is not, in every table of options.
local CALLS = {
  { function() smtp.createConnector({ transpot = {} }) end,
    "bad argument #1 to 'createConnector' (no option is named `transpot`; did you mean `transport`?)" },
  { function() smtp.createConnector({ escapeHTML = false }) end, "did you mean `escapeHtml`?" },
  { function() smtp.createConnector({ getConfig = {} }) end,
    "field `getConfig`: function expected, got table" },
  { function() bulk.run({ config = {}, recipients = {}, dryrun = true }) end, "did you mean `dryRun`?" },
  { function() bulk.run({ config = {}, recipients = {}, limit = "5" }) end,
    "field `limit`: number expected, got string" },
  { function() testing.startInbox({ prot = 1 }) end, "did you mean `port`?" },
  { function() testing.captureTransport({ template = {} }) end, "did you mean `templates`?" },
  { function() testing.captureTransport():failNext({ code = "EAUTH", responsecode = 5 }) end,
    "did you mean `responseCode`?" },
  { function() testing.captureTransport():waitFor({ too = "x" }) end, "did you mean `to`?" },
  { function() testing.captureTransport():waitFor({ subjekt = "x" }) end, "did you mean `subject`?" },
  { function() testing.greylisting({ second = 1 }) end, "did you mean `seconds`?" },
  { function() require("logto_smtp.transport").new({ maxclients = 1 }) end, "did you mean `maxClients`?" },
  { function() require("logto_smtp.doctor").examine({}, { timeOut = 1 }) end, "did you mean `timeout`?" },
  { function() require("logto_smtp.preview").render({}, { payloads = {} }) end, "did you mean `payload`?" },
  { function() core.render("x", {}, { escpae = "html" }) end,
    "no option is named `escpae`; there are escape" },
  { function() core.client(configs.config(), { loger = print }) end,
    "bad argument #2 to 'client' (no option is named `loger`; there are logger)" },
  { function() core.engine({ maxqueue = 1 }) end,
    "no option is named `maxqueue`; there are maxQueue, maxOctets, maxClients, directory" },
  { function() core.engine({ [1] = 1 }) end, "no option is named `number`" },
}

describe("an option that there is not", function()
  for i, row in ipairs(CALLS) do
    it(("raises, with what was meant (%d: %s)"):format(i, row[2]), function()
      local ok, err = pcall(row[1])
      assert.is_false(ok)
      has(tostring(err), row[2])
    end)
  end

  it("is told of a filter of the inbox's HTTP, too", function()
    local api = require("logto_smtp.inbox.api")
    local answer = api.handle({}, { method = "GET", path = "/messages", query = { too = "x" } })
    assert.equal(400, answer.status)
    has(answer.body, "did you mean `to`?")
  end)
end)

describe("a call with a colon", function()
  local connector = smtp.createConnector({ getConfig = function() return configs.config() end,
    transport = { send = error, verify = error, enqueue = error } })

  for _, name in ipairs({ "sendMessage", "verify", "enqueue" }) do
    it("is told as such: " .. name, function()
      local message = { to = "a@x.example", type = "SignIn", payload = {} }
      local ok, err = pcall(connector[name], connector, message)
      assert.is_false(ok)
      has(err, ("call it with a dot, as connector.%s{...}"):format(name))
    end)
  end

  it("is told as such: createConnector", function()
    local ok, err = pcall(smtp.createConnector, smtp, {})
    assert.is_false(ok)
    has(err, "call it with a dot, as smtp.createConnector{...}")
  end)
end)

describe("core.decode()", function()
  it("answers text in UTF-8, or what is wrong", function()
    assert.equal("\195\169", core.decode("\233", "latin1"))
    assert.equal("", core.decode("", "latin1"))
    assert.equal("\226\130\172", core.decode("\128", "windows-1252"))
    assert.equal(("\195\169"):rep(10000), core.decode(("\233"):rep(10000), "iso-8859-1"))
    for _, row in ipairs({ { "\255", "utf-8", "this is no text of utf-8" },
      { "\227\129", "utf-8", "this is no text of utf-8" }, { "x", "", "no encoding is named " },
      { "x", "utf-8//IGNORE", "no encoding is named utf-8//IGNORE" },
      { "x", ("x"):rep(100), "no encoding is named" },
    }) do
      local text, why = core.decode(row[1], row[2])
      assert.is_nil(text)
      has(why, row[3])
    end
  end)
end)
