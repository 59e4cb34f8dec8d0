-- SPDX-License-Identifier: MIT
--- logto_smtp.testing: for the specs of whoever sends mail. An inbox is a real SMTP server on a loopback
-- port; it runs in a process of its own, takes in whatever arrives, delivers nothing, and ends with the
-- process that started it. A capture is a transport without any socket. Works with Lua 5.1 to 5.4 and LuaJIT;
-- an inbox needs LuaSocket, LuaSec, lua-cjson and the openssl command.
local arguments = require "logto_smtp.util.arguments"

local M = {}

---@class logto_smtp.testing.Message
---@field number integer 1 for the first that arrived
---@field envelope { from: string, to: string[], mailParams: table, rcptParams: table[] }
---@field raw string exact octets, dot transparency undone
---@field wire string exact octets as sent, without the final dot
---@field headers table ordered list of { name=, value=, raw= }, and first values by lower-case name; decoded
---@field subject? string decoded
---@field from? string decoded From header
---@field to? string decoded To header
---@field cc? string
---@field replyTo? string
---@field messageId? string
---@field text? string decoded text/plain body
---@field html? string decoded text/html body
---@field attachments table[] of { filename=, contentType=, content=, cid=, contentDisposition= }
---@field part logto_smtp.testing.Part the message as a tree
---@field code? string the verification code: what stands for {{code}} in a known template, else digits that
---  look like one
---@field type? string TemplateType of the template it was made from, of those known
---@field types table list and set of types: more than one when their templates are alike
---@field link? string the first link
---@field tls false|{ version: string, cipher: string, bits: integer, servername?: string }
---@field auth false|{ mechanism: string, user: string }
---@field ehlo string the name the client gave
---@field connection integer number of the connection it came by
---@field time number when it was complete, seconds since the epoch
---@field smtputf8 boolean
---@field body8bit boolean
---@field chunked boolean it came by BDAT
---@field violations string[] rules of the standard it broke

--- Starts an inbox. nil, err: what kept it from starting. Raises on options that cannot be meant.
---@param options? logto_smtp.testing.Options
---@return logto_smtp.testing.Inbox? inbox, string? err
function M.startInbox(options)
  return require("logto_smtp.inbox.handle").start(options)
end

--- Makes a transport for `createConnector{ transport = ... }` that keeps each mail and sends nothing. It has
--- `messages`, `waitFor` and `clear` as an inbox has, and `failNext`.
---@param options? { templates?: table[] } templates to know beside those of the configs it is given
---@return logto_smtp.testing.Capture
function M.captureTransport(options)
  return require("logto_smtp.testing.capture").new(options)
end

--- A rule for `nextReply` or `script`: greylisting. Each recipient is refused with 450, the first time or for
--- so many seconds from then on, and taken after that.
---@param options? { seconds?: number, times?: integer }
---@return logto_smtp.testing.Rule
function M.greylisting(options)
  options = options or {}
  arguments.check(options, { seconds = "number", times = true }, "greylisting")
  return {
    at = "RCPT", code = 450, text = "4.7.1 Greylisted, please try again later", each = true,
    seconds = options.seconds, times = options.times,
  }
end

return M
