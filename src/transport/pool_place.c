/* SPDX-License-Identifier: MIT
 * Which connection takes a message. */
#include "pool_state.h"

enum {
  ALONE = 2,      /* one in flight and the one whose envelope goes with its content */
  CHECK_MS = 5000 /* a connection that has not answered NOOP by then is given up */
};

/* The limit that a server has shown ends no connection on which it has refused all: else each refusal would
 * cost a login. There the server may end it itself. */
bool ls_pool_is_past(const struct ls_pool *p, const struct ls_pool_conn *m) {
  bool all_refused = m->record.answered == m->taken && m->record.accepted == 0;
  return m->taken >= ls_lesson_messages(&p->lesson) && !all_refused;
}

static bool one_is_testing(const struct ls_pool *p) {
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    if (m->tested && m->jobs.count)
      return true;
  return false;
}

/* A limit that is only suspected ends none before it is tested, unless that takes long. */
static bool at_limit(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms) {
  if (!ls_pool_is_past(p, m))
    return false;
  if (m->tested || !ls_lesson_test_is_due(&p->lesson))
    return true;
  bool waits = p->lesson.suspected && now_ms < ls_pool_impatient_ms(p);
  return !waits && one_is_testing(p);
}

/* Whether m may take one message more than it may, to see whether the server means it. */
static bool may_test(const struct ls_pool *p, const struct ls_pool_conn *m) {
  return m->record.accepted_last && m->record.answered == m->taken && !one_is_testing(p);
}

bool ls_pool_is_spent(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms) {
  return m->taken >= p->config->max_messages || at_limit(p, m, now_ms) ||
         now_ms - ls_conn_ready_ms(m->conn) >= p->config->max_age;
}

size_t ls_pool_most_messages(const struct ls_pool *p) {
  size_t known = ls_lesson_messages(&p->lesson);
  return known < p->config->max_messages ? known : p->config->max_messages;
}

size_t ls_pool_startable(const struct ls_pool *p, int64_t now_ms) {
  size_t limit = p->config->rate_limit;
  if (limit == 0)
    return SIZE_MAX;
  if (now_ms - p->window_ms >= p->config->rate_delta)
    return limit;
  return p->started < limit ? limit - p->started : 0;
}

static void count_start(struct ls_pool *p, int64_t now_ms) {
  if (p->started == 0 || now_ms - p->window_ms >= p->config->rate_delta) {
    p->started = 0;
    p->window_ms = now_ms;
  }
  p->started++;
}

int64_t ls_pool_delay(const struct ls_pool *p, size_t ahead, int64_t now_ms) {
  size_t limit = p->config->rate_limit;
  if (limit == 0)
    return 0;
  ahead += p->waiting.count + limit - ls_pool_startable(p, now_ms);
  return (int64_t)(ahead / limit) * p->config->rate_delta;
}

/* Nothing went either way for so long that the server, or a router in between, may have forgotten it. */
static bool is_stale(const struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms) {
  return ls_pool_is_idle(m) && now_ms - ls_conn_active_ms(m->conn) >= p->config->check_idle;
}

bool ls_pool_takes_messages(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms) {
  return !m->probe && !m->check_until_ms && ls_conn_state(m->conn) == LS_CONN_READY &&
         !ls_pool_is_spent(p, m, now_ms);
}

bool ls_pool_could_take(const struct ls_pool *p, const struct ls_pool_conn *m, const struct ls_job *j,
                        int64_t now_ms) {
  int64_t seen_ms = m->record.answered ? m->answered_ms : ls_conn_ready_ms(m->conn);
  return ls_pool_takes_messages(p, m, now_ms) && seen_ms >= j->not_before;
}

/* Where only one can be in flight, more than the next one would wait there, and not for any connection. */
static bool has_room(const struct ls_pool_conn *m) {
  const struct ls_session *s = ls_conn_session(m->conn);
  return ls_session_room(s) && (ls_session_chunks(s) || m->jobs.count < ALONE);
}

/* Where contents leave whole, those that are on a connection when the server ends it for their number are in
 * doubt. So one connection goes ahead, and the others follow it as far as any has come; that it has come to a
 * limit is learned once. It holds up nobody: who has waited for long may go ahead too. */
static bool may_go_ahead(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms) {
  if (m->taken < p->lesson.proven || !ls_session_chunks(ls_conn_session(m->conn)) ||
      now_ms >= ls_pool_impatient_ms(p))
    return true;
  for (const struct ls_pool_conn *x = p->members; x; x = x->next)
    if (x != m && ls_conn_state(x->conn) == LS_CONN_READY && x->jobs.count && x->taken > p->lesson.proven)
      return false;
  return true;
}

/* Sends NOOP over as many stale connections as those that wait need besides the fresh ones. */
static void check_stale(struct ls_pool *p, int64_t now_ms) {
  size_t wanted = (p->waiting.count + LS_POOL_PAYS - 1) / LS_POOL_PAYS;
  for (struct ls_pool_conn *m = p->members; m && wanted; m = m->next)
    if (m->check_until_ms || (ls_pool_takes_messages(p, m, now_ms) && !is_stale(p, m, now_ms) && has_room(m)))
      wanted--;
  for (struct ls_pool_conn *m = p->members; m && wanted; m = m->next)
    if (ls_pool_takes_messages(p, m, now_ms) && is_stale(p, m, now_ms)) {
      ls_session_noop(ls_conn_session(m->conn), now_ms);
      m->check_until_ms = now_ms + ls_pool_earlier(p->config->greeting_timeout, CHECK_MS);
      wanted--;
    }
}

/* The best connection for j: an idle one, the last used first, so that the others can grow old; else the one
 * with the least in flight. */
static struct ls_pool_conn *choose(struct ls_pool *p, const struct ls_job *j, int64_t now_ms) {
  struct ls_pool_conn *best = NULL;
  for (struct ls_pool_conn *m = p->members; m; m = m->next) {
    if (!ls_pool_could_take(p, m, j, now_ms) || is_stale(p, m, now_ms) || !has_room(m) ||
        !may_go_ahead(p, m, now_ms) || (ls_pool_is_past(p, m) && !may_test(p, m)))
      continue;
    if (!best || m->jobs.count < best->jobs.count ||
        (m->jobs.count == best->jobs.count && ls_conn_active_ms(m->conn) > ls_conn_active_ms(best->conn)))
      best = m;
  }
  return best;
}

/* False: j has found no place and waits on. */
static bool place(struct ls_pool *p, struct ls_job *j, int64_t now_ms) {
  struct ls_pool_conn *m = choose(p, j, now_ms);
  if (!m)
    return false;
  struct ls_error err = {0};
  bool tests = ls_pool_is_past(p, m);
  if (tests)
    ls_session_ask_first(ls_conn_session(m->conn));
  enum ls_status status = ls_session_submit(ls_conn_session(m->conn), j->id, &j->message.envelope,
                                            ls_buf_span(&j->message.content), now_ms, &err);
  bool waits = status == LS_AGAIN || status == LS_ECONNECTION;
  if (status == LS_OK) {
    m->tested |= tests;
    m->taken++;
    count_start(p, now_ms);
    p->in_flight++;
    ls_job_push(&m->jobs, j);
  } else if (!waits) {
    ls_pool_fail(p, j, &err);
  }
  ls_error_deinit(&err);
  return !waits;
}

/* Waiting for rateLimit is not for want of another connection, nor is waiting for the first one. */
static void note_shortage(struct ls_pool *p, int64_t now_ms) {
  if (!p->waiting.head || p->count == p->opening || ls_pool_startable(p, now_ms) == 0)
    p->short_ms = 0;
  else if (p->short_ms == 0)
    p->short_ms = now_ms;
}

static void place_waiting(struct ls_pool *p, int64_t now_ms) {
  struct ls_job_list keep = {0};
  bool full = false;
  if (ls_pool_startable(p, now_ms))
    check_stale(p, now_ms);
  for (struct ls_job *j = ls_job_pop(&p->waiting); j; j = ls_job_pop(&p->waiting)) {
    bool too_fast = ls_pool_startable(p, now_ms) == 0;
    if (too_fast || !place(p, j, now_ms)) {
      /* one that must not take just any connection does not hold up those behind it */
      full = too_fast || !j->not_before;
      ls_job_push(&keep, j);
    }
    if (full) {
      ls_job_prepend(&p->waiting, &keep);
      return;
    }
  }
  p->waiting = keep;
}

void ls_pool_place(struct ls_pool *p, int64_t now_ms) {
  place_waiting(p, now_ms);
  note_shortage(p, now_ms);
}
