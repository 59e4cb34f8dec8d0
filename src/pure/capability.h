/* SPDX-License-Identifier: MIT
 * capability: what a server said after EHLO (RFC 5321 4.1.1.1), as flags and limits. */
#ifndef LS_CAPABILITY_H
#define LS_CAPABILITY_H

#include <stdint.h>

#include "mechanism.h"
#include "span.h"

struct ls_capability {
  bool pipelining;   /* RFC 2920 */
  bool chunking;     /* RFC 3030 */
  bool eightbit;     /* 8BITMIME, RFC 6152 */
  bool smtputf8;     /* RFC 6531 */
  bool starttls;     /* RFC 3207 */
  bool requiretls;   /* RFC 8689 */
  bool dsn;          /* RFC 3461 */
  bool enhanced;     /* ENHANCEDSTATUSCODES, RFC 2034 */
  bool size;         /* RFC 1870 */
  uint64_t size_max; /* octets; 0: offered without a limit, or not offered */
  unsigned auth;     /* LS_AUTH_* offered, RFC 4954 (and the old AUTH= spelling) */
  bool auth_line;    /* an AUTH line was there, whatever it named */
};

void ls_capability_init(struct ls_capability *c);

/* Reads one line of the EHLO reply behind the first, without "250-" and CRLF. Unknown keywords are passed
 * over. */
void ls_capability_add(struct ls_capability *c, struct ls_span line);

#endif
