-- SPDX-License-Identifier: MIT
-- BDAT carries its content before anybody has said yes to it. What a server that refuses it may take for
-- commands, whatever it does with BDAT otherwise.
local chunk_refuser = require("spec.support.chunk_refuser")
local configs = require("spec.support.configs")
local mailing = require("spec.support.mailing")

-- What an attacker got into a mail, and how a server could be brought to read it.
local TEXTS = {
  "MAIL FROM:<evil@x.example>\r\nRCPT TO:<victim@y.example>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n.\r\n",
  "a\n mail from:<evil@x.example>\n\trcpt to:<victim@y.example>\n .DATA\nevil\n.\n",
  "RCPT TO:<victim@y.example>\nDATA\nevil\n.\n",
  "RSET\nNOOP\n> MAIL FROM:<evil@x.example>\n",
  "BDAT 4 LAST\nevil\n",
  ("x"):rep(600) .. "\nMAILFROM:<evil@x.example>\n",
}

local SERVERS = {}
for n = 1, 4 do
  SERVERS[#SERVERS + 1] = { ("its BDAT number %d with 552"):format(n),
    function(b) return b.number == n and 552 end }
  SERVERS[#SERVERS + 1] = { ("each from number %d on with 451"):format(n),
    function(b) return b.number >= n and 451 end }
end
for _, code in ipairs({ 421, 500, 502, 503, 554 }) do
  SERVERS[#SERVERS + 1] = { ("its third BDAT with %d"):format(code),
    function(b) return b.number == 3 and code end }
end
SERVERS[#SERVERS + 1] = { "what is large with 552", function(b) return b.size > 1 and 552 end }
SERVERS[#SERVERS + 1] = { "what has no recipient with 503", function(b) return not b.stands and 503 end,
  function(line) return line:find("r2@", 1, true) or line:find("r5@", 1, true) end }
SERVERS[#SERVERS + 1] = { "every BDAT with 502", function() return 502 end }

local function client_of(server)
  return mailing.client(configs.config({ host = "127.0.0.1", port = server.port, auth = { type = "login" } }))
end

local function sends(server, client)
  local fates, left = {}, 0
  for i = 1, 12 do
    local text = i % 2 == 0 and TEXTS[i / 2] or "Your code is 123456.\n"
    local id = assert(client:submit(mailing.mail({
      to = ("r%d@y.example"):format(i), text = text, subject = ("<mail %d>"):format(i),
    })))
    fates[id], left = i, left + 1
  end
  local done = {}
  while left > 0 do
    server:step()
    for _, item in ipairs(client:poll(0.001)) do
      done[fates[item.id]], left = item, left - 1
    end
  end
  return done
end

local function assert_truth(server, done)
  for _, line in ipairs(server.senders) do assert.equal("MAIL FROM:<sender@example.com>", line) end
  for _, line in ipairs(server.recipients) do assert.truthy(line:find("^RCPT TO:<r%d+@y%.exa"), line) end
  for i, item in ipairs(done) do
    local count = 0
    for _, body in ipairs(server.mails) do
      if body:find(("Subject: <mail %d>"):format(i), 1, true) then count = count + 1 end
    end
    if item.info then
      assert.equal(1, count)
    elseif item.err.delivery == "not_sent" then
      assert.equal(0, count, item.err.message)
    else
      assert.is_true(count <= 1)
    end
  end
end

describe("a server that refuses BDAT and takes its octets for commands", function()
  after_each(mailing.stop)

  for _, row in ipairs(SERVERS) do
    it("never finds one in a content: " .. row[1], function()
      local server = chunk_refuser.start(row[2], row[3])
      local client = client_of(server)
      local done = sends(server, client)
      client:close()
      server:stop()
      assert.is_true(server.refused > 0)
      assert_truth(server, done)
    end)
  end

  it("is known by its host, and gets DATA from then on", function()
    local server = chunk_refuser.start(function(b) return b.size > 1 and 552 end)
    local done = sends(server, client_of(server))
    local refused = server.refused
    assert.is_nil(done[1].info)
    done = sends(server, client_of(server))
    server:stop()
    assert.equal(refused, server.refused)
    for _, item in ipairs(done) do assert(item.info, item.err and item.err.message) end
  end)
end)

describe("a content with a line that could be a command", function()
  after_each(mailing.stop)

  it("goes by DATA, and no other does", function()
    local inbox, client = mailing.start({ chunking = true })
    for _, text in ipairs({ "Your code is 1.", "Mail from us", "Your code is 2.", "Send no mail." }) do
      assert(client:send(mailing.mail({ text = text })))
    end
    local verbs = {}
    for _, command in ipairs(inbox:connections()[1].commands) do
      if command.verb == "DATA" or command.verb == "BDAT" then verbs[#verbs + 1] = command.line end
    end
    assert.same({ "BDAT", "BDAT", "DATA", "BDAT", "DATA" }, { -- the first BDAT asks
      verbs[1]:sub(1, 4), verbs[2]:sub(1, 4), verbs[3]:sub(1, 4), verbs[4]:sub(1, 4), verbs[5]:sub(1, 4),
    })
  end)
end)
