/* SPDX-License-Identifier: MIT */
#include "lesson.h"

size_t ls_lesson_messages(const struct ls_lesson *l) {
  size_t known = l->suspected ? l->suspected : l->messages;
  return known ? known : SIZE_MAX;
}

bool ls_lesson_test_is_due(const struct ls_lesson *l) {
  return l->suspected || (l->messages && l->accepted >= l->test_after);
}

static bool is_end(const struct ls_lesson_news *news) {
  /* a connection that carried nothing has met no limit of this kind */
  return news->end != LS_LESSON_GOES_ON && news->carried;
}

bool ls_lesson_is_news(const struct ls_lesson *l, const struct ls_lesson_news *news) {
  const struct ls_session_learned *known = &l->session, *more = &news->session;
  return (is_end(news) && news->carried <= ls_lesson_messages(l)) || news->carried > l->proven ||
         (news->accepted && (l->messages || l->suspected)) ||
         (more->chunking_refused && !known->chunking_refused) ||
         (more->chunking_proven && !known->chunking_proven) || (more->chunks_read && !known->chunks_read) ||
         (more->parameters_refused && !known->parameters_refused);
}

static void suspect(struct ls_lesson *l, size_t messages) {
  l->suspected = messages;
  l->proven = messages;
}

static void know(struct ls_lesson *l, size_t messages) {
  bool again = l->messages == messages;
  size_t twice = l->test_after < LS_LESSON_TEST_MOST / 2 ? l->test_after * 2 : LS_LESSON_TEST_MOST;
  l->test_after = again ? twice : LS_LESSON_TEST_AFTER;
  l->accepted = 0;
  l->suspected = 0;
  l->proven = l->messages = messages;
}

/* Connections that were open together end together: that confirms nothing, only a test does. */
static void add_end(struct ls_lesson *l, const struct ls_lesson_news *news) {
  size_t limit = ls_lesson_messages(l);
  bool holds = news->tested && news->carried == limit && news->end != LS_LESSON_RESTARTS;
  if (holds || (news->end == LS_LESSON_COUNTS && (news->carried < limit || l->suspected == news->carried)))
    know(l, news->carried);
  else if (news->carried < limit)
    suspect(l, news->carried);
}

/* One more was taken than is said: so that is none, or none any more. */
static void add_accepted(struct ls_lesson *l, const struct ls_lesson_news *news) {
  l->accepted += news->accepted;
  if (news->accepted && news->carried > ls_lesson_messages(l)) {
    l->messages = l->suspected ? l->messages : 0;
    l->suspected = 0;
  }
  if (news->carried > l->proven)
    l->proven = news->carried;
}

void ls_lesson_add(struct ls_lesson *l, const struct ls_lesson_news *news) {
  l->session.chunking_refused |= news->session.chunking_refused;
  l->session.chunking_proven |= news->session.chunking_proven;
  l->session.chunks_read |= news->session.chunks_read;
  l->session.parameters_refused |= news->session.parameters_refused;
  add_accepted(l, news);
  if (is_end(news) && news->carried <= ls_lesson_messages(l))
    add_end(l, news);
}
