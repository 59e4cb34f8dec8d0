-- SPDX-License-Identifier: MIT
--- chromium: opens a page in a headless Chromium that has a profile of its own.
local cjson = require("cjson")
local net = require("spec.support.net")

local M = {}

-- A page that still loads after a minute is taken as it is: on a busy machine its frames come late.
local COMMAND = "timeout 300 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-sync "
  .. "--disable-background-networking --timeout=60000 --enable-logging=stderr --user-data-dir=%s %s %s 2>%s"

-- Opens a page with options for it; dir is a directory to write to, removed by the caller.
local function open(dir, path, options)
  local out, status = net.run(COMMAND:format(dir .. "/profile", options, net.quote("file://" .. path),
    dir .. "/log"))
  local log = net.read_file(dir .. "/log") or ""
  assert(status == 0, "chromium failed, is it installed (make deps)? " .. log:sub(-1000))
  return out, log
end

--- The page's DOM once it is loaded, as HTML, and the lines of its console.
---@param path string  absolute
---@return string html, string[] console
function M.dom(path)
  local dir = net.tmpdir()
  local html, log = open(dir, path, "--dump-dom")
  net.remove_dir(dir)
  local console = {}
  for line in log:gmatch("[^\n]+") do console[#console + 1] = line:match(":CONSOLE[^%]]*%] (.*)") end
  return html, console
end

--- What a screenshot shows.
---@param path string  absolute
---@param options {width: integer, height: integer, dark?: boolean, colours?: string[]}  colours as "rrggbb"
---@return {width: integer, height: integer, light: number, most: number, colours: integer, pixels: table}
function M.look(path, options)
  local dir = net.tmpdir()
  local png = dir .. "/page.png"
  open(dir, path, ("--window-size=%d,%d --screenshot=%s --blink-settings=preferredColorScheme=%d"):format(
    options.width, options.height, png, options.dark and 0 or 1))
  local said, status = net.run("python3 spec/support/pixels.py " .. png .. " "
    .. table.concat(options.colours or {}, " "))
  net.remove_dir(dir)
  assert(status == 0, said)
  return cjson.decode(said)
end

return M
