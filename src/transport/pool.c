/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdlib.h>

#include "clock.h"
#include "conn_setup.h"
#include "pool_log.h"
#include "pool_state.h"

enum ls_status ls_pool_init(struct ls_pool *p, const struct ls_config *config, struct ls_loop *loop,
                            struct ls_log *log, struct ls_mask *mask, struct ls_error *err) {
  *p = (struct ls_pool){
      .config = config, .loop = loop, .log = log, .mask = mask, .ehlo_name = ls_conn_ehlo_name(config->name)};
  if (p->ehlo_name)
    return ls_tls_context_new(config, &p->tls, err);
  return ls_error_no_memory(err, NULL);
}

static void drop_jobs(struct ls_job_list *l) {
  for (struct ls_job *j = ls_job_pop(l); j; j = ls_job_pop(l))
    ls_job_free(j);
}

static void release(struct ls_pool *p) {
  drop_jobs(&p->waiting);
  drop_jobs(&p->finished);
  free(p->ehlo_name);
  p->ehlo_name = NULL;
  ls_error_deinit(&p->failure);
  ls_error_deinit(&p->probe_failure);
}

void ls_pool_remove_member(struct ls_pool *p, struct ls_pool_conn *m, bool quit, int64_t now_ms) {
  for (struct ls_pool_conn **at = &p->members; *at; at = &(*at)->next)
    if (*at == m) {
      *at = m->next;
      break;
    }
  p->stats.octets_received += ls_conn_octets_in(m->conn);
  p->stats.octets_sent += ls_conn_octets_out(m->conn);
  if (!m->probe)
    p->count--;
  if (ls_conn_state(m->conn) == LS_CONN_READY || ls_conn_state(m->conn) == LS_CONN_OVER)
    p->stats.connections_closed++;
  ls_pool_log_closed(p->log, m->conn, m->taken);
  if (quit)
    ls_farewell_say(&p->leaving, m->conn, m->verification, now_ms);
  else
    ls_conn_close(m->conn);
  p->in_flight -= m->jobs.count;
  drop_jobs(&m->jobs);
  ls_error_deinit(&m->ended);
  free(m);
}

void ls_pool_deinit(struct ls_pool *p) {
  while (p->members)
    ls_pool_remove_member(p, p->members, true, ls_clock_ms());
  ls_farewell_end(&p->leaving, ls_clock_ms());
  ls_login_deinit(&p->login);
  ls_tls_context_free(p->tls);
  p->tls = NULL;
  release(p);
}

void ls_pool_abandon(struct ls_pool *p) {
  while (p->members) {
    struct ls_pool_conn *m = p->members;
    p->members = m->next;
    ls_conn_abandon(m->conn);
    drop_jobs(&m->jobs);
    ls_error_deinit(&m->ended);
    free(m);
  }
  ls_farewell_abandon(&p->leaving);
  if (!p->login.pending) /* a renewal under way has a socket of that process too */
    ls_login_deinit(&p->login);
  release(p);
}

void ls_pool_submit(struct ls_pool *p, struct ls_job *j) {
  p->fresh = p->fresh || (p->count == 0 && ls_pool_pending(p) == 0);
  ls_job_push(&p->waiting, j);
}

static void finish(struct ls_pool *p, struct ls_job *j, const struct ls_conn *conn) {
  ls_pool_log_finished(p->log, conn, &j->result);
  if (!j->result.probe && j->result.error.status == LS_OK)
    p->stats.sent++;
  else if (!j->result.probe)
    p->stats.failed++;
  ls_job_push(&p->finished, j);
}

void ls_pool_fail(struct ls_pool *p, struct ls_job *j, const struct ls_error *why) {
  ls_job_fail(j, why);
  finish(p, j, NULL);
}

/* maxRequeues counts only the attempts that a message may have spoilt itself. One that is always first where
 * a server says 421 gets as many as there are in a row. */
static bool goes_again(const struct ls_pool *p, const struct ls_job *j, enum ls_retry retry, int64_t now_ms) {
  if (retry == LS_RETRY_NO || p->closing || now_ms >= j->deadline_ms)
    return false;
  if (retry == LS_RETRY_PUT_OFF)
    return j->put_off + 1 < LS_ATTEMPT_MOST;
  return retry == LS_RETRY_FREE || j->requeues < p->config->max_requeues;
}

static void note_answers(struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms) {
  struct ls_session *s = ls_conn_session(m->conn);
  struct ls_session_record before = m->record;
  if (s)
    m->record = ls_session_record(s);
  if (m->record.answered == before.answered)
    return;
  m->answered_ms = now_ms;
  p->fresh = false;
  if (m->record.accepted > before.accepted)
    ls_attempt_worked(&p->attempts, m->attempt);
  else
    ls_attempt_answered(&p->attempts);
}

/* Gives each message whose fate is known to the finished ones, or back to the waiting ones. */
static void collect(struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms) {
  struct ls_session *s = ls_conn_session(m->conn);
  const struct ls_dialogue *d = ls_conn_dialogue(m->conn);
  struct ls_job_list again = {0}, suspects = {0};
  struct ls_event ev;
  while (s && ls_session_next(s, &ev)) {
    struct ls_job *j = ev.kind == LS_EVENT_DONE ? ls_job_take(&m->jobs, ev.id) : NULL;
    if (j)
      p->in_flight--;
    if (j && goes_again(p, j, ev.retry, now_ms)) {
      j->requeues += ev.retry == LS_RETRY_SUSPECT;
      j->put_off += ev.retry == LS_RETRY_PUT_OFF;
      j->not_before = now_ms;
      p->stats.retries++;
      ls_pool_log_retry(p->log, m->conn, j->id, &ev.error);
      ls_job_push(ev.retry == LS_RETRY_FREE ? &again : &suspects, j);
    } else if (j) {
      ls_job_finish(j, &ev, ls_buf_span(&d->ehlo), d->ehlo_count);
      ls_tls_facts_copy(&j->result.tls, &d->facts);
      finish(p, j, m->conn);
    }
    if (ev.kind == LS_EVENT_ENDED) {
      ls_pool_log_ended(p->log, m->conn, &ev.error);
      m->ended = ev.error;
      ev.error = (struct ls_error){0};
      bool broke_off = m->ended.status == LS_ECONNECTION || m->ended.status == LS_ESOCKET;
      m->cut_off = broke_off && m->taken > m->record.answered;
    }
    ls_error_deinit(&ev.error);
  }
  p->shuffled = (p->waiting.head && p->shuffled) || again.head || suspects.head;
  ls_job_prepend(&p->waiting, &again);
  /* another message goes first on the next connection: then it shows which of them it was */
  ls_job_append(&p->waiting, &suspects);
}

static void became_ready(struct ls_pool *p, struct ls_pool_conn *m) {
  p->stats.connections_opened++;
  p->opening_ms = ls_conn_times(m->conn).ready;
  ls_pool_log_ready(p->log, m->conn, p->config);
  if (ls_conn_dialogue(m->conn)->logged_in) {
    p->stats.logins++;
    ls_login_accepted(&p->login);
  }
  if (!m->probe)
    p->opening--;
}

static struct ls_pool_conn *member_of(struct ls_pool *p, const struct ls_conn *c) {
  struct ls_pool_conn *m = p->members;
  while (m && m->conn != c)
    m = m->next;
  return m;
}

bool ls_pool_took(struct ls_pool *p, CURL *easy, CURLcode result, int64_t now_ms) {
  struct ls_error why = {0};
  if (ls_login_took(&p->login, easy, result, &why)) {
    ls_pool_log_token(p->log, &why);
    if (why.status != LS_OK)
      ls_pool_token_failed(p, &why, now_ms);
    ls_error_deinit(&why);
    return true;
  }
  struct ls_pool_conn *m = member_of(p, ls_conn_of(easy));
  if (!m)
    return false;
  ls_conn_finished(m->conn, result, now_ms);
  ls_conn_tell(m->conn);
  if (ls_conn_state(m->conn) == LS_CONN_READY)
    became_ready(p, m);
  return true;
}

bool ls_pool_is_idle(struct ls_pool_conn *m) {
  return ls_conn_state(m->conn) == LS_CONN_READY && m->jobs.count == 0;
}

static void tend_check(struct ls_pool_conn *m, int64_t now_ms) {
  if (!m->check_until_ms || ls_conn_state(m->conn) != LS_CONN_READY)
    return;
  if (ls_session_idle(ls_conn_session(m->conn))) {
    m->check_until_ms = 0;
  } else if (now_ms >= m->check_until_ms) {
    struct ls_error why = {0};
    ls_error_set(&why, LS_ETIMEDOUT, "NOOP", "Timeout");
    ls_conn_fail(m->conn, &why, now_ms);
    ls_error_deinit(&why);
  }
}

/* An end behind a refusal is put down to that, not to the number of messages. */
static enum ls_lesson_end end_of(const struct ls_pool_conn *m) {
  const struct ls_error *why = &m->ended;
  if (!m->cut_off || !m->record.accepted_last)
    return LS_LESSON_GOES_ON;
  if (!why->response)
    return LS_LESSON_BREAKS;
  struct ls_span text = ls_span_cstr(why->response);
  if (ls_reason_counts_messages(why->enhanced, text))
    return LS_LESSON_COUNTS;
  return ls_reason_is_restart(why->enhanced, text) ? LS_LESSON_RESTARTS : LS_LESSON_BREAKS;
}

/* What one connection taught, the next need not try, of this client or of another: also, and above all, one
 * that is over for that very reason. */
static void learn(struct ls_pool *p, struct ls_pool_conn *m) {
  const struct ls_session *s = ls_conn_session(m->conn);
  if (!s || m->probe)
    return;
  struct ls_lesson_news news = {.session = ls_session_learned(s),
                                .carried = m->record.answered,
                                .accepted = m->record.accepted - m->told_accepted,
                                .tested = m->tested,
                                .end = end_of(m)};
  m->told_accepted = m->record.accepted;
  if (ls_lesson_is_news(&p->lesson, &news))
    ls_lessons_add(p->config->host, p->config->port, &news, &p->lesson);
}

/* When a connection ends for having nothing to do. */
static int64_t idle_until(const struct ls_pool *p, struct ls_pool_conn *m) {
  if (m->probe || !ls_pool_is_idle(m))
    return INT64_MAX;
  return ls_pool_earlier(ls_conn_active_ms(m->conn) + p->config->max_idle,
                         ls_conn_ready_ms(m->conn) + p->config->max_age);
}

/* It has carried all that it may. */
static bool is_done(const struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms) {
  return !m->probe && ls_pool_is_idle(m) && ls_pool_is_spent(p, m, now_ms);
}

/* Looks after one connection: failed, over, spent or idle for too long. Frees m where it ends. */
static void tend(struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms) {
  ls_conn_tick(m->conn, now_ms);
  if (ls_conn_state(m->conn) == LS_CONN_READY)
    ls_conn_receive(m->conn, now_ms);
  ls_conn_tell(m->conn);
  tend_check(m, now_ms);
  note_answers(p, m, now_ms);
  collect(p, m, now_ms);
  learn(p, m);
  switch (ls_conn_state(m->conn)) {
  case LS_CONN_FAILED:
    if (!m->probe)
      ls_pool_opening_failed(p, m, now_ms);
    break;
  case LS_CONN_OVER:
    if (!m->probe) {
      ls_pool_ended(p, m, now_ms);
      ls_pool_remove_member(p, m, false, now_ms);
    }
    break;
  case LS_CONN_READY:
    if (now_ms >= idle_until(p, m) || is_done(p, m, now_ms))
      ls_pool_remove_member(p, m, true, now_ms);
    break;
  default:
    break;
  }
}

/* Whether what has failed last still says how things are: no connection that is there answered anything. */
static bool only_fails(const struct ls_pool *p) {
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    if (!m->probe && m->record.answered)
      return false;
  return p->attempts.level > 0;
}

static void set_timeout(const struct ls_pool *p, struct ls_error *err) {
  if (err->status != LS_OK)
    return;
  if (only_fails(p)) { /* what the server did says more than that the time is up */
    ls_error_copy(err, &p->failure);
    return;
  }
  const char *command = p->login.pending ? "AUTH XOAUTH2" : "CONN";
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    if (ls_conn_state(m->conn) == LS_CONN_OPENING)
      command = ls_dialogue_command(ls_conn_dialogue(m->conn));
  ls_error_because(err, LS_REASON_TIMEOUT_TOTAL, command, "Timeout: not done within totalTimeout (%lld ms)",
                   (long long)p->config->total_timeout);
}

/* All are given the same time: where none has come back from a connection, the first expires first. */
static int64_t first_deadline(const struct ls_job_list *l, bool shuffled) {
  int64_t first_ms = l->head ? l->head->deadline_ms : INT64_MAX;
  for (const struct ls_job *j = l->head; j && shuffled; j = j->next)
    first_ms = ls_pool_earlier(first_ms, j->deadline_ms);
  return first_ms;
}

static void expire_waiting(struct ls_pool *p, struct ls_error *err, int64_t now_ms) {
  struct ls_job_list keep = {0};
  for (struct ls_job *j = ls_job_pop(&p->waiting); j; j = ls_job_pop(&p->waiting))
    if (now_ms >= j->deadline_ms) {
      set_timeout(p, err);
      ls_pool_fail(p, j, err);
    } else {
      ls_job_push(&keep, j);
    }
  p->waiting = keep;
}

/* Messages whose time is up. */
static void expire(struct ls_pool *p, int64_t now_ms) {
  struct ls_error err = {0};
  if (now_ms >= first_deadline(&p->waiting, p->shuffled))
    expire_waiting(p, &err, now_ms);
  bool wanted = p->waiting.count > 0;
  for (struct ls_pool_conn *m = p->members; m; m = m->next) {
    bool late = now_ms >= first_deadline(&m->jobs, true);
    bool opening = !m->probe && ls_conn_state(m->conn) == LS_CONN_OPENING;
    bool useless = opening && !wanted && err.status != LS_OK;
    if (late || useless) {
      set_timeout(p, &err);
      ls_conn_fail(m->conn, &err, now_ms);
    }
  }
  ls_error_deinit(&err);
}

void ls_pool_turn(struct ls_pool *p, int64_t now_ms) {
  p->stirred = false;
  p->turn_ms = now_ms;
  ls_farewell_turn(&p->leaving, now_ms);
  ls_pool_probes_left(p, now_ms);
  expire(p, now_ms);
  for (struct ls_pool_conn *m = p->members, *next; m; m = next) {
    next = m->next;
    tend(p, m, now_ms);
  }
  ls_pool_place(p, now_ms);
  ls_pool_open_more(p, now_ms);
  ls_pool_give_up(p, now_ms);
  for (struct ls_pool_conn *m = p->members, *next; m; m = next) {
    next = m->next;
    ls_conn_send(m->conn, now_ms);
    ls_conn_tell(m->conn);
  }
}

int64_t ls_pool_watch(struct ls_pool *p, int64_t now_ms, int64_t until_ms) {
  until_ms = ls_farewell_watch(p->leaving, p->loop, until_ms);
  if (ls_pool_pending(p) && p->attempts.again_ms > p->turn_ms)
    until_ms = ls_pool_earlier(until_ms, p->attempts.again_ms);
  if (p->waiting.head) {
    if (p->stirred)
      until_ms = now_ms;
    until_ms = ls_pool_earlier(until_ms, first_deadline(&p->waiting, p->shuffled));
    if (ls_pool_startable(p, p->turn_ms) == 0)
      until_ms = ls_pool_earlier(until_ms, p->window_ms + p->config->rate_delta);
    if (ls_pool_impatient_ms(p) > p->turn_ms)
      until_ms = ls_pool_earlier(until_ms, ls_pool_impatient_ms(p));
  }
  for (struct ls_pool_conn *m = p->members; m; m = m->next) {
    curl_socket_t fd;
    bool to_write;
    if (ls_conn_wants(m->conn, &fd, &to_write))
      ls_loop_watch(p->loop, fd, to_write);
    if (ls_conn_state(m->conn) >= LS_CONN_FAILED || is_done(p, m, now_ms)) /* another may have taught that */
      until_ms = now_ms;
    until_ms = ls_pool_earlier(until_ms, ls_conn_deadline(m->conn));
    until_ms = ls_pool_earlier(until_ms, first_deadline(&m->jobs, true));
    if (m->check_until_ms)
      until_ms = ls_pool_earlier(until_ms, m->check_until_ms);
    until_ms = ls_pool_earlier(until_ms, idle_until(p, m));
  }
  return until_ms;
}

void ls_pool_close(struct ls_pool *p, const struct ls_error *why, int64_t now_ms) {
  p->closing = true; /* nothing goes out again */
  while (p->members) {
    struct ls_pool_conn *m = p->members;
    if (m->jobs.count)
      ls_conn_fail(m->conn, why, now_ms);
    collect(p, m, now_ms);
    if (!m->probe && ls_conn_state(m->conn) == LS_CONN_OPENING)
      p->opening--;
    ls_pool_remove_member(p, m, true, now_ms);
  }
  ls_farewell_end(&p->leaving, now_ms);
  for (struct ls_job *j = ls_job_pop(&p->waiting); j; j = ls_job_pop(&p->waiting))
    ls_pool_fail(p, j, why);
}

struct ls_conn *ls_pool_probe(struct ls_pool *p, int64_t now_ms, struct ls_error *err) {
  struct ls_pool_conn *m = ls_pool_open_member(p, true, now_ms, err);
  return m ? m->conn : NULL;
}

bool ls_pool_probe_again(struct ls_pool *p, struct ls_conn *c) {
  struct ls_login_way way;
  if (ls_conn_wants_other_way(c, &way)) {
    p->way = way;
    return true;
  }
  return ls_conn_token_refused(c) && ls_login_refused(&p->login, member_of(p, c)->token);
}

const struct ls_error *ls_pool_probe_error(struct ls_pool *p, struct ls_conn *c) {
  const struct ls_pool_conn *m = member_of(p, c);
  return m->ended.status != LS_OK ? &m->ended : ls_conn_error(c);
}

void ls_pool_probe_end(struct ls_pool *p, struct ls_conn *c, uint64_t number, int64_t now_ms) {
  if (ls_conn_state(c) == LS_CONN_READY)
    member_of(p, c)->verification = number;
  if (ls_conn_state(c) == LS_CONN_FAILED) {
    p->stats.connections_failed++;
    ls_pool_log_failed(p->log, c);
  }
  ls_pool_remove_member(p, member_of(p, c), true, now_ms);
}

size_t ls_pool_pending(const struct ls_pool *p) {
  return p->waiting.count + p->in_flight;
}

void ls_pool_stats(const struct ls_pool *p, struct ls_client_stats *out) {
  *out = p->stats;
  for (struct ls_pool_conn *m = p->members; m; m = m->next) {
    out->octets_received += ls_conn_octets_in(m->conn);
    out->octets_sent += ls_conn_octets_out(m->conn);
    out->connections_open += ls_conn_state(m->conn) == LS_CONN_READY;
    out->connections_idle += !m->probe && ls_pool_is_idle(m);
  }
  out->pending = ls_pool_pending(p);
  out->queued = p->waiting.count;
}
