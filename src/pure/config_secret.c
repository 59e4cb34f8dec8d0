/* SPDX-License-Identifier: MIT */
#include "config_secret.h"

/* Names with dots between; of a list on the way each item, and at the end every text within. */
static const char *const paths[] = {
    "auth.pass",           "auth.accessToken", "auth.refreshToken",
    "auth.clientSecret",   "auth.privateKey",  "auth.customParams",
    "auth.customHeaders",  "auth.tls.key",     "auth.tls.pfx",
    "auth.tls.passphrase", "tls.key",          "tls.pfx",
    "tls.passphrase",      "dkim.privateKey",  "dkim.keys.privateKey",
};

static void add_texts(const struct ls_value *v, struct ls_mask *m) {
  if (ls_value_is(v, LS_VALUE_STRING))
    ls_mask_add(m, NULL, v->as.string);
  for (size_t i = 0; ls_value_is(v, LS_VALUE_ARRAY) && i < v->as.array.count; i++)
    add_texts(&v->as.array.items[i], m);
  for (size_t i = 0; ls_value_is(v, LS_VALUE_OBJECT) && i < v->as.object.count; i++)
    add_texts(v->as.object.members[i].value, m);
}

static void follow(const struct ls_value *v, struct ls_span path, struct ls_mask *m) {
  for (size_t i = 0; ls_value_is(v, LS_VALUE_ARRAY) && i < v->as.array.count; i++)
    follow(&v->as.array.items[i], path, m);
  size_t end = ls_span_index(path, '.');
  const struct ls_value *member = ls_value_get(v, ls_span_sub(path, 0, end));
  if (end < path.n)
    follow(member, ls_span_sub(path, end + 1, path.n), m);
  else
    add_texts(member, m);
}

void ls_config_secret_add(const struct ls_value *config, struct ls_mask *m) {
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    follow(config, ls_span_cstr(paths[i]), m);
}
