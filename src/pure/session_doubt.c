/* SPDX-License-Identifier: MIT
 * 421 may come at any time (RFC 5321 3.8): as the answer to a command, or as a word in between from a server
 * that still finishes what it has in hand. No reply says what it answers. So once a content is out whole and
 * not answered, 421 alone decides nothing: the session reads on until the server closes, for a short time,
 * and takes what is said in both ways:
 *
 *    asked    the 421 answered the first command that was not answered yet, the reply behind it the second,
 *             and so on. This is what the handlers of session_in make of it.
 *    unasked  the 421 answered nothing: each reply answers the command before. This is kept here.
 *
 * 1. There is one reply more than asked allows: it was unasked, and each message has its answer.
 * 2. Unasked, a content would have been granted to nobody: it was asked.
 * 3. Else both may be true. A message that was granted in both is accepted. One that was granted in one of
 *    them, or is not answered though the server went on, or was still connected when we gave up, is unknown,
 *    and never sent again. All others were not accepted: they were refused, or the server said 421 and
 *    closed without an answer. Unasked, it goes on with another message by its MAIL, for what it has in hand
 *    it may finish, and with this by RCPT.
 * 4. A second 421 answers what it is taken for. A server that refuses a BDAT may read its content as
 *    commands, and say no to each line. So where 421, or a no behind BDAT, is the last that could be an
 *    answer, more may come; and where more comes, or RSET is refused, nobody knows what answers what.
 */
#include "session_state.h"

static bool is_out(const struct ls_session *s, const struct ls_flight *f) {
  return f->content_end && s->queue.sent >= f->content_end;
}

static const struct ls_awaited *awaited_at(const struct ls_session *s, size_t i) {
  return &s->awaited[(s->awaited_from + i) & (s->awaited_cap - 1)];
}

/* What is out whole of what is awaited. */
static size_t count_sent(const struct ls_session *s) {
  size_t n = s->awaited_count;
  while (n && awaited_at(s, n - 1)->end > s->queue.sent)
    n--;
  return n;
}

void ls_session_doubt(struct ls_session *s) {
  bool any = false;
  if (s->closing)
    return;
  for (struct ls_flight *f = s->flights.first; f; f = f->next) {
    any |= f->error.status == LS_OK && ls_session_may_be_accepted(s, f);
    f->unasked = (struct ls_unasked){.mail_refused = f->mail_refused,
                                     .answered = f->answered,
                                     .accepted = f->accepted,
                                     .rejections = f->rejection_count};
    ls_buf_init(&f->unasked.response, LS_REPLY_MAX);
  }
  if (!any)
    return;
  s->closing = s->doubt.on = true;
  s->doubt.since_ms = s->now_ms;
  s->doubt.from = s->awaited_from;
  s->doubt.left = count_sent(s);
  for (size_t i = 0; i < s->doubt.left; i++)
    s->doubt.bdat |= awaited_at(s, i)->command == LS_SESSION_COMMAND_BDAT;
  s->doubt.head = awaited_at(s, 0)->flight;
}

static bool stands(const struct ls_unasked *u) {
  return !u->mail_refused && u->accepted;
}

static void hear_content(struct ls_session *s, struct ls_flight *f, bool yes) {
  struct ls_unasked *u = &f->unasked;
  bool granted = yes && is_out(s, f);
  u->granted = granted && stands(u);
  u->refused = !u->granted;
  s->doubt.asked |= granted && !stands(u);
  if (u->granted)
    ls_buf_add(&u->response, ls_session_words(s));
}

/* If the 421 answered nothing, this reply answers a. */
static void hear_unasked(struct ls_session *s, const struct ls_awaited *a) {
  struct ls_flight *f = a->flight;
  struct ls_unasked *u = &f->unasked;
  bool yes = s->reply.code < 300;
  switch (a->command) {
  case LS_SESSION_COMMAND_MAIL:
    u->mail_refused = !yes;
    s->doubt.went_on |= yes;
    break;
  case LS_SESSION_COMMAND_RCPT:
    u->answered++;
    u->accepted += yes;
    u->rejects |= !yes;
    u->went_on |= yes && !u->mail_refused;
    break;
  case LS_SESSION_COMMAND_CONTENT:
  case LS_SESSION_COMMAND_BDAT:
    hear_content(s, f, yes);
    break;
  default:
    break;
  }
}

/* Behind the last that could be an answer: another 421, or a no to a line of a content. */
static bool may_go_on(const struct ls_session *s) {
  return s->reply.code == 421 || (s->doubt.bdat && s->reply.code >= 400);
}

/* No command of ours is unknown: this is to a line of a content. */
static bool is_to_content(const struct ls_session *s) {
  return s->doubt.bdat && (s->reply.code == 500 || s->reply.code == 502);
}

void ls_session_hear_doubtful(struct ls_session *s) {
  s->doubt.open = may_go_on(s);
  s->doubt.lost |= is_to_content(s);
  s->doubt.lost |= s->doubt.left == 0;
  if (s->doubt.left == 0)
    return;
  const struct ls_awaited *a = &s->awaited[s->doubt.from];
  s->doubt.from = (s->doubt.from + 1) & (s->awaited_cap - 1);
  s->doubt.left--;
  s->doubt.unasked |= s->doubt.left == 0 && !s->doubt.open;
  if (a->flight)
    hear_unasked(s, a);
}

/* It is refused in both ways. */
static bool is_refused(const struct ls_session *s, const struct ls_flight *f) {
  const struct ls_unasked *u = &f->unasked;
  bool unasked = u->refused || u->mail_refused || (u->answered == f->env->count && !u->accepted);
  return !is_out(s, f) || (f->answered_last && !f->granted && unasked && !u->granted);
}

static bool all_refused(const struct ls_session *s) {
  for (const struct ls_flight *f = s->flights.first; f; f = f->next)
    if (!is_refused(s, f))
      return false;
  return s->reply.code != 421;
}

bool ls_session_doubt_over(const struct ls_session *s) {
  if (s->doubt.lost || (s->doubt.left == 0 && !s->doubt.open))
    return true;
  return s->awaited_count == 0 && (s->doubt.asked || all_refused(s));
}

/* What is not answered may be accepted by a server that went on; by one that only closed it is not. */
static bool may_be_asked(const struct ls_session *s, const struct ls_flight *f) {
  return f->granted || (s->went_on && ls_session_may_be_accepted(s, f));
}

static bool may_be_unasked(const struct ls_session *s, const struct ls_flight *f) {
  const struct ls_unasked *u = &f->unasked;
  bool answered = u->granted || u->refused || u->mail_refused;
  if (answered || !is_out(s, f))
    return u->granted;
  return (s->doubt.went_on || u->went_on) && (u->accepted || u->answered < f->env->count);
}

static bool is_accepted(const struct ls_session *s, const struct ls_flight *f) {
  bool in_both = f->granted && f->error.status == LS_OK && f->env->count == 1;
  return f->unasked.granted && !f->unasked.rejects && (s->doubt.unasked || in_both);
}

enum ls_fate ls_session_fate(const struct ls_session *s, const struct ls_flight *f) {
  bool both_refuted = s->doubt.asked && s->doubt.unasked;
  if (!s->doubt.on)
    return LS_FATE_AS_ANSWERED;
  if (s->doubt.lost || both_refuted)
    return is_out(s, f) ? LS_FATE_UNKNOWN : LS_FATE_NOT_SENT;
  if (s->doubt.asked)
    return f->granted && f->error.status != LS_OK ? LS_FATE_UNKNOWN : LS_FATE_AS_ANSWERED;
  if (is_accepted(s, f))
    return LS_FATE_ACCEPTED;
  bool may_be = may_be_unasked(s, f) || (!s->doubt.unasked && may_be_asked(s, f));
  return may_be ? LS_FATE_UNKNOWN : LS_FATE_NOT_SENT;
}
