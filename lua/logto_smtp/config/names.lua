-- SPDX-License-Identifier: MIT
--- The names of all options, and which of them somebody meant who wrote another.

local core = require("logto_smtp.core")
local options = require("logto_smtp.config.options")

local M = {}

--- By the object they stand in; "" is the config itself.
---@type table<string, table<string, boolean>>
M.places = {}
for place, names in pairs(options.places) do
  M.places[place] = {}
  for name in pairs(names) do M.places[place][name] = true end
end

-- Where a name that is none of this place belongs; what stands in a template or a key is meant there.
local function place_with(name)
  for _, place in ipairs({ "tls", "auth", "" }) do
    if M.places[place][name] then return place end
  end
end

--- What somebody meant by a name that is no option of this place; nil when it is one, or is like none.
---@param place string  of `places`
---@param name string
---@return string? name
---@return string? place  where that name belongs
function M.meant(place, name)
  if M.places[place][name] then return nil end
  local elsewhere = place_with(name)
  if elsewhere then return name, elsewhere end
  local near = core.nearest(name, M.places[place])
  if near then return near, place end
end

return M
