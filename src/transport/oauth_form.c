/* SPDX-License-Identifier: MIT */
#include "oauth_form.h"

#include "jwt.h"

/* application/x-www-form-urlencoded, as JavaScript's encodeURIComponent has it */
static void add_encoded(struct ls_buf *out, struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (ls_ascii_is_alnum(s.p[i]) || (c && strchr("-_.!~*'()", c))) {
      ls_buf_addc(out, s.p[i]);
    } else {
      char coded[3];
      ls_ascii_escape(coded, '%', c);
      ls_buf_add(out, ls_span(coded, sizeof coded));
    }
  }
}

static struct ls_span trim(struct ls_span s) {
  while (s.n && s.p[0] && strchr(" \t\r\n\v\f", s.p[0]))
    s = ls_span(s.p + 1, s.n - 1);
  while (s.n && s.p[s.n - 1] && strchr(" \t\r\n\v\f", s.p[s.n - 1]))
    s.n--;
  return s;
}

static void add_pair(struct ls_buf *form, struct ls_span name, struct ls_span value) {
  if (form->n)
    ls_buf_addc(form, '&');
  add_encoded(form, name);
  ls_buf_addc(form, '=');
  add_encoded(form, trim(value));
}

static const struct ls_config_pair *find_pair(const struct ls_config_pairs *pairs, struct ls_span name) {
  for (size_t i = 0; i < pairs->count; i++)
    if (ls_span_eq(pairs->items[i].name, name))
      return &pairs->items[i];
  return NULL;
}

/* The grant's own fields, each with customParams' value where it has one, then the rest of customParams. */
static void write_form(const struct ls_oauth_config *c, const struct ls_config_pair *fields, size_t count,
                       struct ls_buf *out) {
  const struct ls_config_pairs *params = &c->own.params;
  const struct ls_config_pairs own = {fields, count};
  for (size_t i = 0; i < count; i++) {
    const struct ls_config_pair *other = find_pair(params, fields[i].name);
    add_pair(out, fields[i].name, other ? other->value : fields[i].value);
  }
  for (size_t i = 0; i < params->count; i++)
    if (!find_pair(&own, params->items[i].name))
      add_pair(out, params->items[i].name, params->items[i].value);
}

enum ls_status ls_oauth_form_write(const struct ls_oauth_config *c, const char *refresh_token,
                                   int64_t unix_ms, struct ls_buf *out, struct ls_buf *assertion,
                                   struct ls_error *err) {
  if (!c->own.service_client) {
    const struct ls_config_pair fields[] = {{LS_SPAN("client_id"), ls_span_cstr(c->own.client_id)},
                                            {LS_SPAN("client_secret"), ls_span_cstr(c->own.client_secret)},
                                            {LS_SPAN("refresh_token"), ls_span_cstr(refresh_token)},
                                            {LS_SPAN("grant_type"), LS_SPAN("refresh_token")}};
    write_form(c, fields, 4, out);
    return out->status == LS_OK ? LS_OK : ls_error_no_memory(err, "AUTH XOAUTH2");
  }
  const struct ls_jwt_claims claims = {.issuer = ls_span_cstr(c->own.service_client),
                                       .scope = ls_span_cstr(c->own.scope),
                                       .subject = ls_span_cstr(c->own.user),
                                       .audience = ls_span_cstr(c->own.url),
                                       .issued_s = unix_ms / 1000,
                                       .expires_s = unix_ms / 1000 + c->own.assertion_s};
  enum ls_status status = ls_jwt_sign(c->key, &claims, assertion, err);
  if (status == LS_OK) {
    const struct ls_config_pair fields[] = {
        {LS_SPAN("grant_type"), LS_SPAN("urn:ietf:params:oauth:grant-type:jwt-bearer")},
        {LS_SPAN("assertion"), ls_buf_span(assertion)}};
    write_form(c, fields, 2, out);
    status = out->status == LS_OK ? LS_OK : ls_error_no_memory(err, "AUTH XOAUTH2");
  }
  return status;
}
