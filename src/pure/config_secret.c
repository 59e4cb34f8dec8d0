/* SPDX-License-Identifier: MIT */
#include "config_secret.h"

#include "ascii.h"
#include "option.h"

static void add_texts(const struct ls_value *v, struct ls_mask *m) {
  if (ls_value_is(v, LS_VALUE_STRING))
    ls_mask_add(m, NULL, v->as.string);
  for (size_t i = 0; ls_value_is(v, LS_VALUE_ARRAY) && i < v->as.array.count; i++)
    add_texts(&v->as.array.items[i], m);
  for (size_t i = 0; ls_value_is(v, LS_VALUE_OBJECT) && i < v->as.object.count; i++)
    add_texts(v->as.object.members[i].value, m);
}

/* A part of a URL as it reads: "p%40ss" is "p@ss". Masks undo escapes of a peer's words likewise. */
static void add_part(struct ls_span part, struct ls_mask *m) {
  struct ls_buf octets;
  ls_buf_init(&octets, SIZE_MAX);
  for (size_t i = 0; i < part.n; i++) {
    int high = part.p[i] == '%' && i + 2 < part.n ? ls_ascii_hex_value(part.p[i + 1]) : -1;
    int low = high >= 0 ? ls_ascii_hex_value(part.p[i + 2]) : -1;
    ls_buf_addc(&octets, low >= 0 ? (char)(high << 4 | low) : part.p[i]);
    i += low >= 0 ? 2 : 0;
  }
  ls_mask_add(m, NULL, octets.status == LS_OK ? ls_buf_span(&octets) : part);
  ls_buf_deinit(&octets);
}

/* The values of a query, or its words where they have no names. */
static void add_query(struct ls_span query, struct ls_mask *m) {
  for (size_t at = 0; at < query.n;) {
    struct ls_span rest = ls_span_sub(query, at, query.n);
    struct ls_span pair = ls_span_sub(rest, 0, ls_span_index(rest, '&'));
    size_t value = ls_span_index(pair, '=');
    add_part(ls_span_sub(pair, value < pair.n ? value + 1 : 0, pair.n), m);
    at += pair.n + 1;
  }
}

/* What a URL has that is for its server alone: a password, or a user without one, and its query. */
static void add_url(struct ls_span url, struct ls_mask *m) {
  size_t from = 0, at = 0;
  for (size_t i = 0; !from && i + 2 < url.n; i++)
    from = memcmp(url.p + i, "://", 3) == 0 ? i + 3 : 0;
  url = ls_span_sub(url, from, url.n);
  url = ls_span_sub(url, 0, ls_span_index(url, '#'));
  size_t query = ls_span_index(url, '?');
  struct ls_span host = ls_span_sub(url, 0, query);
  host = ls_span_sub(host, 0, ls_span_index(host, '/'));
  for (size_t i = 0; i < host.n; i++)
    at = host.p[i] == '@' ? i : at;
  struct ls_span login = ls_span_sub(host, 0, at);
  size_t colon = ls_span_index(login, ':');
  add_part(ls_span_sub(login, colon + 1 < login.n ? colon + 1 : 0, colon + 1 < login.n ? login.n : colon), m);
  if (query < url.n)
    add_query(ls_span_sub(url, query + 1, url.n), m);
}

/* Of a list on the way each item, and at the end every text within. */
static void follow(const struct ls_value *v, const struct ls_option_step *steps, size_t count,
                   struct ls_mask *m) {
  if (count == 0) {
    add_texts(v, m);
    return;
  }
  for (size_t i = 0; ls_value_is(v, LS_VALUE_ARRAY) && i < v->as.array.count; i++)
    follow(&v->as.array.items[i], steps, count, m);
  follow(ls_value_get(v, ls_span_cstr(steps->name)), steps + 1, count - 1, m);
}

/* The URLs among the options, which are shown without what is secret of them. */
static void add_urls(const struct ls_value *config, struct ls_mask *m) {
  const struct ls_value *auth = ls_value_get(config, LS_SPAN("auth"));
  add_url(ls_value_string(ls_value_get(config, LS_SPAN("proxy"))), m);
  add_url(ls_value_string(ls_value_get(auth, LS_SPAN("accessUrl"))), m);
}

void ls_config_secret_add(const struct ls_value *config, struct ls_mask *m) {
  add_urls(config, m);
  struct ls_option_step steps[LS_OPTION_STEPS];
  for (int id = 0; id < LS_OPTION_COUNT; id++) {
    if (!ls_options[id].secret)
      continue;
    follow(config, steps, ls_option_path((enum ls_option_id)id, LS_ITEM_NONE, steps), m);
    if (ls_options[id].place == LS_PLACE_DKIM)
      follow(config, steps, ls_option_path((enum ls_option_id)id, LS_ITEM_ALONE, steps), m);
  }
}

void ls_config_secret_add_read(const struct ls_config *config, struct ls_mask *m) {
  for (const struct ls_config_secret *s = config->secrets; s; s = s->before)
    ls_mask_add(m, NULL, s->text);
  ls_mask_add(m, NULL, ls_span_cstr(config->proxy.pass));
  if (config->proxy.pass && !*config->proxy.pass)
    ls_mask_add(m, NULL, ls_span_cstr(config->proxy.user));
  add_url(ls_span_cstr(config->oauth.url), m);
}
