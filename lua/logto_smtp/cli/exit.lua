-- SPDX-License-Identifier: MIT
--- Exit codes of the command, after sysexits(3), so that scripts can tell what to do next.

local M = {
  OK = 0,
  USAGE = 64,       -- the command line is wrong
  DATA = 65,        -- the recipient or the payload is wrong
  NO_INPUT = 66,    -- a file cannot be read
  NO_HOST = 68,     -- the mail server's name is unknown
  UNAVAILABLE = 69, -- the server refused the mail for good
  SOFTWARE = 70,    -- an error inside the command
  CANNOT_CREATE = 73, -- a file cannot be written
  TEMPORARY = 75,   -- worth another try later: no connection, a timeout, a 4xx reply
  PROTOCOL = 76,    -- TLS failed, or the server does not speak SMTP
  NO_PERMISSION = 77, -- the server refused the login
  CONFIG = 78,      -- the config is wrong
  INTERRUPTED = 130, -- Ctrl-C, as shells have it
}

--- The list for --help.
M.HELP = [[
Exit codes (sysexits): 0 done; 64 wrong command line; 65 wrong recipient or payload; 66 unreadable file;
68 unknown mail server; 69 refused for good; 70 internal error; 73 unwritable file; 75 try again later;
76 TLS or protocol failure; 77 login refused; 78 wrong config; 130 Ctrl-C.]]

local BY_CODE = {
  EDNS = M.NO_HOST,
  ECONNECTION = M.TEMPORARY,
  ESOCKET = M.TEMPORARY,
  ETIMEDOUT = M.TEMPORARY,
  ETLS = M.PROTOCOL,
  EPROTOCOL = M.PROTOCOL,
  EAUTH = M.NO_PERMISSION,
  EOAUTH2 = M.NO_PERMISSION,
  EPROXY = M.UNAVAILABLE,
  EENVELOPE = M.UNAVAILABLE,
  EMESSAGE = M.UNAVAILABLE,
}

local BY_CONNECTOR_CODE = {
  invalid_config = M.CONFIG,
  template_not_found = M.CONFIG,
  invalid_request_parameters = M.DATA,
}

--- The exit code for a ConnectorError.
---@param err logto_smtp.ConnectorError
---@return integer
function M.of(err)
  local cause = type(err.cause) == "table" and err.cause or {}
  if cause.responseCode and cause.responseCode >= 400 and cause.responseCode < 500 then return M.TEMPORARY end
  return BY_CONNECTOR_CODE[err.code] or BY_CODE[cause.code] or M.UNAVAILABLE
end

return M
