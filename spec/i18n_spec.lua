-- SPDX-License-Identifier: MIT
local i18nTemplates = require("logto_smtp").i18nTemplates

local function entry(language, template_type)
  return { languageTag = language, templateType = template_type,
    details = { subject = language .. " " .. template_type, content = "{{code}}" } }
end

local function subject_of(template)
  return template and template.subject
end

describe("i18nTemplates()", function()
  local list = {
    entry("en", "SignIn"), entry("en", "Generic"), entry("pt", "SignIn"), entry("pt-BR", "SignIn"),
    entry("pt-BR", "Generic"),
  }

  local rows = {
    { "the asked language", "SignIn", "pt-BR", nil, "pt-BR SignIn" },
    { "the default language when the asked one has nothing", "SignIn", "ko", nil, "en SignIn" },
    { "the default language when none is asked for", "SignIn", nil, nil, "en SignIn" },
    { "Generic of the default language, not of the asked one", "Register", "pt-BR", nil, "en Generic" },
    { "no language by its first part", "SignIn", "pt-PT", nil, "en SignIn" },
    { "another default language", "SignIn", "ko", "pt", "pt SignIn" },
    { "nothing when the default language lacks it too", "Register", "pt-BR", "pt", nil },
    { "no tag in another case", "SignIn", "PT-br", nil, "en SignIn" },
  }
  for _, row in ipairs(rows) do
    it("picks " .. row[1], function()
      assert.are.equal(row[5], subject_of(i18nTemplates(list, row[4])(row[2], row[3])))
    end)
  end

  it("lets a later entry replace an earlier one", function()
    local later = entry("en", "SignIn")
    later.details.subject = "later"
    assert.are.equal("later", i18nTemplates({ list[1], later })("SignIn", "en").subject)
  end)

  it("takes entries without details", function()
    local flat = { languageTag = "en", templateType = "SignIn", subject = "flat", content = "c" }
    assert.are.equal("flat", i18nTemplates({ flat })("SignIn", "en").subject)
  end)

  it("raises for an entry without language or type, naming its place", function()
    assert.has_error(function() i18nTemplates({ list[1], { languageTag = "en" } }) end,
      "bad argument #1 to 'i18nTemplates' (entry 2 needs a string `templateType`)")
    assert.has_error(function() i18nTemplates("en") end,
      "bad argument #1 to 'i18nTemplates' (table expected, got string)")
  end)
end)
