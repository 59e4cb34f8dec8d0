/* SPDX-License-Identifier: MIT
 * oauth_config: the OAuth 2.0 part of a config's `auth`, checked and with every default filled in. */
#ifndef LS_OAUTH_CONFIG_H
#define LS_OAUTH_CONFIG_H

#include <stdint.h>

#include "../pure/arena.h"
#include "../pure/error.h"
#include "../pure/value.h"
#include "crypto.h"

struct ls_oauth_pair {
  struct ls_span name, value;
};

struct ls_oauth_pairs {
  struct ls_oauth_pair *items;
  size_t count;
};

/* Strings are NUL-terminated and live in the arena; NULL: not given. */
struct ls_oauth_config {
  struct ls_arena arena; /* wiped when released: it holds every secret */

  const char *user;
  const char *access_token; /* secret; the one given in the config */
  int64_t expires_ms;       /* of that token, since 1970 UTC; 0: unknown */
  int64_t ttl_s;            /* auth.timeout: its life from the start of the client; 0: unknown */

  const char *client_id;     /* with a refresh token; "" when not given */
  const char *client_secret; /* secret; likewise */
  const char *refresh_token; /* secret */

  const char *service_client;
  struct ls_crypto_key *key; /* of the service account; NULL: none */
  const char *scope;
  const char *audience; /* the URL as the config gives it */
  int64_t assertion_s;  /* life of an assertion */

  const char *url;        /* token endpoint, http or https; with the TLS server name for host, when given */
  const char *shown_url;  /* what errors say: without user, password and query */
  const char *connect_to; /* CURLOPT_CONNECT_TO entry; NULL: none */
  struct ls_oauth_pairs params;  /* secret; they replace and extend the form's fields */
  struct ls_oauth_pairs headers; /* secret; a Host header too, where url carries another name */

  bool verify_peer;
  const char *ca, *cert, *cert_key, *passphrase; /* PEM */
  long tls_versions;                             /* for CURLOPT_SSLVERSION */
};

/* True when `auth` asks for OAuth 2.0 by its type. */
bool ls_oauth_config_is_oauth2(const struct ls_value *auth);

/* Reads auth, of which nothing is borrowed. Without a type, but with OAuth 2.0 fields and no password, it
 * fails and says which type is missing. out can be deinited in every case. LS_OK; LS_AGAIN: this is a
 * password login or none; LS_ECONFIG: err names the option; LS_EOAUTH2: the private key cannot be used, or
 * there is nothing to get a token with; LS_ENOMEM. */
enum ls_status ls_oauth_config_read(const struct ls_value *auth, struct ls_oauth_config *out,
                                    struct ls_error *err);
void ls_oauth_config_deinit(struct ls_oauth_config *c); /* wipes; safe on zeroes */

/* url without user, password, query and fragment, in a; "the token endpoint" when it is no URL or memory is
 * out. */
const char *ls_oauth_config_show_url(struct ls_arena *a, const char *url);

#endif
