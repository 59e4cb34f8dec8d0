-- SPDX-License-Identifier: MIT
-- What a user installs: the tree of `make install` and of `luarocks make`, the environment of `make env`, and
-- the version that all of them name.

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- Runs a shell command; answers its output and whether it succeeded.
local function run(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1; echo \"status $?\""))
  local out = pipe:read("*a")
  pipe:close()
  local text, status = out:match("^(.*)status (%d+)\n$")
  return text, status == "0"
end

local function list(command)
  local names = {}
  for name in run(command):gmatch("[^\n]+") do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function load_rockspec()
  local spec = {}
  local text = read("logto-smtp-0.1.0-1.rockspec")
  local chunk
  if setfenv then -- luacheck: ignore 143 113
    chunk = assert(loadstring(text)) -- luacheck: ignore 143 113
    setfenv(chunk, spec) -- luacheck: ignore 143 113
  else
    chunk = assert(load(text, "rockspec", "t", spec))
  end
  chunk()
  return spec
end

local interpreter = jit and "luajit" or "lua" .. _VERSION:match("%d%.%d")
local make = "make --no-print-directory -s LUA=" .. (jit and "luajit" or _VERSION:match("%d%.%d"))
local hello = [[ -e 'local smtp = require "logto_smtp"; print(smtp.createConnector{getConfig = print}.type)']]

describe("the rockspec", function()
  local rockspec = load_rockspec()

  it("lists every C source", function()
    local sources = rockspec.build.modules["logto_smtp.core"].sources
    local want = list("find src -name '*.c'")
    table.sort(sources)
    assert.same(want, sources)
  end)

  it("lists every Lua module by the name that require takes", function()
    local got = {}
    for name, path in pairs(rockspec.build.modules) do
      if type(path) == "string" then
        got[#got + 1] = path
        local plain = "lua/" .. name:gsub("%.", "/")
        assert.is_true(path == plain .. ".lua" or path == plain .. "/init.lua", name)
      end
    end
    table.sort(got)
    assert.same(list("find lua -name '*.lua'"), got)
  end)

  it("names the version of the C module", function()
    assert.equal(require("logto_smtp.core").version().module .. "-1", rockspec.version)
  end)
end)

describe("the installed tree", function()
  local root

  before_each(function()
    root = run("mktemp -d"):gsub("%s+$", "")
  end)

  after_each(function()
    run("rm -rf '" .. root .. "'")
  end)

  it("works from DESTDIR and PREFIX", function()
    local out, ok = run(make .. " install DESTDIR='" .. root .. "' PREFIX=/opt/smtp")
    assert.is_true(ok, out)
    local abi = jit and "5.1" or _VERSION:match("%d%.%d")
    local share = root .. "/opt/smtp/share/lua/" .. abi
    local paths = ("cd / && LUA_PATH='%s/?.lua;%s/?/init.lua;;' LUA_CPATH='%s/opt/smtp/lib/lua/%s/?.so;;' ")
      :format(share, share, root, abi)
    assert.equal("Email\n", (run(paths .. interpreter .. hello)))
    assert.matches("validate", (run(paths .. root .. "/opt/smtp/bin/logto-smtp --help")))
    local files = root .. "/opt/smtp/share/"
    assert.matches("logto\\-smtp 0.1.0", read(files .. "man/man1/logto-smtp.1"), 1, true)
    assert.matches("complete -F", read(files .. "bash-completion/completions/logto-smtp"), 1, true)
    assert.matches("#compdef logto-smtp", read(files .. "zsh/site-functions/_logto-smtp"), 1, true)
  end)

  it("works from luarocks, without network", function()
    local version = jit and "5.1" or _VERSION:match("%d%.%d")
    local rocks = "luarocks --lua-version " .. version .. " --tree '" .. root .. "/tree'"
    run("cp -r . '" .. root .. "/clone' && rm -rf '" .. root .. "/clone/build'")
    local command = rocks .. " make --deps-mode=none logto-smtp-0.1.0-1.rockspec"
    local out, ok = run("cd '" .. root .. "/clone' && " .. command)
    assert.is_true(ok, out)
    local inside = "cd / && eval \"$(" .. rocks .. " path)\" && "
    assert.equal("Email\n", (run(inside .. interpreter .. hello)))
    assert.matches('"smtp.gmail.com"', (run(inside .. "logto-smtp init --provider gmail")), 1, true)
    local example = ("cd '%s/clone/examples/busted' && %s ../../spec/busted.lua -o plainTerminal"):format(
      root, interpreter)
    assert.matches("10 successes / 0 failures / 0 errors", (run(inside .. example)), 1, true)
  end)

  it("works in place after make env", function()
    assert.equal("Email\n", (run('eval "$(' .. make .. ' env)" && cd / && ' .. interpreter .. hello)))
  end)
end)
