/* SPDX-License-Identifier: MIT */
#include "lesson.h"

size_t ls_lesson_messages(const struct ls_lesson *l, int64_t now_ms) {
  return l->messages && now_ms < l->messages_until_ms ? l->messages : SIZE_MAX;
}

bool ls_lesson_is_news(const struct ls_lesson *l, const struct ls_lesson_news *news, int64_t now_ms) {
  const struct ls_session_learned *known = &l->session, *more = &news->session;
  size_t limit = ls_lesson_messages(l, now_ms);
  return (news->ended && news->carried && news->carried < limit) ||
         (news->carried > l->proven && news->carried < limit) ||
         (more->chunking_refused && !known->chunking_refused) ||
         (more->chunking_proven && !known->chunking_proven) || (more->chunks_read && !known->chunks_read) ||
         (more->parameters_refused && !known->parameters_refused);
}

static void learn_limit(struct ls_lesson *l, size_t messages, bool told, int64_t now_ms) {
  int64_t at_first = told ? LS_LESSON_TOLD_MS : LS_LESSON_SEEN_MS;
  int64_t again =
      l->messages_for_ms < LS_LESSON_LONGEST_MS / 2 ? l->messages_for_ms * 2 : LS_LESSON_LONGEST_MS;
  /* connections that were open together learn the same lesson: that confirms nothing */
  if (messages >= ls_lesson_messages(l, now_ms))
    return;
  l->messages_for_ms = messages == l->messages && again > at_first ? again : at_first;
  l->messages_until_ms = now_ms + l->messages_for_ms;
  l->proven = l->messages = messages;
}

void ls_lesson_add(struct ls_lesson *l, const struct ls_lesson_news *news, int64_t now_ms) {
  l->session.chunking_refused |= news->session.chunking_refused;
  l->session.chunking_proven |= news->session.chunking_proven;
  l->session.chunks_read |= news->session.chunks_read;
  l->session.parameters_refused |= news->session.parameters_refused;
  if (news->carried > l->proven && news->carried < ls_lesson_messages(l, now_ms))
    l->proven = news->carried;
  /* a connection that carried nothing has met no limit of this kind */
  if (news->ended && news->carried)
    learn_limit(l, news->carried, news->told, now_ms);
}
