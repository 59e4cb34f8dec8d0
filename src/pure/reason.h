/* SPDX-License-Identifier: MIT
 * reason: what exactly went wrong, finer than a status; a caller decides on it without reading sentences. */
#ifndef LS_REASON_H
#define LS_REASON_H

#include <stdbool.h>

#include "span.h"
#include "status.h"

#define X(name, word, status, lasting, text) LS_REASON_##name,
enum ls_reason {
  LS_REASON_NONE, /* of an error that is none */
#include "reason.def"
  LS_REASON_COUNT
};
#undef X

/* "tls_untrusted", and the sentence; "" for LS_REASON_NONE. Static storage. */
const char *ls_reason_word(enum ls_reason reason);
const char *ls_reason_text(enum ls_reason reason);

enum ls_reason ls_reason_find(const char *word); /* LS_REASON_NONE: no such word */

enum ls_status ls_reason_status(enum ls_reason reason); /* LS_OK: one that a reply tells, of any status */
bool ls_reason_is_lasting(enum ls_reason reason); /* without a reply, the same attempt would fail again */

/* The first reason of a status below 0; LS_REASON_NONE for LS_OK and LS_AGAIN. */
enum ls_reason ls_reason_of(enum ls_status status);

/* The reason of a refusal, by what the server said: about a limit, the connection or the time it is, or
 * otherwise, which is about what was asked of it. code: 0 when there is none, enhanced: "" likewise.
 * text: the reply as it is told. */
enum ls_reason ls_reason_of_reply(enum ls_reason otherwise, int code, const char *enhanced,
                                  struct ls_span text);

/* Whether a reply says that the connection is at its end, whatever it answers: 421 always (RFC 5321 3.8),
 * other 4xx by 4.3.2 and 4.4.2 (RFC 3463), or by words about a limit of this connection. */
bool ls_reason_ends_connection(int code, const char *enhanced, struct ls_span text);

/* Whether it says so for the number of messages. */
bool ls_reason_counts_messages(const char *enhanced, struct ls_span text);
/* Or because the server closes as a whole, whatever this connection has done: 4.3.2, or by its words. */
bool ls_reason_is_restart(const char *enhanced, struct ls_span text);

#endif
