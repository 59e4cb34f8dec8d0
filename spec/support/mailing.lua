-- SPDX-License-Identifier: MIT
--- mailing: an inbox and clients for one spec, all ended when it ends.
--    local mailing = require("spec.support.mailing")
--    local inbox, client = mailing.start({ tls = "none" }, { maxMessages = 2 })
--    after_each(mailing.stop)
local core = require("logto_smtp.core")
local testing = require("logto_smtp.testing")

local M = {}

local open = {}

---@param options? table for `startInbox`
---@return logto_smtp.testing.Inbox
function M.inbox(options)
  local inbox = assert(testing.startInbox(options))
  open[#open + 1] = function() inbox:stop() end
  return inbox
end

---@param config table
---@return table client
function M.client(config)
  local client, issues = core.client(config)
  assert(client, issues and issues[1] and issues[1].message)
  open[#open + 1] = function() client:close() end
  return client
end

--- An inbox without TLS, unless the options say otherwise, and a client for it.
---@param options? table
---@param overrides? table of the client's config
function M.start(options, overrides)
  local settings = { tls = "none" }
  for k, v in pairs(options or {}) do settings[k] = v end
  local inbox = M.inbox(settings)
  return inbox, M.client(inbox:config(overrides))
end

--- Ends what was started, the newest first.
function M.stop()
  while #open > 0 do pcall(table.remove(open)) end
end

--- A mail that any server takes.
---@param fields? table
---@return table
function M.mail(fields)
  local mail = {
    from = "sender@example.com", to = "reader@example.com", subject = "Your code",
    text = "Your code is 123456.\n",
  }
  for k, v in pairs(fields or {}) do mail[k] = v end
  return mail
end

--- Sends n mails, one after another.
---@param client table
---@param n integer
function M.send_all(client, n)
  for i = 1, n do assert(client:send(M.mail({ subject = "mail " .. i }))) end
end

--- Polls until n messages are finished, each poll with at least one; answers them in that order.
---@param client table
---@param n integer
---@return table[]
function M.drain(client, n)
  local done = {}
  while #done < n do
    local list = client:poll(60)
    assert(#list > 0, "poll answered nothing")
    for _, item in ipairs(list) do done[#done + 1] = item end
  end
  return done
end

return M
