-- SPDX-License-Identifier: MIT
--- The gallery of a preview as one page of HTML: no script, no request, no other file.
-- Everything that comes from the config is hostile here: text is escaped and kept from turning its neighbours
-- around (<bdi>), HTML stays in its frame.

local core = require("logto_smtp.core")
local frame = require("logto_smtp.preview.frame")
local json = require("logto_smtp.util.json")
local style = require("logto_smtp.preview.style")
local variables = require("logto_smtp.preview.variables")

local M = {}

local DESKTOP, PHONE = 700, 375 -- pixels to estimate heights with
local RAW_MAX = 64 * 1024       -- octets of a raw message or a source in the page; the .eml has all

-- Text without what HTML cannot hold, escaped.
local function esc(text)
  return frame.escape((text:gsub("[%z\1-\8\11\12\14-\31\127]", "\239\191\189")))
end

local function bdi(text)
  return "<bdi>" .. esc(text) .. "</bdi>"
end

local function plural(n, word)
  return ("%d %s%s"):format(n, word, n == 1 and "" or "s")
end

local function size(n)
  if n < 1024 then return plural(n, "octet") end
  return ("%.1f KB"):format(n / 1024)
end

-- Placeholders marked, for the eye.
local function source(text)
  return (esc(text):gsub("{{[^{}]*}}", "<mark>%0</mark>"))
end

local function worst(entry)
  return entry.flags[1] and entry.flags[1].severity or "fine"
end

local WORDS = { error = "Error", warning = "Warning", note = "Note" }

local function flag_list(flags)
  if #flags == 0 then return "" end
  local items = {}
  for i, flag in ipairs(flags) do
    items[i] = ('<li class="%s" data-flag="%s"><b>%s</b><span><code>%s</code> %s</span></li>'):format(
      flag.severity, esc(flag.code), WORDS[flag.severity], esc(flag.field), bdi(flag.message))
  end
  return '<ul class="flags">' .. table.concat(items) .. "</ul>"
end

local function view(entry, width, scheme)
  local device = width == PHONE and "phone" or "desktop"
  local title = ("%s, %s width, %s"):format(entry.usageType, device, scheme)
  local html = entry.mail.html
  local body = html and frame.html(html, scheme, title)
    or '<pre tabindex="0">' .. esc(entry.mail.text) .. "</pre>"
  local height = html and (' style="height:%dpx"'):format(frame.height(html, width)) or ""
  return ('<figure class="view %s %s"><figcaption>%s, %s</figcaption>'):format(device, scheme,
      device == "phone" and "Phone, 375 px" or "Desktop", scheme)
    .. '<div class="sheet"' .. height .. ">" .. body .. "</div></figure>"
end

local function stage(entry)
  if not entry.mail then return '<p class="nothing">This template makes no mail.</p>' end
  return '<div class="stage">' .. view(entry, DESKTOP, "light") .. view(entry, PHONE, "light")
    .. view(entry, DESKTOP, "dark") .. view(entry, PHONE, "dark") .. "</div>"
end

local function who(mail)
  local rows = {}
  for _, row in ipairs({ { "From", mail.from }, { "Reply to", mail.replyTo }, { "To", mail.to } }) do
    if row[2] and row[2] ~= "" then
      rows[#rows + 1] = "<dt>" .. row[1] .. "</dt><dd>" .. bdi(row[2]) .. "</dd>"
    end
  end
  return '<dl class="who">' .. table.concat(rows) .. "</dl>"
end

local function more(title, text, note)
  if #text > RAW_MAX then
    text, note = text:sub(1, RAW_MAX), "The first 64 KB. " .. (note or "")
  end
  return "<details><summary>" .. title .. "</summary>"
    .. (note and note ~= "" and "<p>" .. note .. "</p>" or "")
    .. '<pre tabindex="0">' .. (title == "Source" and source(text) or esc(text)) .. "</pre></details>"
end

local function details(entry, signed)
  local mail = entry.mail or {}
  local text_note = mail.html and "<details><summary>Plain text</summary><p>None is sent: the mail has one "
    .. "part, HTML.</p></details>" or ""
  return '<div class="more">' .. text_note
    .. more("Source", entry.template.content)
    .. more("Sample values", json.encode(entry.payload, { indent = 2 }))
    .. (entry.octets and more("Message as sent", (entry.octets:gsub("\r\n", "\n")),
      signed and "A DKIM signature is added when it is sent." or nil) or "") .. "</div>"
end

local function facts(entry)
  local mail, out = entry.mail or {}, {}
  out[1] = "<span>" .. (entry.contentType == "text/plain" and "plain text" or "HTML") .. ", "
    .. size(#(mail.html or mail.text or "")) .. "</span>"
  if entry.octets then
    out[2] = ('<a class="file" href="%s" download>%s</a><span>%s</span>'):format(entry.file, entry.file,
      size(#entry.octets))
  end
  return table.concat(out)
end

local function article(entry, signed)
  local mail = entry.mail
  local subject = mail and mail.subject ~= "" and bdi(mail.subject) or "<em>(no subject)</em>"
  local at = entry.index
  return ('<article class="mail" id="t%d" aria-labelledby="h%d"><header class="head">'):format(at, at)
    .. ('<div class="kind"><h2 id="h%d">%s</h2>%s</div>'):format(at, bdi(entry.usageType), facts(entry))
    .. '<p class="subject">' .. subject .. "</p>" .. (mail and who(mail) or "") .. flag_list(entry.flags)
    .. "</header>" .. stage(entry) .. details(entry, signed) .. "</article>\n"
end

local function switch(name, legend, options)
  local out = { '<fieldset class="switch"><legend class="unseen">' .. legend .. "</legend>" }
  for i, option in ipairs(options) do
    local id = name .. "-" .. option:lower()
    out[#out + 1] = ('<input class="unseen" type="radio" name="%s" id="%s"%s>'):format(name, id,
      i == 1 and " checked" or "") .. ('<label for="%s">%s</label>'):format(id, option)
  end
  return table.concat(out) .. "</fieldset>"
end

local function bar(report)
  local items = {}
  for i, entry in ipairs(report.templates) do
    local flag = worst(entry)
    local spoken = WORDS[flag] and ('<span class="unseen">, worst: %s</span>'):format(WORDS[flag]) or ""
    items[i] = ('<li><a href="#t%d"><span class="dot %s"></span>%s%s</a></li>'):format(entry.index, flag,
      bdi(entry.usageType), spoken)
  end
  return '<div class="bar"><div class="wrap"><nav class="jump" aria-label="Templates"><ol>'
    .. table.concat(items) .. '</ol></nav><div class="switches">'
    .. switch("w", "Width", { "Both", "Desktop", "Phone" })
    .. switch("c", "Colours", { "Light", "Dark", "All" }) .. "</div></div></div>"
end

local function counts(report)
  local out = {}
  for _, severity in ipairs({ "error", "warning", "note" }) do
    local n = report[severity .. "s"]
    if n > 0 then
      out[#out + 1] = ('<span class="pill %s">%s</span>'):format(severity, plural(n, severity))
    end
  end
  if report.errors + report.warnings == 0 then
    table.insert(out, 1, '<span class="pill fine">Nothing wrong found</span>')
  end
  return '<div class="counts">' .. table.concat(out) .. "</div>"
end

local function names_of(usage_type)
  local always, sometimes = variables.names(usage_type)
  local out = {}
  for _, name in ipairs(always) do out[#out + 1] = "<code>" .. name .. "</code>" end
  for _, name in ipairs(sometimes) do out[#out + 1] = "<i><code>" .. name .. "</code>?</i>" end
  return table.concat(out, " ")
end

local function coverage(report)
  local rows = {}
  for i, row in ipairs(report.coverage) do
    local template = not row.index and "<i>none</i>"
      or ('<a href="#t%d">%s</a>'):format(row.index, row.exact and "its own" or "Generic")
    local trouble = {}
    for _, flag in ipairs(row.flags) do
      trouble[#trouble + 1] = "<small><code>" .. flag.field .. "</code> " .. bdi(flag.message) .. "</small>"
    end
    rows[i] = '<tr><th scope="row">' .. row.usageType .. "</th><td>" .. template .. table.concat(trouble)
      .. "</td><td>" .. names_of(row.usageType) .. "</td></tr>"
  end
  return '<section class="types" aria-labelledby="types"><h2 id="types">Usage types</h2>'
    .. "<p>Which template each type of message gets, and the variables Logto fills in. One with a question "
    .. "mark is missing from some messages, and its placeholder then stays in the mail as it is written.</p>"
    .. '<div class="scroll" tabindex="0">'
    .. '<table><thead><tr><th scope="col">Usage type</th><th scope="col">Template</th>'
    .. '<th scope="col">Variables</th></tr></thead><tbody>' .. table.concat(rows)
    .. "</tbody></table></div></section>"
end

--- The page.
---@param report logto_smtp.preview.Report
---@param title string
---@return string
function M.html(report, title)
  local articles = {}
  for i, entry in ipairs(report.templates) do articles[i] = article(entry, report.signed) end
  return '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    .. '<meta http-equiv="Content-Security-Policy" content="' .. frame.POLICY .. '">\n'
    .. '<meta name="viewport" content="width=device-width, initial-scale=1">'
    .. '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">\n'
    .. "<title>Mails of " .. esc(title) .. "</title>\n<style>\n" .. style .. "</style></head>\n<body>"
    .. '<a class="skip" href="#mails">Skip to the mails</a>\n<header class="top wrap">'
    .. "<h1>Mails of " .. bdi(title) .. "</h1><p>" .. plural(#report.templates, "template")
    .. ", filled with sample values and shown as logto-smtp " .. core.version().module
    .. " sends them. Nothing is loaded from the network.</p>"
    .. counts(report) .. "</header>\n" .. bar(report) .. '\n<main id="mails" class="wrap">\n'
    .. table.concat(articles) .. coverage(report) .. "</main></body></html>\n"
end

return M
