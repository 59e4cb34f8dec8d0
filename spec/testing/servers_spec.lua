-- SPDX-License-Identifier: MIT
-- The real servers that other specs send to, checked with a client that is not ours.
local aiosmtpd = require "spec.support.aiosmtpd"
local guard = require "spec.support.guard"
local net = require "spec.support.net"
local postfix = require "spec.support.postfix"

local SEND = [[/usr/bin/python3 -c '
import smtplib, ssl, sys
port, implicit, ca, mechanism, user, password = sys.argv[1:]
context = ssl.create_default_context(cadata=ca)
if implicit == "yes":
    s = smtplib.SMTP_SSL("localhost", int(port), context=context)
else:
    s = smtplib.SMTP("localhost", int(port)); s.starttls(context=context)
s.ehlo(); s.user, s.password = user, password
if mechanism: s.auth(mechanism, getattr(s, "auth_" + mechanism.lower()))
body = ("Subject: %s\r\n\r\n.dot\r\nõ\r\n" % mechanism).encode()
print(s.sendmail("a@b.example", ["õ@d.example"], body, ["SMTPUTF8", "BODY=8BITMIME"]))
s.quit()']]

local function send(port, implicit, server, mechanism)
  local list = { port, implicit and "yes" or "no", server.ca, mechanism, server.user, server.pass }
  for i, argument in ipairs(list) do list[i] = net.quote(tostring(argument)) end
  return net.run(SEND .. " " .. table.concat(list, " "))
end

local mark
before_each(function() mark = guard.mark() end)
after_each(function() guard.check(mark) end)

describe("support.postfix #e2e", function()
  it("takes mail over STARTTLS and TLS with PLAIN and LOGIN, delivers it, and leaves nothing", function()
    local server = assert(postfix.start())
    finally(function() server:stop() end)
    for _, mechanism in ipairs { "PLAIN", "LOGIN" } do
      assert.equal("{}", send(server.port, false, server, mechanism))
      assert.equal("{}", send(server.smtps_port, true, server, mechanism))
    end
    local list = assert(server:wait_for(4))
    assert.equal("Subject: PLAIN\r\n\r\n.dot\r\n\195\181\r\n", list[1].raw)
    assert.equal("\195\181@d.example", list[1].deliveredTo)
    assert.equal("a@b.example", list[1].returnPath)
    assert.matches("TLSv1%.3.*postfix%-user.*with UTF8SMTPSA", list[1].received)
    assert.matches("Access denied", send(server.port, false, server, ""))
    local dir = server.dir
    server:stop()
    assert.is_false(net.is_open(server.port))
    assert.is_nil(net.read_file(dir .. "/etc/main.cf"))
  end)
end)

describe("support.aiosmtpd #e2e", function()
  for _, tls in ipairs { "starttls", "implicit" } do
    it("takes mail over " .. tls .. " and gives it back as sent", function()
      local server = assert(aiosmtpd.start { tls = tls })
      finally(function() server:stop() end)
      assert.equal("{}", send(server.port, tls == "implicit", server, "LOGIN"))
      local message = assert(server:wait_for(1))[1]
      assert.equal("Subject: LOGIN\r\n\r\n.dot\r\n\195\181\r\n", message.raw)
      assert.same({ "\195\181@d.example" }, message.envelope.to)
      assert.equal("aio-user", message.user)
      assert.equal("TLSv1.3", message.tls)
      server:stop()
      assert.is_false(net.is_open(server.port))
    end)
  end
end)
