-- SPDX-License-Identifier: MIT
--- Look-ups of names, each within a time limit: by lua-unbound (module `lunbound`) where it is installed.
-- Without it only addresses can be looked up, by the system's resolver, whose own limits rule (resolv.conf).

local socket = require("socket")

local M = {}

local TYPES = { A = 1, MX = 15, TXT = 16, AAAA = 28 }
local CLASS_IN = 1

local function ipv4(data)
  return ("%d.%d.%d.%d"):format(data:byte(1, 4))
end

-- RFC 5952: lower case, no leading zeros, the longest run of zero groups as "::".
local function ipv6(data)
  local groups = {}
  for i = 1, 15, 2 do
    local high, low = data:byte(i, i + 1)
    groups[#groups + 1] = ("%x"):format(high * 256 + low)
  end
  local text = ":" .. table.concat(groups, ":") .. ":"
  for n = 8, 2, -1 do
    local run = ":" .. ("0:"):rep(n)
    local at = text:find(run, 1, true)
    if at then
      text = text:sub(1, at - 1) .. "::" .. text:sub(at + #run)
      return (text:gsub("^:(%x)", "%1"):gsub("(%x):$", "%1"))
    end
  end
  return text:sub(2, -2)
end

local function name_at(data, at)
  local labels = {}
  while at <= #data do
    local n = data:byte(at)
    if n == 0 then break end
    labels[#labels + 1] = data:sub(at + 1, at + n)
    at = at + n + 1
  end
  return #labels > 0 and table.concat(labels, ".") or "."
end

local function mx(data)
  local high, low = data:byte(1, 2)
  return { preference = high * 256 + low, host = name_at(data, 3) }
end

-- The strings of one TXT record belong together without anything between them (RFC 7208, 3.3).
local function txt(data)
  local parts, at = {}, 1
  while at <= #data do
    local n = data:byte(at)
    parts[#parts + 1] = data:sub(at + 1, at + n)
    at = at + n + 1
  end
  return table.concat(parts)
end

local READERS = { A = ipv4, AAAA = ipv6, MX = mx, TXT = txt }

-- What lunbound opens for a context, with some to spare: without, it ends the process.
local DESCRIPTORS = 16

-- What the system calls having none left: the process, or the whole machine.
local SHORTAGES = { [24] = "EMFILE", [23] = "ENFILE" }

-- Why so many are not to be had; nil: they are.
local function scarcity()
  local held, number = {}, nil
  while #held < DESCRIPTORS and not number do
    local file, _, failed = io.open("/dev/null")
    held[#held + 1], number = file, failed
  end
  for _, file in ipairs(held) do file:close() end
  return SHORTAGES[number]
end

---@class logto_smtp.doctor.Resolver
---@field private unbound? userdata
---@field private timeout number seconds
---@field why? string  what is missing for look-ups of all types; nil: nothing
---@field scarce? string  the system's word for having no descriptors left: nothing can be looked up
---@field dead? boolean  a look-up ran into the time limit: the others would, too
local Resolver = {}
Resolver.__index = Resolver

--- `address` is an IP address with or without "#port"; nil: what resolv.conf and the hosts file say.
---@param address? string
---@param timeout number seconds for each look-up
---@return logto_smtp.doctor.Resolver
function M.new(address, timeout)
  local self = setmetatable({ timeout = timeout, own = address ~= nil }, Resolver)
  self.scarce = scarcity()
  if self.scarce then
    self.why = "too many files are open (" .. self.scarce .. ")"
    return self
  end
  local found, lunbound = pcall(require, "lunbound")
  if not found then
    self.why = "install lua-unbound"
    return self
  end
  local settings = { async = true, resolvconf = true, hoststxt = true }
  if address then
    settings = {
      async = true, forward = { (address:gsub("#", "@")) }, options = { ["do-not-query-localhost:"] = "no" },
    }
  end
  local made, unbound = pcall(lunbound.new, settings)
  if made and unbound then self.unbound = unbound else self.why = "check the resolver's address" end
  return self
end

local function read(result, kind)
  local out = {}
  for i = 1, #result do out[i] = READERS[kind](result[i]) end
  return out
end

--- Looks up a list of { name, type } at once; types: A, AAAA, MX, TXT. For each its records, none being an
--- empty list; or false where no answer came in time, or the resolver failed.
---@param queries string[][]
---@return (table|false)[]
function Resolver:query(queries)
  local answers, due = {}, 0
  for i, query in ipairs(queries) do
    local name, kind = query[1], query[2]
    answers[i] = false
    due = due + 1
    self.unbound:resolve_async(function(result)
      due = due - 1
      local fine = result and (result.rcode == 0 or result.nxdomain)
      if fine then answers[i] = read(result, kind) end
    end, name, TYPES[kind], CLASS_IN)
  end
  local waiter = { getfd = function() return self.unbound:getfd() end, dirty = function() return false end }
  local deadline = socket.gettime() + self.timeout
  while due > 0 and socket.gettime() < deadline do
    socket.select({ waiter }, nil, math.max(0, deadline - socket.gettime()))
    self.unbound:process()
  end
  self.dead = self.dead or due > 0
  return answers
end

-- The addresses that the system itself finds: it may know more names than DNS does.
local function ask_system(name)
  local out, seen = {}, {}
  for _, entry in ipairs(socket.dns.getaddrinfo(name) or {}) do
    if not seen[entry.addr] then out[#out + 1] = entry.addr end
    seen[entry.addr] = true
  end
  return out
end

--- The addresses of a name, IPv4 first. nil: no answer came in time.
---@param name string
---@return string[]?
function Resolver:addresses(name)
  if not self.unbound then return ask_system(name) end
  local answers = self:query({ { name, "A" }, { name, "AAAA" } })
  local out = {}
  for i = 1, 2 do
    for _, address in ipairs(answers[i] or {}) do out[#out + 1] = address end
  end
  if #out > 0 then return out end
  if self.dead then return nil end
  return self.own and out or ask_system(name)
end

return M
