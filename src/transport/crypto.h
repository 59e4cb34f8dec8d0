/* SPDX-License-Identifier: MIT
 * crypto: SHA-256, private keys and signatures, by OpenSSL's EVP. All that DKIM and JWT need of it. */
#ifndef LS_CRYPTO_H
#define LS_CRYPTO_H

#include "../pure/buf.h"
#include "../pure/error.h"

enum { LS_CRYPTO_SHA256_N = 32 }; /* octets of a hash */

struct ls_crypto_hash; /* SHA-256 of octets in any cut */

struct ls_crypto_hash *ls_crypto_hash_new(void); /* NULL: no memory, or OpenSSL has no SHA-256 */
bool ls_crypto_hash_feed(struct ls_crypto_hash *h, struct ls_span in);
bool ls_crypto_hash_end(struct ls_crypto_hash *h, unsigned char out[LS_CRYPTO_SHA256_N]); /* once */
void ls_crypto_hash_free(struct ls_crypto_hash *h);                                       /* NULL is fine */

enum ls_crypto_kind { LS_CRYPTO_RSA, LS_CRYPTO_ED25519 };

struct ls_crypto_key; /* a private key; wiped when freed */

struct ls_crypto_source {
  const char *name;          /* what messages call it: "dkim.privateKey" */
  enum ls_status status;     /* what a key that cannot be used answers: LS_EDKIM, LS_EOAUTH2 */
  struct ls_span pem;        /* secret: PKCS#1 or PKCS#8 in PEM, encrypted or not */
  struct ls_span passphrase; /* secret; empty: none */
};

/* Reads an RSA key of 1024 bits or more, or an Ed25519 key. source is borrowed for the call.
 * LS_OK; source->status (err says what is wrong with the key and what to do, never what is in it); LS_ENOMEM.
 */
enum ls_status ls_crypto_key_new(const struct ls_crypto_source *source, struct ls_crypto_key **out,
                                 struct ls_error *err);
void ls_crypto_key_free(struct ls_crypto_key *key); /* NULL is fine */
enum ls_crypto_kind ls_crypto_key_kind(const struct ls_crypto_key *key);

/* Appends the signature of data. RSA: RSASSA-PKCS1-v1_5 with SHA-256 (rsa-sha256, RS256). Ed25519: PureEdDSA
 * of data as it is (RFC 8032). LS_OK; LS_EARGUMENT: OpenSSL refused; LS_ENOMEM, LS_ETOOBIG (out's). */
enum ls_status ls_crypto_sign(const struct ls_crypto_key *key, struct ls_span data, struct ls_buf *out);

#endif
