-- SPDX-License-Identifier: MIT
local address = require("logto_smtp.util.address")
local bulk = require("logto_smtp.bulk")
local core = require("logto_smtp.core")
local box = require("logto_smtp.inbox.box")
local testing = require("logto_smtp.testing")

-- Each line: spellings of one address, and of no address of another line.
local ADDRESSES = {
  { "a@b.example", "Name <a@b.example>", "<a@b.example>", " a@b.example ", "A@B.Example", "a@b.example.",
    '"a"@b.example', '"\\a"@b.example', "a@ｂ.example", "a@b。example", "a@b．exam\194\173ple｡",
    "a@b.exa\226\128\139mple", '"Name, Other" <A@b.EXAMPLE>', "\227\128\128a@b.example\194\160" },
  { "a.b@b.example", '"a.b"@b.example', 'a."b"@b.example' },
  { "a@bücher.example", "a@xn--bcher-kva.example", "A@XN--BCHER-KVA.example", "a@BÜCHER.example",
    "a@bu\204\136cher.example", "a@bücher。example." },
  { "õ@bücher.example", "õ@xn--bcher-kva.example", "Õ <õ@BÜCHER.EXAMPLE>" },
  { '"a b"@b.example', '"A B"@B.example', '"a\\ b"@b.example' },
  { "a@[192.0.2.1]", "<A@[192.0.2.1]>" },
  { "a@[IPv6:2001:db8::1]", "a@[ipv6:2001:DB8:0:0:0::1]", "A@[IPv6:2001:0db8::0001]" },
  { "a@strasse.example", "a@STRASSE.example" },
  { "a@straße.example", "a@xn--strae-oqa.example" },
}

-- Calls f(spelling, the spelling it is compared with, whether they are one).
local function each_pair(f)
  for i, spellings in ipairs(ADDRESSES) do
    for _, spelling in ipairs(spellings) do
      for j, others in ipairs(ADDRESSES) do f(spelling, others[1], i == j) end
    end
  end
end

local function envelope_to(text)
  local _, envelope = core.compose({ from = "x@y.example", to = text, text = "x" })
  return envelope.to[1]
end

describe("the spellings of an address", function()
  it("have one key, which no other address has", function()
    each_pair(function(spelling, other, same)
      assert.equal(same, address.same(spelling, other), spelling .. " and " .. other)
    end)
  end)

  it("are one address in the envelope, but for the case of letters", function()
    each_pair(function(spelling, other, same)
      local a, b = envelope_to(spelling), envelope_to(other)
      local is_literal = a:find("[", 1, true)
      assert.equal(same, is_literal and address.same(a, b) or a:lower() == b:lower(), a .. " and " .. b)
      assert.is_true(address.same(spelling, a), spelling .. " and " .. a)
    end)
  end)

  it("are kept apart by what follows the last '@' alone where domains are asked for", function()
    for _, spelling in ipairs(ADDRESSES[3]) do
      assert.equal("xn--bcher-kva.example", address.domainOf(spelling))
    end
    for _, domain in ipairs({ "bücher.example", "BÜCHER.example.", "xn--bcher-kva.example" }) do
      assert.equal("xn--bcher-kva.example", address.domainKey(domain))
    end
    assert.is_nil(address.domainOf("a@b.example, c@d.example"))
    assert.is_nil(address.domainOf("a@b.example (c@d.example)"))
  end)

  it("may be no address at all, and still be compared", function()
    for _, text in ipairs({ "", "foo", "a@b@c", "a@b, c@d", "G: a@b;", "\255@\0", "a@\226\128\174ü" }) do
      assert.is_true(address.same(text, " " .. text:upper()), text)
      assert.is_false(address.same(text, text .. "x"), text)
    end
  end)
end)

-- White space of other scripts than ours (String.prototype.trim), and where it may stand.
local SPACES = { 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff }
for c = 0x2000, 0x200a do SPACES[#SPACES + 1] = c end
local OUTER = { "~a@b.example", "a@b.example~", "~~a@b.example~", "N~ <a@b.example>~", "~<a@b.example>" }
local INNER = { "a~@b.example", "a@~b.example", "x~a@b.example", "a@b~.example", "a@b.~example",
  "a ~@b.example", "a@b.exam~ple", "<a~@b.example>", "<a@b.example~>", "N <~a@b.example>", "~a~@b.example" }

local function utf8_of(c)
  if c < 0x800 then return string.char(0xc0 + math.floor(c / 64), 0x80 + c % 64) end
  return string.char(0xe0 + math.floor(c / 4096), 0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
end

describe("white space of any script", function()
  local client = core.client({ host = "127.0.0.1", port = 1, ignoreTLS = true })

  it("around an address is no part of it, and within one is refused, wherever one is read", function()
    local plain = core.addressKey("a@b.example")
    for _, c in ipairs(SPACES) do
      for _, text in ipairs(OUTER) do
        text = text:gsub("~", utf8_of(c))
        assert.equal("a@b.example", envelope_to(text), text)
        assert.equal("a@b.example", core.recipient(text).address, text)
        assert.equal("a@b.example", core.addresses(text)[1].address, text)
        assert.equal(plain, core.addressKey(text), text)
      end
      for _, text in ipairs(INNER) do
        text = text:gsub("~", utf8_of(c))
        local mail = { from = "x@y.example", to = text, text = "x" }
        local results = { { core.compose(mail) }, { core.addresses(text) }, { client:send(mail) },
          { core.compose({ from = text, to = "x@y.example", text = "x" }) },
          { core.compose({ from = "x@y.example", to = { address = text, name = "N" }, text = "x" }) } }
        for i, result in ipairs(results) do
          assert.is_nil(result[1], text)
          assert.equal("EENVELOPE", result[2].code, i .. ": " .. text)
        end
        assert.same({ nil, "unclear" }, { core.recipient(text) }, text)
        assert.not_equal(plain, core.addressKey(text), text)
      end
    end
    client:close()
  end)
end)

describe("who compares addresses", function()
  local matching = require("logto_smtp.testing.filter").matching

  it("finds a mail by each spelling of its recipient and sender", function()
    local messages, caught = {}, box.new(1000)
    for i, spellings in ipairs(ADDRESSES) do
      local sender = envelope_to(spellings[1])
      local message = { number = i, raw = "Subject: x\r\n\r\nx\r\n", time = 0, tls = false, auth = false,
        envelope = { from = sender, to = { "other@b.example", sender } } }
      messages[i] = message
      caught:add({}, message)
    end
    for i, spellings in ipairs(ADDRESSES) do
      for _, spelling in ipairs(spellings) do
        for _, field in ipairs({ "to", "from" }) do
          local found = matching(messages, { [field] = spelling })
          assert.same({ 1, i }, { #found, found[1].number }, field .. " " .. spelling)
        end
        local found = caught:find({ to = spelling, since = 0, limit = 100 })
        assert.same({ 1, i }, { #found, found[1].number }, spelling)
        assert.is_true(#caught:find({ from = spelling, since = 0, limit = 100 }) > 0, spelling)
      end
    end
  end)

  it("fails the mails to a recipient, however the rule spells it", function()
    for _, spellings in ipairs(ADDRESSES) do
      for _, spelling in ipairs(spellings) do
        local capture = testing.captureTransport()
        capture:failNext({ code = "EENVELOPE", to = spelling })
        assert.is_truthy(capture.send({}, { from = "x@y.example", to = "other@b.example", text = "x" }))
        assert.is_nil((capture.send({}, { from = "x@y.example", to = spellings[1], text = "x" })))
      end
    end
  end)

  it("sends to each recipient once, and to those of some domains only", function()
    local inbox = assert(testing.startInbox({ tls = "none" }))
    local list, addresses = {}, 0
    for _, spellings in ipairs(ADDRESSES) do
      for _, spelling in ipairs(spellings) do list[#list + 1] = { to = spelling } end
      addresses = addresses + 1
    end
    local run = { config = inbox:config(), recipients = list, payload = { code = "1" }, unique = true }
    local report = assert(bulk.run(run))
    assert.equal(addresses, report.sent + report.refused)
    assert.equal(#list - addresses, report.duplicates)
    inbox:clear()
    run.unique, run.onlyTo = nil, { "Bücher.example." }
    report = assert(bulk.run(run))
    assert.equal(#ADDRESSES[3] + #ADDRESSES[4], report.sent)
    assert.equal(#list - report.sent, report.skipped)
    inbox:stop()
  end)
end)
