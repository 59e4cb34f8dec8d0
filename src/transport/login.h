/* SPDX-License-Identifier: MIT
 * login: what the connections of a pool log in with. For a password there is nothing to do; for OAuth 2.0 it
 * keeps the account's token over all messages and connections, renews it on the pool's own curl_multi, and
 * gives a login that was refused for its token one more try with a new one. */
#ifndef LS_LOGIN_H
#define LS_LOGIN_H

#include "../pure/config.h"
#include "oauth.h"

struct ls_login {
  struct ls_oauth *oauth;  /* NULL: a password, or no login at all */
  uint64_t successor;      /* the token in the place of a refused one; none has been taken since; 0: none */
  bool pending;            /* a renewal is under way */
  struct ls_error failure; /* why the last renewal failed; empty again when the next one begins */
};

/* config is borrowed until deinit. mask: gets the tokens; must live as long as l.
 * LS_OK; LS_EAUTH: this libcurl lacks the forced mechanism; LS_ECONFIG, LS_EOAUTH2: see ls_oauth_new;
 * LS_ENOMEM. deinit is fine in every case, while the multi handle of a renewal lives. */
enum ls_status ls_login_init(struct ls_login *l, const struct ls_config *config, struct ls_mask *mask,
                             struct ls_error *err);
void ls_login_deinit(struct ls_login *l);

/* LS_OK: connect; *token is the access token, or NULL where none is needed; it lives until the next call.
 * LS_AGAIN: a token is being fetched on multi. LS_EOAUTH2, LS_ENOMEM: there is none to be had. */
enum ls_status ls_login_token(struct ls_login *l, CURLM *multi, const char **token, uint64_t *serial,
                              struct ls_error *err);

/* False: easy is no transfer of ours. True: the renewal is over; err is written when it failed. */
bool ls_login_took(struct ls_login *l, CURL *easy, CURLcode result, struct ls_error *err);

/* The server refused, or took, the token of this serial. refused answers true where another try with another
 * token makes sense. */
bool ls_login_refused(struct ls_login *l, uint64_t serial);
void ls_login_accepted(struct ls_login *l);

#endif
