-- SPDX-License-Identifier: MIT
--- Reads what Logto's HTTP email connector posts, `{ to, type, payload, ip }` as JSON, from a client that may
-- mean harm. Each refusal is `nil, { status, message }`, and none repeats what the client said.

local cjson = require("cjson")
local ngx = require("ngx")
local json = require("logto_smtp.util.json")
local one_mailbox = require("logto_smtp.connector.one_mailbox")

local M = {}

-- Levels of objects and arrays. Templates look no deeper than their placeholders have keys.
local DEPTH = 32


local function refuse(status, message)
  return nil, { status = status, message = message }
end

local function too_large(limit)
  return refuse(413, ("The body has more than %d octets."):format(limit))
end

-- nginx keeps a body that outgrows client_body_buffer_size in a file.
local function spooled(limit)
  local path = ngx.req.get_body_file()
  if not path then return "" end
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local octets = file:read(limit + 1)
  file:close()
  return octets or ""
end

--- The body of this request. Yields until it is there.
---@param limit integer  octets
---@return string|nil body
---@return {status: integer, message: string, log?: string}? refusal
function M.body(limit)
  local announced = tonumber(ngx.var.http_content_length)
  if announced and announced > limit then return too_large(limit) end
  ngx.req.read_body()
  local octets = ngx.req.get_body_data()
  if not octets then
    local why
    octets, why = spooled(limit)
    if not octets then
      return nil, { status = 500, message = "The body could not be read.", log = "no body: " .. why }
    end
  end
  if #octets > limit then return too_large(limit) end
  return octets
end

--- Whether the header fields say JSON in UTF-8, not compressed.
---@param content_type? string
---@param encoding? string  Content-Encoding
---@return boolean
function M.isJson(content_type, encoding)
  local media, parameters = (content_type or ""):lower():match("^%s*([^%s;]+)%s*(.*)$")
  if media ~= "application/json" then return false end
  if parameters ~= "" and not parameters:find("^;") then return false end
  local charset = parameters:match(";%s*charset=\"?([^\";%s]*)")
  if charset and charset ~= "utf-8" then return false end
  return encoding == nil or encoding:lower() == "identity"
end

-- What the fields have to be; `ip` is there when Logto knows it.
local FIELDS = { { "to", "string" }, { "type", "string" }, { "payload", "table" }, { "ip", "string" } }
local KINDS = { string = "a string", table = "an object" }

-- What is wrong with a field, or nil. A table with items is an array.
local function wrong_field(data)
  for _, field in ipairs(FIELDS) do
    local name, kind = field[1], field[2]
    local value = data[name]
    local is_absent = name == "ip" and (value == nil or value == cjson.null)
    if not is_absent and (type(value) ~= kind or kind == "table" and #value > 0) then
      return ("`%s` is to be %s."):format(name, KINDS[kind])
    end
  end
  return nil
end

---@class logto_smtp.EndpointData: logto_smtp.Data
---@field key string  the same for each spelling of the recipient's address

--- The data that a body holds.
---@param text string
---@return logto_smtp.EndpointData|nil data
---@return {status: integer, message: string}? refusal
function M.parse(text)
  if not json.isUtf8(text) then return refuse(400, "The body is not UTF-8.") end
  local data, _, kind = json.read(text, DEPTH)
  if kind == "name_twice" then return refuse(400, "The body has an object with the same key twice.") end
  if data == nil then
    return refuse(400, ("The body is not JSON, or nested deeper than %d levels."):format(DEPTH))
  end
  if type(data) ~= "table" or #data > 0 then return refuse(400, "The body is not a JSON object.") end
  local wrong = wrong_field(data)
  if wrong then return refuse(400, wrong) end
  local recipient, reason = one_mailbox.recipient(data.to)
  if not recipient then return refuse(400, reason) end
  return {
    to = recipient.text, type = data.type, payload = data.payload, key = recipient.key,
    ip = type(data.ip) == "string" and data.ip or nil,
  }
end

return M
