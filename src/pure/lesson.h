/* SPDX-License-Identifier: MIT
 * lesson: what the answers and ends of its connections taught us about a server, beyond what it offers. It
 * outlives the connection. A limit of messages is tested again and again, as servers are set up anew, and
 * what looks like one is often something else: one message more, alone, shows it and costs nothing. */
#ifndef LS_LESSON_H
#define LS_LESSON_H

#include "session.h"

enum {
  LS_LESSON_TEST_AFTER = 50,  /* accepted messages, a limit is tested again, */
  LS_LESSON_TEST_MOST = 6400  /* twice as many each time it holds, and so many at most */
};

/* Zeroes: nothing is known. */
struct ls_lesson {
  struct ls_session_learned session;
  size_t proven;     /* the most messages that one connection has carried */
  size_t messages;   /* as many the server takes on one connection; 0: no limit was met */
  size_t suspected;  /* the same, where one connection has ended so: no limit until another does; 0: none */
  size_t test_after; /* accepted messages, since it was learned or has held last */
  size_t accepted;   /* so many there were */
};

/* The messages that a connection may carry, but for one that tests that; SIZE_MAX: no limit is known. */
size_t ls_lesson_messages(const struct ls_lesson *l);

/* A connection that has carried so many may try one more: alone, so that nothing is in doubt if it fails. */
bool ls_lesson_test_is_due(const struct ls_lesson *l);

/* How a server ended a connection, while more messages were on it. */
enum ls_lesson_end {
  LS_LESSON_GOES_ON,  /* it did not */
  LS_LESSON_RESTARTS, /* it says that it closes as a whole (4.3.2): that is no limit, however often */
  LS_LESSON_BREAKS,   /* without a word about their number: a limit where it happens to the next one too */
  LS_LESSON_COUNTS    /* for their number, as it says */
};

/* What a connection has shown so far. */
struct ls_lesson_news {
  struct ls_session_learned session;
  size_t carried;
  size_t accepted; /* of them, since the last news */
  bool tested;     /* it was given one more than it may carry */
  enum ls_lesson_end end;
};
void ls_lesson_add(struct ls_lesson *l, const struct ls_lesson_news *news);

/* Whether ls_lesson_add would change l. */
bool ls_lesson_is_news(const struct ls_lesson *l, const struct ls_lesson_news *news);

#endif
