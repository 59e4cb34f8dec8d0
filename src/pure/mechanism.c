/* SPDX-License-Identifier: MIT */
#include "mechanism.h"

#define ROW(name, flag, need, initial)                                                                       \
  { name, "AUTH " name, flag, need, initial }

/* LOGIN has no first response: no document allows one, and a server that does not look for it takes the
 * password for the user's name, and logs it. NTLM follows [MS-SMTPNTLM], where AUTH NTLM stands alone. Of
 * CRAM-MD5 and DIGEST-MD5 the server begins. */
static const struct ls_mechanism table[] = {
    ROW("EXTERNAL", LS_AUTH_EXTERNAL, LS_NEEDS_USER, true),
    ROW("GSSAPI", LS_AUTH_GSSAPI, LS_NEEDS_USER, true),
    ROW("SCRAM-SHA-256", LS_AUTH_SCRAM_SHA_256, LS_NEEDS_PASSWORD, true),
    ROW("SCRAM-SHA-1", LS_AUTH_SCRAM_SHA_1, LS_NEEDS_PASSWORD, true),
    ROW("DIGEST-MD5", LS_AUTH_DIGEST_MD5, LS_NEEDS_PASSWORD, false),
    ROW("CRAM-MD5", LS_AUTH_CRAM_MD5, LS_NEEDS_PASSWORD, false),
    ROW("NTLM", LS_AUTH_NTLM, LS_NEEDS_PASSWORD, false),
    ROW("OAUTHBEARER", LS_AUTH_OAUTHBEARER, LS_NEEDS_TOKEN, true),
    ROW("XOAUTH2", LS_AUTH_XOAUTH2, LS_NEEDS_TOKEN, true),
    ROW("PLAIN", LS_AUTH_PLAIN, LS_NEEDS_PASSWORD, true),
    ROW("LOGIN", LS_AUTH_LOGIN, LS_NEEDS_PASSWORD, false),
};

const struct ls_mechanism *ls_mechanism_at(size_t i) {
  return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

const struct ls_mechanism *ls_mechanism_named(struct ls_span name) {
  const struct ls_mechanism *m;
  for (size_t i = 0; (m = ls_mechanism_at(i)) != NULL; i++)
    if (ls_span_ieq(name, ls_span_cstr(m->name)))
      break;
  return m;
}

const struct ls_mechanism *ls_mechanism_first(unsigned flags) {
  const struct ls_mechanism *m;
  for (size_t i = 0; (m = ls_mechanism_at(i)) != NULL; i++)
    if (flags & m->flag)
      break;
  return m;
}

unsigned ls_mechanism_wanted(const char *method, bool oauth2, bool cram) {
  const struct ls_mechanism *m = method ? ls_mechanism_named(ls_span_cstr(method)) : NULL;
  if (m)
    return m->flag;
  if (oauth2)
    return LS_AUTH_OAUTHBEARER | LS_AUTH_XOAUTH2;
  return cram ? LS_AUTH_CRAM_MD5 : LS_AUTH_PLAIN | LS_AUTH_LOGIN;
}

/* PLAIN and EXTERNAL are a single response, to which there is no challenge. With a token a challenge tells
 * why it was not taken. SCRAM has its own, and of GSSAPI an empty one may be part. */
bool ls_mechanism_asks_again(const struct ls_mechanism *m, struct ls_span text) {
  return (m->flag & (LS_AUTH_PLAIN | LS_AUTH_EXTERNAL)) || (m->need == LS_NEEDS_TOKEN && text.n == 0);
}
