/* SPDX-License-Identifier: MIT */
#include "schema.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define FIELDS(array) .fields = (array), .field_count = COUNT(array)
#define WORDS(array) .words = (array), .word_count = COUNT(array)
#define OPTIONS(array) .options = (array), .option_count = COUNT(array)
#define NUMBER_DEFAULT(n)                                                                                    \
  LS_SCHEMA_DEFAULT, {                                                                                       \
    .kind = LS_VALUE_NUMBER, .as.number = (n)                                                                \
  }

static const struct ls_schema string = {.kind = LS_SCHEMA_STRING};
static const struct ls_schema number = {.kind = LS_SCHEMA_NUMBER};
static const struct ls_schema port = {.kind = LS_SCHEMA_PORT};
static const struct ls_schema boolean = {.kind = LS_SCHEMA_BOOLEAN};

static const char *const login_words[] = {"login", "Login", "LOGIN"};
static const struct ls_schema login_type = {.kind = LS_SCHEMA_ENUM, WORDS(login_words)};
static const struct ls_schema_field login_fields[] = {
    {"user", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"pass", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"type", &login_type, LS_SCHEMA_OPTIONAL, {0}},
};
static const struct ls_schema login = {
    .kind = LS_SCHEMA_OBJECT, .unknown = LS_SCHEMA_REFUSE, FIELDS(login_fields)};

static const char *const oauth_words[] = {"oauth2", "OAuth2", "OAUTH2"};
static const struct ls_schema oauth_type = {.kind = LS_SCHEMA_ENUM, WORDS(oauth_words)};
static const struct ls_schema_field locked_key_fields[] = {
    {"key", &string, LS_SCHEMA_REQUIRED, {0}},
    {"passphrase", &string, LS_SCHEMA_REQUIRED, {0}},
};
static const struct ls_schema locked_key = {.kind = LS_SCHEMA_OBJECT, FIELDS(locked_key_fields)};
static const struct ls_schema *const private_key_options[] = {&string, &locked_key};
static const struct ls_schema private_key = {.kind = LS_SCHEMA_UNION, OPTIONS(private_key_options)};
static const struct ls_schema_field oauth_key_fields[] = {
    {"type", &oauth_type, LS_SCHEMA_OPTIONAL, {0}},
    {"user", &string, LS_SCHEMA_REQUIRED, {0}},
    {"privateKey", &private_key, LS_SCHEMA_REQUIRED, {0}},
    {"serviceClient", &string, LS_SCHEMA_REQUIRED, {0}},
};
static const struct ls_schema oauth_key = {.kind = LS_SCHEMA_OBJECT, FIELDS(oauth_key_fields)};
static const struct ls_schema_field oauth_token_fields[] = {
    {"type", &oauth_type, LS_SCHEMA_OPTIONAL, {0}},     {"user", &string, LS_SCHEMA_REQUIRED, {0}},
    {"clientId", &string, LS_SCHEMA_OPTIONAL, {0}},     {"clientSecret", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"refreshToken", &string, LS_SCHEMA_OPTIONAL, {0}}, {"accessToken", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"expires", &number, LS_SCHEMA_OPTIONAL, {0}},      {"accessUrl", &string, LS_SCHEMA_OPTIONAL, {0}},
};
static const struct ls_schema oauth_token = {.kind = LS_SCHEMA_OBJECT, FIELDS(oauth_token_fields)};

/* Two nested unions, because the issues of a config that fits none of the three are nested like that. */
static const struct ls_schema *const login_or_key_options[] = {&login, &oauth_key};
static const struct ls_schema login_or_key = {.kind = LS_SCHEMA_UNION, OPTIONS(login_or_key_options)};
static const struct ls_schema *const auth_options[] = {&login_or_key, &oauth_token};
static const struct ls_schema auth = {.kind = LS_SCHEMA_UNION, OPTIONS(auth_options)};

static const char *const content_types[] = {"text/plain", "text/html"};
static const struct ls_schema content_type = {.kind = LS_SCHEMA_NATIVE_ENUM, WORDS(content_types)};
static const struct ls_schema_field template_fields[] = {
    {"usageType", &string, LS_SCHEMA_REQUIRED, {0}},
    {"contentType", &content_type, LS_SCHEMA_REQUIRED, {0}},
    {"subject", &string, LS_SCHEMA_REQUIRED, {0}},
    {"content", &string, LS_SCHEMA_REQUIRED, {0}},
};
static const struct ls_schema template_item = {.kind = LS_SCHEMA_OBJECT, FIELDS(template_fields)};
static const char *const usage_types[] = {"Register", "SignIn", "ForgotPassword", "Generic"};
static const struct ls_schema templates = {
    .kind = LS_SCHEMA_ARRAY, .item = &template_item, .key = "usageType", WORDS(usage_types)};

/* The original writes this union of two objects too; the first one takes every object whole. */
static const struct ls_schema any_object = {.kind = LS_SCHEMA_OBJECT, .unknown = LS_SCHEMA_KEEP};
static const struct ls_schema *const tls_options[] = {&any_object, &any_object};
static const struct ls_schema tls = {.kind = LS_SCHEMA_UNION, OPTIONS(tls_options)};

static const struct ls_schema strings = {.kind = LS_SCHEMA_ARRAY, .item = &string};
static const struct ls_schema *const header_options[] = {&string, &strings};
static const struct ls_schema header = {.kind = LS_SCHEMA_UNION, OPTIONS(header_options)};
static const struct ls_schema headers = {.kind = LS_SCHEMA_RECORD, .item = &header};

static const struct ls_schema_field config_fields[] = {
    {"host", &string, LS_SCHEMA_REQUIRED, {0}},
    {"port", &port, LS_SCHEMA_REQUIRED, {0}},
    {"auth", &auth, LS_SCHEMA_CONNECTOR, {0}},
    {"fromEmail", &string, LS_SCHEMA_CONNECTOR, {0}},
    {"replyTo", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"templates", &templates, LS_SCHEMA_CONNECTOR, {0}},
    {"logger", &boolean, LS_SCHEMA_OPTIONAL, {0}},
    {"debug", &boolean, LS_SCHEMA_OPTIONAL, {0}},
    {"disableFileAccess", &boolean, LS_SCHEMA_OPTIONAL, {0}},
    {"disableUrlAccess", &boolean, LS_SCHEMA_OPTIONAL, {0}},
    {"name", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"localAddress", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"connectionTimeout", &number, NUMBER_DEFAULT(120000)},
    {"greetingTimeout", &number, NUMBER_DEFAULT(30000)},
    {"socketTimeout", &number, NUMBER_DEFAULT(600000)},
    {"dnsTimeout", &number, NUMBER_DEFAULT(30000)},
    {"secure", &boolean, LS_SCHEMA_DEFAULT, {.kind = LS_VALUE_BOOLEAN, .as.boolean = false}},
    {"tls", &tls, LS_SCHEMA_DEFAULT, {.kind = LS_VALUE_OBJECT}},
    {"servername", &string, LS_SCHEMA_OPTIONAL, {0}},
    {"ignoreTLS", &boolean, LS_SCHEMA_OPTIONAL, {0}},
    {"requireTLS", &boolean, LS_SCHEMA_OPTIONAL, {0}},
    {"customHeaders", &headers, LS_SCHEMA_OPTIONAL, {0}},
};
const struct ls_schema ls_schema_config = {.kind = LS_SCHEMA_OBJECT, FIELDS(config_fields)};

bool ls_schema_read_digits(struct ls_span s, double *number_out) {
  *number_out = 0;
  for (size_t i = 0; i < s.n; i++) {
    if (!ls_ascii_is_digit(s.p[i]))
      return false;
    *number_out = *number_out * 10 + (s.p[i] - '0');
  }
  return s.n > 0;
}
