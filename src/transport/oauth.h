/* SPDX-License-Identifier: MIT
 * oauth: one account's OAuth 2.0 access token, kept while it is good and renewed over HTTP when it is not
 * (RFC 6749 6, RFC 7523). A renewal is a transfer on the caller's curl_multi, so nothing here blocks; however
 * many wait, one runs.
 *
 *   ls_oauth_token: LS_OK, log in with it. LS_AGAIN, call ls_oauth_begin (as often as you like) and go on
 * with the loop; when curl_multi_info_read reports a handle that ls_oauth_owns, call ls_oauth_done, then look
 * again. After a refused login call ls_oauth_invalidate; true: log in once more with what ls_oauth_token
 * gives then.
 *
 * Errors are EOAUTH2 with the endpoint's words and HTTP status in the message. response_code stays 0: it
 * means SMTP. */
#ifndef LS_OAUTH_H
#define LS_OAUTH_H

#include <stdint.h>

#include <curl/curl.h>

#include "../pure/buf.h"
#include "../pure/config.h"
#include "../pure/mask.h"

enum {
  LS_OAUTH_TIMEOUT_MS = 30000,   /* of a renewal, unless set otherwise */
  LS_OAUTH_REPLY_MAX = 64 * 1024 /* octets of an endpoint's reply, of its header too */
};

struct ls_oauth;

/* own's strings are borrowed until it is freed. unix_ms, here and below: ms since 1970 UTC. mask: has the
 * config's secrets and gets the tokens; what an endpoint says passes it; must live as long as *out. LS_OK:
 * *out is yours; LS_ECONFIG, LS_EOAUTH2 (err says which option and what to do), LS_ENOMEM. */
enum ls_status ls_oauth_new(const struct ls_config_oauth *own, int64_t unix_ms, struct ls_mask *mask,
                            struct ls_oauth **out, struct ls_error *err);
/* Ends a renewal under way and wipes everything. Call it while that renewal's multi handle lives. NULL is
 * fine. */
void ls_oauth_free(struct ls_oauth *o);

void ls_oauth_set_timeout(struct ls_oauth *o,
                          int64_t timeout_ms); /* of renewals begun from now on; above 0 */

/* The access token, for CURLOPT_XOAUTH2_BEARER, where it is good for some seconds more, or where there is no
 * way to renew it. LS_OK: *token is NUL-terminated, secret, and lives until ls_oauth_done or ls_oauth_free.
 * LS_AGAIN. */
enum ls_status ls_oauth_token(const struct ls_oauth *o, int64_t unix_ms, const char **token);

/* Starts a renewal on multi unless one is under way or none is needed. multi's option values are left alone,
 * and CURLINFO_PRIVATE of the new handle is NULL. LS_OK: the token is good; LS_AGAIN: under way; LS_EOAUTH2,
 * LS_ENOMEM: it could not be started. */
enum ls_status ls_oauth_begin(struct ls_oauth *o, CURLM *multi, int64_t unix_ms, struct ls_error *err);

bool ls_oauth_owns(const struct ls_oauth *o, const CURL *easy);

/* Takes the end of a transfer that o owns (CURLMSG_DONE, result); easy is removed and freed.
 * LS_OK: there is a new token, or the renewal failed while the old one has not ended and goes on to serve;
 * LS_EOAUTH2, LS_ENOMEM: there is none, tell everyone who waits; the next ls_oauth_begin tries again. err:
 * empty. */
enum ls_status ls_oauth_done(struct ls_oauth *o, CURL *easy, CURLcode result, int64_t unix_ms,
                             struct ls_error *err);

/* Which token ls_oauth_token gives now; another number means another token. */
uint64_t ls_oauth_serial(const struct ls_oauth *o);

/* The mail server refused the token of this serial. True: another one is there already or can be had, so that
 * one more login makes sense. */
bool ls_oauth_invalidate(struct ls_oauth *o, uint64_t serial);

/* Appends what a mail server says of a token it refuses with 334 (RFC 7628 3.2.2): "status 400, needs scope
 * ...", in one line. challenge: the text behind the 334. Nothing when it is no such text. LS_OK; LS_ENOMEM,
 * LS_ETOOBIG (out's).
 */
enum ls_status ls_oauth_read_challenge(struct ls_span challenge, struct ls_buf *out);

#endif
