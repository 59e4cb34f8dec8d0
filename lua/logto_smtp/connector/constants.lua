-- SPDX-License-Identifier: MIT
--- The enumerations of Logto's connector kit, under the kit's own names and with its values.

---@class logto_smtp.enums
local M = {}

--- What can go wrong, as the `code` of a ConnectorError.
---@enum logto_smtp.ConnectorErrorCodes
M.ConnectorErrorCodes = {
  General = "general",
  InvalidMetadata = "invalid_metadata",
  UnexpectedType = "unexpected_type",
  InvalidConfigGuard = "invalid_config_guard",
  InvalidRequestParameters = "invalid_request_parameters",
  InsufficientRequestParameters = "insufficient_request_parameters",
  InvalidConfig = "invalid_config",
  InvalidCertificate = "invalid_certificate",
  InvalidResponse = "invalid_response",
  TemplateNotFound = "template_not_found",
  TemplateNotSupported = "template_not_supported",
  RateLimitExceeded = "rate_limit_exceeded",
  UsageLimitExceeded = "usage_limit_exceeded",
  NotImplemented = "not_implemented",
  SocialAuthCodeInvalid = "social_auth_code_invalid",
  SocialAccessTokenInvalid = "social_invalid_access_token",
  SocialIdTokenInvalid = "social_invalid_id_token",
  AuthorizationFailed = "authorization_failed",
}

---@enum logto_smtp.ConnectorType
M.ConnectorType = {
  Email = "Email",
  Sms = "Sms",
  Social = "Social",
}

--- What a message is for: `data.type` of sendMessage and `usageType` of a template.
---@enum logto_smtp.TemplateType
M.TemplateType = {
  SignIn = "SignIn",
  Register = "Register",
  ForgotPassword = "ForgotPassword",
  OrganizationInvitation = "OrganizationInvitation",
  Generic = "Generic",
  UserPermissionValidation = "UserPermissionValidation",
  BindNewIdentifier = "BindNewIdentifier",
  MfaVerification = "MfaVerification",
  BindMfa = "BindMfa",
}

return M
