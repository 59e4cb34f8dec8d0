/* SPDX-License-Identifier: MIT
 * jwt: the signed assertion of a service account (RFC 7515, 7519, 7523), RS256. */
#ifndef LS_JWT_H
#define LS_JWT_H

#include <stdint.h>

#include "../pure/buf.h"
#include "../pure/error.h"
#include "crypto.h"

struct ls_jwt_claims {
  struct ls_span issuer, scope, subject, audience; /* UTF-8 */
  int64_t issued_s, expires_s;                     /* seconds since 1970 UTC */
};

/* Appends header.claims.signature. key: RSA.
 * LS_OK; LS_EOAUTH2: a claim is no UTF-8, or OpenSSL would not sign; LS_ENOMEM, LS_ETOOBIG (out's). */
enum ls_status ls_jwt_sign(const struct ls_crypto_key *key, const struct ls_jwt_claims *claims,
                           struct ls_buf *out, struct ls_error *err);

#endif
