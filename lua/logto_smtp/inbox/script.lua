-- SPDX-License-Identifier: MIT
--- script: what a test wants the server to do instead of the right thing, as a list of rules.
local arguments = require "logto_smtp.util.arguments"
local tables = require "logto_smtp.util.tables"

local M = {}

--- Steps at which a rule can act. TLS: before the handshake, implicit or after STARTTLS. CHALLENGE: a 334
--- reply. CONTENT: the reply after the final dot, or after BDAT LAST. OTHER: a command the server does not
--- know.
M.steps = {
  "CONNECT", "TLS", "EHLO", "HELO", "STARTTLS", "AUTH", "CHALLENGE", "MAIL", "RCPT", "DATA", "CONTENT",
  "BDAT", "RSET", "NOOP", "VRFY", "HELP", "QUIT", "OTHER", "ANY",
}

---@class logto_smtp.testing.Rule
---@field at string one of `steps`; ANY stands for each of them
---@field match? string acts only if the command contains this text (no pattern, any case)
---@field connection? integer acts only on the connection with this number (the first is 1)
---@field skip? integer lets so many occasions pass first
---@field times? integer|"always" how often it acts; default 1
---@field each? boolean counts `skip`, `times` and `seconds` for each different command by itself
---@field seconds? number acts for so long from its first occasion on, if `times` is not given without limit
---@field code? integer reply code; from 400 on, the command has no effect
---@field text? string|string[] reply text, or its lines
---@field raw? string the reply's exact octets; a code in front of them counts as `code`
---@field garbage? boolean the reply is octets that no SMTP server would send
---@field extra? string octets sent right behind the reply
---@field delay? number seconds before the reply
---@field drop? "before"|"after"|"middle" closes instead of the reply, after it, or while content is read
---@field reset? boolean `drop` sends RST, not FIN (in clear only)
---@field octets? integer for drop "middle" and `stall`: content octets read before
---@field partial? integer only so many octets of the reply are ever sent
---@field drip? { octets: integer, seconds: number } the reply in pieces of `octets`, each after `seconds`
---@field silent? boolean no reply, now or later; the connection stays open
---@field endless? "lines"|"line" a reply without end: of many lines, or of one line
---@field stall? number at CONTENT: seconds without reading

M.fields = {
  at = "string", match = "string", connection = "number", skip = "number", times = true, code = "number",
  each = "boolean", seconds = "number",
  text = true, raw = "string", garbage = "boolean", extra = "string", delay = "number", drop = "string",
  reset = "boolean", octets = "number", partial = "number", drip = "table", silent = "boolean",
  endless = true, stall = "number",
}

local is_step = {}
for _, step in ipairs(M.steps) do is_step[step] = true end

local function one_of(value, ...)
  for _, allowed in ipairs { ... } do
    if value == allowed then return true end
  end
  return false
end

local function value_fault(rule)
  if not is_step[rule.at or ""] then return "at must be one of " .. table.concat(M.steps, ", ") end
  if rule.times ~= nil and rule.times ~= "always" and type(rule.times) ~= "number" then
    return 'times must be a number or "always"'
  end
  if rule.drop ~= nil and not one_of(rule.drop, "before", "after", "middle") then
    return 'drop must be "before", "after" or "middle"'
  end
  if rule.endless ~= nil and not one_of(rule.endless, true, "lines", "line") then
    return 'endless must be "lines" or "line"'
  end
  if rule.text ~= nil and type(rule.text) ~= "string" and type(rule.text) ~= "table" then
    return "text must be a string or a list of strings"
  end
  if rule.code and (rule.code < 200 or rule.code > 599) then return "code must be 200 to 599" end
end

--- What is wrong with a rule, or nil.
---@param rule any
---@return string?
function M.fault(rule)
  if type(rule) ~= "table" then return "a rule must be a table" end
  for key, value in pairs(rule) do
    local kind = M.fields[key]
    if not kind then return ("unknown field %q%s"):format(tostring(key), arguments.meant(key, M.fields)) end
    if kind ~= true and type(value) ~= kind then
      return ("%s must be a %s, got %s"):format(key, kind, type(value))
    end
  end
  return value_fault(rule)
end

---@class logto_smtp.testing.Script
---@field private rules logto_smtp.testing.Rule[]
local Script = {}
Script.__index = Script

---@param rules? logto_smtp.testing.Rule[]
function M.new(rules)
  local script = setmetatable({ rules = {} }, Script)
  for _, rule in ipairs(rules or {}) do script:add(rule) end
  return script
end

function Script:add(rule)
  local own = tables.assign({}, rule)
  own.limit = rule.times == "always" and math.huge or rule.times or rule.seconds and math.huge or 1
  own.uses = {}
  self.rules[#self.rules + 1] = own
end

function Script:clear() self.rules = {} end

local function is_at(rule, step)
  if step == "BDAT LAST" then return rule.at == "BDAT" or rule.at == "CONTENT" or rule.at == "ANY" end
  return rule.at == step or rule.at == "ANY"
end

local function concerns(rule, step, command, connection)
  return is_at(rule, step)
    and (not rule.connection or rule.connection == connection)
    and (not rule.match or command:lower():find(rule.match:lower(), 1, true) ~= nil)
end

--- A rule for content that is still being read, which `take` would count as used up.
local function acts_midway(rule)
  return rule.drop == "middle" or rule.stall ~= nil
end

-- Whether the rule has its turn at this command, and counts it.
local function comes_up(rule, command)
  local key = rule.each and command:lower() or ""
  local use = rule.uses[key]
  if not use then
    use = { passes = rule.skip or 0, left = rule.limit }
    rule.uses[key] = use
  end
  if use.left <= 0 then return false end
  if use.passes > 0 then
    use.passes = use.passes - 1
    return false
  end
  if rule.seconds then
    local now = require("socket").gettime()
    use.first = use.first or now
    if now - use.first >= rule.seconds then return false end
  end
  use.left = use.left - 1
  return true
end

--- Takes the rule that acts now, oldest first, or nil. midway: looks only for what happens while content is
--- read.
---@param step string
---@param command string
---@param connection integer
---@param midway? boolean
---@return logto_smtp.testing.Rule?
function Script:take(step, command, connection, midway)
  for _, rule in ipairs(self.rules) do
    if concerns(rule, step, command, connection) and acts_midway(rule) == (midway or false)
      and comes_up(rule, command) then
      return rule
    end
  end
end

return M
