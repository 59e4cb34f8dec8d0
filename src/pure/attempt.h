/* SPDX-License-Identifier: MIT
 * attempt: when a server may be tried again, and when to stop. An attempt is a connection until it has
 * carried a message: one that ends before, at the greeting or behind the login, has failed. Each failure in a
 * row doubles the pause before the next attempt, and as long as nothing newer has worked only one is made at
 * a time. Clock and chance are arguments. */
#ifndef LS_ATTEMPT_H
#define LS_ATTEMPT_H

#include <stdint.h>

#include "error.h"

enum {
  LS_ATTEMPT_MOST = 5,             /* failures in a row, then those who wait learn why */
  LS_ATTEMPT_SOON_MS = 100,        /* the pause behind the first failure, */
  LS_ATTEMPT_PAUSE_MS = 1000,      /* behind the second, doubled from there on */
  LS_ATTEMPT_LONGEST_MS = 8000,    /* at most; each pause is up to a quarter shorter or longer */
  LS_ATTEMPT_FORGET_MS = 60 * 1000 /* a failure so long ago says nothing of the server now */
};

/* Zeroes: nothing has been tried. */
struct ls_attempts {
  uint64_t begun;    /* how many attempts */
  uint64_t judged;   /* attempts up to this one have had their say; those begun together fail as one */
  unsigned failures; /* in a row, while nothing worked at all */
  unsigned level;    /* in a row, while no newer attempt has worked: the pause grows with it */
  int64_t failed_ms; /* when the last failure was */
  int64_t again_ms;  /* no attempt before */
};

/* What the failure of an attempt says. */
enum ls_attempt_verdict {
  LS_ATTEMPT_FINAL,  /* the next one would end the same: a login refused, TLS, words that are not SMTP */
  LS_ATTEMPT_ABSENT, /* nobody answered: refused by the system, no route, no name, silence */
  LS_ATTEMPT_PASSING /* the server was there, and closed, reset or put us off (421) */
};
enum ls_attempt_verdict ls_attempt_judge(const struct ls_error *why, bool connected);

/* May one begin now? unproven: connections that are being made or have not carried anything yet. */
bool ls_attempt_may_begin(const struct ls_attempts *a, size_t unproven, int64_t now_ms);
uint64_t ls_attempt_begin(struct ls_attempts *a, int64_t now_ms); /* its number, above 0 */

/* How the attempt of this number went. chance: 32 random bits. */
void ls_attempt_failed(struct ls_attempts *a, uint64_t number, int64_t now_ms, uint32_t chance);
void ls_attempt_worked(struct ls_attempts *a, uint64_t number);

/* So many have failed in a row that nobody should wait for the next. */
bool ls_attempt_exhausted(const struct ls_attempts *a);

#endif
