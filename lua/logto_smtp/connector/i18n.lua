-- SPDX-License-Identifier: MIT
--- Templates by language, chosen the way Logto's core chooses among its email templates.

local constants = require("logto_smtp.connector.constants")

---@class logto_smtp.I18nTemplate
---@field languageTag string   BCP 47, such as "en" or "pt-BR"; compared as written
---@field templateType string  a TemplateType
---@field details? table       subject, content, contentType, sendFrom, replyTo; without it, the entry itself

local function check_entry(entry, position)
  for _, field in ipairs({ "languageTag", "templateType" }) do
    if type(entry) ~= "table" or type(entry[field]) ~= "string" then
      error(("bad argument #1 to 'i18nTemplates' (entry %d needs a string `%s`)"):format(position, field), 3)
    end
  end
end

--- Makes a `getI18nEmailTemplate` for createConnector out of a list of templates.
-- Picks, in this order: the type in the asked language; the type in the default language; Generic in the
-- default language; else nil, and the config's own templates apply. A language's part alone ("pt" for
-- "pt-BR") is not tried. A later entry for the same language and type replaces an earlier one.
---@param list logto_smtp.I18nTemplate[]
---@param defaultLanguage? string  "en" without it
---@return fun(templateType: string, languageTag?: string): table?
return function(list, defaultLanguage)
  if type(list) ~= "table" then
    error(("bad argument #1 to 'i18nTemplates' (table expected, got %s)"):format(type(list)), 2)
  end
  local default = defaultLanguage or "en"
  local by_language = {}
  for i, entry in ipairs(list) do
    check_entry(entry, i)
    by_language[entry.languageTag] = by_language[entry.languageTag] or {}
    by_language[entry.languageTag][entry.templateType] = entry.details or entry
  end
  return function(templateType, languageTag)
    local asked = by_language[languageTag or default] or {}
    local fallback = by_language[default] or {}
    return asked[templateType] or fallback[templateType] or fallback[constants.TemplateType.Generic]
  end
end
