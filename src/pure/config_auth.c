/* SPDX-License-Identifier: MIT
 * How to log in: user and password, OAuth 2.0, or a mechanism that needs neither. */
#include "config_parts.h"
#include "jstext.h"
#include "mechanism.h"

static const struct ls_value *field(const struct ls_config_reader *r, enum ls_option_id id) {
  return ls_config_option_value(r, id);
}

static enum ls_status refuse(const struct ls_config_reader *r, enum ls_option_id id, const char *text) {
  return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_EAUTH, "%s", text);
}

static struct ls_span trimmed(struct ls_span s) {
  while (s.n && (unsigned char)s.p[0] <= ' ')
    s = ls_span_sub(s, 1, s.n);
  while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
    s.n--;
  return s;
}

/* A mechanism that the config forces, and which option says so; NULL: it forces none. */
struct forced {
  const struct ls_mechanism *mechanism;
  enum ls_option_id option;
};

static enum ls_status read_method(const struct ls_config_reader *r, struct forced *out) {
  bool own = ls_jstext_is_truthy(field(r, LS_OPTION_AUTH_method));
  const char *text = NULL;
  *out = (struct forced){.option = own ? LS_OPTION_AUTH_method : LS_OPTION_CONFIG_authMethod};
  enum ls_status st = ls_config_option_text(r, out->option, field(r, out->option), &text);
  if (st != LS_OK || !text)
    return st;
  out->mechanism = ls_mechanism_named(trimmed(ls_span_cstr(text)));
  if (out->mechanism)
    return LS_OK;
  return refuse(
      r, out->option,
      ": Unknown authentication method; use PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256, SCRAM-SHA-1, "
      "DIGEST-MD5, NTLM, GSSAPI or EXTERNAL, with OAuth 2.0 XOAUTH2 or OAUTHBEARER, or leave it out");
}

static bool has_oauth_field(const struct ls_config_reader *r) {
  static const enum ls_option_id ids[] = {LS_OPTION_AUTH_accessToken, LS_OPTION_AUTH_refreshToken,
                                          LS_OPTION_AUTH_clientId,    LS_OPTION_AUTH_clientSecret,
                                          LS_OPTION_AUTH_privateKey,  LS_OPTION_AUTH_serviceClient};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
    if (ls_jstext_is_truthy(field(r, ids[i])))
      return true;
  return false;
}

/* A mechanism that a password cannot serve, or the other way round. */
static enum ls_status check_need(const struct ls_config_reader *r, const struct forced *f) {
  const char *name = f->mechanism->name;
  if (r->out->oauth2 == (f->mechanism->need == LS_NEEDS_TOKEN))
    return LS_OK;
  return r->out->oauth2
             ? ls_config_option_refuse(r, f->option, LS_ITEM_NONE, LS_EAUTH,
                                       "%s does not go with OAuth 2.0; use XOAUTH2 or OAUTHBEARER, or leave "
                                       "it out",
                                       name)
             : ls_config_option_refuse(r, f->option, LS_ITEM_NONE, LS_EAUTH,
                                       "%s needs OAuth 2.0; set auth.type to \"OAuth2\" and give "
                                       "accessToken, refreshToken or serviceClient",
                                       name);
}

/* libcurl takes a Kerberos user only with a realm in it. */
static enum ls_status check_realm(const struct ls_config_reader *r, const char *user) {
  return strpbrk(user, "@/\\")
             ? LS_OK
             : refuse(r, LS_OPTION_AUTH_user, "must name its realm for GSSAPI, as in user@EXAMPLE.COM");
}

static enum ls_status check_password(const struct ls_config_reader *r, const char *user, const char *pass) {
  if (!pass && has_oauth_field(r))
    return refuse(r, LS_OPTION_AUTH_type,
                  "is missing: auth has OAuth 2.0 fields and no pass; set auth.type to \"OAuth2\" (Missing "
                  "credentials for \"PLAIN\")");
  if (!user || !pass)
    return ls_config_option_refuse(r, LS_OPTION_CONFIG_auth, LS_ITEM_NONE, LS_EAUTH,
                                   "has no %s: give both user and pass, or neither to send without login "
                                   "(Missing credentials for \"PLAIN\")",
                                   user ? "pass" : "user");
  return LS_OK;
}

/* Of a login that there is. */
static enum ls_status settle(const struct ls_config_reader *r, const char *user, const char *pass) {
  struct forced f;
  enum ls_status st = read_method(r, &f);
  bool user_only = f.mechanism && f.mechanism->need == LS_NEEDS_USER;
  if (st == LS_OK && f.mechanism)
    st = check_need(r, &f);
  if (st == LS_OK && r->out->oauth2 && !user)
    st = ls_config_option_refuse(r, LS_OPTION_AUTH_user, LS_ITEM_NONE, LS_ECONFIG,
                                 "is missing; OAuth 2.0 needs the address of the account");
  if (st == LS_OK && !r->out->oauth2 && !(user && user_only))
    st = check_password(r, user, pass);
  if (st == LS_OK && f.mechanism && f.mechanism->flag == LS_AUTH_GSSAPI)
    st = check_realm(r, user);
  if (st != LS_OK)
    return st;
  r->out->user = user;
  r->out->pass = pass ? pass : "";
  r->out->auth_method = f.mechanism ? f.mechanism->name : NULL;
  return r->out->oauth2 ? ls_config_read_oauth(r) : LS_OK;
}

enum ls_status ls_config_read_auth(const struct ls_config_reader *r) {
  const char *user = NULL, *pass = NULL;
  struct ls_span type = ls_value_string(field(r, LS_OPTION_AUTH_type));
  r->out->oauth2 = ls_words_find(&ls_words_oauth_types, type, true) < ls_words_oauth_types.count;
  enum ls_status st = ls_config_option_text(r, LS_OPTION_AUTH_user, field(r, LS_OPTION_AUTH_user), &user);
  if (st == LS_OK && !r->out->oauth2)
    st = ls_config_option_text(r, LS_OPTION_AUTH_pass, field(r, LS_OPTION_AUTH_pass), &pass);
  if (st != LS_OK || (!user && !pass && !r->out->oauth2 && !has_oauth_field(r)))
    return st;
  if (r->out->oauth2)
    ls_config_option_note(r, LS_OPTION_AUTH_type, LS_ITEM_NONE, LS_SPAN("oauth2"));
  return settle(r, user, pass);
}
