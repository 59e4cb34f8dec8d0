/* SPDX-License-Identifier: MIT
 * error: what failed, at which step, what the server said, what to try. The lowest one who knows writes it,
 * nobody overwrites it. Never a password, token, verification code or body in it: words of others come in as
 * mask leaves them. They act on nothing: they are kept as visible shows them. */
#ifndef LS_ERROR_H
#define LS_ERROR_H

#include <stdarg.h>

#include "reason.h"
#include "span.h"
#include "status.h"

struct ls_option;

enum ls_delivery {
  LS_DELIVERY_NOT_SENT, /* the server did not take the message */
  LS_DELIVERY_UNKNOWN   /* the connection broke after the last octet of the content and before its reply */
};

struct ls_error {
  enum ls_status status; /* LS_OK: nothing written yet */
  enum ls_reason reason; /* what exactly; LS_REASON_NONE only while nothing is written */
  char *message;         /* owned; a sentence; NULL when memory ran out (see ls_error_text) */
  char *response;        /* owned; the server's reply without CRLF, lines joined by LF; or NULL */
  const char
      *command; /* static: "CONN", "EHLO", "STARTTLS", "AUTH PLAIN", "MAIL FROM", "RCPT TO", "DATA", "API" */
  int response_code; /* 0: none */
  char enhanced[16]; /* "5.7.8", RFC 3463; "" when the reply carries none (at most 9 octets by its grammar) */
  enum ls_delivery delivery;
  bool permanent;                 /* no retry mends it, whatever status and reply say */
  const struct ls_option *option; /* of a config that is wrong; NULL: none in particular */
  int item;                       /* which of several; see option.h */
};

#if defined(__GNUC__)
#define LS_ERROR_FORMAT __attribute__((format(printf, 4, 5)))
#define LS_ERROR_WORDS __attribute__((format(printf, 2, 3)))
#else
#define LS_ERROR_FORMAT
#define LS_ERROR_WORDS
#endif

/* Writes reason, its status, command and a printf-formatted message, unless *e is written already. Always
 * answers the status, so that `return ls_error_because(...)` reads well. e may be NULL. reason: one that has
 * a status. command: static storage, or NULL. */
enum ls_status ls_error_because(struct ls_error *e, enum ls_reason reason, const char *command,
                                const char *format, ...) LS_ERROR_FORMAT;

/* The same for the first reason of a status, where the status says it all. */
enum ls_status ls_error_set(struct ls_error *e, enum ls_status status, const char *command,
                            const char *format, ...) LS_ERROR_FORMAT;

/* There is no memory, and the sentence of status.def says so. Answers LS_ENOMEM. */
enum ls_status ls_error_no_memory(struct ls_error *e, const char *command);

/* As because; label, unless it is NULL, begins the message, with a blank behind it where no colon follows. */
void ls_error_vbecause(struct ls_error *e, enum ls_reason reason, const char *command, const char *label,
                       const char *format, va_list args);

/* Writes words behind the message of an error written before, in brackets: what was not known when it was
 * written. Without memory they are left out. */
void ls_error_add_words(struct ls_error *e, const char *format, ...) LS_ERROR_WORDS;

/* Adds the server's reply (text as joined by ls_reply) to an error written before, and takes the reason from
 * it where it tells one; does nothing when the error has one. */
void ls_error_add_reply(struct ls_error *e, int code, const char *enhanced, struct ls_span text);

/* The same for what came of a reply before the connection ended (see ls_reply_cut), which no other message
 * tells: it is added to the message too. */
void ls_error_add_cut(struct ls_error *e, int code, const char *enhanced, struct ls_span text);

/* True when the same attempt would fail again: a 5xx reply, or a status no retry mends (ECONFIG, EARGUMENT,
 * ...). */
bool ls_error_permanent(const struct ls_error *e);

/* The message, or the reason's sentence when there is none. Never NULL. */
const char *ls_error_text(const struct ls_error *e);

enum ls_status ls_error_copy(struct ls_error *to, const struct ls_error *from); /* to: empty or zeroed */
void ls_error_deinit(struct ls_error *e); /* frees; safe twice, safe on zeroes */

#endif
