/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <stddef.h>
#include <stdio.h>

#include "config.h"

static const char *const auth_types[] = {"login", "Login", "LOGIN", "oauth2", "OAuth2", "OAUTH2"};
static const char *const content_types[] = {"text/plain", "text/html"};
static const char *const hashes[] = {"sha256"};
static const char *const tls_versions[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
static const char *const usage_types[] = {"Register", "SignIn", "ForgotPassword", "Generic"};
static const char *const mechanisms[] = {
#define LS_MECHANISM(name, flag, need, initial) name,
#include "mechanism.def"
};
static const char *const proxies[] = {
#define LS_PROXY(scheme, kind, port) scheme,
#include "proxy.def"
};

#define WORDS(list) const struct ls_words ls_words_##list = {(list), sizeof(list) / sizeof *(list)}
WORDS(auth_types);
WORDS(content_types);
WORDS(hashes);
WORDS(mechanisms);
WORDS(proxies);
WORDS(tls_versions);
WORDS(usage_types);
const struct ls_words ls_words_login_types = {auth_types, 3};
const struct ls_words ls_words_oauth_types = {auth_types + 3, 3};

#define AT(member) (offsetof(struct ls_config, member) + 1)
#define LS_ZOD(name, type, ...)                                                                              \
  {#name, sizeof #name - 1, LS_PLACE_CONFIG, LS_TYPE_##type, .guard = true, __VA_ARGS__},
#define LS_OPTION(place, name, type, ...)                                                                    \
  {#name, sizeof #name - 1, LS_PLACE_##place, LS_TYPE_##type, __VA_ARGS__},
const struct ls_option ls_options[LS_OPTION_COUNT] = {
#include "option.def"
};

enum ls_option_id ls_option_find(enum ls_place place, struct ls_span name) {
  for (int id = 0; id < LS_OPTION_COUNT; id++)
    if (ls_options[id].place == place && ls_span_eq(name, ls_option_name((enum ls_option_id)id)))
      return (enum ls_option_id)id;
  return LS_OPTION_COUNT;
}

size_t ls_words_find(const struct ls_words *words, struct ls_span word, bool any_case) {
  size_t i = 0;
  while (i < words->count && !(any_case ? ls_span_ieq(word, ls_span_cstr(words->at[i]))
                                        : ls_span_eq(word, ls_span_cstr(words->at[i]))))
    i++;
  return i;
}

size_t ls_option_path(enum ls_option_id id, int item, struct ls_option_step steps[LS_OPTION_STEPS]) {
  static const char *const ways[LS_PLACE_COUNT][2] = {
      [LS_PLACE_AUTH] = {"auth"}, [LS_PLACE_AUTH_TLS] = {"auth", "tls"}, [LS_PLACE_TLS] = {"tls"},
      [LS_PLACE_DKIM] = {"dkim"}, [LS_PLACE_TEMPLATE] = {"templates"},
  };
  const struct ls_option *o = &ls_options[id];
  size_t n = 0;
  while (n < 2 && ways[o->place][n]) {
    steps[n] = (struct ls_option_step){.name = ways[o->place][n]};
    n++;
  }
  if (o->place == LS_PLACE_DKIM && item != LS_ITEM_NONE)
    steps[n++] = (struct ls_option_step){.name = ls_options[LS_OPTION_DKIM_keys].name};
  if (item >= 0)
    steps[n++] = (struct ls_option_step){.index = (size_t)item};
  if (o->place != LS_PLACE_DKIM || item == LS_ITEM_NONE || id != LS_OPTION_DKIM_keys)
    steps[n++] = (struct ls_option_step){.name = o->name};
  return n;
}

void ls_option_label(enum ls_option_id id, int item, char label[LS_OPTION_LABEL]) {
  struct ls_option_step steps[LS_OPTION_STEPS];
  size_t count = ls_option_path(id, item, steps);
  int n = 0;
  for (size_t i = 0; i < count; i++)
    n += steps[i].name
             ? snprintf(label + n, (size_t)(LS_OPTION_LABEL - n), "%s%s", i ? "." : "", steps[i].name)
             : snprintf(label + n, (size_t)(LS_OPTION_LABEL - n), "[%zu]", steps[i].index);
}

/* What a complaint of a config has for its reason: nobody was asked yet. */
static enum ls_reason reason_of(enum ls_status status) {
  return status == LS_EAUTH     ? LS_REASON_AUTH_UNUSABLE
         : status == LS_EOAUTH2 ? LS_REASON_OAUTH_UNUSABLE
                                : ls_reason_of(status);
}

enum ls_status ls_option_verror(struct ls_error *err, enum ls_status status, enum ls_option_id id, int item,
                                const char *format, va_list args) {
  char label[LS_OPTION_LABEL];
  if (!err || err->status != LS_OK)
    return status;
  ls_option_label(id, item, label);
  ls_error_vbecause(err, reason_of(status), "API", label, format, args);
  err->option = &ls_options[id];
  err->item = item;
  return status;
}

enum ls_status ls_option_error(struct ls_error *err, enum ls_status status, enum ls_option_id id, int item,
                               const char *format, ...) {
  va_list args;
  va_start(args, format);
  ls_option_verror(err, status, id, item, format, args);
  va_end(args);
  return status;
}

void ls_option_blame(struct ls_error *err, enum ls_option_id id, int item) {
  if (!err || err->status == LS_ENOMEM)
    return;
  err->reason = reason_of(err->status);
  err->option = &ls_options[id];
  err->item = item;
}
