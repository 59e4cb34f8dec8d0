-- SPDX-License-Identifier: MIT
-- micro_input: what the micro rows work on, the same for ours and the peers.
local PLACEHOLDERS = 20

local function template(size)
  local between = math.floor(size / PLACEHOLDERS)
  local parts = {}
  for i = 1, PLACEHOLDERS do
    local mark = ("{{%s}}"):format(i % 4 == 0 and "user.name" or "code" .. i)
    parts[i] = ("<p>Dear customer, this is the text between. </p>"):rep(math.ceil(between / 48)):sub(1,
      between - #mark)
      .. mark
  end
  return table.concat(parts)
end

local payload = { user = { name = "Jane Doe", email = "jane@example.com" }, code = "123456" }
for i = 1, PLACEHOLDERS do payload["code" .. i] = i % 2 == 0 and tostring(100000 + i) or 100000 + i end

local function templates(kind)
  local list = {}
  for i, usage in ipairs { "Register", "SignIn", "ForgotPassword", "Generic" } do
    list[i] = {
      usageType = usage, contentType = kind, subject = "Your code for " .. usage,
      content = "<p>Your code is {{code}}. It remains active for 10 minutes.</p>",
    }
  end
  return list
end

local function config(kind, port, host)
  return {
    host = host, port = port, auth = { user = "user", pass = "pass" },
      fromEmail = "Logto <no-reply@example.com>",
    replyTo = "help@example.com", templates = templates(kind), secure = false, connectionTimeout = 10000,
    tls = { rejectUnauthorized = true, servername = "smtp.example.com" },
    customHeaders = { ["X-Mailer"] = "Logto", ["X-Tags"] = { "verification", "code" } },
  }
end

local mail = { from = "Logto <no-reply@example.com>", to = "jane@example.com",
  subject = "Your verification code" }
local function with(fields)
  local copy = {}
  for key, value in pairs(mail) do copy[key] = value end
  for key, value in pairs(fields) do copy[key] = value end
  return copy
end

local text = ("Your verification code is 123456. It will remain active for ten minutes.\r\n"):rep(27)
local html = ("<p>Ihr Bestätigungscode lautet 123456. Er bleibt zehn Minuten lang gültig.</p>\n"):rep(625)
return {
  good = config("text/html", 587, "smtp.example.com"),
  bad = config("text/markdown", true, 5),
  payload = payload,
  render2k = template(2048),
  render50k = template(50 * 1024),
  compose2k = with { text = text },
  compose50k = with { html = html },
  composeAttachment = with { text = text, html = "<p>" .. text .. "</p>", attachments = {
    { filename = "terms.txt", content = ("0123456789abcdef"):rep(6400),
      contentType = "application/octet-stream" },
  } },
}
