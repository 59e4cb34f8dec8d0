-- SPDX-License-Identifier: MIT
-- A mail server behind a real nginx that repeats what it was sent, and that says what acts on a terminal.
local clock = require("spec.support.clock")
local resty = require("spec.support.resty")
local secret = require("spec.support.secrets")

local LOCATIONS = [[
  location /enqueue { content_by_lua_block { ngx.print(said(connector.enqueue(data(ngx.var.arg_code)))) } }
  location /endpoint { content_by_lua_block { endpoint() } }
  location /health { content_by_lua_block { health() } }
]]

local INIT = [[
  endpoint = smtp.httpEmailEndpoint(connector, { authorization = false })
  health = smtp.health(connector)
]]

describe("nginx, and a server that repeats secrets", function()
  after_each(resty.stop)

  for _, row in ipairs({ { "AUTH", 535 }, { "RCPT", 550 }, { "CONTENT", 554 }, { "CONTENT", 250 } }) do
    it(("at %s with %d: neither log nor answer has them, or a control"):format(row[1], row[2]), function()
      local auth = { user = secret.USER, pass = secret.random(14) }
      local code = ("%06d"):format(math.random(0, 999999))
      local secrets = { auth.pass, code }
      local text = secret.repeated(secrets)
      table.insert(text, 1, "\27[2J \194\155 \226\128\174 \255 end") -- nginx cuts long lines
      local server = resty.start({ server = LOCATIONS, init = INIT }, { auth = auth, authInClear = true,
        script = { { at = row[1], code = row[2], text = text, times = "always" } } },
        { auth = { pass = auth.pass }, logger = true, debug = true, maxRequeues = 0 })
      local posted = ([[{"to":"reader@example.com","type":"SignIn","payload":{"code":"%s"}}]]):format(code)
      local answers = {
        server:get("/send?code=" .. code).body, server:get("/enqueue?code=" .. code).body,
        server:get("/endpoint", { method = "POST", body = posted,
          headers = { ["Content-Type"] = "application/json" } }).body,
        server:get("/health").body,
      }
      assert.truthy(clock.eventually(function() return select(2, server:log():gsub("xFF end", "")) >= 3 end))
      local told = table.concat(answers, "\n") .. "\n" .. server:log()
      -- nginx itself logs the line of a request with its errors
      told = told:gsub('request: "[^"]*"', "")
      secret.assert_none(told, secrets, row[1])
      assert.is_nil(told:find("[\1-\8\11-\31\127\194\226\255]"))
      assert.truthy(told:find("***", 1, true))
      assert.truthy(told:find("\\x1B[2J \\u009B \\u202E \\xFF end", 1, true))
    end)
  end
end)
