-- SPDX-License-Identifier: MIT
--- One mail's HTML as a frame that can do nothing: it runs no script, loads nothing, goes nowhere.
-- Three locks, each of which would do: `sandbox` without any permission (no script, no form, no popup, no
-- navigation of the page, an origin of its own), the frame's Content-Security-Policy, and that of the page.
-- What could connect in spite of them is defused.

local M = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- A text as HTML text or attribute value.
---@param text string
---@return string
function M.escape(text)
  return (text:gsub("[&<>\"']", ENTITIES))
end

--- What page and frames may load: nothing from anywhere; styles and images only if they are in the page.
M.POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

-- What a reader brings along. `:where` leaves every rule of the mail's own stronger.
local HEAD = "<!doctype html><html><head><meta charset=\"utf-8\">"
  .. "<meta http-equiv=\"Content-Security-Policy\" content=\"" .. M.POLICY .. "\">"
  .. "<meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">"
  .. "<meta name=\"referrer\" content=\"no-referrer\">"
  .. "<style>:where(html){color-scheme:%s;font:15px/1.5 Arial,Helvetica,sans-serif}"
  .. ":where(body){margin:20px}</style>"

-- Elements that make a browser connect before any policy is asked: frames within the frame, and links that
-- ask for a connection alone. Readers take them out too. A tag's name stands right behind its "<".
local DEFUSED = {
  link = "meta", iframe = "x-iframe", frame = "x-frame", frameset = "x-frameset", object = "x-object",
  embed = "x-embed", fencedframe = "x-fencedframe", portal = "x-portal",
}

local function defused(html)
  return (html:gsub("<(%a+)", function(name)
    return DEFUSED[name:lower()] and "<" .. DEFUSED[name:lower()]
  end))
end

-- What stands for a line's and a block's height on a screen, in pixels.
local LINE, BLOCK, CHARACTER = 24, 16, 8
local LOWEST, HIGHEST = 120, 640

local BREAKS = {
  p = true, div = true, tr = true, li = true, br = true, hr = true, table = true, ul = true, ol = true,
  h1 = true, h2 = true, h3 = true, blockquote = true, center = true, section = true,
}

-- Vertical pixels that an element's own style asks for: of `padding: 8px 16px` 8 above and 8 below.
local function own_height(attributes)
  local sum = 0
  for value in attributes:gmatch("[pm]a[dr][dg]ing?%s*:%s*([^;\"']*)") do
    local sides = {}
    for n in value:gmatch("%d+") do sides[#sides + 1] = tonumber(n) end
    sum = sum + (sides[1] or 0) + (sides[3] or sides[1] or 0)
  end
  return sum
end

--- About how high a mail is at a width, in pixels. A page without script cannot measure; the reader can drag.
---@param html string
---@param width integer
---@return integer
function M.height(html, width)
  local height, line = 56, 0
  local function break_line()
    if line > 0 then height = height + math.ceil(line * CHARACTER / (width - 40)) * LINE end
    line = 0
  end
  for limit in html:gmatch("max%-width%s*:%s*(%d+)px") do width = math.min(width, tonumber(limit) + 40) end
  local body = html:match("</[hH][eE][aA][dD]%s*>()") or 1
  for text, closing, name, attributes in (html:sub(body) .. "<p>"):gmatch("([^<]*)<(/?)(%a?%w*)([^<>]*)>?") do
    line = line + #text:gsub("^%s+", ""):gsub("[\128-\191]", "")
    name = name:lower()
    if BREAKS[name] then
      break_line()
      local spaced = name:find("^[ph]%d?$") and not attributes:find("margin", 1, true)
      if closing == "" and name ~= "br" then height = height + (spaced and BLOCK or 4) end
    elseif name == "img" then
      height = height + (tonumber(attributes:match("height%s*=%s*[\"']?(%d+)")) or 24)
    end
    if closing == "" then height = height + own_height(attributes) end
  end
  return math.max(LOWEST, math.min(HIGHEST, math.ceil(height)))
end

--- The frame itself.
---@param html string   of the mail
---@param scheme "light"|"dark"
---@param title string  for those who hear the page
---@return string
function M.html(html, scheme, title)
  return '<iframe sandbox referrerpolicy="no-referrer" title="' .. M.escape(title)
    .. '" srcdoc="' .. M.escape(HEAD:format(scheme) .. defused(html)) .. '"></iframe>'
end

return M
