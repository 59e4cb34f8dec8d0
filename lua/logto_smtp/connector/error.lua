-- SPDX-License-Identifier: MIT
--- ConnectorError: the one error that the connector returns.
-- `message` is what the original throws: "ConnectorError: " and the data as JSON text, or the bare code when
-- there is no data. `data` is the given table, or `{message = s}` for a given string. `cause` is the
-- structured error below it, where there is one: what a caller decides on (try again? tell whom?).

local null = require("cjson").null
local json = require("logto_smtp.util.json")

---@class logto_smtp.ConnectorError
---@field name "ConnectorError"
---@field code string           one of ConnectorErrorCodes
---@field data any              a table, or nil
---@field message string        also the result of tostring()
---@field cause? table|string  the SMTP error: code, response, responseCode, permanent, delivery, ...
---@overload fun(code: string, data?: any, cause?: any): logto_smtp.ConnectorError
local ConnectorError = {}

local instance = {
  __name = "ConnectorError",
  __tostring = function(self) return self.message end,
}

-- What JavaScript takes for false, and so for "no data".
local function is_falsy(v)
  return v == nil or v == null or v == false or v == "" or v == 0 or v ~= v
end

--- Whether a value is a ConnectorError.
---@param value any
---@return boolean
function ConnectorError.is(value)
  return getmetatable(value) == instance
end

local function new(_, code, data, cause)
  if type(code) ~= "string" then
    error(("bad argument #1 to 'ConnectorError' (string expected, got %s)"):format(type(code)), 2)
  end
  return setmetatable({
    name = "ConnectorError",
    code = code,
    data = type(data) == "string" and { message = data } or data,
    message = "ConnectorError: " .. (is_falsy(data) and code or json.encode(data)),
    cause = cause,
  }, instance)
end

return setmetatable(ConnectorError, { __call = new })
