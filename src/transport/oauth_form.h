/* SPDX-License-Identifier: MIT
 * oauth_form: what is posted to a token endpoint: the grant of a refresh token (RFC 6749 6) or of a service
 * account's assertion (RFC 7523 2.1), and the config's customParams. */
#ifndef LS_OAUTH_FORM_H
#define LS_OAUTH_FORM_H

#include "../pure/buf.h"
#include "oauth_config.h"

/* Appends the form, URL-encoded, and to assertion the one in it, if any. refresh_token: the one that
 * counts now; not read for a service account. unix_ms: ms since 1970 UTC. LS_OK; LS_EOAUTH2: the assertion
 * cannot be signed; LS_ENOMEM (out's ceiling too). */
enum ls_status ls_oauth_form_write(const struct ls_oauth_config *c, const char *refresh_token,
                                   int64_t unix_ms, struct ls_buf *out, struct ls_buf *assertion,
                                   struct ls_error *err);

#endif
