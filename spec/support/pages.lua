-- SPDX-License-Identifier: MIT
--- pages: the README and docs/, as one text: where a thing is told there is none of a spec's business.
local net = require "spec.support.net"

local M = {}

--- The paths of all pages.
---@return string[]
function M.paths()
  local list = { "README.md", "CONTRIBUTING.md", "examples/busted/README.md" }
  for path in net.run("ls docs/*.md"):gmatch("[^\n]+") do list[#list + 1] = path end
  return list
end

--- All pages, one behind the other.
---@return string
function M.text()
  local texts = {}
  for i, path in ipairs(M.paths()) do texts[i] = "\n" .. assert(net.read_file(path)) end
  return table.concat(texts)
end

return M
