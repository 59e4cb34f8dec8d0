-- SPDX-License-Identifier: MIT
local shell = require("spec.support.shell")

describe("the demo", function()
  local output

  setup(function()
    output = shell.run("examples/demo.lua")
  end)

  local function contains(part)
    assert.is_not_nil(output:find(part, 1, true), ("%q is not in:\n%s"):format(part, output))
  end

  it("sends one mail per required usage type over TLS and one login, and answers 0", function()
    for _, usage_type in ipairs({ "SignIn", "Register", "ForgotPassword", "Generic" }) do
      contains("━━ " .. usage_type .. " ━━")
    end
    local session = "session   TLSv1%.[23] [%w_%-]+, AUTH PLAIN as no%-reply@example%.com\n"
    local _, over_tls = output:gsub(session, "")
    assert.are.equal(4, over_tls)
    local _, same_connection = output:gsub("ms, connection 1\n", "")
    assert.are.equal(4, same_connection)
    contains("✓ 4 mails arrived intact\nexit 0\n")
  end)

  it("shows decoded fields and escaped values", function()
    assert.is_not_nil(output:find("Subject: 비밀번호 재설정 코드 %d%d%d%d%d%d\n"))
    contains(">Sign in to Example &lt;App&gt;</h1>\n")
  end)

  it("ends with its own source, and is plain text when piped", function()
    local file = assert(io.open("examples/demo.lua"))
    local source = file:read("*a")
    file:close()
    for line in source:match("%-%- %[send%]\n(.-)%-%- %[/send%]"):gmatch("[^\n]+") do
      contains("    " .. line .. "\n")
    end
    assert.is_nil(output:find("\27", 1, true))
    assert.is_nil(output:find("demo-password", 1, true))
  end)
end)
