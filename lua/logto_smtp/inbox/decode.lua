-- SPDX-License-Identifier: MIT
--- decode: a message's octets as a person would read them: headers, texts, attachments (RFC 5322, 2045 to
-- 2047, 2183, 2231). Forgiving: what cannot be decoded is shown as it stands.

local attempt = require "logto_smtp.util.attempt"
local trim = require "logto_smtp.util.trim"

local M = {}

-- LuaSocket's, or inside nginx its own: there LuaSocket need not be.
local function unbase64(text)
  local ngx = rawget(_G, "ngx")
  if type(ngx) == "table" and ngx.decode_base64 then return ngx.decode_base64(text) end
  return (require("mime").unb64(text))
end

local function utf8_char(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

-- Windows-1252 where it differs from ISO 8859-1 (0x80 to 0x9F).
local WINDOWS = {
  [0x80] = 0x20AC, [0x82] = 0x201A, [0x83] = 0x0192, [0x84] = 0x201E, [0x85] = 0x2026, [0x86] = 0x2020,
  [0x87] = 0x2021, [0x88] = 0x02C6, [0x89] = 0x2030, [0x8A] = 0x0160, [0x8B] = 0x2039, [0x8C] = 0x0152,
  [0x8E] = 0x017D, [0x91] = 0x2018, [0x92] = 0x2019, [0x93] = 0x201C, [0x94] = 0x201D, [0x95] = 0x2022,
  [0x96] = 0x2013, [0x97] = 0x2014, [0x98] = 0x02DC, [0x99] = 0x2122, [0x9A] = 0x0161, [0x9B] = 0x203A,
  [0x9C] = 0x0153, [0x9E] = 0x017E, [0x9F] = 0x0178,
}

--- Octets of a charset as UTF-8; of a charset we do not know, as they are.
---@param octets string
---@param charset? string
---@return string
function M.to_utf8(octets, charset)
  charset = (charset or "utf-8"):lower()
  local windows = charset == "windows-1252"
  if not windows and charset ~= "iso-8859-1" and charset ~= "latin1" then return octets end
  return (octets:gsub("[\128-\255]", function(c)
    local code = c:byte()
    return utf8_char(windows and WINDOWS[code] or code)
  end))
end

-- A line without the white space at its end. As a pattern it would take a time that grows with the square.
local function trim_line(line)
  local cr = line:sub(-1) == "\r" and "\r" or ""
  local last = #line - #cr
  while line:find("^[ \t]", last) do last = last - 1 end
  return line:sub(1, last) .. cr
end

--- Undoes quoted-printable.
---@param text string
---@return string
function M.quoted_printable(text)
  text = text:gsub("[^\n]+", trim_line):gsub("=\r?\n", ""):gsub("=$", "")
  return (text:gsub("=(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- Undoes base64, skipping whatever is not of its alphabet.
---@param text string
---@return string
function M.base64(text)
  text = text:gsub("[^%w+/=]", "")
  return text == "" and "" or unbase64(text) or ""
end

local function decode_word(encoding, text)
  if encoding:upper() == "B" then return M.base64(text) end
  return (text:gsub("_", " "):gsub("=(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- Decodes the encoded-words of a header value; white space between two of them vanishes (RFC 2047, 6.2), and
--- words of one charset are joined before they are converted, as some writers cut in the middle of a
--- character.
---@param value string unfolded
---@return string
function M.words(value)
  local out, pos, held, held_charset = {}, 1, "", nil
  local function release()
    if held_charset then out[#out + 1] = M.to_utf8(held, held_charset) end
    held, held_charset = "", nil
  end
  while true do
    local first, last, charset, encoding, text = value:find("=%?([^?%s]+)%?([BbQq])%?([^?%s]*)%?=", pos)
    if not first then break end
    local between = value:sub(pos, first - 1)
    charset = charset:gsub("%*.*$", ""):lower()
    if not held_charset or between:find("%S") then
      release()
      out[#out + 1] = between
    elseif charset ~= held_charset then
      release()
    end
    held, held_charset = held .. decode_word(encoding, text), charset
    pos = last + 1
  end
  release()
  out[#out + 1] = value:sub(pos)
  return table.concat(out)
end

local function percent_decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- Joins the pieces of RFC 2231 parameters (name*0, name*1*, ...) and decodes extended ones.
local function assemble(pieces)
  local parameters = {}
  for name, list in pairs(pieces) do
    local charset, joined = nil, {}
    for i = 0, #list.octets do
      local piece = list[i]
      if not piece then break end
      local text = piece.text
      if piece.extended then
        if i == 0 then
          local given, rest = text:match("^([^']*)'[^']*'(.*)$")
          charset, text = given, rest or text
        end
        text = percent_decode(text)
      end
      joined[#joined + 1] = text
    end
    parameters[name] = M.to_utf8(table.concat(joined), charset)
  end
  return parameters
end

local function add_piece(pieces, name, text)
  local base, number, star = name:match("^([^*]+)%*(%d+)(%*?)$")
  if not base then
    base, star = name:match("^([^*]+)(%*?)$")
    number = 0
  end
  if not base then return end
  local list = pieces[base] or { octets = {} }
  pieces[base] = list
  list[tonumber(number)] = { text = star == "" and M.words(text) or text, extended = star == "*" }
  list.octets[#list.octets + 1] = true
end

--- A value with parameters, as Content-Type and Content-Disposition have: the value in lower case, and the
--- parameters by lower-case name.
---@param value string
---@return string value, table<string, string> parameters
function M.parameters(value)
  local main, pos = value:match("^%s*([^;%s]*)[^;]*()")
  local pieces = {}
  while true do
    local _, last, name = value:find("^;%s*([%w!#$&+%-.^_`|~*%%']+)%s*=%s*", pos)
    if not last then break end
    local text, after
    if value:sub(last + 1, last + 1) == '"' then
      local close = last + 2
      while close <= #value and value:sub(close, close) ~= '"' do
        close = close + (value:sub(close, close) == "\\" and 2 or 1)
      end
      text, after = value:sub(last + 2, close - 1):gsub("\\(.)", "%1"), close + 1
    else
      text, after = value:match("^([^;%s]*)()", last + 1)
    end
    add_piece(pieces, name:lower(), text)
    pos = value:find(";", after, true) or #value + 1
  end
  return main:lower(), assemble(pieces)
end

--- Splits a message or part into its header fields and its body.
---@param raw string
---@return table headers ordered list of { name=, value=, raw= }, and each first value by lower-case name
---@return string body
function M.split(raw)
  local headers, pos, all_lines, lines = {}, 1, {}, nil
  while pos <= #raw do
    local first, last = raw:find("\r?\n", pos)
    local line = raw:sub(pos, (first or #raw + 1) - 1)
    pos = (last or #raw) + 1
    if line == "" then break end
    local name, value = line:match("^([^%s:]+)[ \t]*:[ \t]*(.*)$")
    if name then
      headers[#headers + 1], lines = { name = name }, { value }
      all_lines[#headers] = lines
    elseif line:find("^[ \t]") and lines then
      lines[#lines + 1] = line
    end
  end
  for i, header in ipairs(headers) do
    header.raw = table.concat(all_lines[i])
    header.value = M.words(header.raw)
    local key = header.name:lower()
    if headers[key] == nil then headers[key] = header.value end
  end
  return headers, raw:sub(pos)
end

local function raw_header(headers, key)
  for _, header in ipairs(headers) do
    if header.name:lower() == key then return header.raw end
  end
end

local function split_multipart(body, boundary)
  local list, mark = {}, "\n--" .. boundary
  local text, pos, start = "\n" .. body, 1, nil
  while true do
    local first, last = text:find(mark, pos, true)
    if not first then break end
    local tail = text:match("^%-?%-?", last + 1)
    local line_end = text:match("^[ \t]*\r?\n()", last + 1 + #tail)
    if tail == "--" or line_end or last == #text then
      if start then list[#list + 1] = text:sub(start, first - 1):gsub("\r$", "") .. "" end
      start = line_end
      if tail == "--" then break end
      pos = (line_end or last + 1) - (line_end and 1 or 0)
    else
      pos = last + 1
    end
  end
  return list
end

---@class logto_smtp.testing.Part
---@field headers table
---@field contentType string type/subtype in lower case
---@field parameters table<string, string> of Content-Type
---@field encoding string Content-Transfer-Encoding in lower case
---@field disposition? string
---@field filename? string
---@field cid? string Content-ID without brackets
---@field content? string decoded octets; text as UTF-8 (not for a multipart)
---@field parts? logto_smtp.testing.Part[]

local MAX_DEPTH = 20

--- A message or part with all that is inside it.
---@param raw string
---@param depth? integer
---@return logto_smtp.testing.Part
function M.part(raw, depth)
  depth = depth or 0
  local headers, body = M.split(raw)
  local content_type, parameters = M.parameters(raw_header(headers, "content-type") or "text/plain")
  local disposition, more = M.parameters(raw_header(headers, "content-disposition") or "")
  local part = {
    headers = headers, contentType = content_type, parameters = parameters,
    encoding = (headers["content-transfer-encoding"] or "7bit"):lower():match("%S*"),
    disposition = disposition ~= "" and disposition or nil, filename = more.filename or parameters.name,
    cid = headers["content-id"] and trim.both(headers["content-id"]):match("^<?(.-)>?$"),
  }
  if content_type:find("^multipart/") and parameters.boundary and depth < MAX_DEPTH then
    part.parts = {}
    for i, text in ipairs(split_multipart(body, parameters.boundary)) do
      part.parts[i] = M.part(text, depth + 1)
    end
    return part
  end
  if part.encoding == "base64" then
    body = M.base64(body)
  elseif part.encoding == "quoted-printable" then
    body = M.quoted_printable(body)
  end
  if content_type:find("^text/") then body = M.to_utf8(body, parameters.charset) end
  part.content = body
  return part
end

local function collect(part, found)
  if part.parts then
    for _, inner in ipairs(part.parts) do collect(inner, found) end
    return
  end
  local attached = part.disposition == "attachment" or part.filename ~= nil
  if part.contentType == "text/plain" and not attached and not found.text then
    found.text = part.content
  elseif part.contentType == "text/html" and not attached and not found.html then
    found.html = part.content
  else
    found.attachments[#found.attachments + 1] = {
      filename = part.filename, contentType = part.contentType, content = part.content, cid = part.cid,
      contentDisposition = part.disposition,
    }
  end
end

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', nbsp = " " }

-- The text less all that stands between two marks, of which the second is sought once where it is missing.
local function without(text, open, close, instead)
  local lower, out, at = text:lower(), {}, 1
  while true do
    local first = lower:find(open, at, true)
    local _, last = lower:find(close, first and first + #open or #lower + 1, true)
    if not last then break end
    out[#out + 1], out[#out + 2] = text:sub(at, first - 1), instead or ""
    at = close:find("^</") and lower:match("^%s*>()", last + 1) or last + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

--- The text a reader of the HTML sees, roughly.
---@param html string
---@return string
function M.visible(html)
  html = without(without(without(html, "<!--", "-->"), "<style", "</style"), "<script", "</script")
  html = without(html, "<", ">", " ")
  html = html:gsub("&#(%d+);", function(digits)
    local code = tonumber(digits)
    return code > 0 and code < 65536 and utf8_char(code) or nil
  end)
  return (html:gsub("&(%a+);", ENTITIES))
end

local function find_digits(text, least, most)
  local pos = 1
  while true do
    local first, last = text:find("%d+", pos)
    if not first then return nil end
    local before, after = text:sub(first - 1, first - 1), text:sub(last + 1, last + 1)
    local alone = not before:find("[%w.:/#&=_%-]") and not after:find("[%w:/=_%-]")
      and not text:find("^[.,]%d", last + 1)
    if first == 1 then alone = not after:find("[%w:/=_%-]") end
    local n = last - first + 1
    if alone and n >= least and n <= most then return text:sub(first, last) end
    pos = last + 1
  end
end

--- The verification code in a text: the first six digits that stand alone, else the first four to ten of
--- them.
---@param text string
---@return string?
function M.code(text)
  return find_digits(text, 6, 6) or find_digits(text, 4, 10)
end

--- The first http or https link in a text.
---@param text string
---@return string?
function M.link(text)
  local link = text:match("https?://[^%s<>\"']+")
  if not link then return nil end
  local last = #link
  while link:find("^[.,;:!?)]", last) do last = last - 1 end
  return (link:sub(1, last):gsub("&amp;", "&"))
end

local function add_all(message)
  local root = M.part(message.raw)
  local found = { attachments = {} }
  collect(root, found)
  local headers = root.headers
  message.headers, message.part = headers, root
  message.subject, message.from, message.to = headers.subject, headers.from, headers.to
  message.cc, message.replyTo, message.messageId = headers.cc, headers["reply-to"], headers["message-id"]
  message.text, message.html, message.attachments = found.text, found.html, found.attachments
  local visible = found.text or found.html and M.visible(found.html) or ""
  message.code = M.code(visible) or M.code(message.subject or "")
  message.link = M.link(found.text or "") or M.link(found.html or "")
end

--- Adds to a message as the server keeps it what its octets say: headers, subject, from, to, cc, replyTo,
--- text, html, attachments, parts, code, link. One that nobody can read has its octets as text, and keeps
--- nobody from the others.
---@param message table with `raw`
---@return logto_smtp.testing.Message
function M.message(message)
  if attempt(add_all, message) then return message end
  local part = { headers = {}, contentType = "text/plain", parameters = {}, encoding = "7bit",
    content = message.raw }
  message.headers, message.part, message.text, message.attachments = part.headers, part, message.raw, {}
  return message
end

return M
