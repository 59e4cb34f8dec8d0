/* SPDX-License-Identifier: MIT */
#include "schema.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define FIELDS(array) .fields = (array), .field_count = COUNT(array)
#define OPTIONS(array) .options = (array), .option_count = COUNT(array)
#define FIELD(place, name, need, schema)                                                                     \
  { #name, sizeof #name - 1, LS_OPTION_##place##_##name, LS_NEED_##need, &(schema) }

static const struct ls_schema string = {.kind = LS_SCHEMA_STRING};
static const struct ls_schema number = {.kind = LS_SCHEMA_NUMBER};
static const struct ls_schema port = {.kind = LS_SCHEMA_PORT};
static const struct ls_schema boolean = {.kind = LS_SCHEMA_BOOLEAN};

static const struct ls_schema login_type = {.kind = LS_SCHEMA_ENUM, .words = &ls_words_login_types};
static const struct ls_schema_field login_fields[] = {
    FIELD(AUTH, user, OPTIONAL, string),
    FIELD(AUTH, pass, OPTIONAL, string),
    FIELD(AUTH, type, OPTIONAL, login_type),
};
static const struct ls_schema login = {
    .kind = LS_SCHEMA_OBJECT, .unknown = LS_SCHEMA_REFUSE, FIELDS(login_fields)};

static const struct ls_schema oauth_type = {.kind = LS_SCHEMA_ENUM, .words = &ls_words_oauth_types};
static const struct ls_schema_field locked_key_fields[] = {
    {"key", 3, LS_OPTION_COUNT, LS_NEED_REQUIRED, &string},
    {"passphrase", 10, LS_OPTION_COUNT, LS_NEED_REQUIRED, &string},
};
static const struct ls_schema locked_key = {.kind = LS_SCHEMA_OBJECT, FIELDS(locked_key_fields)};
static const struct ls_schema *const private_key_options[] = {&string, &locked_key};
static const struct ls_schema private_key = {.kind = LS_SCHEMA_UNION, OPTIONS(private_key_options)};
static const struct ls_schema_field oauth_key_fields[] = {
    FIELD(AUTH, type, OPTIONAL, oauth_type),
    FIELD(AUTH, user, REQUIRED, string),
    FIELD(AUTH, privateKey, REQUIRED, private_key),
    FIELD(AUTH, serviceClient, REQUIRED, string),
};
static const struct ls_schema oauth_key = {.kind = LS_SCHEMA_OBJECT, FIELDS(oauth_key_fields)};
static const struct ls_schema_field oauth_token_fields[] = {
    FIELD(AUTH, type, OPTIONAL, oauth_type),     FIELD(AUTH, user, REQUIRED, string),
    FIELD(AUTH, clientId, OPTIONAL, string),     FIELD(AUTH, clientSecret, OPTIONAL, string),
    FIELD(AUTH, refreshToken, OPTIONAL, string), FIELD(AUTH, accessToken, OPTIONAL, string),
    FIELD(AUTH, expires, OPTIONAL, number),      FIELD(AUTH, accessUrl, OPTIONAL, string),
};
static const struct ls_schema oauth_token = {.kind = LS_SCHEMA_OBJECT, FIELDS(oauth_token_fields)};

/* Two nested unions, because the issues of a config that fits none of the three are nested like that. */
static const struct ls_schema *const login_or_key_options[] = {&login, &oauth_key};
static const struct ls_schema login_or_key = {.kind = LS_SCHEMA_UNION, OPTIONS(login_or_key_options)};
static const struct ls_schema *const auth_options[] = {&login_or_key, &oauth_token};
static const struct ls_schema auth = {.kind = LS_SCHEMA_UNION, OPTIONS(auth_options)};

static const struct ls_schema content_type = {.kind = LS_SCHEMA_NATIVE_ENUM,
                                              .words = &ls_words_content_types};
static const struct ls_schema_field template_fields[] = {
    FIELD(TEMPLATE, usageType, ROW, string),
    FIELD(TEMPLATE, contentType, ROW, content_type),
    FIELD(TEMPLATE, subject, ROW, string),
    FIELD(TEMPLATE, content, ROW, string),
};
static const struct ls_schema template_item = {.kind = LS_SCHEMA_OBJECT, FIELDS(template_fields)};
static const struct ls_schema templates = {
    .kind = LS_SCHEMA_ARRAY, .item = &template_item, .cover = "usageType", .words = &ls_words_usage_types};

/* The original writes this union of two objects too; the first one takes every object whole. */
static const struct ls_schema any_object = {.kind = LS_SCHEMA_OBJECT, .unknown = LS_SCHEMA_KEEP};
static const struct ls_schema *const tls_options[] = {&any_object, &any_object};
static const struct ls_schema tls = {.kind = LS_SCHEMA_UNION, OPTIONS(tls_options)};

static const struct ls_schema strings = {.kind = LS_SCHEMA_ARRAY, .item = &string};
static const struct ls_schema *const header_options[] = {&string, &strings};
static const struct ls_schema header = {.kind = LS_SCHEMA_UNION, OPTIONS(header_options)};
static const struct ls_schema headers = {.kind = LS_SCHEMA_RECORD, .item = &header};

#define SCHEMA_TEXT string
#define SCHEMA_FLAG boolean
#define SCHEMA_MS number
#define SCHEMA_PORT port
#define SCHEMA_AUTH auth
#define SCHEMA_TLS tls
#define SCHEMA_TEMPLATES templates
#define SCHEMA_HEADERS headers
#define LS_ZOD(name, type, ...) FIELD(CONFIG, name, ROW, SCHEMA_##type),
#define LS_OPTION(place, name, type, ...)
static const struct ls_schema_field config_fields[] = {
#include "option.def"
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
