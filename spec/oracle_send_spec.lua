-- SPDX-License-Identifier: MIT
local cjson = require("cjson")
local golden = require("spec.support.golden")
local logto = require("logto_smtp")
local mailparser = require("spec.support.mailparser")
local testing = require("logto_smtp.testing")

local function or_null(value)
  if value == nil then return cjson.null end
  return value
end

local function mailboxes(message, field)
  local bodies = message.fields[field]
  return bodies and { mailparser.mailbox(bodies[1]) } or cjson.null
end

-- The body, if it is of this type; nil for one without content, which still has a line end.
local function body_of(message, content_type)
  if message.fields["content-type"][1]:find(content_type, 1, true) ~= 1 then return nil end
  return message.body:find("%S") and message.body or nil
end

-- The field bodies beside those that every mail has, in the form the rows have them: one as it is, several
-- as a list. The recording parser files List-* fields elsewhere and shows null here; those arrive as given.
local function custom_of(message, wanted, given)
  local out = {}
  for name, value in pairs(given) do
    local key = name:lower()
    local bodies = message.fields[key] or {}
    if wanted[key] == cjson.null then
      out[key] = bodies[1] == value and cjson.null or bodies[1]
    elseif wanted[key] then
      out[key] = #bodies > 1 and bodies or bodies[1]
    end
  end
  return out
end

-- A table has no key order, so fields from customHeaders may come in any order among themselves.
local function with_sorted_head(names, count)
  local head, out = {}, {}
  for i, name in ipairs(names) do
    if i <= count then head[i] = name else out[i] = name end
  end
  table.sort(head)
  for i, name in ipairs(head) do out[i] = name end
  return out
end

local function custom_count(names)
  for i, name in ipairs(names) do
    if name == "From" then return i - 1 end
  end
  return 0
end

local function what_arrived(mail, wanted, custom_headers)
  local message = mailparser.parse(mail.raw)
  local recipients = {}
  for i, address in ipairs(mail.envelope.to) do recipients[i] = mailparser.decode_address(address) end
  local subject = message.fields.subject and mailparser.decode_words(message.fields.subject[1])
  local text, html = body_of(message, "text/plain"), body_of(message, "text/html")
  return {
    envelope = { from = mailparser.decode_address(mail.envelope.from), to = recipients },
    headerOrder = with_sorted_head(message.names, custom_count(message.names)),
    contentType = message.fields["content-type"][1],
    transferEncoding = or_null((message.fields["content-transfer-encoding"] or {})[1]),
    subject = or_null(subject),
    from = mailboxes(message, "from"),
    to = mailboxes(message, "to"),
    replyTo = mailboxes(message, "reply-to"),
    text = or_null(text or html and ""),
    html = or_null(html),
    custom = custom_of(message, wanted.custom, custom_headers or {}),
  }, message.longest_line
end

describe("sendMessage() on the golden cases", function()
  local inbox

  setup(function()
    inbox = assert(testing.startInbox({ tls = "none" }))
  end)

  teardown(function()
    require("logto_smtp.transport").default.close()
    inbox:stop()
  end)

  local function send(row)
    inbox:clear()
    local connector = logto.createConnector({
      escapeHtml = false,
      getI18nEmailTemplate = function() return row.input.i18nTemplate end,
    })
    local config = inbox:config(row.input.config)
    config.host, config.port = inbox.host, inbox.port
    return connector.sendMessage(row.input.data, config)
  end

  local function check_delivery(row)
    local info, err = send(row)
    assert.is_truthy(info, err and err.message)
    local mail = assert(inbox:waitFor())
    assert.are.equal(1, #inbox:messages())
    local got, longest_line = what_arrived(mail, row.expected, row.input.config.customHeaders)
    local wanted = {}
    for k, v in pairs(row.expected) do wanted[k] = v end
    wanted.longestLine = nil
    wanted.headerOrder = with_sorted_head(wanted.headerOrder, custom_count(wanted.headerOrder))
    assert.is_nil(golden.difference(got, wanted))
    assert.is_true(longest_line <= row.expected.longestLine,
      ("longest line: %d octets, at most %d"):format(longest_line, row.expected.longestLine))
  end

  -- Every failing row has a `to` without a mailbox, and there ours differs: the request is at fault.
  local function check_refusal(row)
    assert.are.equal("No recipients defined", row.expected.error.data.message)
    local before = inbox:counters().connections
    local info, err = send(row)
    assert.is_nil(info)
    assert.are.equal("invalid_request_parameters", err.code)
    assert.are.equal(row.expected.error.data.message, err.data.message:match("^[^:]*"))
    assert.are.equal(before, inbox:counters().connections)
    assert.are.equal(row.expected.delivered, #inbox:messages())
  end

  for _, row in ipairs(golden.rows("send")) do
    it(row.id .. ": " .. row.about, function()
      if row.expected.error then check_refusal(row) else check_delivery(row) end
    end)
  end
end)
