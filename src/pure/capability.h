/* SPDX-License-Identifier: MIT
 * capability: what a server said after EHLO (RFC 5321 4.1.1.1), as flags and limits. */
#ifndef LS_CAPABILITY_H
#define LS_CAPABILITY_H

#include <stdint.h>

#include "span.h"

struct ls_capability {
  bool pipelining;   /* RFC 2920 */
  bool chunking;     /* RFC 3030 */
  bool eightbit;     /* 8BITMIME, RFC 6152 */
  bool smtputf8;     /* RFC 6531 */
  bool starttls;     /* RFC 3207 */
  bool dsn;          /* RFC 3461 */
  bool enhanced;     /* ENHANCEDSTATUSCODES, RFC 2034 */
  bool size;         /* RFC 1870 */
  uint64_t size_max; /* octets; 0: offered without a limit, or not offered */
  unsigned auth;     /* LS_AUTH_* offered, RFC 4954 (and the old AUTH= spelling) */
  bool auth_line;    /* an AUTH line was there, whatever it named */
};

enum {
  LS_AUTH_PLAIN = 1,
  LS_AUTH_LOGIN = 2,
  LS_AUTH_CRAM_MD5 = 4,
  LS_AUTH_XOAUTH2 = 8,
  LS_AUTH_OAUTHBEARER = 16,
  LS_AUTH_EXTERNAL = 32,
  LS_AUTH_SCRAM_SHA_1 = 64,
  LS_AUTH_SCRAM_SHA_256 = 128,
  LS_AUTH_NTLM = 256,
  LS_AUTH_GSSAPI = 512,
  LS_AUTH_DIGEST_MD5 = 1024
};

void ls_capability_init(struct ls_capability *c);

/* Reads one line of the EHLO reply behind the first, without "250-" and CRLF. Unknown keywords are passed
 * over. */
void ls_capability_add(struct ls_capability *c, struct ls_span line);

#endif
