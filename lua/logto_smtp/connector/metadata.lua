-- SPDX-License-Identifier: MIT
--- What the connector says of itself to the admin console: names, description and the form of its config.
-- Equal to the metadata of Logto's own SMTP connector, so that either can stand in for the other.
-- A null of the original is cjson.null here.

local null = require("cjson").null

-- One entry of the form's ready-made templates; `purpose` completes its sentence.
local function template(usage_type, subject, purpose)
  return {
    usageType = usage_type,
    contentType = "text/plain",
    subject = subject,
    content = "Your Logto " .. purpose .. " code is {{code}}. The code will remain active for 10 minutes.",
  }
end

return {
  id = "simple-mail-transfer-protocol",
  target = "smtp",
  platform = null,
  name = {
    en = "SMTP",
    ["zh-CN"] = "SMTP",
    ["tr-TR"] = "SMTP",
    ko = "SMTP",
  },
  logo = "./logo.svg",
  logoDark = null,
  description = {
    en = "The SMTP is an internet standard communication protocol for electronic mail transmission.",
    ["zh-CN"] = "SMTP 是简单邮件通讯协议的缩写，可对接所有邮件服务提供商。",
    ["tr-TR"] = "SMTP, elektronik posta iletimi için internet standart iletişim protokolüdür.",
    ko = "SMTP는 이메일 전송을 위한 표준 통신 규약 입니다.",
  },
  readme = "./README.md",
  formItems = {
    {
      key = "host",
      label = "Host",
      type = "Text",
      required = true,
      placeholder = "<host>",
    },
    {
      key = "port",
      label = "Port",
      type = "Number",
      required = true,
      placeholder = "25",
    },
    {
      key = "auth",
      label = "Auth",
      type = "Json",
      required = true,
      defaultValue = {
        type = "login",
        user = "<username>",
        pass = "<password>",
      },
    },
    {
      key = "fromEmail",
      label = "From Email",
      type = "Text",
      required = true,
      placeholder = "<from_email_address@your.domain>",
    },
    {
      key = "replyTo",
      label = "Reply To",
      type = "Text",
      required = false,
      placeholder = "<do-reply@your.domain>",
    },
    {
      key = "templates",
      label = "Templates",
      type = "Json",
      required = true,
      defaultValue = {
        template("SignIn", "Logto Sign In with SMTP", "sign-in verification"),
        template("Register", "Logto register with SMTP", "sign-up verification"),
        template("ForgotPassword", "Logto Forgot Password with SMTP", "password change verification"),
        template("OrganizationInvitation", "Logto OrganizationInvitation with SMTP",
          "organization invitation"),
        template("Generic", "Logto Generic with SMTP", "verification"),
        template("UserPermissionValidation", "Logto UserPermissionValidation with SMTP",
          "permission validation"),
        template("BindNewIdentifier", "Logto BindNewIdentifier with SMTP", "new identifier binding"),
        template("MfaVerification", "Logto MfaVerification with SMTP", "MFA verification"),
        template("BindMfa", "Logto BindMfa with SMTP", "2-step verification setup"),
      },
    },
    {
      key = "logger",
      label = "Logger",
      type = "Switch",
      description = "Enable logger to log SMTP operations.",
      required = false,
      defaultValue = false,
    },
    {
      key = "debug",
      label = "Debug",
      type = "Switch",
      description = "Enable debug mode to log SMTP operations in detail.",
      required = false,
      defaultValue = false,
    },
    {
      key = "disableFileAccess",
      label = "Disable File Access",
      type = "Switch",
      description = "Disable file access for security reasons.",
      required = false,
      defaultValue = false,
    },
    {
      key = "disableUrlAccess",
      label = "Disable URL Access",
      type = "Switch",
      description = "Disable URL access for security reasons.",
      required = false,
      defaultValue = false,
    },
    {
      key = "name",
      label = "Name",
      type = "Text",
      required = false,
      placeholder = "<Logto-SMTP>",
    },
    {
      key = "localAddress",
      label = "Local Address",
      type = "Text",
      required = false,
      placeholder = "<local_address>",
    },
    {
      key = "connectionTimeout",
      label = "Connection Timeout",
      type = "Number",
      required = false,
      placeholder = "2 * 60 * 1000 (default is 2 minutes)",
    },
    {
      key = "greetingTimeout",
      label = "Greeting Timeout",
      type = "Number",
      required = false,
      placeholder = "30 * 1000 (default is 30 seconds)",
    },
    {
      key = "socketTimeout",
      label = "Socket Timeout",
      type = "Number",
      required = false,
      placeholder = "10 * 60 * 1000 (default is 10 minutes)",
    },
    {
      key = "dnsTimeout",
      label = "DNS Timeout",
      type = "Number",
      required = false,
      placeholder = "30 * 1000 (default is 30 seconds)",
    },
    {
      key = "secure",
      label = "Secure",
      type = "Switch",
      defaultValue = false,
    },
    {
      key = "tls",
      label = "TLS",
      type = "Json",
      required = false,
      defaultValue = {},
    },
    {
      key = "servername",
      label = "Servername",
      type = "Text",
      required = false,
      placeholder = "<servername>",
    },
    {
      key = "ignoreTLS",
      label = "Ignore TLS",
      type = "Switch",
      required = false,
    },
    {
      key = "requireTLS",
      label = "Require TLS",
      type = "Switch",
      required = false,
    },
    {
      key = "customHeaders",
      label = "Custom Headers",
      type = "Json",
      required = false,
      defaultValue = {},
      description = "Custom headers to be added to original email headers when sending messages. "
        .. "Both keys and values should be string-typed.",
    },
  },
}
