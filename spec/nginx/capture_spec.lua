-- SPDX-License-Identifier: MIT
-- The transport without a socket inside a real nginx, which has no LuaSocket.
local nginx = require "spec.support.nginx"

local server

before_each(function()
  server = assert(nginx.start {
    http = [[
      init_by_lua_block {
        for _, name in ipairs { "socket", "socket.core", "mime", "mime.core", "ssl" } do
          package.preload[name] = function() error(name .. " was required") end
        end
        testing = require "logto_smtp.testing"
        local templates = {}
        for i, name in ipairs { "SignIn", "Register", "ForgotPassword", "Generic" } do
          templates[i] = { usageType = name, contentType = "text/html", subject = name,
            content = "<p>\195\164 {{code}}</p>" }
        end
        config = { host = "smtp.example", port = 587, auth = { user = "u", pass = "p" },
          fromEmail = "a@b.example", templates = templates }
        function connector_for(capture)
          return require("logto_smtp").createConnector {
            transport = capture, getConfig = function() return config end,
          }
        end
        data = { to = "user@example.com", type = "SignIn", payload = { code = "123456" } }
      }]],
    server = [[
      location /send {
        content_by_lua_block {
          local capture = testing.captureTransport()
          assert(connector_for(capture).sendMessage(data))
          assert(capture.send(config, { from = "a@b.example", to = "c@d.example",
            attachments = { { filename = "a", content = "\0\1\2" } } }))
          local mail = assert(capture:waitFor { type = "SignIn", to = "user@example.com" })
          ngx.say(mail.code, " ", mail.html)
          ngx.say(#capture:messages(), " ", capture:messages()[2].attachments[1].content == "\0\1\2")
        }
      }
      location /later {
        content_by_lua_block {
          local capture = testing.captureTransport()
          local thread = ngx.thread.spawn(function()
            ngx.sleep(0.05)
            connector_for(capture).sendMessage(data)
          end)
          ngx.say(select(2, capture:waitFor { code = "123456" }))
          ngx.say(capture:waitFor({ code = "123456", timeout = 60 }).subject)
          ngx.thread.wait(thread)
          capture:failNext { code = "EENVELOPE", responseCode = 450 }
          local _, err = connector_for(capture).sendMessage(data)
          ngx.say(err.cause.code, " ", err.cause.permanent)
        }
      }]],
  })
end)

after_each(function() server:stop() end)

describe("captureTransport() inside nginx", function()
  it("keeps mails, and finds their codes, texts and attachments", function()
    assert.equal("123456 <p>\195\164 123456</p>\r\n\n2 true\n", server:get("/send").body)
  end)

  it("waits for what another coroutine sends, and fails on demand", function()
    assert.equal('expected 1 mail with code "123456", but none arrived; '
      .. "nothing was sent through this transport\nSignIn\nEENVELOPE false\n", server:get("/later").body)
  end)
end)
