-- SPDX-License-Identifier: MIT
--- Shows mails on a terminal: what one looks for first, the code or the link, stands out.

local decode = require("logto_smtp.inbox.decode")
local style = require("logto_smtp.cli.views.style")
local trim = require("logto_smtp.util.trim")

local MAX_LINES = 30

local M = {}

local function body_of(message)
  local text = message.text or message.html and decode.visible(message.html) or ""
  return trim.both((trim.lines(style.plain(text)):gsub("\n\n\n+", "\n\n")))
end

local function how_it_came(message)
  local words = { #message.raw .. " octets", message.tls and message.tls.version or "no TLS" }
  if message.auth then words[#words + 1] = "login " .. style.line(message.auth.user or "?") end
  return table.concat(words, ", ")
end

-- A text with the code or link in it made to stand out.
local function emphasise(text, wanted, paint)
  if not wanted then return text end
  local first, last = text:find(wanted, 1, true)
  if not first then return text end
  return text:sub(1, first - 1) .. paint(wanted) .. text:sub(last + 1)
end

--- The line that a script wants: the code, else the link, else the subject.
---@param message logto_smtp.testing.Message
---@return string
function M.essence(message)
  return style.line(message.code or message.link or message.subject or "")
end

-- What stands above the text: { name, value }.
local function rows(message, paint, files)
  local list = {}
  local function add(name, value) list[#list + 1] = value and { name, value } end
  add("Subject", message.subject and style.line(message.subject))
  add("Code", message.code and paint.reverse(paint.bold(message.code)))
  add("Link", message.link and paint.cyan(style.line(message.link)))
  for _, file in ipairs(files) do add("File", file) end
  for _, attachment in ipairs(message.attachments) do
    add("Part", ("%s, %s, %d octets"):format(style.line(attachment.filename or "(no name)"),
      style.line(attachment.contentType), attachment.size))
  end
  return list
end

local function add_body(out, message, paint)
  local count = 0
  for text in (body_of(message) .. "\n"):gmatch("(.-)\n") do
    count = count + 1
    text = emphasise(text, message.code or message.link, paint.bold)
    if count <= MAX_LINES then out[#out + 1] = text == "" and "" or "   " .. text end
  end
  if count <= MAX_LINES then return end
  out[#out + 1] = "   " .. paint.dim(("... %d more lines"):format(count - MAX_LINES))
end

--- A mail for a person.
---@param message logto_smtp.testing.Message
---@param paint logto_smtp.cli.Style
---@param options { headers: boolean, files: string[] }
---@return string
function M.mail(message, paint, options)
  local to = style.line(table.concat(message.envelope.to, ">, <"))
  local out = { "", ("%s %s to <%s> from <%s> %s"):format(paint.bold("#" .. message.number),
    os.date("%H:%M:%S", math.floor(message.time)), to, style.line(message.envelope.from),
    paint.dim("(" .. how_it_came(message) .. ")")) }
  for _, row in ipairs(rows(message, paint, options.files)) do
    out[#out + 1] = "   " .. paint.dim(row[1] .. ":") .. (" "):rep(8 - #row[1]) .. row[2]
  end
  for _, header in ipairs(options.headers and message.headers or {}) do
    out[#out + 1] = "   " .. style.line(header.name .. ": " .. header.value)
  end
  out[#out + 1] = ""
  add_body(out, message, paint)
  return table.concat(out, "\n") .. "\n"
end

return M
