-- SPDX-License-Identifier: MIT
-- The page of `logto-smtp preview` as a browser shows it.

local chromium = require("spec.support.chromium")
local configs = require("spec.support.configs")
local net = require("spec.support.net")
local preview = require("logto_smtp.preview")
local shell = require("spec.support.shell")
local socket = require("socket")

local DESKTOP, PHONE = { 1280, 1000 }, { 390, 1000 }
-- Colours of the mail in examples/config.json: the box of the code.
local BOX = "eef0fb"

describe("the page of logto-smtp preview", function()
  local dir, page

  setup(function()
    dir = net.tmpdir()
    local said = shell.run("bin/logto-smtp preview examples/config.json --out " .. dir)
    assert.matches("exit 0\n$", said)
    page = dir .. "/index.html"
  end)

  teardown(function() net.remove_dir(dir) end)

  -- The page with another choice of its switches.
  local function choose(id)
    local name = id:match("^%a")
    local html = net.read_file(page):gsub('(id="' .. name .. '%-%w+") checked', "%1")
    html = html:gsub('id="' .. id:gsub("%-", "%%-") .. '"', "%0 checked")
    local path = dir .. "/" .. id .. ".html"
    net.write_file(path, html)
    return path
  end

  it("loads without a word on the console", function()
    local html, console = chromium.dom(page)
    assert.same({}, console)
    local _, articles = html:gsub("<article", "")
    assert.equal(5, articles)
    assert.matches("<title>Mails of config.json</title>", html, 1, true)
  end)

  for name, size in pairs({ desktop = DESKTOP, phone = PHONE }) do
    it("shows the mails at " .. name .. " width, in a light and a dark room", function()
      local function look(dark)
        return chromium.look(page, { width = size[1], height = size[2], dark = dark, colours = { BOX } })
      end
      local by_day, by_night = look(false), look(true)
      assert.same(size, { by_day.width, by_day.height })
      assert.is_true(by_day.light > 200, by_day.light)
      assert.is_true(by_night.light < 150, by_night.light)
      for _, shot in ipairs({ by_day, by_night }) do
        assert.is_true(shot.colours > 100 and shot.most < 0.8)
        assert.is_true(shot.pixels[BOX] > 8000, "the frame shows no mail")
      end
    end)
  end

  it("shows them light, dark, wide and narrow, as its switches say", function()
    local shades = { "1b1b1e", BOX }
    local function look(id)
      return chromium.look(choose(id), { width = 1280, height = 1000, colours = shades }).pixels
    end
    local both, dark, desktop, phone = look("c-light"), look("c-dark"), look("w-desktop"), look("w-phone")
    assert.equal(0, both["1b1b1e"])
    assert.is_true(dark["1b1b1e"] > 50000)
    assert.is_true(desktop[BOX] > phone[BOX] and phone[BOX] > 5000)
    assert.is_true(both[BOX] > desktop[BOX])
  end)

  it("lets a mail know of a dark reader, and shows it to its end", function()
    local last = "ff00aa"
    local config = configs.with_template({ contentType = "text/html", content = [[
<style>@media (prefers-color-scheme: dark) { .end { background: #00ffaa !important } }</style>
<h1>Sign in</h1><p>]] .. ("Enter this code on the page where you signed in. "):rep(8) .. [[</p>
<table><tr><td style="padding: 24px 0">{{code}}</td></tr></table><p>Thank you.</p>
<div class="end" style="height: 12px; background: #]] .. last .. [["></div>]] })
    config.templates = { config.templates[2] }
    assert(preview.write(preview.render(config), dir .. "/end"))
    local path = dir .. "/end/index.html"
    local colours = { last, "00ffaa" }
    for _, size in ipairs({ DESKTOP, { 390, 1400 } }) do
      local shot = chromium.look(path, { width = size[1], height = size[2], colours = colours })
      assert.is_true(shot.pixels[last] > 2000, "the end is cut off at " .. size[1])
      assert.equal(0, shot.pixels["00ffaa"])
    end
    net.write_file(path, (net.read_file(path):gsub(' checked><label for="c%-light"', '><label for="c-light"')
      :gsub('id="c%-dark"', '%0 checked')))
    local shot = chromium.look(path, { width = 1280, height = 1000, colours = colours })
    assert.is_true(shot.pixels["00ffaa"] > 2000)
    assert.equal(0, shot.pixels[last])
  end)
end)

describe("a hostile template", function()
  local dir, listener, port

  before_each(function()
    dir = net.tmpdir()
    listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(0)
    port = select(2, listener:getsockname())
  end)

  after_each(function()
    listener:close()
    net.remove_dir(dir)
  end)

  local RED = "ff0000"

  -- Whatever a mail could try: to run a script, which paints red, or to reach the network.
  local function attack()
    return (([[
</iframe></pre></style></textarea>
<script>document.documentElement.style.background = "#ff0000"</script>
<img src="data:image/png;base64,A" onerror="document.body.style.background = '#ff0000'">
<svg onload="document.body.style.background = '#ff0000'"></svg>
<script>top.document.title = "evil"; new Image().src = "HOST/script"</script>
<img src="HOST/image"><link rel="stylesheet" href="HOST/css"><link rel="prefetch" href="HOST/prefetch">
<style>@import "HOST/import"; body { background-image: url(HOST/background) }
@font-face { font-family: x; src: url(HOST/font) } p { font-family: x }</style>
<link rel="preconnect" href="HOST"><IFRAME/src="HOST/frame"></iframe>
<object data="HOST/object"></object><embed src="HOST/embed">
<video src="HOST/video" poster="HOST/poster"></video><p>{{code}}</p><base href="HOST/" target="_top">
<form action="HOST/form"><input autofocus onfocus="this.form.submit()"></form>
<meta http-equiv="refresh" content="0;url=HOST/refresh">]]):gsub("HOST", "http://127.0.0.1:" .. port))
  end

  it("runs nothing and reaches nobody", function()
    local evil = attack()
    local config = configs.with_template({ contentType = "text/html", content = evil, subject = evil })
    config.templates[5] = { usageType = evil, contentType = "text/plain", subject = evil, content = evil }
    local path = assert(preview.write(preview.render(config), dir, evil))
    local html = chromium.dom(path)
    assert.matches("<title>Mails of ", html, 1, true)
    assert.is_nil(html:find("<title>evil", 1, true))
    local shot = chromium.look(path, { width = 390, height = 3600, colours = { RED } })
    assert.equal(0, shot.pixels[RED])
    assert.is_true(shot.colours > 100)
    assert.is_nil((listener:accept()))
  end)

  it("would do both, were it not for the frame", function()
    local path = dir .. "/bare.html"
    net.write_file(path, "<!doctype html><body>" .. attack():gsub("<meta http[^>]*>", ""))
    local shot = chromium.look(path, { width = 400, height = 400, colours = { RED } })
    assert.is_true(shot.pixels[RED] > 20000)
    assert.is_not_nil((listener:accept()))
  end)
end)
