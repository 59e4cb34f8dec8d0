-- SPDX-License-Identifier: MIT
--- Exit codes of the command, after sysexits(3), so that scripts can tell what to do next.

local codes = require("logto_smtp.connector.constants").ConnectorErrorCodes
local errors = require("logto_smtp.errors")

local M = {}

-- name, code, what it tells
local CODES = {
  { "OK", 0, "done" },
  { "FLAGGED", 1, "an error that preview --strict found" },
  { "USAGE", 64, "wrong command line" },
  { "DATA", 65, "wrong recipient or payload" },
  { "NO_INPUT", 66, "unreadable file" },
  { "NO_HOST", 68, "unknown mail server" },
  { "UNAVAILABLE", 69, "refused for good" },
  { "SOFTWARE", 70, "internal error" },
  { "CANNOT_CREATE", 73, "unwritable file" },
  { "IO", 74, "unwritable output" },
  { "TEMPORARY", 75, "try again later: no connection, a timeout, a 4xx reply" },
  { "PROTOCOL", 76, "TLS or protocol failure" },
  { "NO_PERMISSION", 77, "login refused" },
  { "CONFIG", 78, "wrong config" },
  { "INTERRUPTED", 130, "Ctrl-C, as shells have it" },
  { "PIPE", 141, "whoever read the output has gone, as shells have it" },
}

--- { code, what it tells }, ascending.
---@type table[]
M.MEANINGS = {}

for i, row in ipairs(CODES) do
  M[row[1]] = row[2]
  M.MEANINGS[i] = { row[2], row[3] }
end

--- The list for --help.
M.HELP = [[
Exit codes (sysexits): 0 done; 64 wrong command line; 65 wrong recipient or payload; 66 unreadable file;
68 unknown mail server; 69 refused for good; 70 internal error; 73 unwritable file; 74 unwritable output;
75 try again later; 76 TLS or protocol failure; 77 login refused; 78 wrong config; 130 Ctrl-C;
1 an error that preview --strict found.]]

--- The exit code for a ConnectorError.
---@param err logto_smtp.ConnectorError
---@return integer
function M.of(err)
  local cause = type(err.cause) == "table" and err.cause or {}
  if cause.responseCode and cause.responseCode >= 400 and cause.responseCode < 500 then return M.TEMPORARY end
  return M[errors.says(err.code ~= codes.General and errors.code(err.code) and err or cause, "exit")]
end

return M
