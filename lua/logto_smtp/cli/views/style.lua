-- SPDX-License-Identifier: MIT
--- How text looks on a terminal: colours where a person reads and wants them, plain octets everywhere else,
-- and nothing that a stranger wrote ever steers the terminal.

local core = require("logto_smtp.core")

local M = {}

local CODES = {
  bold = "1", dim = "2", reverse = "7", red = "31", green = "32", yellow = "33", blue = "34", cyan = "36",
}

local DEFAULT_COLUMNS = 80

--- Text of others for a terminal or a log: control characters, those that reorder or hide text, and what is
--- no UTF-8 are shown and not obeyed. Line ends and tabs stay.
---@type fun(text: string): string
M.plain = core.visible

--- The same on one line.
---@param text string
---@return string
function M.line(text)
  return (core.visible(text, "line"):gsub(" +", " "))
end

---@class logto_smtp.cli.Style
---@field terminal boolean  the stream is a terminal
---@field colours boolean   escape sequences may be written to it
---@field columns integer   its width
---@field bold fun(text: string): string
---@field dim fun(text: string): string
---@field reverse fun(text: string): string
---@field red fun(text: string): string
---@field green fun(text: string): string
---@field yellow fun(text: string): string
---@field blue fun(text: string): string
---@field cyan fun(text: string): string

--- What may be done with one of a context's streams. Without colours (no terminal, NO_COLOR set to anything
--- but nothing, TERM=dumb) each function gives its text back.
---@param context logto_smtp.cli.Context
---@param name? "stdout"|"stderr"  stdout without it
---@return logto_smtp.cli.Style
function M.of(context, name)
  local fd, getenv = context[name or "stdout"].fd, context.getenv
  local terminal = fd ~= nil and core.process.isTerminal(fd)
  local style = {
    terminal = terminal, columns = terminal and core.process.columns(fd) or DEFAULT_COLUMNS,
    colours = terminal and (getenv("NO_COLOR") or "") == "" and getenv("TERM") ~= "dumb",
  }
  for what, code in pairs(CODES) do
    style[what] = function(text)
      return style.colours and "\27[" .. code .. "m" .. text .. "\27[0m" or text
    end
  end
  return style
end

return M
