/* SPDX-License-Identifier: MIT */
#include "oauth_config.h"

#include <stdio.h>

#include <curl/curl.h>

#include "../pure/netaddr.h"

enum {
  ARENA_MAX = 1 << 20,
  ASSERTION_S = 300,
  ASSERTION_MAX_S = 3600,
  PAIRS_MAX = 64,
  NAME_N = 96 /* "auth.customHeaders.<48 octets of a name>" */
};

static const char default_url[] = "https://accounts.google.com/o/oauth2/token";
static const char default_scope[] = "https://mail.google.com/";

static enum ls_status no_memory(struct ls_error *err) {
  return ls_error_set(err, LS_ENOMEM, "API", "%s", ls_status_text(LS_ENOMEM));
}

static enum ls_status wrong(struct ls_error *err, const char *option, const char *what) {
  return ls_error_set(err, LS_ECONFIG, "API", "auth.%s %s", option, what);
}

bool ls_oauth_config_is_oauth2(const struct ls_value *auth) {
  return ls_span_ieq(ls_value_string(ls_value_get(auth, LS_SPAN("type"))), LS_SPAN("oauth2"));
}

/* A string option of object; base is put before its name in errors. An empty string is none, as for the
 * original. */
static enum ls_status read_text(struct ls_oauth_config *c, const struct ls_value *object, const char *base,
                                const char *name, const char **out, struct ls_error *err) {
  const struct ls_value *v = ls_value_get(object, ls_span_cstr(name));
  struct ls_span s = ls_value_string(v);
  *out = NULL;
  if (!ls_value_is_nothing(v) && !ls_value_is(v, LS_VALUE_STRING))
    return ls_error_set(err, LS_ECONFIG, "API", "auth.%s%s must be a string", base, name);
  if (ls_span_index(s, '\0') < s.n)
    return ls_error_set(err, LS_ECONFIG, "API", "auth.%s%s contains a NUL", base, name);
  if (!s.n)
    return LS_OK;
  *out = ls_arena_copy(&c->arena, s).p;
  return *out ? LS_OK : no_memory(err);
}

/* A number, or a string of digits; 0 when absent. */
static enum ls_status read_number(const struct ls_value *auth, const char *name, double max, int64_t *out,
                                  struct ls_error *err) {
  const struct ls_value *v = ls_value_get(auth, ls_span_cstr(name));
  struct ls_span s = ls_value_string(v);
  double number = ls_value_is(v, LS_VALUE_NUMBER) ? v->as.number : 0;
  for (size_t i = 0; i < s.n; i++) {
    if (!ls_ascii_is_digit(s.p[i]))
      return wrong(err, name, "must be a number");
    number = number * 10 + (s.p[i] - '0');
  }
  if (!ls_value_is_nothing(v) && !ls_value_is(v, LS_VALUE_NUMBER) && !ls_value_is(v, LS_VALUE_STRING))
    return wrong(err, name, "must be a number");
  if (number != number)
    number = 0;
  *out = (int64_t)(number < 0 ? 0 : number > max ? max : number);
  return LS_OK;
}

static enum ls_status read_texts(struct ls_oauth_config *c, const struct ls_value *auth,
                                 struct ls_error *err) {
  const struct {
    const char *name;
    const char **out;
  } texts[] = {{"user", &c->user},
               {"accessToken", &c->access_token},
               {"clientId", &c->client_id},
               {"clientSecret", &c->client_secret},
               {"refreshToken", &c->refresh_token},
               {"serviceClient", &c->service_client},
               {"scope", &c->scope},
               {"accessUrl", &c->url}};
  enum ls_status status = LS_OK;
  for (size_t i = 0; i < sizeof texts / sizeof *texts && status == LS_OK; i++)
    status = read_text(c, auth, "", texts[i].name, texts[i].out, err);
  if (status == LS_OK)
    status = read_number(auth, "expires", 9e15, &c->expires_ms, err);
  if (status == LS_OK)
    status = read_number(auth, "timeout", 9e12, &c->ttl_s, err);
  if (status == LS_OK)
    status = read_number(auth, "serviceRequestTimeout", ASSERTION_MAX_S, &c->assertion_s, err);
  if (status != LS_OK)
    return status;
  if (!c->assertion_s)
    c->assertion_s = ASSERTION_S;
  c->client_id = c->client_id ? c->client_id : "";
  c->client_secret = c->client_secret ? c->client_secret : "";
  c->scope = c->scope ? c->scope : default_scope;
  c->url = c->url ? c->url : default_url;
  c->audience = c->url;
  return LS_OK;
}

static enum ls_status read_key(struct ls_oauth_config *c, const struct ls_value *auth, struct ls_error *err) {
  const struct ls_value *v = ls_value_get(auth, LS_SPAN("privateKey"));
  struct ls_crypto_source source = {.name = "auth.privateKey", .status = LS_EOAUTH2};
  if (ls_value_is_object(v)) {
    source.passphrase = ls_value_string(ls_value_get(v, LS_SPAN("passphrase")));
    v = ls_value_get(v, LS_SPAN("key"));
  }
  if (!ls_value_is_nothing(v) && !ls_value_is(v, LS_VALUE_STRING))
    return wrong(err, "privateKey", "must be a private key in PEM, or { key, passphrase }");
  source.pem = ls_value_string(v);
  enum ls_status status = ls_crypto_key_new(&source, &c->key, err);
  if (status == LS_OK && ls_crypto_key_kind(c->key) != LS_CRYPTO_RSA)
    return ls_error_because(err, LS_REASON_OAUTH_UNUSABLE, "API",
                            "auth.privateKey is an Ed25519 key; a service account signs with RSA (RS256)");
  return status;
}

/* What a JavaScript engine would put for v: text, digits, true or false. NULL: nothing that can be sent. */
static const char *scalar_text(struct ls_arena *a, const struct ls_value *v) {
  char digits[32];
  switch (v->kind) {
  case LS_VALUE_STRING:
    return ls_span_index(v->as.string, '\0') < v->as.string.n ? NULL : ls_arena_copy(a, v->as.string).p;
  case LS_VALUE_BOOLEAN:
    return v->as.boolean ? "true" : "false";
  case LS_VALUE_NUMBER:
    if (v->as.number != v->as.number || v->as.number > 9e15 || v->as.number < -9e15 ||
        v->as.number != (double)(int64_t)v->as.number)
      return NULL;
    snprintf(digits, sizeof digits, "%lld", (long long)v->as.number);
    return ls_arena_copy(a, ls_span_cstr(digits)).p;
  default:
    return NULL;
  }
}

static bool is_header_name(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (!ls_ascii_is_alnum(s.p[i]) && !(s.p[i] && strchr("!#$%&'*+-.^_`|~", s.p[i])))
      return false;
  return s.n > 0;
}

static bool is_header_value(const char *s) {
  for (; *s; s++)
    if ((unsigned char)*s < ' ' && *s != '\t')
      return false;
  return true;
}

static enum ls_status read_pairs(struct ls_oauth_config *c, const struct ls_value *auth, const char *name,
                                 bool headers, struct ls_oauth_pairs *out, struct ls_error *err) {
  const struct ls_value *v = ls_value_get(auth, ls_span_cstr(name));
  if (ls_value_is_nothing(v) || ls_value_is(v, LS_VALUE_EMPTY))
    return LS_OK;
  if (!ls_value_is(v, LS_VALUE_OBJECT) || v->as.object.count > PAIRS_MAX)
    return ls_error_set(err, LS_ECONFIG, "API", "auth.%s must be an object of at most %d strings", name,
                        PAIRS_MAX);
  out->items = ls_arena_array(&c->arena, v->as.object.count + 1, sizeof *out->items); /* one for Host */
  if (!out->items)
    return no_memory(err);
  for (size_t i = 0; i < v->as.object.count; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    if (ls_value_is_nothing(m->value))
      continue;
    const char *text = scalar_text(&c->arena, m->value);
    if (!text || (headers && (!is_header_name(m->name) || !is_header_value(text))))
      return ls_error_set(err, LS_ECONFIG, "API", "auth.%s: entry %zu (%.*s) cannot be sent; give %s", name,
                          i + 1, is_header_name(m->name) && m->name.n < 48 ? (int)m->name.n : 0, m->name.p,
                          headers ? "a header name and a value in one line"
                                  : "a string, a whole number or a boolean");
    struct ls_oauth_pair *p = &out->items[out->count++];
    p->name = ls_arena_copy(&c->arena, m->name);
    p->value = ls_span_cstr(text);
    if (!p->name.p)
      return no_memory(err);
  }
  return LS_OK;
}

/* One PEM text, or several in an array. */
static enum ls_status read_ca(struct ls_oauth_config *c, const struct ls_value *tls, struct ls_error *err) {
  const struct ls_value *v = ls_value_get(tls, LS_SPAN("ca"));
  if (!ls_value_is(v, LS_VALUE_ARRAY))
    return read_text(c, tls, "tls.", "ca", &c->ca, err);
  struct ls_buf all;
  ls_buf_init(&all, ARENA_MAX);
  bool strings = true;
  for (size_t i = 0; i < v->as.array.count; i++) {
    strings = strings && ls_value_is(&v->as.array.items[i], LS_VALUE_STRING);
    ls_buf_add(&all, ls_value_string(&v->as.array.items[i]));
    ls_buf_addc(&all, '\n');
  }
  if (all.status == LS_OK && strings)
    c->ca = ls_arena_copy(&c->arena, ls_buf_span(&all)).p;
  ls_buf_deinit(&all);
  if (!strings)
    return wrong(err, "tls.ca", "must be a string or an array of strings: certificates in PEM");
  return c->ca ? LS_OK : no_memory(err);
}

static enum ls_status read_versions(struct ls_oauth_config *c, const struct ls_value *tls,
                                    struct ls_error *err) {
  static const struct {
    const char *name;
    long min, max;
  } versions[] = {{"TLSv1", CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_0},
                  {"TLSv1.1", CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_1},
                  {"TLSv1.2", CURL_SSLVERSION_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_2},
                  {"TLSv1.3", CURL_SSLVERSION_TLSv1_3, CURL_SSLVERSION_MAX_TLSv1_3}};
  static const char *const options[] = {"minVersion", "maxVersion"};
  long found[2] = {CURL_SSLVERSION_TLSv1_2, 0};
  for (size_t o = 0; o < 2; o++) {
    const struct ls_value *v = ls_value_get(tls, ls_span_cstr(options[o]));
    bool known = ls_value_is_nothing(v);
    for (size_t i = 0; i < 4 && !known; i++) {
      known = ls_span_eq(ls_value_string(v), ls_span_cstr(versions[i].name));
      if (known)
        found[o] = o == 0 ? versions[i].min : versions[i].max;
    }
    if (!known)
      return ls_error_set(err, LS_ECONFIG, "API", "auth.tls.%s must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3",
                          options[o]);
  }
  c->tls_versions = found[0] | found[1];
  return LS_OK;
}

static enum ls_status read_tls(struct ls_oauth_config *c, const struct ls_value *auth,
                               const char **servername, struct ls_error *err) {
  static const char *const known[] = {
      "ca", "cert", "key", "passphrase", "rejectUnauthorized", "servername", "minVersion", "maxVersion"};
  const struct ls_value *tls = ls_value_get(auth, LS_SPAN("tls"));
  c->verify_peer = true;
  if (!ls_value_is_nothing(tls) && !ls_value_is_object(tls))
    return wrong(err, "tls", "must be an object");
  for (size_t i = 0; ls_value_is(tls, LS_VALUE_OBJECT) && i < tls->as.object.count; i++) {
    struct ls_span name = tls->as.object.members[i].name;
    bool found = ls_value_is_nothing(tls->as.object.members[i].value);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
      found = found || ls_span_eq(name, ls_span_cstr(known[k]));
    if (!found)
      return ls_error_set(err, LS_ECONFIG, "API",
                          "auth.tls: option %zu (%.*s) is not supported for the token endpoint; leave it out",
                          i + 1, is_header_name(name) && name.n < 48 ? (int)name.n : 0, name.p);
  }
  const struct ls_value *reject = ls_value_get(tls, LS_SPAN("rejectUnauthorized"));
  if (!ls_value_is_nothing(reject) && !ls_value_is(reject, LS_VALUE_BOOLEAN))
    return wrong(err, "tls.rejectUnauthorized", "must be true or false");
  c->verify_peer = !ls_value_is(reject, LS_VALUE_BOOLEAN) || reject->as.boolean;
  enum ls_status status = read_ca(c, tls, err);
  const struct {
    const char *name;
    const char **out;
  } texts[] = {
      {"cert", &c->cert}, {"key", &c->cert_key}, {"passphrase", &c->passphrase}, {"servername", servername}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts && status == LS_OK; i++)
    status = read_text(c, tls, "tls.", texts[i].name, texts[i].out, err);
  return status == LS_OK ? read_versions(c, tls, err) : status;
}

/* A part of a URL in the arena; NULL: it has none, or memory is out. */
static const char *url_part(struct ls_arena *a, CURLU *u, CURLUPart part, unsigned flags) {
  char *text = NULL;
  if (curl_url_get(u, part, &text, flags) != CURLUE_OK)
    return NULL;
  const char *copy = ls_arena_copy(a, ls_span_cstr(text)).p;
  curl_free(text);
  return copy;
}

const char *ls_oauth_config_show_url(struct ls_arena *a, const char *url) {
  CURLU *u = curl_url();
  const char *shown = NULL;
  if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
    curl_url_set(u, CURLUPART_USER, NULL, 0);
    curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(u, CURLUPART_QUERY, NULL, 0);
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    shown = url_part(a, u, CURLUPART_URL, 0);
  }
  curl_url_cleanup(u);
  return shown ? shown : "the token endpoint";
}

/* libcurl has no option for the name in SNI and certificate: it takes the URL's. So the URL gets that name,
 * and the connection and the Host header keep the real one. */
static enum ls_status rename_host(struct ls_oauth_config *c, CURLU *u, const char *servername,
                                  struct ls_error *err) {
  struct ls_arena *a = &c->arena;
  const char *host = url_part(a, u, CURLUPART_HOST, 0),
             *port = url_part(a, u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const char *given_port = url_part(a, u, CURLUPART_PORT, 0);
  if (!host || !port)
    return no_memory(err);
  if (curl_url_set(u, CURLUPART_HOST, servername, 0) != CURLUE_OK)
    return wrong(err, "tls.servername", "is no host name");
  if (!c->headers.items && !(c->headers.items = ls_arena_array(a, 1, sizeof *c->headers.items)))
    return no_memory(err);
  struct ls_buf text;
  ls_buf_init(&text, ARENA_MAX);
  const char *const entry[] = {servername, ":", port, ":", host, ":", port};
  for (size_t i = 0; i < sizeof entry / sizeof *entry; i++)
    ls_buf_adds(&text, entry[i]);
  c->connect_to = text.status == LS_OK ? ls_arena_copy(a, ls_buf_span(&text)).p : NULL;
  ls_buf_cut(&text, 0);
  ls_buf_adds(&text, host);
  if (given_port) {
    ls_buf_addc(&text, ':');
    ls_buf_adds(&text, given_port);
  }
  struct ls_span value = text.status == LS_OK ? ls_arena_copy(a, ls_buf_span(&text)) : ls_span(NULL, 0);
  ls_buf_deinit(&text);
  c->headers.items[c->headers.count++] = (struct ls_oauth_pair){LS_SPAN("Host"), value};
  c->url = url_part(a, u, CURLUPART_URL, 0);
  return c->connect_to && value.p && c->url ? LS_OK : no_memory(err);
}

static bool is_local(struct ls_arena *a, CURLU *u) {
  struct ls_span host = ls_span_cstr(url_part(a, u, CURLUPART_HOST, 0));
  if (host.n > 2 && host.p[0] == '[')
    host = ls_span_sub(host, 1, host.n - 1);
  return ls_netaddr_is_loopback(host);
}

static enum ls_status read_url(struct ls_oauth_config *c, const char *servername, struct ls_error *err) {
  CURLU *u = curl_url();
  if (!u)
    return no_memory(err);
  enum ls_status status = LS_OK;
  const char *scheme = NULL;
  if (curl_url_set(u, CURLUPART_URL, c->url, 0) == CURLUE_OK)
    scheme = url_part(&c->arena, u, CURLUPART_SCHEME, 0);
  if (!scheme || (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
    status = wrong(err, "accessUrl", "must be the https:// URL of a token endpoint");
  else if (strcmp(scheme, "http") == 0 && !is_local(&c->arena, u))
    status = wrong(err, "accessUrl", "must begin with https://; a secret goes in clear to this machine only");
  c->shown_url = ls_oauth_config_show_url(&c->arena, c->url);
  if (status == LS_OK && servername && strcmp(scheme, "https") == 0)
    status = rename_host(c, u, servername, err);
  curl_url_cleanup(u);
  return status;
}

/* Visible ASCII (RFC 6750 2.1, RFC 6749 A.12): anything else would break the line it is sent in. */
static bool is_token(const char *s) {
  for (; *s; s++)
    if (*s <= ' ' || *s > '~')
      return false;
  return true;
}

static enum ls_status check_means(struct ls_oauth_config *c, const struct ls_value *auth,
                                  struct ls_error *err) {
  if (!c->user)
    return wrong(err, "user", "is missing; OAuth 2.0 needs the address of the account");
  for (const char *s = c->user; *s; s++)
    if ((unsigned char)*s < ' ' || *s == 127)
      return wrong(err, "user", "contains a control character");
  if (c->access_token && !is_token(c->access_token))
    return wrong(err, "accessToken", "contains a space, a line end or another octet that no token has");
  const struct ls_value *provision = ls_value_get(auth, LS_SPAN("provisionCallback"));
  if (!ls_value_is_nothing(provision))
    return wrong(err, "provisionCallback",
                 "is not supported; give accessToken, refreshToken or serviceClient");
  if (c->service_client)
    return read_key(c, auth, err);
  if (!c->access_token && !c->refresh_token)
    return ls_error_because(
        err, LS_REASON_OAUTH_UNUSABLE, "API",
        "auth has nothing to get an access token with; give accessToken, refreshToken with clientId "
        "and clientSecret, or serviceClient with privateKey");
  return LS_OK;
}

static bool has_fields(const struct ls_value *auth) {
  static const char *const names[] = {"accessToken", "refreshToken", "clientId", "serviceClient",
                                      "privateKey"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!ls_value_is_nothing(ls_value_get(auth, ls_span_cstr(names[i]))))
      return true;
  return false;
}

enum ls_status ls_oauth_config_read(const struct ls_value *auth, struct ls_oauth_config *out,
                                    struct ls_error *err) {
  const char *servername = NULL;
  *out = (struct ls_oauth_config){0};
  ls_arena_init(&out->arena, ARENA_MAX);
  if (!ls_oauth_config_is_oauth2(auth)) {
    bool untyped = ls_value_is_nothing(ls_value_get(auth, LS_SPAN("type")));
    if (untyped && has_fields(auth) && !ls_value_is(ls_value_get(auth, LS_SPAN("pass")), LS_VALUE_STRING))
      return ls_error_set(err, LS_ECONFIG, "API",
                          "auth has OAuth 2.0 fields and no password, but no type; add type = \"oauth2\"");
    return LS_AGAIN;
  }
  enum ls_status status = read_texts(out, auth, err);
  if (status == LS_OK)
    status = read_pairs(out, auth, "customParams", false, &out->params, err);
  if (status == LS_OK)
    status = read_pairs(out, auth, "customHeaders", true, &out->headers, err);
  if (status == LS_OK)
    status = read_tls(out, auth, &servername, err);
  if (status == LS_OK)
    status = read_url(out, servername, err);
  return status == LS_OK ? check_means(out, auth, err) : status;
}

void ls_oauth_config_deinit(struct ls_oauth_config *c) {
  ls_crypto_key_free(c->key);
  ls_arena_deinit(&c->arena);
  *c = (struct ls_oauth_config){0};
}
