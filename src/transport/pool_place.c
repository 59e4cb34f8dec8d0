/* SPDX-License-Identifier: MIT
 * Which connection takes a message, and when another one is opened. */
#include "pool_state.h"

enum {
  PAYS = 8,                       /* so many messages for each connection make another one pay, ... */
  PAYS_TOGETHER = LS_POOL_WINDOW, /* ... and so many where many can be in flight (CHUNKING) */
  ALONE = 2,                      /* one in flight and the one whose envelope goes with its content */
  LASTING = 20,                   /* maxMessages of connections that are worth replacing ahead */
  PATIENCE_MS = 100,              /* less waiting than that is nothing to open connections for */
  CHECK_MS = 5000                 /* a connection that has not answered NOOP by then is given up */
};

bool ls_pool_is_spent(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms) {
  return m->taken >= p->config->max_messages || now_ms - ls_conn_ready_ms(m->conn) >= p->config->max_age;
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

static bool takes_messages(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms) {
  return !m->probe && !m->check_until_ms && ls_conn_state(m->conn) == LS_CONN_READY &&
         !ls_pool_is_spent(p, m, now_ms);
}

/* Where only one can be in flight, more than the next one would wait there, and not for any connection. */
static bool has_room(const struct ls_pool_conn *m) {
  const struct ls_session *s = ls_conn_session(m->conn);
  return ls_session_room(s) && (ls_session_chunks(s) || m->jobs.count < ALONE);
}

/* Sends NOOP over as many stale connections as those that wait need besides the fresh ones. */
static void check_stale(struct ls_pool *p, int64_t now_ms) {
  size_t wanted = (p->waiting.count + PAYS - 1) / PAYS;
  for (struct ls_pool_conn *m = p->members; m && wanted; m = m->next)
    if (m->check_until_ms || (takes_messages(p, m, now_ms) && !is_stale(p, m, now_ms) && has_room(m)))
      wanted--;
  for (struct ls_pool_conn *m = p->members; m && wanted; m = m->next)
    if (takes_messages(p, m, now_ms) && is_stale(p, m, now_ms)) {
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
    if (!takes_messages(p, m, now_ms) || is_stale(p, m, now_ms) ||
        ls_conn_ready_ms(m->conn) < j->not_before || !has_room(m))
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
  enum ls_status status = ls_session_submit(ls_conn_session(m->conn), j->id, &j->message.envelope,
                                            ls_buf_span(&j->message.content), now_ms, &err);
  bool waits = status == LS_AGAIN || status == LS_ECONNECTION;
  if (status == LS_OK) {
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

/* Makes way for a message that needs a fresh connection. */
static bool end_one_idle(struct ls_pool *p, int64_t now_ms) {
  for (struct ls_pool_conn *m = p->members; m; m = m->next)
    if (!m->probe && ls_pool_is_idle(m)) {
      ls_pool_remove_member(p, m, true, now_ms);
      return true;
    }
  return false;
}

/* A new connection costs five to eight round trips. A message costs one where it has the connection to
 * itself, and a small part of one where others are in flight with it. Until a connection is ready nobody
 * knows which. */
static size_t pays_from(const struct ls_pool *p) {
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    if (ls_conn_state(m->conn) == LS_CONN_READY && ls_session_chunks(ls_conn_session(m->conn)))
      return PAYS_TOGETHER;
  return PAYS;
}

static size_t most_connections(const struct ls_pool *p) {
  return p->config->max_connections ? p->config->max_connections : 1;
}

int64_t ls_pool_impatient_ms(const struct ls_pool *p) {
  int64_t patience_ms = p->opening_ms > PATIENCE_MS ? p->opening_ms : PATIENCE_MS;
  return p->short_ms ? p->short_ms + patience_ms : INT64_MAX;
}

/* How many connections pay for what is there to send now. A server that is slow itself, not far away, gains
 * nothing from pipelining: that shows in how long messages wait. */
static size_t wanted_connections(const struct ls_pool *p, size_t may_start, int64_t now_ms) {
  size_t pending = (p->waiting.count < may_start ? p->waiting.count : may_start) + p->in_flight;
  size_t pays = now_ms >= ls_pool_impatient_ms(p) ? 1 : pays_from(p);
  size_t wanted = (pending + pays - 1) / pays;
  return wanted < most_connections(p) ? wanted : most_connections(p);
}

/* Whether m will have taken its last message sooner, at the pace it has had so far, than another connection
 * opened now could be relied on to take over. */
static bool is_ending(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms) {
  if (p->config->max_messages < LASTING || !m->taken || !takes_messages(p, m, now_ms))
    return false;
  int64_t age = now_ms - ls_conn_ready_ms(m->conn);
  int64_t over = age > p->opening_ms ? age : p->opening_ms;
  int64_t left = (int64_t)(p->config->max_messages - m->taken) * over / (int64_t)m->taken;
  return ls_pool_earlier(left, p->config->max_age - age) < 2 * p->opening_ms;
}

/* Replaces connections before they end: else a message would wait for the next one to open. */
static void open_ahead(struct ls_pool *p, int64_t now_ms) {
  size_t ending = 0;
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    ending += is_ending(p, m, now_ms);
  if (!ending || p->in_flight == 0 || p->count >= most_connections(p) || now_ms < p->open_again_ms)
    return;
  size_t wanted = wanted_connections(p, ls_pool_startable(p, now_ms), now_ms);
  if (p->count - ending < wanted && ls_pool_has_token(p, now_ms))
    ls_pool_open_member(p, false, now_ms, NULL);
}

void ls_pool_open_more(struct ls_pool *p, int64_t now_ms) {
  size_t most = most_connections(p);
  while (p->waiting.head) {
    bool fresh = p->waiting.head->not_before > 0;
    size_t may_start = ls_pool_startable(p, now_ms);
    if (may_start == 0)
      return; /* a connection would only grow old */
    if (fresh ? p->opening > 0 : p->count >= wanted_connections(p, may_start, now_ms))
      break;
    if (now_ms < p->open_again_ms && p->count > 0)
      return;
    if (!ls_pool_has_token(p, now_ms) || (p->count >= most && !end_one_idle(p, now_ms)))
      return;
    struct ls_error err = {0};
    if (!ls_pool_open_member(p, false, now_ms, &err)) {
      ls_pool_fail(p, ls_job_pop(&p->waiting), &err);
      ls_error_deinit(&err);
    }
  }
  open_ahead(p, now_ms);
}
