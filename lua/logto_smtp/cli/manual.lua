-- SPDX-License-Identifier: MIT
--- The manual page logto-smtp(1), in the man(7) macros, made from the same definitions as --help.

local exit = require("logto_smtp.cli.exit")
local parser_module = require("logto_smtp.cli.parser")

local M = {}

local DATE = "2026-11-23" -- of the last change to what the page says beside the commands

-- A text as roff takes it: no macro at a line's start, no escape, a hyphen that can be copied.
local function roff(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (("\n" .. text):gsub("\n([.'])", "\n\\&%1"):sub(2))
end

local function bold(text) return "\\fB" .. roff(text) .. "\\fR" end

local function italic(text) return "\\fI" .. roff(text) .. "\\fR" end

-- `-q, --quiet`, `--to ADDRESS`: an element as argparse's own help labels it.
local function label(element)
  local names = {}
  for _, alias in ipairs(element._public_aliases or { element._name }) do names[#names + 1] = bold(alias) end
  local text = table.concat(names, ", ")
  local takes = element._public_aliases and element._maxargs > 0
  return takes and text .. " " .. italic(element:_get_argname(1)) or text
end

local function described(element)
  return roff(element:_get_description())
end

local function elements(out, list)
  for _, element in ipairs(list) do
    if not element._hidden then
      out[#out + 1] = ".TP\n" .. label(element) .. "\n" .. described(element)
    end
  end
end

-- A list of { term, what about it }.
local function terms(out, list)
  for _, row in ipairs(list) do
    out[#out + 1] = ".TP\n" .. bold(tostring(row[1])) .. "\n" .. roff(row[2])
  end
end

local function command(out, element, module)
  local usage = element:get_usage():gsub("^Usage: ", ""):gsub("%s*\n%s*", " ")
  out[#out + 1] = ".SS " .. roff(module.name)
  out[#out + 1] = bold(usage)
  out[#out + 1] = ".PP\n" .. roff(module.description or module.summary)
  elements(out, element._arguments)
  elements(out, element._options)
  out[#out + 1] = ".PP\nExamples:"
  terms(out, module.examples)
end

local ENVIRONMENT = {
  { "NO_COLOR", "Set to anything but nothing: no colours, on a terminal either." },
  { "TERM", "dumb: no colours." },
  { "TMPDIR", "Where files go that are only needed for a moment." },
}

--- The page as text.
---@param argparse table  the module
---@return string
function M.page(argparse)
  local parser, modules = parser_module.build(argparse, {})
  local version = require("logto_smtp.core").version().module
  local out = {
    ('.TH LOGTO\\-SMTP 1 "%s" "logto\\-smtp %s" "User Commands"'):format(DATE, version),
    ".SH NAME\nlogto\\-smtp \\- check configs of Logto's SMTP connector, send mail with them",
    ".SH SYNOPSIS\n" .. bold("logto-smtp") .. " " .. italic("command") .. " [" .. italic("options") .. "]",
    ".SH DESCRIPTION\n" .. roff(parser_module.SUMMARY),
    "Results go to standard output, everything about a failure to standard error.",
  }
  elements(out, parser._options)
  out[#out + 1] = ".SH COMMANDS"
  for _, element in ipairs(parser._commands) do command(out, element, modules[element._name]) end
  out[#out + 1] = ".SH EXAMPLES"
  terms(out, parser_module.EXAMPLES)
  out[#out + 1] = ".SH EXIT STATUS\nThese are the codes of sysexits(3)."
  terms(out, exit.MEANINGS)
  out[#out + 1] = ".SH ENVIRONMENT"
  terms(out, ENVIRONMENT)
  return table.concat(out, "\n") .. "\n"
end

return M
