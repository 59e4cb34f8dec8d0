/* SPDX-License-Identifier: MIT */
#include "mechanism.h"

static const struct ls_mechanism table[] = {
#define LS_MECHANISM(name, flag, need, initial)                                                              \
  {name, "AUTH " name, LS_AUTH_##flag, LS_NEEDS_##need, initial},
#include "mechanism.def"
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
