/* SPDX-License-Identifier: MIT
 * tls_facts: what a TLS handshake came to, in words. */
#ifndef LS_TLS_FACTS_H
#define LS_TLS_FACTS_H

#include <stdbool.h>
#include <stddef.h>

/* Owned strings, as in the facts. */
struct ls_tls_certificate {
  char *subject, *issuer, *expires;
};

/* Owned strings, NULL where unknown; all NULL: no TLS. Zeroes are a valid start. */
struct ls_tls_facts {
  char *version; /* "TLSv1.3" */
  char *cipher;
  char *peer; /* subject, RFC 2253 order */
  char *issuer;
  char *expires; /* RFC 3339 */
  bool resumed;  /* by a session of an earlier connection: no certificates went over the line */
  struct ls_tls_certificate *chain; /* those that went over the line, the server's own first */
  size_t chain_count;
};

/* A copy without the chain, or as much of it as there is memory for. to: zeroed. */
void ls_tls_facts_copy(struct ls_tls_facts *to, const struct ls_tls_facts *from);
void ls_tls_facts_copy_chain(struct ls_tls_facts *to, const struct ls_tls_facts *from); /* to: has none */
void ls_tls_facts_deinit(struct ls_tls_facts *f); /* safe twice, safe on zeroes */

#endif
