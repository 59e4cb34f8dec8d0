/* SPDX-License-Identifier: MIT */
#include "config_auth.h"

#include "jstext.h"
#include "mechanism.h"

struct reader {
  const struct ls_value *config;
  const struct ls_value *auth;
  struct ls_arena *a;
  struct ls_config *out;
  struct ls_error *err;
};

/* A string option; absent, null and "" leave *out as it is. label: its name as a person writes it. */
static enum ls_status read_text(const struct reader *r, const struct ls_value *v, const char *label,
                                const char **out) {
  if (ls_value_is_nothing(v))
    return LS_OK;
  if (v->kind != LS_VALUE_STRING)
    return ls_error_set(r->err, LS_ECONFIG, "API", "%s must be a string", label);
  if (ls_span_index(v->as.string, '\0') < v->as.string.n)
    return ls_error_set(r->err, LS_ECONFIG, "API", "%s holds a NUL octet; remove it", label);
  if (!v->as.string.n)
    return LS_OK;
  *out = ls_arena_copy(r->a, v->as.string).p;
  return *out ? LS_OK : ls_error_set(r->err, LS_ENOMEM, NULL, "not enough memory to read the config");
}

static const struct ls_value *field(const struct reader *r, const char *name) {
  return ls_value_get(r->auth, ls_span_cstr(name));
}

/* The mechanism that the config forces; NULL: none. */
static enum ls_status read_method(const struct reader *r, const struct ls_mechanism **out) {
  const struct ls_value *v = field(r, "method");
  const char *text = NULL;
  bool own = ls_jstext_is_truthy(v);
  const char *label = own ? "auth.method" : "authMethod";
  enum ls_status st = read_text(r, own ? v : ls_value_get(r->config, LS_SPAN("authMethod")), label, &text);
  *out = NULL;
  if (st != LS_OK || !text)
    return st;
  struct ls_span s = ls_span_cstr(text);
  while (s.n && (unsigned char)s.p[0] <= ' ')
    s = ls_span_sub(s, 1, s.n);
  while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
    s.n--;
  *out = ls_mechanism_named(s);
  if (*out)
    return LS_OK;
  return ls_error_because(r->err, LS_REASON_AUTH_UNUSABLE, "API",
                          "%s: Unknown authentication method; use PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256, "
                          "SCRAM-SHA-1, DIGEST-MD5, NTLM, GSSAPI or EXTERNAL, with OAuth 2.0 XOAUTH2 or "
                          "OAUTHBEARER, or leave it out",
                          label);
}

static bool has_oauth_field(const struct reader *r) {
  static const char *const names[] = {"accessToken",  "refreshToken", "clientId",
                                      "clientSecret", "privateKey",   "serviceClient"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (ls_jstext_is_truthy(field(r, names[i])))
      return true;
  return false;
}

/* A mechanism that a password cannot serve, or the other way round. */
static enum ls_status check_need(const struct reader *r, const struct ls_mechanism *m) {
  if (r->out->oauth2 && m->need != LS_NEEDS_TOKEN)
    return ls_error_because(
        r->err, LS_REASON_AUTH_UNUSABLE, "API",
        "auth.method %s does not go with OAuth 2.0; use XOAUTH2 or OAUTHBEARER, or leave it out", m->name);
  if (!r->out->oauth2 && m->need == LS_NEEDS_TOKEN)
    return ls_error_because(
        r->err, LS_REASON_AUTH_UNUSABLE, "API",
        "auth.method %s needs OAuth 2.0; set auth.type to \"OAuth2\" and give accessToken, "
        "refreshToken or serviceClient",
        m->name);
  return LS_OK;
}

/* libcurl takes a Kerberos user only with a realm in it. */
static enum ls_status check_realm(const struct reader *r, const char *user) {
  return strpbrk(user, "@/\\")
             ? LS_OK
             : ls_error_because(r->err, LS_REASON_AUTH_UNUSABLE, "API",
                                "auth.user must name its realm for GSSAPI, as in user@EXAMPLE.COM");
}

static enum ls_status check_password(const struct reader *r, const char *user, const char *pass) {
  if (!pass && has_oauth_field(r))
    return ls_error_because(r->err, LS_REASON_AUTH_UNUSABLE, "API",
                            "auth.type is missing: auth has OAuth 2.0 fields and no pass; set auth.type to "
                            "\"OAuth2\" (Missing credentials for \"PLAIN\")");
  if (!user || !pass)
    return ls_error_because(
        r->err, LS_REASON_AUTH_UNUSABLE, "API",
        "auth has no %s: give both user and pass, or neither to send without login (Missing "
        "credentials for \"PLAIN\")",
        user ? "pass" : "user");
  return LS_OK;
}

enum ls_status ls_config_auth_read(const struct ls_value *config, struct ls_arena *a, struct ls_config *out,
                                   struct ls_error *err) {
  const struct reader r = {config, ls_value_get(config, LS_SPAN("auth")), a, out, err};
  const struct ls_mechanism *method;
  const char *user = NULL;
  const char *pass = NULL;
  out->oauth2 = ls_span_ieq(ls_value_string(field(&r, "type")), LS_SPAN("oauth2"));
  enum ls_status st = read_text(&r, field(&r, "user"), "auth.user", &user);
  if (st == LS_OK && !out->oauth2)
    st = read_text(&r, field(&r, "pass"), "auth.pass", &pass);
  if (st != LS_OK || (!user && !pass && !out->oauth2 && !has_oauth_field(&r)))
    return st;
  st = read_method(&r, &method);
  if (st == LS_OK && method)
    st = check_need(&r, method);
  if (st == LS_OK && out->oauth2 && !user)
    st = ls_error_set(err, LS_ECONFIG, "API",
                      "auth.user is missing; OAuth 2.0 needs the address of the account");
  if (st == LS_OK && !out->oauth2 && !(user && method && method->need == LS_NEEDS_USER))
    st = check_password(&r, user, pass);
  if (st == LS_OK && method && strcmp(method->name, "GSSAPI") == 0)
    st = check_realm(&r, user);
  if (st != LS_OK)
    return st;
  out->user = user;
  out->pass = pass ? pass : "";
  out->auth_method = method ? method->name : NULL;
  return LS_OK;
}
