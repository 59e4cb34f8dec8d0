-- SPDX-License-Identifier: MIT
-- The examples of the README and of docs/, run as they stand, and the links from page to page.

local cjson = require("cjson")
local inbox_command = require("spec.support.inbox_command")
local mailing = require("spec.support.mailing")
local net = require("spec.support.net")
local pages = require("spec.support.pages")
local shell = require("spec.support.shell")

local command = net.quote(shell.interpreter()) .. " bin/logto-smtp"

local function blocks(language)
  local list = {}
  for block in pages.text():gmatch("\n```" .. language .. "\n(.-)\n```") do
    list[#list + 1] = block
  end
  return list
end

-- The first Lua example that mentions `word`.
local function example(word)
  for _, block in ipairs(blocks("lua")) do
    if block:find(word, 1, true) then return block end
  end
  error("no page has an example with " .. word)
end

-- Runs code with its globals in front of ours; what it prints, a line for each call.
local function run(code, globals)
  local lines = {}
  globals.print = function(...)
    local words = {}
    for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
    lines[#lines + 1] = table.concat(words, " ")
  end
  local env = setmetatable(globals, { __index = _G })
  local chunk
  if rawget(_G, "setfenv") then
    chunk = _G.setfenv(assert(_G.loadstring(code)), env)
  else
    chunk = assert(load(code, "README", "t", env))
  end
  chunk()
  return lines
end

describe("the pages'", function()
  after_each(mailing.stop)

  it("first example sends the code of a config.json", function()
    local inbox = mailing.inbox({ auth = { user = "u", pass = "p" } })
    local path = os.tmpname()
    net.write_file(path, cjson.encode(inbox:config()))
    local files = { open = function() return assert(io.open(path)) end }
    local lines = run(example("getConfig"), { io = files })
    os.remove(path)
    require("logto_smtp.transport").default.close()
    assert.equal("250 2.0.0 Ok: queued as 1", lines[1])
    assert.equal("123456", inbox:messages()[1].code)
  end)

  it("example of an inbox asserts and shows the mail", function()
    local lines = run(example("startInbox"), {})
    require("logto_smtp.transport").default.close()
    assert.matches("^Sign in Your sign%-in code is 123456%.\r?\n? TLSv1", lines[1])
  end)

  it("words of an assertion that fails are the real ones", function()
    local inbox = mailing.inbox({})
    local connector = require("logto_smtp").createConnector({})
    local data = { to = "user@example.com", type = "SignIn", payload = { code = "123465" } }
    assert(connector.sendMessage(data, inbox:config()))
    require("logto_smtp.transport").default.close()
    local _, err = inbox:waitFor({ to = "user@example.com", code = "123456", timeout = 0 })
    local shown = pages.text():match("\n```\n(expected 1 mail.-)\n```")
    assert.equal((shown:gsub(" within 5 s", "")), err)
  end)

  it("example of a capture shows the code", function()
    local inbox = mailing.inbox({ tls = "none" })
    assert.same({ "123456" }, run(example("captureTransport"), { config = inbox:config() }))
  end)

  it("command lines print what is shown", function()
    local shown = 0
    for _, block in ipairs(blocks("console")) do
      local line, wanted = block:match("^%$ ([^\n]+)\n(.+)$")
      if not line:find("logto-smtp inbox", 1, true) then
        shown = shown + 1
        assert.equal(wanted, (net.run("(" .. line:gsub("logto%-smtp", command) .. ") 2>/dev/null")))
      end
    end
    assert.is_true(shown > 0)
  end)

  it("inbox prints what is shown", function()
    local wanted
    for _, block in ipairs(blocks("console")) do
      wanted = wanted or block:match("^%$ logto%-smtp inbox %-%-port 2525 %-%-http 8025\n(.+)$")
    end
    local inbox = inbox_command.start("--count 1", { plain = true })
    local config = mailing.inbox({}):config({ port = inbox.config.port, tls = inbox.config.tls })
    local connector = require("logto_smtp").createConnector({ getConfig = function() return config end })
    assert(connector.sendMessage({ to = "ada@example.org", type = "SignIn", payload = { code = "482913" } }))
    require("logto_smtp.transport").default.close()
    local said = inbox.first .. "\n" .. inbox:rest():gsub("\n*exit 0\n$", "")
    inbox_command.stop()
    -- what is not the same in every run: ports, the time, the length of the Message-ID's host
    local function plain(text)
      text = text:gsub("127%.0%.0%.1:%d+", "ADDRESS"):gsub("%d+:%d+:%d+", "TIME")
      return (text:gsub("%d+ octets", "N octets"))
    end
    assert.equal(plain(wanted), plain(said))
  end)

  it("links lead to a page and a heading of it", function()
    local headings, count = {}, 0
    for _, path in ipairs(pages.paths()) do
      headings[path] = {}
      for heading in net.read_file(path):gsub("\n```.-\n```", ""):gmatch("%f[^\n%z]#+ ([^\n]+)") do
        local anchor = heading:lower():gsub("[^%w%- _]", ""):gsub(" ", "-")
        headings[path][anchor] = true
      end
    end
    for _, path in ipairs(pages.paths()) do
      for link in net.read_file(path):gmatch("%]%(([^)]+)%)") do
        local file, anchor = link:match("^([^#]*)#?(.*)$")
        if not link:find("^https?:") then
          local to = file == "" and path or (path:match("^.*/") or "") .. file
          to = to:gsub("^docs/%.%./", "")
          count = count + 1
          local where = path .. ": " .. link
          assert.equal(0, select(2, net.run("ls -d " .. to)), where)
          assert.is_true(anchor == "" or headings[to][anchor], where)
        end
      end
    end
    assert.is_true(count > 30)
  end)

  it("commands are commands", function()
    local seen = 0
    for _, block in ipairs(blocks("sh")) do
      for name in block:gmatch("%f[^\n%z]logto%-smtp (%w+)") do
        seen = seen + 1
        assert.equal(0, select(2, net.run(command .. " " .. name .. " --help")), name)
      end
    end
    assert.is_true(seen >= 4)
  end)
end)
