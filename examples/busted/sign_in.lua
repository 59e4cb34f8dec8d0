-- SPDX-License-Identifier: MIT
--- sign_in: a small service that lets people in with a code sent to their mailbox. A code is good for ten
-- minutes and five attempts, for the one who asked for it, once.
local addressKey = require("logto_smtp.core").addressKey

local SignIn = {}
SignIn.__index = SignIn

local GOOD_SECONDS, ATTEMPTS, WAIT_SECONDS, SEND_TRIES = 600, 5, 60, 2

---@class SignIn.Options
---@field connector logto_smtp.Connector what sends the mail
---@field newCode fun(): string six digits, from a good source of randomness
---@field now? fun(): integer seconds; default os.time
---@field blocked? table<string, boolean> addresses that get no code

---@param options SignIn.Options
function SignIn.new(options)
  local blocked = {}
  for address in pairs(options.blocked or {}) do blocked[addressKey(address)] = true end
  return setmetatable({
    connector = options.connector, new_code = options.newCode, now = options.now or os.time,
    blocked = blocked, pending = {},
  }, SignIn)
end

-- A server that asks us to try again later, as one that greylists, gets a second try.
function SignIn:deliver(address, code)
  local info, err
  for _ = 1, SEND_TRIES do
    info, err = self.connector.sendMessage { to = address, type = "SignIn", payload = { code = code } }
    local cause = err and err.cause
    if info or not cause or cause.permanent or cause.delivery ~= "not_sent" then break end
  end
  return info, err
end

--- Sends a code. true; nil, "wait": one was sent less than a minute ago; nil, "undeliverable": the address
--- does not exist; nil, "unavailable": no mail can be sent now. A blocked address is told nothing.
---@param address string
---@return true? ok, string? why
function SignIn:request(address)
  local key = addressKey(address) -- so that another spelling of an address is no other address
  if self.blocked[key] then return true end
  local now, last = self.now(), self.pending[key]
  if last and now - last.sent < WAIT_SECONDS then return nil, "wait" end
  local code = self.new_code()
  local info, err = self:deliver(address, code)
  if not info then
    return nil, err.cause and err.cause.permanent and "undeliverable" or "unavailable"
  end
  self.pending[key] = { code = code, sent = now, attempts = 0 }
  return true
end

--- Checks a code. true; nil, "wrong", "expired", "too many", or "none": no code was asked for.
---@param address string
---@param code string
---@return true? ok, string? why
function SignIn:verify(address, code)
  local key = addressKey(address)
  local pending = self.pending[key]
  if not pending then return nil, "none" end
  if self.now() - pending.sent > GOOD_SECONDS then return nil, "expired" end
  if pending.attempts >= ATTEMPTS then return nil, "too many" end
  pending.attempts = pending.attempts + 1
  if pending.code ~= code then return nil, "wrong" end
  self.pending[key] = nil
  return true
end

return SignIn
