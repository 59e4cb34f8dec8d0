/* SPDX-License-Identifier: MIT
 * identity: a short name for octets that must not be seen: the same for the same octets in one process, and
 * of no use to anybody who guesses at them. */
#ifndef LS_IDENTITY_H
#define LS_IDENTITY_H

#include "../pure/span.h"

enum { LS_IDENTITY_N = 32 };

/* SHA-256 behind a key that each process draws for itself. False: no memory, or OpenSSL has none of it. */
bool ls_identity_digest(struct ls_span octets, unsigned char out[LS_IDENTITY_N]);

#endif
