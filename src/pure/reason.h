/* SPDX-License-Identifier: MIT
 * reason: what is behind an error, as a word that programs can rely on. */
#ifndef LS_REASON_H
#define LS_REASON_H

#include "span.h"

#define X(name, word, text) LS_REASON_##name,
enum ls_reason {
  LS_REASON_NONE, /* the code says it all */
#include "reason.def"
  LS_REASON_COUNT
};
#undef X

const char *ls_reason_word(enum ls_reason reason); /* static; NULL for NONE */

/* What a server's refusal is about. command: what it answers, as in struct ls_error, or NULL; enhanced:
 * "4.7.0", "" or NULL; text: the reply. */
enum ls_reason ls_reason_of_reply(const char *command, int code, const char *enhanced, struct ls_span text);

#endif
