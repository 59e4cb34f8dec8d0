/* SPDX-License-Identifier: MIT
 * What auth says of OAuth 2.0. Texts only: URL and key are for the transport to understand. */
#include <stdio.h>

#include "config_parts.h"
#include "jstext.h"

enum { PAIRS_MAX = 64, NAME_SHOWN = 48 /* octets of a name that a complaint shows */ };

#define AUTH(name) LS_OPTION_AUTH_##name
#define AUTH_TLS(name) LS_OPTION_AUTH_TLS_##name

static enum ls_status refuse(const struct ls_config_reader *r, enum ls_option_id id, const char *text) {
  return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "%s", text);
}

/* The text, or the default of the row. */
static enum ls_status read_text(const struct ls_config_reader *r, enum ls_option_id id, const char **out) {
  *out = ls_options[id].string;
  return ls_config_option_text(r, id, ls_config_option_value(r, id), out);
}

static enum ls_status read_texts(const struct ls_config_reader *r) {
  struct ls_config_oauth *o = &r->out->oauth;
  const struct {
    enum ls_option_id id;
    const char **out;
  } rows[] = {{AUTH(accessToken), &o->access_token},
              {AUTH(clientId), &o->client_id},
              {AUTH(clientSecret), &o->client_secret},
              {AUTH(refreshToken), &o->refresh_token},
              {AUTH(serviceClient), &o->service_client},
              {AUTH(scope), &o->scope},
              {AUTH(accessUrl), &o->url}};
  enum ls_status st = LS_OK;
  for (size_t i = 0; i < sizeof rows / sizeof *rows && st == LS_OK; i++)
    st = read_text(r, rows[i].id, rows[i].out);
  if (st == LS_OK)
    st = ls_config_option_number(r, AUTH(expires), &o->expires_ms);
  if (st == LS_OK)
    st = ls_config_option_number(r, AUTH(timeout), &o->ttl_s);
  if (st == LS_OK)
    st = ls_config_option_number(r, AUTH(serviceRequestTimeout), &o->assertion_s);
  o->client_id = o->client_id ? o->client_id : "";
  o->client_secret = o->client_secret ? o->client_secret : "";
  return st;
}

enum { DIGITS = 32 };

/* What a JavaScript engine would put for v: text, digits (into room), true or false. p is NULL: nothing
 * that can be sent. */
static struct ls_span scalar_text(const struct ls_value *v, char room[DIGITS]) {
  switch (v->kind) {
  case LS_VALUE_STRING:
    return ls_span_index(v->as.string, '\0') < v->as.string.n ? ls_span(NULL, 0)
           : v->as.string.n                                   ? v->as.string
                                                              : LS_SPAN("");
  case LS_VALUE_BOOLEAN:
    return v->as.boolean ? LS_SPAN("true") : LS_SPAN("false");
  case LS_VALUE_NUMBER:
    if (!(v->as.number <= 9e15 && v->as.number >= -9e15) || v->as.number != (double)(int64_t)v->as.number)
      return ls_span(NULL, 0);
    snprintf(room, DIGITS, "%lld", (long long)v->as.number);
    return ls_span_cstr(room);
  default:
    return ls_span(NULL, 0);
  }
}

static bool is_header_name(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (!ls_ascii_is_alnum(s.p[i]) && !(s.p[i] && strchr("!#$%&'*+-.^_`|~", s.p[i])))
      return false;
  return s.n > 0;
}

static bool is_header_value(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
      return false;
  return true;
}

/* So much of a name as may be shown. */
static struct ls_span shown(struct ls_span name) {
  return is_header_name(name) && name.n < NAME_SHOWN ? name : LS_SPAN("");
}

static enum ls_status read_pair(const struct ls_config_reader *r, enum ls_option_id id,
                                const struct ls_value *v, size_t i, struct ls_config_pair *out) {
  const struct ls_member *m = &v->as.object.members[i];
  char room[DIGITS];
  struct ls_span text = scalar_text(m->value, room);
  bool header = id == AUTH(customHeaders);
  struct ls_span name = shown(m->name);
  if (!text.p || (header && (!is_header_name(m->name) || !is_header_value(text))))
    return ls_config_option_refuse(
        r, id, LS_ITEM_NONE, LS_ECONFIG, ": entry %zu (%.*s) cannot be sent; give %s", i + 1, (int)name.n,
        name.p, header ? "a header name and a value in one line" : "a string, a whole number or a boolean");
  out->name = ls_arena_copy(r->a, m->name);
  out->value = ls_arena_copy(r->a, text);
  ls_config_option_note(r, id, LS_ITEM_NONE, m->name);
  ls_config_option_note(r, id, LS_ITEM_NONE, text);
  return out->name.p && out->value.p ? LS_OK : ls_config_option_no_memory(r);
}

static enum ls_status read_pairs(const struct ls_config_reader *r, enum ls_option_id id,
                                 struct ls_config_pairs *out) {
  const struct ls_value *v = ls_config_option_value(r, id);
  if (ls_value_is_nothing(v) || ls_value_is(v, LS_VALUE_EMPTY))
    return LS_OK;
  if (!ls_value_is(v, LS_VALUE_OBJECT) || v->as.object.count > PAIRS_MAX)
    return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "must be an object of at most %d strings",
                                   PAIRS_MAX);
  struct ls_config_pair *items = ls_arena_array(r->a, v->as.object.count, sizeof *items);
  if (!items)
    return ls_config_option_no_memory(r);
  out->items = items;
  for (size_t i = 0; i < v->as.object.count; i++) {
    if (ls_value_is_nothing(v->as.object.members[i].value))
      continue;
    enum ls_status st = read_pair(r, id, v, i, &items[out->count]);
    if (st != LS_OK)
      return st;
    out->count++;
  }
  return LS_OK;
}

/* One PEM text, or several in an array, behind each other. */
static enum ls_status read_ca(const struct ls_config_reader *r) {
  const struct ls_value *v = ls_config_option_value(r, AUTH_TLS(ca));
  if (!ls_value_is(v, LS_VALUE_ARRAY))
    return read_text(r, AUTH_TLS(ca), &r->out->oauth.ca);
  struct ls_buf all;
  ls_buf_init(&all, r->a->max);
  bool strings = true;
  for (size_t i = 0; i < v->as.array.count; i++) {
    strings = strings && ls_value_is(&v->as.array.items[i], LS_VALUE_STRING);
    ls_buf_add(&all, ls_value_string(&v->as.array.items[i]));
    ls_buf_addc(&all, '\n');
  }
  ls_config_option_note(r, AUTH_TLS(ca), LS_ITEM_NONE, ls_buf_span(&all));
  if (all.status == LS_OK && strings)
    r->out->oauth.ca = ls_arena_copy(r->a, ls_buf_span(&all)).p;
  ls_buf_deinit(&all);
  if (!strings)
    return refuse(r, AUTH_TLS(ca), "must be a string or an array of strings: certificates in PEM");
  return r->out->oauth.ca ? LS_OK : ls_config_option_no_memory(r);
}

static enum ls_status check_tls_names(const struct ls_config_reader *r, const struct ls_value *tls) {
  if (!ls_value_is_nothing(tls) && !ls_value_is_object(tls))
    return refuse(r, AUTH(tls), "must be an object");
  for (size_t i = 0; ls_value_is(tls, LS_VALUE_OBJECT) && i < tls->as.object.count; i++) {
    const struct ls_member *m = &tls->as.object.members[i];
    struct ls_span name = shown(m->name);
    if (!ls_value_is_nothing(m->value) && ls_option_find(LS_PLACE_AUTH_TLS, m->name) == LS_OPTION_COUNT)
      return ls_config_option_refuse(r, AUTH(tls), LS_ITEM_NONE, LS_ECONFIG,
                                     ": option %zu (%.*s) is not supported for the token endpoint; leave it "
                                     "out",
                                     i + 1, (int)name.n, name.p);
  }
  return LS_OK;
}

static enum ls_status read_tls(const struct ls_config_reader *r) {
  struct ls_config_oauth *o = &r->out->oauth;
  const struct {
    enum ls_option_id id;
    const char **out;
  } rows[] = {{AUTH_TLS(cert), &o->cert},
              {AUTH_TLS(key), &o->cert_key},
              {AUTH_TLS(passphrase), &o->passphrase},
              {AUTH_TLS(servername), &o->servername}};
  o->min_version = (size_t)ls_options[AUTH_TLS(minVersion)].number;
  o->max_version = ls_words_tls_versions.count;
  enum ls_status st = check_tls_names(r, ls_config_option_value(r, AUTH(tls)));
  if (st == LS_OK)
    st = ls_config_option_flag(r, AUTH_TLS(rejectUnauthorized),
                               ls_config_option_value(r, AUTH_TLS(rejectUnauthorized)), &o->verify_peer);
  if (st == LS_OK)
    st = read_ca(r);
  for (size_t i = 0; i < sizeof rows / sizeof *rows && st == LS_OK; i++)
    st = read_text(r, rows[i].id, rows[i].out);
  if (st == LS_OK)
    st = ls_config_option_word(r, AUTH_TLS(minVersion), &o->min_version);
  return st == LS_OK ? ls_config_option_word(r, AUTH_TLS(maxVersion), &o->max_version) : st;
}

/* Visible ASCII (RFC 6750 2.1, RFC 6749 A.12): anything else would break the line it is sent in. */
static bool is_token(const char *s) {
  for (; *s; s++)
    if (*s <= ' ' || *s > '~')
      return false;
  return true;
}

static enum ls_status check_means(const struct ls_config_reader *r) {
  const struct ls_config_oauth *o = &r->out->oauth;
  for (const char *s = o->user; *s; s++)
    if ((unsigned char)*s < ' ' || *s == 127)
      return refuse(r, AUTH(user), "contains a control character");
  if (o->access_token && !is_token(o->access_token))
    return refuse(r, AUTH(accessToken), "contains a space, a line end or another octet that no token has");
  if (!ls_value_is_nothing(ls_config_option_value(r, AUTH(provisionCallback))))
    return ls_config_option_refuse(r, AUTH(provisionCallback), LS_ITEM_NONE, LS_ECONFIG,
                                   "is not supported; %s", ls_options[AUTH(provisionCallback)].text);
  if (!o->service_client && !o->access_token && !o->refresh_token)
    return ls_config_option_refuse(r, LS_OPTION_CONFIG_auth, LS_ITEM_NONE, LS_EOAUTH2,
                                   "has nothing to get an access token with; give accessToken, refreshToken "
                                   "with clientId and clientSecret, or serviceClient with privateKey");
  return LS_OK;
}

enum ls_status ls_config_read_oauth(const struct ls_config_reader *r) {
  struct ls_config_oauth *o = &r->out->oauth;
  o->user = r->out->user;
  enum ls_status st = read_texts(r);
  if (st == LS_OK)
    st = read_pairs(r, AUTH(customParams), &o->params);
  if (st == LS_OK)
    st = read_pairs(r, AUTH(customHeaders), &o->headers);
  if (st == LS_OK)
    st = read_tls(r);
  if (st == LS_OK)
    st = check_means(r);
  if (st == LS_OK && o->service_client)
    st = ls_config_option_key(r, AUTH(privateKey), LS_ITEM_NONE, ls_config_option_value(r, AUTH(privateKey)),
                              LS_ECONFIG, &o->key);
  return st;
}
