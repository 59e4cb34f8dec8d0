/* SPDX-License-Identifier: MIT
 * attempt: when a server may be tried again, and when to stop. An attempt is a connection until the server
 * has accepted a message on it: one that ends before, at the greeting, behind the login or behind refusals,
 * has failed. Each failure in a row doubles the pause before the next attempt, and as long as nothing newer
 * has worked only one is made at a time. So a server gets a connection and a login for each message that it
 * accepts, whatever it does, and few besides. Clock and chance are arguments. */
#ifndef LS_ATTEMPT_H
#define LS_ATTEMPT_H

#include <stdint.h>

#include "error.h"

enum {
  LS_ATTEMPT_MOST = 5,             /* failures in a row, then those who wait learn why */
  LS_ATTEMPT_SOON_MS = 100,        /* the pause behind the first failure, */
  LS_ATTEMPT_PAUSE_MS = 1000,      /* behind the second, doubled from there on */
  LS_ATTEMPT_LONGEST_MS = 8000,    /* at most; each pause is up to a quarter shorter or longer */
  LS_ATTEMPT_MUCH = 10,            /* refused messages that are worth a connection */
  LS_ATTEMPT_FORGET_MS = 60 * 1000 /* a failure so long ago says nothing of the server now */
};

/* Zeroes: nothing has been tried. */
struct ls_attempts {
  uint64_t begun;    /* how many attempts */
  uint64_t judged;   /* attempts up to this one have had their say; those begun together fail as one */
  unsigned failures; /* in a row, while no message was answered at all */
  unsigned level;    /* in a row, while no newer attempt has worked: the pause grows with it */
  int64_t failed_ms; /* when the last failure was */
  int64_t again_ms;  /* no attempt before */
};

/* What the failure of an attempt says. */
enum ls_attempt_verdict {
  LS_ATTEMPT_FINAL,  /* the next one would end the same: a login refused, TLS, words that are not SMTP */
  LS_ATTEMPT_ABSENT, /* nobody answered: refused by the system, no route, no name */
  LS_ATTEMPT_SILENT, /* somebody took the connection, and did not answer in time */
  LS_ATTEMPT_PASSING /* the server was there, and closed, reset or put us off (421) */
};
enum ls_attempt_verdict ls_attempt_judge(const struct ls_error *why, bool connected);

/* What a connection that was ready had come to when the server ended it. */
struct ls_attempt_use {
  size_t answered; /* messages, for good, */
  size_t accepted; /* and of those, these */
  bool wanted;     /* a message was on it, or waited for it */
  int64_t lived_ms;
};
/* Whether that is a failure. One that has refused all it was given is, unless that was much, or it was there
 * for so long that the next one is no haste. */
bool ls_attempt_was_vain(const struct ls_attempt_use *use);

/* May one begin now? unproven: connections that are being made, or are at work and have not had a message
 * accepted yet. */
bool ls_attempt_may_begin(const struct ls_attempts *a, size_t unproven, int64_t now_ms);
uint64_t ls_attempt_begin(struct ls_attempts *a, int64_t now_ms); /* its number, above 0 */

/* How the attempt of this number went. chance: 32 random bits. */
void ls_attempt_failed(struct ls_attempts *a, uint64_t number, int64_t now_ms, uint32_t chance);
void ls_attempt_worked(struct ls_attempts *a, uint64_t number);

/* A message was refused: the server is at work, and those who wait may go on waiting. */
void ls_attempt_answered(struct ls_attempts *a);

/* Nobody is there, and all who waited were told so: whoever comes next may try as soon as behind a first
 * failure. */
void ls_attempt_told(struct ls_attempts *a, int64_t now_ms, uint32_t chance);

/* So many have failed in a row that nobody should wait for the next. */
bool ls_attempt_exhausted(const struct ls_attempts *a);

#endif
