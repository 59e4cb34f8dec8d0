/* SPDX-License-Identifier: MIT
 * mechanism: the SASL mechanisms (RFC 4422) we know, told once: names, what they need, how they begin. */
#ifndef LS_MECHANISM_H
#define LS_MECHANISM_H

#include "span.h"

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

enum ls_mechanism_need { LS_NEEDS_PASSWORD, LS_NEEDS_USER, LS_NEEDS_TOKEN };

struct ls_mechanism {
  const char *name;    /* as SASL names it */
  const char *command; /* "AUTH " and name */
  unsigned flag;       /* LS_AUTH_* */
  enum ls_mechanism_need need;
  bool initial; /* the first response goes with the command (RFC 4954 4) */
};

/* The i-th, those that libcurl prefers first; NULL behind the last. */
const struct ls_mechanism *ls_mechanism_at(size_t i);

/* In any case of letters; NULL: unknown. */
const struct ls_mechanism *ls_mechanism_named(struct ls_span name);

/* The one that libcurl takes of several; NULL: flags is 0. */
const struct ls_mechanism *ls_mechanism_first(unsigned flags);

/* Those that may be used: method and no other, or, where that is NULL, what goes with a token (oauth2), or
 * with a password without showing it (cram), or with one shown. */
unsigned ls_mechanism_wanted(const char *method, bool oauth2, bool cram);

/* text is a server's 334 to a first response that went with the command (without code): it asks for that
 * response as if it had not come. */
bool ls_mechanism_asks_again(const struct ls_mechanism *m, struct ls_span text);

#endif
