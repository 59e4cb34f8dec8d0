/* SPDX-License-Identifier: MIT */
#include "oauth_config.h"

#include <curl/curl.h>

#include "../pure/buf.h"
#include "../pure/netaddr.h"
#include "../pure/option.h"

enum { ARENA_MAX = 1 << 20 };

static enum ls_status refuse_url(struct ls_error *err, const char *text) {
  return ls_option_error(err, LS_ECONFIG, LS_OPTION_AUTH_accessUrl, LS_ITEM_NONE, "%s", text);
}

static enum ls_status read_key(struct ls_oauth_config *c, struct ls_error *err) {
  const enum ls_option_id id = LS_OPTION_AUTH_privateKey;
  char label[LS_OPTION_LABEL];
  ls_option_label(id, LS_ITEM_NONE, label);
  const struct ls_crypto_source source = {label, LS_EOAUTH2, c->own.key.pem, c->own.key.passphrase};
  enum ls_status status = ls_crypto_key_new(&source, &c->key, err);
  if (status != LS_OK)
    ls_option_blame(err, id, LS_ITEM_NONE);
  else if (ls_crypto_key_kind(c->key) != LS_CRYPTO_RSA)
    return ls_option_error(err, LS_EOAUTH2, id, LS_ITEM_NONE,
                           "is an Ed25519 key; a service account signs with RSA (RS256)");
  return status;
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
static enum ls_status rename_host(struct ls_oauth_config *c, CURLU *u, struct ls_error *err) {
  const char *servername = c->own.servername;
  struct ls_arena *a = &c->arena;
  const char *host = url_part(a, u, CURLUPART_HOST, 0),
             *port = url_part(a, u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const char *given_port = url_part(a, u, CURLUPART_PORT, 0);
  if (!host || !port)
    return ls_error_no_memory(err, "API");
  if (curl_url_set(u, CURLUPART_HOST, servername, 0) != CURLUE_OK)
    return ls_option_error(err, LS_ECONFIG, LS_OPTION_AUTH_TLS_servername, LS_ITEM_NONE, "is no host name");
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
  c->host = text.status == LS_OK ? ls_arena_copy(a, ls_buf_span(&text)).p : NULL;
  ls_buf_deinit(&text);
  c->url = url_part(a, u, CURLUPART_URL, 0);
  return c->connect_to && c->host && c->url ? LS_OK : ls_error_no_memory(err, "API");
}

static bool is_local(struct ls_arena *a, CURLU *u) {
  struct ls_span host = ls_span_cstr(url_part(a, u, CURLUPART_HOST, 0));
  if (host.n > 2 && host.p[0] == '[')
    host = ls_span_sub(host, 1, host.n - 1);
  return ls_netaddr_is_loopback(host);
}

static enum ls_status read_url(struct ls_oauth_config *c, struct ls_error *err) {
  CURLU *u = curl_url();
  if (!u)
    return ls_error_no_memory(err, "API");
  enum ls_status status = LS_OK;
  bool understood = curl_url_set(u, CURLUPART_URL, c->url, 0) == CURLUE_OK;
  const char *scheme = understood ? url_part(&c->arena, u, CURLUPART_SCHEME, 0) : "";
  if (!scheme)
    status = ls_error_no_memory(err, "API");
  else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
    status = refuse_url(err, "must be the https:// URL of a token endpoint");
  else if (strcmp(scheme, "http") == 0 && !is_local(&c->arena, u))
    status = refuse_url(err, "must begin with https://; a secret goes in clear to this machine only");
  c->shown_url = ls_oauth_config_show_url(&c->arena, c->url);
  if (status == LS_OK && c->own.servername && strcmp(scheme, "https") == 0)
    status = rename_host(c, u, err);
  curl_url_cleanup(u);
  return status;
}

enum ls_status ls_oauth_config_init(const struct ls_config_oauth *own, struct ls_oauth_config *out,
                                    struct ls_error *err) {
  *out = (struct ls_oauth_config){.own = *own, .url = own->url};
  ls_arena_init(&out->arena, ARENA_MAX);
  enum ls_status status = read_url(out, err);
  return status == LS_OK && own->service_client ? read_key(out, err) : status;
}

void ls_oauth_config_deinit(struct ls_oauth_config *c) {
  ls_crypto_key_free(c->key);
  ls_arena_deinit(&c->arena);
  *c = (struct ls_oauth_config){0};
}
