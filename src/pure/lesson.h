/* SPDX-License-Identifier: MIT
 * lesson: what the answers and ends of its connections taught us about a server, beyond what it offers. It
 * outlives the connection. What depends on how a server is set up today is believed for a time: doubled when
 * the next connection says the same, forgotten when the time is over. */
#ifndef LS_LESSON_H
#define LS_LESSON_H

#include "session.h"

enum {
  LS_LESSON_TOLD_MS = 10 * 60 * 1000,        /* how long a farewell (421) is believed at first, */
  LS_LESSON_SEEN_MS = 60 * 1000,             /* a connection that broke without a word, */
  LS_LESSON_LONGEST_MS = 24 * 60 * 60 * 1000 /* and either at most */
};

/* Zeroes: nothing is known. */
struct ls_lesson {
  struct ls_session_learned session;
  size_t proven;             /* the most messages that one connection has carried */
  size_t messages;           /* as many the server takes on one connection; 0: no limit was met */
  int64_t messages_for_ms;   /* how long that is believed, */
  int64_t messages_until_ms; /* and until when */
};

/* The messages that a connection may carry; SIZE_MAX: no limit is known, or none is believed any more. */
size_t ls_lesson_messages(const struct ls_lesson *l, int64_t now_ms);

/* What a connection has shown so far. */
struct ls_lesson_news {
  struct ls_session_learned session;
  size_t carried;
  bool ended; /* by the server, while more messages were on it, */
  bool told;  /* and it said so (421) */
};
void ls_lesson_add(struct ls_lesson *l, const struct ls_lesson_news *news, int64_t now_ms);

/* Whether ls_lesson_add would change l. */
bool ls_lesson_is_news(const struct ls_lesson *l, const struct ls_lesson_news *news, int64_t now_ms);

#endif
