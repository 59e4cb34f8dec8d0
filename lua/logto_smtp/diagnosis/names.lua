-- SPDX-License-Identifier: MIT
--- What DNS says: the server's addresses, and the records by which receivers judge the sender's domain.

local errors = require("logto_smtp.errors")

local M = {}

local function is_address(host)
  return host:find(":", 1, true) ~= nil or host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

local function failed(reason, message)
  return { ok = false, detail = message, err = errors.make(reason, message) }, {}
end

--- The server's addresses. Answers a step, and the addresses; none: there is nothing to connect to.
---@param resolver logto_smtp.doctor.Resolver
---@param host string
---@param seconds number
---@return table step, string[] addresses
function M.host(resolver, host, seconds)
  if is_address(host) then return { ok = true, detail = host .. " is an address" }, { host } end
  if host:find("[\128-\255]") then return { detail = "not checked: not an ASCII name" }, {} end
  if resolver.scarce then
    local message = ("getaddrinfo %s %s; this process has too many files open"):format(resolver.scarce, host)
    return failed("no_descriptor", message)
  end
  local addresses = resolver:addresses(host)
  if not addresses then
    local message = ("getaddrinfo ETIMEOUT %s: the resolver did not answer within %g s"):format(host, seconds)
    return failed("timeout_lookup", message)
  end
  if #addresses == 0 then
    return failed("name_not_found", "getaddrinfo ENOTFOUND " .. host)
  end
  return { ok = true, detail = host .. " is " .. table.concat(addresses, ", ") }, addresses
end

-- A record that is missing or will not do, and what to try.
local function lacking(detail, advice, ...)
  return { detail = detail, advice = { advice:format(...) } }
end

local function starting(records, prefix)
  local out = {}
  for _, record in ipairs(records) do
    if record:lower():find(prefix) then out[#out + 1] = record end
  end
  return out
end

local function mx(domain, records)
  if not records[1] then
    return lacking("none", "%s has no MX record: answers and bounces may be lost", domain)
  end
  table.sort(records, function(a, b) return a.preference < b.preference end)
  local hosts = {}
  for i, record in ipairs(records) do hosts[i] = record.host end
  if hosts[1] == "." then
    return lacking("null MX", "%s takes no mail (RFC 7505): some servers refuse mail from it", domain)
  end
  return { detail = table.concat(hosts, ", ") }
end

local function spf(domain, records)
  local found = starting(records, "^v=spf1%f[%s%z]")
  local detail = table.concat(found, " | ")
  if #found == 0 then
    return lacking("none", "publish the TXT record for %s that your mail service asks for (v=spf1 ...): "
      .. "without it mails may go to spam", domain)
  elseif #found > 1 then
    return lacking(detail, "merge the %d SPF records of %s into one: receivers take several for an error "
      .. "(RFC 7208, 4.5)", #found, domain)
  elseif found[1]:find("[%+%s]all%s*$") then
    return lacking(detail, "let the SPF record end in ~all or -all: as it is, anyone may send as %s", domain)
  end
  return { detail = detail }
end

local function dmarc(domain, records)
  local found = starting(records, "^v=dmarc1%f[%s;%z]")
  if found[1] then return { detail = found[1] } end
  return lacking("none", "publish a TXT record for _dmarc.%s, to begin with \"v=DMARC1; p=none\": large "
    .. "mailbox providers ask for it", domain)
end

local function dkim(name, records)
  for _, record in ipairs(records) do
    local key = record:match("p=%s*([^;%s]*)")
    if key and key ~= "" then return { detail = "the key is published" } end
    if key then return lacking("revoked", "the key is revoked (p= is empty): make a new one for %s", name) end
  end
  return lacking("none", "publish the public key of `dkim` as TXT record %s: without it the signatures "
    .. "count as wrong", name)
end

-- DMARC of a subdomain is that of the domain it belongs to, where it has none of its own (RFC 7489, 6.6.3).
local function dmarc_names(domain)
  local out, rest = {}, domain
  while rest and rest:find(".", 1, true) do
    out[#out + 1] = "_dmarc." .. rest
    rest = rest:match("%.(.+)$")
  end
  return out
end

local function dkim_name(config)
  local options = type(config.dkim) == "table" and config.dkim or {}
  local first = type(options.keys) == "table" and options.keys[1] or options
  local domain, selector = first.domainName or options.domainName, first.keySelector or options.keySelector
  local known = type(domain) == "string" and type(selector) == "string"
  return known and selector .. "._domainkey." .. domain or nil
end

-- The first list that holds a record, else the first; false where one was not to be had.
local function first_with(answers, prefix)
  for _, records in ipairs(answers) do
    if not records then return false end
    if #starting(records, prefix) > 0 then return records end
  end
  return answers[1]
end

--- The steps on the sender's domain: mx, spf, dkim, dmarc. They never fail: mail can be sent all the same.
---@param resolver logto_smtp.doctor.Resolver
---@param config table
---@param domain? string  of the sender
---@param step fun(name: string, action: fun(): table)
function M.sender(resolver, config, domain, step)
  local key_name = dkim_name(config)
  local rows = {
    { "mx", { domain }, "MX", mx }, { "spf", { domain }, "TXT", spf },
    { "dkim", { key_name }, "TXT", dkim, "the service signs, by a selector that is not known here" },
    { "dmarc", dmarc_names(domain or ""), "TXT", dmarc },
  }
  for _, row in ipairs(rows) do
    step(row[1], function()
      local names, kind, judge = row[2], row[3], row[4]
      local nothing = #names == 0 and (row[5] or "the domain is no public one")
      local why = not domain and "the sender has no domain" or nothing or resolver.why
        or resolver.dead and "the resolver does not answer"
      if why then return { detail = "not checked: " .. why } end
      local queries = {}
      for i, name in ipairs(names) do queries[i] = { name, kind } end
      local answers = resolver:query(queries)
      local records = judge == dmarc and first_with(answers, "^v=dmarc1") or answers[1]
      if not records then return { detail = "not checked: the resolver does not answer" } end
      local result = judge(row[1] == "dkim" and key_name or domain, records)
      result.ok = true
      return result
    end)
  end
end

return M
