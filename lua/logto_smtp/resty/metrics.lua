-- SPDX-License-Identifier: MIT
--- metrics: counts of what was sent, as Prometheus reads them: of this worker, or in a shared dict of all of
-- them. A label is an error's code and nothing that a mail says.

local M = {}

local BUCKETS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120 }

local FAMILIES = {
  { "logto_smtp_sent_total", "counter", "Mails that the server took." },
  { "logto_smtp_failed_total", "counter", "Mails that were not sent, or perhaps not, by the error's code." },
  { "logto_smtp_send_seconds", "histogram", "Time from a send to its result." },
  { "logto_smtp_pending", "gauge", "Mails handed over that have no result yet." },
  { "logto_smtp_connections_open", "gauge", "Connections to servers." },
  { "logto_smtp_connections_idle", "gauge", "Connections to servers that wait for a mail." },
  { "logto_smtp_connections_opened_total", "counter", "Connections that were made." },
  { "logto_smtp_connections_failed_total", "counter", "Connections that could not be made, or not used." },
}

-- A gauge of a worker that says nothing any more counts for so many seconds.
local GAUGE_SECONDS = 150

---@class logto_smtp.resty.Store
---@field add fun(name: string, n: number)
---@field set fun(name: string, value: number)
---@field all fun(): table<string, number>  by name with labels

local function own_store()
  local values = {}
  return {
    add = function(name, n) values[name] = (values[name] or 0) + n end,
    set = function(name, value) values[name] = value end,
    all = function() return values end,
  }
end

-- Gauges are kept for each process, with its number behind a space, and added up.
local function shared_store(dict)
  return {
    add = function(name, n) dict:incr(name, n, 0) end,
    set = function(name, value) dict:set(name .. " " .. ngx.worker.pid(), value, GAUGE_SECONDS) end,
    all = function()
      local values = {}
      for _, key in ipairs(dict:get_keys(0)) do
        local name, value = key:match("^[^ ]+"), dict:get(key)
        if value then values[name] = (values[name] or 0) + value end
      end
      return values
    end,
  }
end

local function escaped(label)
  return (label:gsub("[\\\"\n ]", { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", [" "] = "_" }))
end

-- Digits that read back as the same number; no exponent for what is whole.
local function text_of(number)
  return number % 1 == 0 and number < 1e15 and ("%d"):format(number) or ("%.17g"):format(number)
end

local function histogram_lines(out, name, values)
  local count = 0
  for i = 1, #BUCKETS + 1 do
    local bound = BUCKETS[i] and tostring(BUCKETS[i]) or "+Inf"
    local key = ('%s_bucket{le="%s"}'):format(name, bound)
    count = count + (values[key] or 0)
    out[#out + 1] = key .. " " .. text_of(count)
  end
  out[#out + 1] = name .. "_sum " .. text_of(values[name .. "_sum"] or 0)
  out[#out + 1] = name .. "_count " .. text_of(count)
end

local function plain_lines(out, name, values)
  local keys = {}
  for key in pairs(values) do
    if key:match("^[^{]+") == name then keys[#keys + 1] = key end
  end
  if #keys == 0 and name ~= "logto_smtp_failed_total" then keys[1] = name end
  table.sort(keys)
  for _, key in ipairs(keys) do out[#out + 1] = key .. " " .. text_of(values[key] or 0) end
end

---@class logto_smtp.resty.Metrics
---@field finished fun(seconds: number, err?: table)  of one mail
---@field refused fun(err: table)                     of one that was not taken over
---@field observe fun(stats: table)                   what the engine says of itself
---@field text fun(): string

--- Makes a set of counts.
---@param dict? table  an ngx.shared dict; without it they are this worker's own
---@return logto_smtp.resty.Metrics
function M.new(dict)
  local store = dict and shared_store(dict) or own_store()
  local seen = { opened = 0, failed = 0 }

  local function fail(err)
    local code = err.code or "UNKNOWN"
    store.add(('logto_smtp_failed_total{code="%s"}'):format(escaped(code)), 1)
  end

  local function finished(seconds, err)
    if err then fail(err) else store.add("logto_smtp_sent_total", 1) end
    local bound = "+Inf"
    for _, limit in ipairs(BUCKETS) do
      if seconds <= limit then
        bound = tostring(limit)
        break
      end
    end
    store.add(('logto_smtp_send_seconds_bucket{le="%s"}'):format(bound), 1)
    store.add("logto_smtp_send_seconds_sum", seconds)
  end

  local function grow(kind, total)
    if total > seen[kind] then
      store.add(("logto_smtp_connections_%s_total"):format(kind), total - seen[kind])
    end
    seen[kind] = total
  end

  local function observe(stats)
    store.set("logto_smtp_pending", stats.pending)
    store.set("logto_smtp_connections_open", stats.connectionsOpen)
    store.set("logto_smtp_connections_idle", stats.connectionsIdle)
    grow("opened", stats.connectionsOpened)
    grow("failed", stats.connectionsFailed)
  end

  local function text()
    local out, values = {}, store.all()
    for _, family in ipairs(FAMILIES) do
      local name, kind, help = family[1], family[2], family[3]
      out[#out + 1] = ("# HELP %s %s"):format(name, help)
      out[#out + 1] = ("# TYPE %s %s"):format(name, kind)
      local lines = kind == "histogram" and histogram_lines or plain_lines
      lines(out, name, values)
    end
    return table.concat(out, "\n") .. "\n"
  end

  return { finished = finished, refused = fail, observe = observe, text = text }
end

return M
