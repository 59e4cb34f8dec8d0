-- SPDX-License-Identifier: MIT
--- Bodies that test how a server and its client carry octets, and a mail that composes to the same octets
--- each time.

local M = {}

M.list = {
  { title = "ASCII text", text = "Your code is 123456.\r\nIt is valid for 10 minutes.\r\n" },
  { title = "text without a final line end", text = "code 123456" },
  { title = "lines of dots", text = ".\r\n..\r\n...\r\n.\r\n" },
  { title = "Korean text", text = "인증 코드는 123456 입니다.\n" },
  { title = "bare CR and bare LF", text = "a\rb\nc\r\nd\n.\re" },
  { title = "a line of 2,000 octets", text = ("x"):rep(2000) },
  { title = "200 KiB", text = ("0123456789abcdefghijklmnopqrstuvwxyz 한국어\n"):rep(4300) },
  { title = "control characters", text = "bell \7 and escape \27[0m\n" },
}

---@param fields? table
---@return table
function M.mail(fields)
  local mail = {
    from = "Shop <no-reply@shop.example>",
    to = "box@test.example",
    subject = "Your code",
    text = "Your code is 123456.",
    messageId = "<fixed@shop.example>",
    date = "Mon, 23 Nov 2026 12:00:00 +0000",
  }
  for name, value in pairs(fields or {}) do
    mail[name] = value
  end
  return mail
end

return M
