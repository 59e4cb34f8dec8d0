-- SPDX-License-Identifier: MIT
local cjson = require("cjson")
local cli = require("logto_smtp.cli")
local clock = require("spec.support.clock")
local configs = require("spec.support.configs")
local core = require("logto_smtp.core")
local net = require("spec.support.net")
local preview = require("logto_smtp.preview")
local variables = require("logto_smtp.preview.variables")

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

-- Runs `logto-smtp preview` on a config.
local function run(argv, options)
  options = options or {}
  local context = {
    stdin = stream(cjson.encode(options.config or configs.config())), stdout = stream(), stderr = stream(),
    getenv = function(name) return (options.env or {})[name] end,
  }
  table.insert(argv, 1, "preview")
  local code = cli.run(argv, context)
  return { code = code, out = context.stdout.written, err = context.stderr.written }
end

local function contains(text, part)
  assert.is_not_nil(text:find(part, 1, true), ("%q is not in %q"):format(part, text))
end

local function lacks(text, part)
  assert.is_nil(text:find(part, 1, true), ("%q is in it"):format(part))
end

-- The SignIn template with these fields, previewed.
local function sign_in(fields, overrides, opts)
  return preview.render(configs.with_template(fields, overrides), opts).templates[2]
end

local function codes(entry)
  local out = {}
  for i, flag in ipairs(entry.flags) do out[i] = flag.severity .. " " .. flag.field .. " " .. flag.code end
  return out
end

local function template(usage_type, content)
  return { usageType = usage_type, contentType = "text/plain", subject = "subject", content = content }
end

local HTML = "<p>{{code}}</p>"

-- what is wrong | fields of the SignIn template | flags | further fields of the config
local FLAGS = {
  { "a code that is missing", { content = "Hello" }, { "error content code-missing" } },
  { "a variable of another type", { content = "{{code}} {{user.name}}" },
    { "error content unknown-variable" } },
  { "a variable that some messages lack", { content = "{{code}} {{organization.name}}" },
    { "note content optional-variable" } },
  { "a field that does not exist", { content = "{{code}} {{application.nmae}}" },
    { "warning content unknown-field" } },
  { "an object as a value", { content = "{{code}} {{application}}" }, { "error content whole-object" } },
  { "what is no placeholder", { content = "{{code}} {{#if code}}" }, { "error content not-a-variable" } },
  { "HTML sent as text", { content = "<p>{{code}}</p>" }, { "error content html-as-text" } },
  { "text sent as HTML", { content = "Hello\n{{code}}", contentType = "text/html" },
    { "warning content text-as-html", "note content no-text-part" } },
  { "an address in brackets, which is no HTML", { content = "{{code}} <help@example.com>" }, {} },
  { "an empty subject", { subject = " " }, { "error subject subject-empty" } },
  { "a subject that a variable leaves empty", { subject = "{{code.x}}" },
    { "error subject subject-empty", "warning subject unknown-field" } },
  { "a long subject", { subject = ("é"):rep(79) }, { "warning subject subject-long" } },
  { "a subject just short enough", { subject = ("é"):rep(78) }, {} },
  { "a sender that is no text", { sendFrom = 5 }, { "error sendFrom not-a-text" } },
  { "a variable in the sender", { sendFrom = "{{inviter.name}} <a@example.com>" },
    { "error sendFrom unknown-variable" } },
  { "a type that Logto does not have", { usageType = "Signin" }, { "warning usageType unused" } },
  { "a line of 999 octets", { content = "{{code}}" .. ("x"):rep(993) }, { "note content long-line" } },
  { "a line of 998 octets, which is none too long", { content = "{{code}}" .. ("x"):rep(992) }, {} },
  { "HTML that Gmail clips", { content = HTML .. ("<p>x</p>\n"):rep(12000), contentType = "text/html" },
    { "warning content clipped", "note content no-text-part" } },
  { "a script", { content = HTML .. "<SCRIPT>x</SCRIPT>", contentType = "text/html" },
    { "warning content dropped", "note content no-text-part" } },
  { "an event handler", { content = "<p onclick='x'>{{code}}</p>", contentType = "text/html" },
    { "warning content dropped", "note content no-text-part" } },
  { "a style sheet",
    { content = HTML .. '<link rel="stylesheet" href="https://x/y">', contentType = "text/html" },
    { "warning content dropped", "note content no-text-part" } },
  { "a style element", { content = "<style>p{}</style>" .. HTML, contentType = "text/html" },
    { "note content style-block", "note content no-text-part" } },
  { "an image from the network", { content = HTML .. "<img src=https://x/y>", contentType = "text/html" },
    { "note content remote-image", "note content no-text-part" } },
  { "an image that a variable names",
    { content = HTML .. '<img src="{{application.branding.logoUrl}}">', contentType = "text/html" },
    { "note content remote-image", "note content no-text-part" } },
  { "an image in clear text",
    { content = HTML .. "<img alt='a' src='http://x/y'>", contentType = "text/html" },
    { "warning content http-image", "note content no-text-part" } },
  { "an image as a data URL", { content = HTML .. '<img src="data:image/png;base64,AAAA">',
    contentType = "text/html" }, { "warning content data-image", "note content no-text-part" } },
  { "an image as a data URL that becomes a part",
    { content = HTML .. '<img src="data:image/png;base64,AAAA">', contentType = "text/html" },
    { "note content no-text-part" }, { attachDataUrls = true } },
  { "a link in clear text", { content = HTML .. '<a href="http://x/">x</a>', contentType = "text/html" },
    { "warning content http-link", "note content no-text-part" } },
  { "nothing", {}, {} },
}

describe("preview.render()", function()
  for _, row in ipairs(FLAGS) do
    it("flags " .. row[1], function()
      assert.same(row[3], codes(sign_in(row[2], row[4])))
    end)
  end

  it("knows the code of each type, and the link of an invitation", function()
    local config = configs.config()
    config.templates = {}
    for i, usage_type in ipairs(variables.TYPES) do
      config.templates[i] = template(usage_type, "none")
    end
    for _, entry in ipairs(preview.render(config).templates) do
      local invitation = entry.usageType == "OrganizationInvitation"
      assert.same({ "error content " .. (invitation and "link" or "code") .. "-missing" }, codes(entry))
    end
  end)

  it("takes every documented variable as known where the type has it", function()
    for usage_type, placeholders in pairs({
      SignIn = "{{code}} {{application.name}} {{application.displayName}} {{application.branding.logoUrl}} "
        .. "{{locale}}",
      UserPermissionValidation = "{{code}} {{user.id}} {{user.name}} {{user.username}} "
        .. "{{user.primaryEmail}} {{user.primaryPhone}} {{user.avatar}} {{user.profile.givenName}} "
        .. "{{user.profile.address.country}}",
      OrganizationInvitation = "{{link}} {{organization.id}} {{organization.name}} "
        .. "{{organization.branding.logoUrl}}",
    }) do
      local config = configs.config()
      config.templates[5] = template(usage_type, placeholders)
      for _, flag in ipairs(preview.render(config).templates[5].flags) do
        assert.equal("unused", flag.code)
      end
    end
  end)

  it("flags the template that is never sent, and says which one each type gets", function()
    local config = configs.config()
    config.templates[5] = template("SignIn", "{{code}}")
    local report = preview.render(config)
    assert.same({ "warning usageType unused" }, codes(report.templates[5]))
    local by_type = {}
    for _, row in ipairs(report.coverage) do by_type[row.usageType] = row end
    assert.equal(1, by_type.SignIn.index)
    assert.is_true(by_type.SignIn.exact)
    assert.equal(3, by_type.OrganizationInvitation.index)
    assert.is_false(by_type.OrganizationInvitation.exact)
    assert.equal("link-missing", by_type.OrganizationInvitation.flags[1].code)
    assert.equal("unknown-variable", by_type.OrganizationInvitation.flags[2].code)
    assert.same({}, by_type.MfaVerification.flags)
  end)

  it("makes the mail that the connector hands to its transport, escaping included", function()
    local config = configs.with_template({
      contentType = "text/html", content = "<p>{{code}} {{application.name}}</p>",
      subject = "{{application.name}}", sendFrom = "{{application.name}} <shop@example.com>",
    }, { customHeaders = { ["X-Shop"] = "1" }, replyTo = "help@example.com", attachDataUrls = true })
    local payload = { application = { name = '<b>"A&B"</b>' }, code = "1" }
    for _, escape in ipairs({ true, false }) do
      local transport = configs.recorder()
      local entry = preview.render(config, { payload = payload, escapeHtml = escape }).templates[2]
      local connector = require("logto_smtp").createConnector({ transport = transport, escapeHtml = escape })
      local data = { to = preview.RECIPIENT, type = "SignIn", payload = entry.payload }
      assert(connector.sendMessage(data, config))
      assert.same(transport.mails[1], entry.mail)
      local name = escape and "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;" or '<b>"A&B"</b>'
      assert.equal("<p>1 " .. name .. "</p>", entry.mail.html)
    end
  end)

  it("composes what core.compose does", function()
    local entry = sign_in({ contentType = "text/html", content = "<p>{{code}} grüßt</p>" })
    local function without_moment(octets)
      return octets:gsub("Message%-ID: [^\r]*", "Message-ID: x"):gsub("Date: [^\r]*", "Date: x")
    end
    assert.equal(without_moment((core.compose(entry.mail))), without_moment(entry.octets))
    contains(entry.octets, "Content-Type: text/html; charset=utf-8\r\n")
  end)

  it("says why a mail cannot be composed", function()
    local entry = sign_in({}, { fromEmail = ("x"):rep(2000) .. "@example.com" })
    assert.same({ "error template not-composable" }, codes(entry))
    contains(entry.flags[1].message, "longer than any server takes")
    assert.is_nil(entry.octets)
  end)

  it("lets the payload name further variables, deep within the samples", function()
    local entry = sign_in({ content = "{{code}} {{shop}} {{application.name}} {{application.id}}" }, nil,
      { payload = { shop = "Shop", application = { name = "Other" } } })
    assert.same({}, codes(entry))
    assert.equal("204863 Shop Other k9a2xw7d3m1q", entry.mail.text)
  end)

  it("takes time in proportion to the content", function()
    for _, hostile in ipairs({ "<a", "{{", "<", "{{a", "<p style='margin:", "\n", "<img src=" }) do
      clock.spares_processor(20, function()
        sign_in({ contentType = "text/html", content = "{{code}}" .. hostile:rep(100000) })
      end)
    end
  end)
end)

-- What the page holds outside its frames, and what the frames hold.
local function taken_apart(html)
  local frames = {}
  local outside = html:gsub('srcdoc="([^"]*)"', function(doc)
    frames[#frames + 1] = doc:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&#39;", "'")
      :gsub("&amp;", "&")
    return "srcdoc"
  end)
  return outside, frames
end

describe("preview.page()", function()
  local EVIL = [[</iframe></pre></style></title>" onload="x" '><script>document.title = "evil"</script>]]

  it("keeps hostile HTML in frames that may do nothing", function()
    local config = configs.with_template({ contentType = "text/html", content = EVIL .. "{{code}}",
      subject = EVIL, sendFrom = EVIL .. " <a@example.com>" })
    config.templates[5] = { usageType = EVIL, contentType = "text/plain", subject = EVIL, content = EVIL }
    local report = preview.render(config, { payload = { application = { name = EVIL } } })
    local outside, frames = taken_apart(preview.page(report, EVIL))
    assert.equal(4, #frames)
    for _, doc in ipairs(frames) do
      assert.equal(EVIL .. "204863", doc:sub(-#EVIL - 6))
      contains(doc:sub(1, 400), "Content-Security-Policy\" content=\"default-src 'none'; style-src")
    end
    lacks(outside, "<script")
    lacks(outside, 'onload="')
    local _, sandboxed = outside:gsub('<iframe sandbox referrerpolicy="no%-referrer"', "")
    local _, all = outside:gsub("<iframe", "")
    assert.equal(4, sandboxed)
    assert.equal(4, all)
    lacks(outside, "allow-")
    contains(outside, "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'")
    assert.equal("05-__iframe___pre___style___title___onload_.eml", report.templates[5].file)
  end)

  it("needs no other file and no network", function()
    local html = preview.page(preview.render(configs.config()))
    lacks(html, "url(")
    lacks(html, "@import")
    lacks(html, "<script")
    lacks(html, "<link")
    lacks(html, "src=")
    for href in html:gmatch('href="([^"]*)"') do
      assert.is_true(href:find("^#") ~= nil or href:find("^%d%d%-%w+%.eml$") ~= nil, href)
    end
  end)

  it("shows each mail at two widths in two schemes, and its flags, source and message", function()
    local report = preview.render(configs.with_template({ content = "Hi {{user.name}}" }))
    local html = preview.page(report, "my.json")
    for _, part in ipairs({ "Mails of <bdi>my.json</bdi>", '<figure class="view desktop light">',
      '<figure class="view phone light">', '<figure class="view desktop dark">',
      '<figure class="view phone dark">', 'data-flag="code-missing"', 'data-flag="unknown-variable"',
      "Hi <mark>{{user.name}}</mark>",
      "Example &lt;no-reply@example.com&gt;", "Subject: SignIn subject", "2 errors" }) do
      contains(html, part)
    end
  end)

  it("holds no password and no other setting of the connection", function()
    local html = preview.page(preview.render(configs.config({
      auth = { user = "login-name", pass = "s3cret-pass" }, host = "mail.internal.example",
    })))
    lacks(html, "s3cret-pass")
    lacks(html, "login-name")
    lacks(html, "mail.internal.example")
  end)
end)

describe("logto-smtp preview", function()
  local dir

  before_each(function() dir = net.tmpdir() end)
  after_each(function() net.remove_dir(dir) end)

  it("writes the page and the mails, octet by octet, and answers 0", function()
    local result = run({ "-", "--out", dir .. "/new/folder" })
    assert.equal(0, result.code, result.err)
    assert.equal("Register: Register subject\nSignIn: SignIn subject\n"
      .. "ForgotPassword: ForgotPassword subject\nGeneric: Generic subject\n"
      .. "OrganizationInvitation: has no template, and Generic's content has no {{link}}: nobody could "
      .. "accept the invitation\n"
      .. "OrganizationInvitation: has no template, and Generic's content names {{code}}, which Logto does "
      .. "not give to OrganizationInvitation: readers see it as written\n"
      .. "0 errors, 0 warnings, 0 notes\n" .. dir .. "/new/folder/index.html\n", result.out)
    contains(net.read_file(dir .. "/new/folder/index.html"), "<!doctype html>")
    local report = preview.render(configs.config())
    assert(preview.write(report, dir))
    for _, entry in ipairs(report.templates) do
      assert.equal(entry.octets, net.read_file(dir .. "/" .. entry.file))
    end
  end)

  it("answers 1 with --strict when a mail has an error, and not for less", function()
    local bad = configs.with_template({ content = "no code" })
    local result = run({ "-", "--out", dir, "--strict" }, { config = bad })
    assert.equal(1, result.code)
    contains(result.out, "SignIn: SignIn subject\n  error: content has no {{code}}: the mail would not tell")
    assert.equal(0, run({ "-", "--out", dir }, { config = bad }).code)
    local quiet = run({ "-", "--out", dir, "--strict", "-q" },
      { config = configs.with_template({ subject = ("x"):rep(100) }) })
    assert.equal(0, quiet.code)
    assert.equal("", quiet.out)
  end)

  it("prints one line of JSON with --json", function()
    local result = run({ "-", "--out", dir, "--json", "--strict" },
      { config = configs.with_template({ content = "{{code}} {{user.name}}" }) })
    assert.equal(1, result.code)
    local found = cjson.decode(result.out)
    assert.is_false(found.ok)
    assert.equal(1, found.errors)
    assert.equal(dir .. "/index.html", found.page)
    assert.equal(4, #found.templates)
    local entry = found.templates[2]
    assert.equal("SignIn", entry.usageType)
    assert.equal("Example <no-reply@example.com>", entry.from)
    assert.equal("02-SignIn.eml", entry.file)
    assert.equal(#net.read_file(dir .. "/02-SignIn.eml"), entry.size)
    assert.equal("unknown-variable", entry.flags[1].code)
    assert.equal("content", entry.flags[1].field)
    assert.equal(9, #found.coverage)
  end)

  it("takes values by --set and --payload, as JSON or from a file", function()
    local config = configs.with_template({ content = "{{code}} {{user.name}} {{application.name}}" })
    net.write_file(dir .. "/values.json", '{"user":{"name":"Zoë"},"code":"1"}')
    for _, argv in ipairs({
      { "--payload", dir .. "/values.json" },
      { "--payload", "@" .. dir .. "/values.json" },
      { "--payload", '{"user":{"name":"x"},"code":"1"}', "--set", "user.name=Zoë" },
      { "--set", "user.name=Zoë", "--set", "code=1" },
    }) do
      table.insert(argv, 1, "-")
      argv[#argv + 1], argv[#argv + 2] = "--out", dir
      local result = run(argv, { config = config })
      assert.equal(0, result.code, result.err)
      contains(net.read_file(dir .. "/index.html"), "1 Zoë Example App")
    end
  end)

  it("opens the page in $BROWSER with --open", function()
    local browser, seen = dir .. "/browser", dir .. "/seen it"
    net.write_file(browser, ("#!/bin/sh\nprintf '%%s' \"$1\" > '%s.part'; mv '%s.part' '%s'\n")
      :format(seen, seen, seen))
    net.run("chmod +x " .. net.quote(browser))
    local out = dir .. "/it's here"
    assert.equal(0, run({ "-", "--out", out, "--open" }, { env = { BROWSER = browser } }).code)
    assert.is_true(clock.eventually(function()
      local file = io.open(seen)
      if file then file:close() end
      return file ~= nil
    end))
    assert.equal(out .. "/index.html", net.read_file(seen))
  end)

  for what, row in pairs({
    ["a config that is not valid"] = { 78, { "-" }, "port: Expected number", configs.config({ port = "x" }) },
    ["a --set without a value"] = { 64, { "-", "--set", "code" }, "--set wants NAME=VALUE" },
    ["a --set with an empty name"] = { 64, { "-", "--set", "user..name=x" }, "--set wants NAME=VALUE" },
    ["a payload that is none"] = { 65, { "-", "--payload", "{" }, "the payload is not JSON" },
    ["a payload that is a list"] = { 66, { "-", "--payload", "[1]" }, "cannot read" },
    ["a payload file that is not there"] = { 66, { "-", "--payload", "/nowhere" }, "cannot read" },
    ["two things on standard input"] = { 64, { "-", "--payload", "-" }, "cannot be both" },
    ["a place that cannot be written"] = { 73, { "-", "--out", "/dev/null/x" }, "cannot write /dev/null/x" },
  }) do
    it(("answers %d for %s"):format(row[1], what), function()
      local argv = row[2]
      if argv[#argv - 1] ~= "--out" then argv[#argv + 1], argv[#argv + 2] = "--out", dir end
      local result = run(argv, { config = row[4] })
      assert.equal(row[1], result.code)
      contains(result.out .. result.err, row[3])
    end)
  end

  it("keeps what a template says from steering the terminal", function()
    local config = configs.with_template({ subject = "\27]0;evil\7 {{code}}" })
    local result = run({ "-", "--out", dir }, { config = config })
    lacks(result.out, "\27")
    lacks(result.out, "\7")
  end)
end)
