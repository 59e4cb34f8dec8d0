-- SPDX-License-Identifier: MIT
--- The demo: starts a mail server on a free loopback port (STARTTLS, login), sends it one mail per usage type
-- that Logto requires, and shows each mail as it arrived. Exit status 0 only if all of them arrived intact.
-- Run it with `make demo`.

local cjson = require("cjson")
local core = require("logto_smtp.core")
local logto = require("logto_smtp")
local socket = require("socket")
local testing = require("logto_smtp.testing")

local FOLDER = arg[0]:match("^(.*)/[^/]*$") or "."

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- Colours at a terminal; plain when piped or when NO_COLOR is set.
local function at_a_terminal()
  if os.getenv("NO_COLOR") or os.getenv("TERM") == "dumb" then return false end
  local status = os.execute("test -t 1")
  return status == true or status == 0
end

local COLOURED = at_a_terminal()

local function painter(code)
  return function(text) return COLOURED and ("\27[" .. code .. "m" .. text .. "\27[0m") or text end
end

local bold, dim, green, red, cyan = painter("1"), painter("2"), painter("32"), painter("31"), painter("36")

local function say(...)
  io.stdout:write(table.concat({ ... }), "\n")
end

local function row(label, text)
  say("  ", dim(("%-9s"):format(label)), " ", text)
end

local function rule(title)
  say()
  say(cyan("━━ "), bold(title), " ", cyan(("━"):rep(math.max(3, 72 - #title))))
end

local function indent(text)
  local lines = text:gsub("\r?\n$", ""):gsub("\r?\n", "\n    ")
  return "    " .. lines:gsub("\n +\n", "\n\n")
end

-- The example config, with the server, login and certificate authority of the inbox.
local function config_for(inbox)
  local example = cjson.decode(read_file(FOLDER .. "/config.json"))
  local live = inbox:config()
  example.host, example.port, example.auth, example.tls = live.host, live.port, live.auth, live.tls
  return example
end

-- What each mail is filled with. The name shows what happens to HTML in a value.
local function payload_for(code)
  return {
    code = code,
    application = { name = "Example <App>" },
  }
end

-- The dozen lines that the demo ends with.
-- [send]
local function send_codes(config, to, codes)
  local connector = logto.createConnector({ getConfig = function() return config end })
  local results = {}
  for _, type in ipairs({ "SignIn", "Register", "ForgotPassword", "Generic" }) do
    local started = socket.gettime()
    local info, err = connector.sendMessage({ to = to, type = type, payload = payload_for(codes[type]) })
    if not info then return nil, err end
    results[#results + 1] = { type = type, info = info, seconds = socket.gettime() - started }
  end
  return results
end
-- [/send]

local function show(result, mail)
  rule(result.type)
  row("envelope", ("<%s> to <%s>"):format(mail.envelope.from, table.concat(mail.envelope.to, ">, <")))
  row("session", ("%s %s, AUTH %s as %s"):format(mail.tls.version, mail.tls.cipher, mail.auth.mechanism,
    mail.auth.user))
  row("server", result.info.response)
  row("time", ("%.1f ms, connection %d"):format(result.seconds * 1000, mail.connection))
  say()
  for _, header in ipairs(mail.headers) do say("    ", dim(header.name .. ":"), " ", header.value) end
  say()
  say(indent(mail.text or mail.html))
end

-- What is wrong with a mail that arrived; nil if it is as it was meant.
local function fault(mail, result, template, to, code)
  local payload = payload_for(code)
  local is_html = template.contentType == "text/html"
  local body = core.render(template.content, payload, is_html and { escape = "html" } or nil)
  local got = (is_html and mail.html or mail.text or ""):gsub("\r\n", "\n"):gsub("\n$", "")
  if mail.envelope.from ~= "no-reply@example.com" then return "the sender is another" end
  if #mail.envelope.to ~= 1 or mail.envelope.to[1] ~= to then return "the recipient is another" end
  if mail.subject ~= core.render(template.subject, payload) then return "the subject is another" end
  if got ~= body then return "the body is another" end
  if not mail.tls then return "it came in clear text" end
  if not mail.auth then return "it came without a login" end
  if #mail.violations > 0 then return "it broke a rule: " .. mail.violations[1] end
  if mail.messageId ~= result.info.messageId then return "the Message-ID is another" end
  return nil
end

local function new_code()
  return ("%06d"):format(math.random(0, 999999))
end

local function source_between_markers()
  return read_file(arg[0]):match("\n%-%- %[send%]\n(.-)%-%- %[/send%]")
end

local function run(inbox)
  local to, codes = "ada@example.org", {}
  local config = config_for(inbox)
  for _, template in ipairs(config.templates) do codes[template.usageType] = new_code() end
  local results, err = send_codes(config, to, codes)
  if not results then return nil, "not sent: " .. tostring(err) end
  local mails, wait_err = inbox:waitFor({ n = #results })
  if not mails then return nil, wait_err end
  for i, result in ipairs(results) do
    show(result, mails[i])
    local template = logto.getConfigTemplateByType(result.type, config)
    local wrong = fault(mails[i], result, template, to, codes[result.type])
    if wrong then return nil, result.type .. ": " .. wrong end
  end
  return #results
end

math.randomseed(os.time())
local inbox = assert(testing.startInbox({ auth = { user = "no-reply@example.com", pass = "demo-password" } }))
local version, jit = core.version(), rawget(_G, "jit")
say(bold("logto-smtp"), " ", version.module, dim(" on "), jit and jit.version or _VERSION, dim(", libcurl "),
  version.libcurl)
say("mail server on ", inbox.host, ":", inbox.port, dim(" (STARTTLS, AUTH)"))

local ok, count, err = pcall(run, inbox)
require("logto_smtp.transport").default.close()
inbox:stop()

if not ok or not count then
  say()
  say(red("✗ "), tostring(ok and err or count))
  os.exit(1)
end

rule("The code that did it (" .. arg[0] .. ")")
say()
say(indent(source_between_markers()))
say(green("✓ "), count, " mails arrived intact")
