-- SPDX-License-Identifier: MIT
--- Logto's SMTP email connector: checks a config, picks and fills a template, sends the mail.
--
--     local connector = require("logto_smtp").createConnector{ getConfig = function() return config end }
--     local info, err = connector.sendMessage{ to = "user@example.com", type = "SignIn",
--                                              payload = { code = "123456" } }
--
-- Whatever the world can do wrong comes back as `nil, err`, err being a ConnectorError; an argument of the
-- wrong type raises.

local arguments = require("logto_smtp.util.arguments")
local attempt = require("logto_smtp.util.attempt")
local null = require("cjson").null
local core = require("logto_smtp.core")
local ConnectorError = require("logto_smtp.connector.error")
local constants = require("logto_smtp.connector.constants")
local helpers = require("logto_smtp.connector.helpers")
local mailer = require("logto_smtp.connector.template_mail")
local one_mailbox = require("logto_smtp.connector.one_mailbox")
local metadata = require("logto_smtp.connector.metadata")
local raised = require("logto_smtp.util.raised")

local codes = constants.ConnectorErrorCodes

local function check_type(value, expected, what, level)
  if type(value) ~= expected then
    error(("%s (%s expected, got %s)"):format(what, expected, type(value)), level + 1)
  end
end

local TEMPLATE_FIELDS = { "subject", "content", "sendFrom", "replyTo" }
local OPTIONAL = { sendFrom = true, replyTo = true }

-- Templates by language come unchecked from the host, and a config's `sendFrom` and `replyTo` too.
local function check_template(template)
  check_type(template, "table", "bad template", 4)
  for i = 1, #TEMPLATE_FIELDS do
    local field = TEMPLATE_FIELDS[i]
    local value = template[field]
    if type(value) ~= "string" and not (OPTIONAL[field] and not mailer.isSaid(value)) then
      check_type(value, "string", "bad template: field `" .. field .. "`", 4)
    end
  end
end

-- The template by language, or nil: whatever goes wrong there, the config's own templates take over.
local function i18n_template(get, type_, locale)
  if not get then return nil end
  local ok, template = pcall(get, type_, locale ~= null and locale or nil)
  return ok and template ~= null and template or nil
end

local function template_for(get, data, config)
  local template = i18n_template(get, data.type, data.payload.locale)
    or helpers.getConfigTemplateByType(data.type, config)
  if template then return template end
  return nil, ConnectorError(codes.TemplateNotFound, "Template not found for type: " .. data.type)
end

-- The words of a failure. Core's own have no secrets in them; another transport may say what it likes.
local function words_of(err, config, secrets)
  local message = type(err) == "table" and err.message or err
  if type(message) ~= "string" then return "" end
  local meta = type(err) == "table" and getmetatable(err)
  if type(meta) == "table" and meta.__name == "logto_smtp.connector.error" then return message end
  return core.visible(core.mask(message, secrets or {}, config))
end

-- A failure of the transport, as the cause of a ConnectorError.
local function failure(err, config, secrets)
  if type(err) == "table" and err.issues then
    return ConnectorError(codes.InvalidConfig, helpers.zodError(err.issues))
  end
  local words = words_of(err, config, secrets)
  return ConnectorError(codes.General, words, type(err) == "string" and words or err)
end

-- Calls the transport, and turns each of its failures into a ConnectorError.
local function ask(operation, secrets, config, ...)
  local ok, answer, err = pcall(operation, config, ...)
  if ok and answer then return answer end
  if not ok then err = type(answer) == "string" and raised.reason(answer) or answer end
  return nil, failure(err, config, secrets)
end

local function check_data(data, name)
  if type(data) == "table" and type(data.type) == "string" and type(data.payload) == "table" then return end
  local what = ("bad argument #1 to '%s'"):format(name)
  check_type(data, "table", what, 3)
  check_type(data.type, "string", what .. ": field `type`", 3)
  check_type(data.payload, "table", what .. ": field `payload`", 3)
end

---@class logto_smtp.Data
---@field to string      exactly one mailbox
---@field type string    a TemplateType
---@field payload table  what the templates' placeholders name; `locale` picks the language
---@field ip? string     of the end user; taken for compatibility, not used

---@class logto_smtp.Connector
---@field metadata table
---@field type "Email"
---@field configGuard {safeParse: function, parse: function}
---@field sendMessage fun(data: logto_smtp.Data, inputConfig?: logto_smtp.Config): table|nil,
---  logto_smtp.ConnectorError?
---@field verify fun(inputConfig?: logto_smtp.Config): table|nil, logto_smtp.ConnectorError?
---@field enqueue? fun(data: logto_smtp.Data, inputConfig?: logto_smtp.Config,
---  callback?: fun(info?: table, err?: logto_smtp.ConnectorError)): true|nil,
---  logto_smtp.ConnectorError?  where the transport has it

local OPTIONS = {
  getConfig = "function", getI18nEmailTemplate = true, transport = "table", escapeHtml = "boolean",
  logger = "function",
}

---@class logto_smtp.ConnectorOptions
---@field getConfig? fun(id: string): logto_smtp.Config|nil, any  its errors pass through as they are
---@field getI18nEmailTemplate? fun(type: string, locale?: string): table|nil  its errors are swallowed
---@field transport? {send: fun(config: table, mail: table): table|nil, any, enqueue?: function}
---@field logger? fun(record: logto_smtp.LogRecord)  told of each event on the connections; see docs/errors.md
---@field escapeHtml? boolean  false: values enter HTML templates raw, as in the original

--- Makes a connector.
---@param options logto_smtp.ConnectorOptions
---@return logto_smtp.Connector
local function createConnector(options)
  if type(options) == "table" and options.createConnector then
    arguments.dot(options, options, "smtp.createConnector")
  end
  arguments.check(options, OPTIONS, "createConnector")
  local escape_html = options.escapeHtml ~= false
  local transport = options.transport or require("logto_smtp.transport").default
  local connector = {
    metadata = metadata, type = constants.ConnectorType.Email, configGuard = helpers.configGuard,
  }

  -- The config of one call, valid, and its client's key where the transport asks for it; or nil and why there
  -- is none.
  local function config_for(inputConfig)
    local config = inputConfig
    if config == nil or config == null then
      check_type(options.getConfig, "function", "no config: pass one or set `getConfig`", 3)
      local config_error
      config, config_error = options.getConfig(metadata.id)
      if config == nil and config_error ~= nil then return nil, config_error end
    end
    local valid, key = helpers.checkConfig(config, transport.keyed)
    if not valid then return nil, key end
    return config, key
  end

  function connector.verify(inputConfig)
    arguments.dot(inputConfig, connector, "connector.verify")
    check_type(transport.verify, "function", "the transport cannot verify: its field `verify`", 2)
    local config, key = config_for(inputConfig)
    if not config then return nil, key end
    return ask(transport.verify, nil, config, { logger = options.logger, key = key })
  end

  -- The mail of one message, or nil and what is wrong with it.
  local function mail_of(config, data)
    local recipient, reason = one_mailbox.recipient(data.to)
    if not recipient then return nil, ConnectorError(codes.InvalidRequestParameters, reason) end
    local template, missing = template_for(options.getI18nEmailTemplate, data, config)
    if not template then return nil, missing end
    check_template(template)
    local built, mail = attempt(mailer.build, config, template, data.payload, recipient.text, escape_html)
    if built then return mail, nil, template end
    return nil, ConnectorError(codes.InvalidRequestParameters,
      "The template cannot be filled from this payload: " .. mail)
  end

  function connector.sendMessage(data, inputConfig)
    arguments.dot(data, connector, "connector.sendMessage")
    check_data(data, "sendMessage")
    local config, key = config_for(inputConfig)
    if not config then return nil, key end
    local mail, mail_error, template = mail_of(config, data)
    if not mail then return nil, mail_error end
    local secrets = mailer.secrets(data.payload)
    local with = { logger = options.logger, key = key, secrets = secrets, template = template }
    return ask(transport.send, secrets, config, mail, with)
  end

  local function enqueue(data, inputConfig, callback)
    arguments.dot(data, connector, "connector.enqueue")
    check_data(data, "enqueue")
    if callback ~= nil then check_type(callback, "function", "bad argument #3 to 'enqueue'", 2) end
    local config, key = config_for(inputConfig)
    if not config then return nil, key end
    local mail, mail_error = mail_of(config, data)
    if not mail then return nil, mail_error end
    local secrets = mailer.secrets(data.payload)
    local function done(info, err)
      callback(info, err ~= nil and failure(err, config, secrets) or nil)
    end
    local with = { logger = options.logger, key = key, secrets = secrets }
    return ask(transport.enqueue, secrets, config, mail, with, callback and done)
  end

  connector.enqueue = transport.enqueue and enqueue or nil
  return connector
end

---@class logto_smtp
local M = {
  createConnector = createConnector,
  metadata = metadata,
  configGuard = helpers.configGuard,
  ConnectorError = ConnectorError,
  ConnectorErrorCodes = constants.ConnectorErrorCodes,
  ConnectorType = constants.ConnectorType,
  TemplateType = constants.TemplateType,
  validateConfig = helpers.validateConfig,
  replaceSendMessageHandlebars = helpers.replaceSendMessageHandlebars,
  getConfigTemplateByType = helpers.getConfigTemplateByType,
  parseSendFrom = helpers.parseSendFrom,
  formatMailbox = helpers.formatMailbox,
  i18nTemplates = require("logto_smtp.connector.i18n"),
}

return M
