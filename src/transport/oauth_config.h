/* SPDX-License-Identifier: MIT
 * oauth_config: what a config says of OAuth 2.0, with its URL and its key understood. */
#ifndef LS_OAUTH_CONFIG_H
#define LS_OAUTH_CONFIG_H

#include "../pure/config.h"
#include "crypto.h"

/* Strings are NUL-terminated and live in the arena; NULL: not given. */
struct ls_oauth_config {
  struct ls_arena arena; /* wiped when released: URLs may hold a secret */
  struct ls_config_oauth own;
  struct ls_crypto_key *key; /* of the service account; NULL: none */
  const char *url;        /* token endpoint, http or https; with the TLS server name for host, when given */
  const char *shown_url;  /* what errors say: without user, password and query */
  const char *connect_to; /* CURLOPT_CONNECT_TO entry; NULL: none */
  const char *host;       /* for a Host header, where url carries another name; NULL: it has its own */
};

/* own's strings are borrowed until deinit. out can be deinited in every case. LS_OK; LS_ECONFIG: err names
 * the option; LS_EOAUTH2: the private key cannot be used; LS_ENOMEM. */
enum ls_status ls_oauth_config_init(const struct ls_config_oauth *own, struct ls_oauth_config *out,
                                    struct ls_error *err);
void ls_oauth_config_deinit(struct ls_oauth_config *c); /* wipes; safe on zeroes */

/* url without user, password, query and fragment, in a; "the token endpoint" when it is no URL or memory is
 * out. */
const char *ls_oauth_config_show_url(struct ls_arena *a, const char *url);

#endif
