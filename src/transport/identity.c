/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <pthread.h>

#include "crypto.h"
#include "random.h"

/* One-time init; the same in a child after fork, whose tables may have names from before. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned char secret[LS_CRYPTO_SHA256_N];
static bool drawn;

static void draw(void) {
  drawn = ls_random_fill(secret, sizeof secret);
}

bool ls_identity_digest(struct ls_span octets, unsigned char out[LS_IDENTITY_N]) {
  if (pthread_once(&once, draw) != 0 || !drawn)
    return false;
  struct ls_crypto_hash *h = ls_crypto_hash_new();
  bool fine = h && ls_crypto_hash_feed(h, ls_span((const char *)secret, sizeof secret)) &&
              ls_crypto_hash_feed(h, octets) && ls_crypto_hash_end(h, out);
  ls_crypto_hash_free(h);
  return fine;
}
