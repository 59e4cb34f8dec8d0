-- SPDX-License-Identifier: MIT
--- error_docs: the tables of errors in docs/, made of the table of errors. `make docs` writes them; a spec
-- says when they are stale.

local errors = require("logto_smtp.errors")
local exit = require("logto_smtp.cli.exit")
local net = require("spec.support.net")

local M = { PAGES = { "docs/errors.md", "docs/bulk.md" } }

local function cells(...)
  local line = "|"
  for _, cell in ipairs({ ... }) do line = line .. (cell == "" and " |" or " " .. cell .. " |") end
  return line
end

local function uncapitalised(text)
  return text:sub(1, 1):lower() .. text:sub(2)
end

local function number(n)
  return ("%d"):format(n)
end

local function quoted(word)
  return "`" .. word .. "`"
end

-- The first cell of a table's head, the whole head, the rows, and its page, but for the first.
local TABLES = {
  { "code", { "code", "it means", "what to do", "exit", "HTTP" }, errors.CODES, function(row)
    return quoted(row.code), uncapitalised(row.means), row.try, number(exit[row.exit]), number(row.http)
  end },
  { "code of a run", { "code of a run", "it means", "exit" }, errors.RUN, function(row)
    return quoted(row.code), uncapitalised(row.means), number(exit[row.exit])
  end, "docs/bulk.md" },
  { "without a `cause`", { "without a `cause`", "it means", "exit", "HTTP" }, errors.CONNECTOR, function(row)
    return quoted(row.code), uncapitalised(row.means), number(exit[row.exit]), number(row.http)
  end },
  { "reason", { "reason", "code", "it means", "for good", "what to do" }, errors.WORDS, function(word)
    local row = errors.REASONS[word]
    return quoted(word), row.code and quoted(row.code) or "any", row.means, row.permanent and "yes" or "",
      row.try or ""
  end },
}

local function lines_of(described)
  local lines = { "| " .. table.concat(described[2], " | ") .. " |", "|" .. ("---|"):rep(#described[2]) }
  for _, row in ipairs(described[3]) do lines[#lines + 1] = cells(described[4](row)) end
  return table.concat(lines, "\n") .. "\n"
end

local function with_table(text, described)
  local from = assert(text:find("\n| " .. described[1] .. " | ", 1, true), described[1]) + 1
  local to = from
  while text:sub(to, to) == "|" do to = text:find("\n", to, true) + 1 end
  return text:sub(1, from - 1) .. lines_of(described) .. text:sub(to)
end

--- A page with its tables as they are to be.
---@param path string  of M.PAGES
---@param text string
---@return string
function M.page(path, text)
  for _, described in ipairs(TABLES) do
    if path == (described[5] or M.PAGES[1]) then text = with_table(text, described) end
  end
  return text
end

--- Writes them.
function M.write()
  for _, path in ipairs(M.PAGES) do net.write_file(path, M.page(path, assert(net.read_file(path)))) end
end

return M
