/* SPDX-License-Identifier: MIT */
#include "service.h"

#include "jstext.h"
#include "nearest.h"

#define LS_SERVICE(name, host, port, secure, method, tls, keys)                                              \
  {name, host, port, secure, method, LS_SERVICE_##tls, keys},
static const struct ls_service services[] = {
#include "service.def"
};
#undef LS_SERVICE

enum { COUNT = sizeof services / sizeof services[0] };

static bool counts(char c) {
  return ls_ascii_is_alnum(c) || c == '.' || c == '-';
}

/* The next octet of s that counts, as a small letter; '\0': none is left. */
static char next_of(struct ls_span *s) {
  while (s->n) {
    char c = s->p[0];
    *s = ls_span_sub(*s, 1, s->n);
    if (counts(c))
      return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
  return '\0';
}

static bool is_same(struct ls_span a, struct ls_span b) {
  for (;;) {
    char c = next_of(&a);
    if (c != next_of(&b))
      return false;
    if (c == '\0')
      return true;
  }
}

/* What stands behind the last "@". */
static struct ls_span domain_of(struct ls_span key) {
  for (size_t i = key.n; i > 0; i--)
    if (key.p[i - 1] == '@')
      return ls_span_sub(key, i, key.n);
  return key;
}

/* Takes the first of the names that have blanks between them. */
static struct ls_span next_name(struct ls_span *names) {
  size_t end = ls_span_index(*names, ' ');
  struct ls_span name = ls_span_sub(*names, 0, end);
  *names = ls_span_sub(*names, end < names->n ? end + 1 : end, names->n);
  return name;
}

static bool goes_by(const struct ls_service *s, struct ls_span key) {
  struct ls_span names = ls_span_cstr(s->keys);
  if (is_same(ls_span_cstr(s->name), key))
    return true;
  while (names.n)
    if (is_same(next_name(&names), key))
      return true;
  return false;
}

const struct ls_service *ls_service_find(struct ls_span key) {
  key = domain_of(key);
  for (size_t i = 0; i < COUNT; i++)
    if (goes_by(&services[i], key))
      return &services[i];
  return NULL;
}

const struct ls_service *ls_service_at(size_t i) {
  return i < COUNT ? &services[i] : NULL;
}

/* What counts of a name; too much for a guess: longer than any. */
static struct ls_span letters_of(struct ls_span name, char letters[LS_NEAREST_MAX + 1]) {
  size_t n = 0;
  for (char c = next_of(&name); c && n <= LS_NEAREST_MAX; c = next_of(&name))
    letters[n++] = c;
  return ls_span(letters, n);
}

/* The service whose name is the likeliest to be meant; NULL: none is near. */
static const struct ls_service *nearest(struct ls_span key) {
  char meant[LS_NEAREST_MAX + 1], letters[LS_NEAREST_MAX + 1];
  const struct ls_service *best = NULL;
  key = letters_of(domain_of(key), meant);
  if (key.n == 0)
    return NULL;
  size_t bound = key.n < 4 ? 2 : key.n <= 8 ? 3 : 4; /* one, two or three letters apart */
  for (size_t i = 0; i < COUNT; i++) {
    struct ls_span names = ls_span_cstr(services[i].keys);
    for (struct ls_span name = ls_span_cstr(services[i].name); name.n; name = next_name(&names)) {
      size_t d = ls_nearest_distance(key, letters_of(name, letters));
      if (d < bound) {
        bound = d;
        best = &services[i];
      }
    }
  }
  return best;
}

/* The service that the config names; NULL with LS_OK: none. */
static enum ls_status find(const struct ls_value *config, const struct ls_service **found,
                           struct ls_error *err) {
  const struct ls_value *v = ls_value_get(config, LS_SPAN("service"));
  *found = NULL;
  if (!ls_jstext_is_truthy(v))
    return LS_OK;
  if (v->kind != LS_VALUE_STRING)
    return ls_option_error(err, LS_ECONFIG, LS_OPTION_CONFIG_service, LS_ITEM_NONE,
                           "must be a string, the name of a mail service such as \"Gmail\"");
  *found = ls_service_find(v->as.string);
  if (*found)
    return LS_OK;
  const struct ls_service *meant = nearest(v->as.string);
  return ls_option_error(err, LS_ECONFIG, LS_OPTION_CONFIG_service, LS_ITEM_NONE,
                         "names no mail service that is known here; %s%s%sremove it, and set host, port and "
                         "secure as the service documents them",
                         meant ? "is \"" : "", meant ? meant->name : "", meant ? "\" meant? Otherwise " : "");
}

static bool set_boolean(struct ls_arena *a, struct ls_value *o, const char *name, bool boolean) {
  return ls_value_set(a, o, ls_span_cstr(name), ls_value_new_boolean(a, boolean));
}

static bool add_known(const struct ls_service *s, bool require_tls, struct ls_arena *a, struct ls_value *o) {
  bool ok = true;
  if (s->host)
    ok = ls_value_set(a, o, LS_SPAN("host"), ls_value_new_string(a, ls_span_cstr(s->host)));
  if (ok && s->port)
    ok = ls_value_set(a, o, LS_SPAN("port"), ls_value_new_number(a, s->port)) &&
         set_boolean(a, o, "secure", s->secure);
  if (ok && s->method)
    ok = ls_value_set(a, o, LS_SPAN("authMethod"), ls_value_new_string(a, ls_span_cstr(s->method)));
  if (ok && s->tls != LS_SERVICE_ANY) {
    require_tls = require_tls || s->tls == LS_SERVICE_REQUIRED;
    ok = set_boolean(a, o, "requireTLS", require_tls) && set_boolean(a, o, "ignoreTLS", !require_tls);
  }
  return ok;
}

enum ls_status ls_service_apply(const struct ls_value *config, struct ls_arena *a,
                                const struct ls_value **out, struct ls_error *err) {
  const struct ls_service *service;
  enum ls_status status = find(config, &service, err);
  *out = config;
  if (status != LS_OK || !service)
    return status;
  struct ls_value *o = ls_value_new(a, LS_VALUE_OBJECT);
  bool required = ls_value_is_true(ls_value_get(config, LS_SPAN("requireTLS")));
  bool ok = o && add_known(service, required, a, o);
  size_t known = ok ? o->as.object.count : 0;
  for (size_t i = 0; ok && i < config->as.object.count; i++) {
    const struct ls_member *m = &config->as.object.members[i];
    bool replaced = false;
    for (size_t k = 0; k < known; k++)
      replaced = replaced || ls_span_eq(m->name, o->as.object.members[k].name);
    ok = replaced || ls_value_set(a, o, m->name, m->value);
  }
  if (!ok)
    return ls_error_no_memory(err, NULL);
  *out = o;
  return LS_OK;
}
