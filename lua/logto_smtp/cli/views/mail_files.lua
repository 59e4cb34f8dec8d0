-- SPDX-License-Identifier: MIT
--- Mails as files: an .eml each, and a page that shows one in a browser.

local shell = require("logto_smtp.util.shell")

local M = {}

--- Makes a directory that only this user reads, unless it is there.
---@param path string
---@return boolean? ok, string? err
function M.make_directory(path)
  if shell.succeeds("mkdir -p -m 700 -- " .. shell.quote(path)) then return true end
  return nil, "cannot make the directory " .. path
end

--- A new directory for files of this run. They stay when it ends.
---@return string? path, string? err
function M.temporary_directory()
  local pipe = io.popen("mktemp -d 2>&1")
  local path = pipe and pipe:read("*l") or ""
  if pipe then pipe:close() end
  if path:sub(1, 1) == "/" then return path end
  return nil, "cannot make a temporary directory: " .. path
end

--- Where a mail goes: its second and its number, so that a later run overwrites nothing.
---@param directory string
---@param message logto_smtp.testing.Message
---@param extension string
---@return string
function M.path(directory, message, extension)
  local second = os.date("%Y%m%d-%H%M%S", math.floor(message.time))
  return ("%s/%s-%04d.%s"):format(directory, second, message.number, extension)
end

--- Writes a file whole: whoever watches the directory sees it complete or not at all.
---@param path string
---@param octets string
---@return boolean? ok, string? err
function M.write(path, octets)
  local temporary = path .. ".part"
  local file, err = io.open(temporary, "wb")
  if not file then return nil, "cannot write " .. err end
  local ok, write_err = file:write(octets)
  local closed, close_err = file:close()
  if not (ok and closed) then
    os.remove(temporary)
    return nil, "cannot write " .. path .. ": " .. tostring(write_err or close_err)
  end
  return os.rename(temporary, path)
end

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(text)
  return (text:gsub('[&<>"]', ESCAPES))
end

local PAGE = [[
<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>
  body { font: 15px/1.4 system-ui, sans-serif; margin: 1em; color-scheme: light dark }
  iframe { width: 100%%; height: 80vh; border: 1px solid #8888; background: #fff }
  pre { white-space: pre-wrap }
</style>
<p><b>%s</b><br>from &lt;%s&gt; to &lt;%s&gt;</p>
%s
]]

--- A page that shows a mail; its HTML is in a frame that can run nothing and reach nobody's data.
---@param message logto_smtp.testing.Message
---@return string
function M.page(message)
  local subject = escape(message.subject or "(no subject)")
  local body = message.html and ('<iframe sandbox srcdoc="%s"></iframe>'):format(escape(message.html))
    or "<pre>" .. escape(message.text or "") .. "</pre>"
  return PAGE:format(subject, subject, escape(message.envelope.from),
    escape(table.concat(message.envelope.to, ", ")), body)
end

return M
