-- SPDX-License-Identifier: MIT
--- templates: the words of the mails.
local function plain(usage_type, subject, content)
  return { usageType = usage_type, contentType = "text/plain", subject = subject, content = content }
end

return {
  plain("SignIn", "Your sign-in code", "Your code is {{code}}. It is good for ten minutes.\n"),
  plain("Register", "Welcome", "Your code to register is {{code}}.\n"),
  plain("ForgotPassword", "Your new password", "Your code to choose a new password is {{code}}.\n"),
  plain("Generic", "Your code", "Your code is {{code}}.\n"),
}
