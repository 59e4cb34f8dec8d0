-- SPDX-License-Identifier: MIT
local mailing = require("spec.support.mailing")

-- Only LuaJIT can fork without a library.
local has_ffi, ffi = pcall(require, "ffi")

-- What the function answers in a forked child, which ends without closing anything of its parent's.
local function in_child(work)
  ffi.cdef("int fork(void); void _exit(int); int waitpid(int, int *, int);")
  local name = os.tmpname()
  local pid = ffi.C.fork()
  if pid == 0 then
    local ok, text = pcall(work)
    local file = io.open(name, "w")
    file:write(tostring(ok), " ", tostring(text))
    file:close()
    ffi.C._exit(0)
  end
  ffi.C.waitpid(pid, nil, 0)
  local file = io.open(name)
  local text = file:read("*a")
  file:close()
  os.remove(name)
  return text
end

describe("a client in a forked child", function()
  after_each(mailing.stop)

  it("refuses to work with a sentence, and leaves the parent's connection alone", function()
    if not has_ffi then return pending("needs LuaJIT's ffi to fork") end
    for _, tls in ipairs({ "none", "starttls" }) do
      local inbox, client = mailing.start({ tls = tls })
      assert.is_table(client:send(mailing.mail()))
      local said = in_child(function()
        local _, err = client:send(mailing.mail())
        local _, submit_error = client:submit(mailing.mail())
        local _, verify_error = client:verify()
        client:poll(0)
        client:close()
        return ("%s %s %s"):format(err.message, submit_error.message, verify_error.message)
      end)
      local count = select(2, said:gsub("made in another process; make a new one after fork", ""))
      assert.equal(3, count, said)
      assert.truthy(said:find("^true "))
      assert.is_table(client:send(mailing.mail()))
      assert.equal(2, inbox:counters().messages)
      assert.equal(1, inbox:counters().connections)
      mailing.stop()
    end
  end)

  it("can make a client of its own", function()
    if not has_ffi then return pending("needs LuaJIT's ffi to fork") end
    local inbox, client = mailing.start()
    assert.is_table(client:send(mailing.mail()))
    local config = inbox:config()
    local said = in_child(function()
      local own = mailing.client(config)
      local info, err = own:send(mailing.mail())
      own:close()
      return info and info.response or err.message
    end)
    assert.truthy(said:find("^true 250 "), said)
    assert.is_table(client:send(mailing.mail()))
    assert.equal(3, inbox:counters().messages)
    assert.equal(2, inbox:counters().connections)
  end)
end)
