/* SPDX-License-Identifier: MIT
 * When a connection is opened, and what becomes of those who wait for one when it fails. */
#include "pool_state.h"

#include <stdlib.h>

#include "pool_log.h"
#include "random.h"

enum {
  LASTING = 20,      /* messages of connections that are worth replacing ahead */
  PATIENCE_MS = 100, /* less waiting than that is nothing to open connections for */
  SPARED = 3,        /* failures in a row whose pause is no longer than */
  QUICK_MS = 2500    /* so long who asks waits for an attempt that will hardly end better than the last */
};

struct ls_pool_conn *ls_pool_open_member(struct ls_pool *p, bool probe, int64_t now_ms,
                                         struct ls_error *err) {
  ls_lessons_recall(p->config->host, p->config->port, &p->lesson);
  struct ls_conn_options options = {.config = p->config,
                                    .ehlo_name = p->ehlo_name,
                                    .way = p->way,
                                    .tls = p->tls,
                                    .window_messages = LS_POOL_WINDOW,
                                    .log = p->log,
                                    .mask = p->mask,
                                    .learned = p->lesson.session};
  uint64_t token;
  if (ls_login_token(&p->login, p->loop->multi, &options.bearer, &token, err) != LS_OK)
    return NULL;
  struct ls_pool_conn *m = calloc(1, sizeof *m);
  if (m)
    m->conn = ls_conn_open(p->loop, &options, now_ms, err);
  else
    ls_error_no_memory(err, NULL);
  if (!m || !m->conn) {
    free(m);
    return NULL;
  }
  ls_pool_log_connect(p->log, m->conn, p->config);
  m->probe = probe;
  m->attempt = probe ? 0 : ls_attempt_begin(&p->attempts, now_ms);
  m->token = token;
  m->next = p->members;
  p->members = m;
  if (!probe) {
    p->count++;
    p->opening++;
  }
  return m;
}

/* Whether an attempt that is under way, or a connection that is there, can still serve j. */
static bool has_hope(const struct ls_pool *p, const struct ls_job *j, int64_t now_ms) {
  if (p->opening)
    return true;
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    if (ls_pool_could_take(p, m, j, now_ms))
      return true;
  return false;
}

static void fail_hopeless(struct ls_pool *p, const struct ls_error *why, int64_t now_ms) {
  struct ls_job_list keep = {0};
  for (struct ls_job *j = ls_job_pop(&p->waiting); j; j = ls_job_pop(&p->waiting))
    if (has_hope(p, j, now_ms))
      ls_job_push(&keep, j);
    else
      ls_pool_fail(p, j, why);
  p->waiting = keep;
}

/* Whether the next attempt comes too late for j, or is not worth waiting for. */
static bool is_late(const struct ls_pool *p, const struct ls_job *j, int64_t now_ms) {
  int64_t again_ms = p->attempts.again_ms;
  bool same = p->verdict == LS_ATTEMPT_FINAL || (p->verdict == LS_ATTEMPT_SILENT && p->fresh);
  bool same_again = same && again_ms - now_ms > QUICK_MS;
  return again_ms > now_ms && (same_again || j->deadline_ms <= again_ms);
}

void ls_pool_give_up(struct ls_pool *p, int64_t now_ms) {
  struct ls_job_list keep = {0};
  if (p->attempts.level == 0)
    return;
  for (struct ls_job *j = ls_job_pop(&p->waiting); j; j = ls_job_pop(&p->waiting))
    if (is_late(p, j, now_ms) && !has_hope(p, j, now_ms))
      ls_pool_fail(p, j, &p->failure);
    else
      ls_job_push(&keep, j);
  p->waiting = keep;
}

/* An attempt has failed. Those who wait learn why where the next would end the same, where so many have
 * failed in a row, and where nobody answers the first one of a pool that was idle: what is worth waiting for
 * is a server that is there. */
static void failed(struct ls_pool *p, uint64_t attempt, const struct ls_error *why,
                   enum ls_attempt_verdict verdict, int64_t now_ms) {
  uint32_t chance = 0;
  bool first = p->fresh && (verdict == LS_ATTEMPT_ABSENT || verdict == LS_ATTEMPT_SILENT);
  ls_error_deinit(&p->failure);
  ls_error_copy(&p->failure, why);
  p->verdict = verdict;
  (void)ls_random_fill(&chance, sizeof chance);
  ls_attempt_failed(&p->attempts, attempt, now_ms, chance);
  if (verdict == LS_ATTEMPT_PASSING)
    p->fresh = false;
  if (first || verdict == LS_ATTEMPT_FINAL || ls_attempt_exhausted(&p->attempts))
    fail_hopeless(p, why, now_ms);
  else
    ls_pool_log_pause(p->log, &p->attempts, p->waiting.count, now_ms);
  if (first && verdict == LS_ATTEMPT_ABSENT && p->opening == 0)
    ls_attempt_told(&p->attempts, now_ms, chance);
}

void ls_pool_token_failed(struct ls_pool *p, const struct ls_error *why, int64_t now_ms) {
  failed(p, ls_attempt_begin(&p->attempts, now_ms), why, LS_ATTEMPT_FINAL, now_ms);
}

/* An attempt is repeated at once where another mechanism or another token may help. */
void ls_pool_opening_failed(struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms) {
  struct ls_error why;
  struct ls_login_way way;
  p->opening--;
  ls_pool_log_failed(p->log, m->conn);
  if (!m->second && ls_conn_wants_other_way(m->conn, &way)) {
    p->way = way;
    struct ls_pool_conn *again = ls_pool_open_member(p, false, now_ms, NULL);
    if (again) {
      again->second = true;
      ls_pool_remove_member(p, m, true, now_ms);
      return;
    }
  }
  if (ls_conn_token_refused(m->conn) && ls_login_refused(&p->login, m->token)) {
    ls_pool_remove_member(p, m, true, now_ms);
    return;
  }
  p->stats.connections_failed++;
  uint64_t attempt = m->attempt;
  ls_error_copy(&why, ls_conn_error(m->conn));
  enum ls_attempt_verdict verdict = ls_attempt_judge(&why, ls_conn_connected(m->conn));
  ls_pool_remove_member(p, m, true, now_ms);
  failed(p, attempt, &why, verdict, now_ms);
  ls_error_deinit(&why);
}

/* Whoever logs in once more for each connection that has come to nothing gets banned. */
void ls_pool_ended(struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms) {
  struct ls_attempt_use use = {.answered = m->record.answered,
                               .accepted = m->record.accepted,
                               .wanted = m->taken || p->waiting.head,
                               .lived_ms = now_ms - ls_conn_ready_ms(m->conn)};
  if (ls_attempt_was_vain(&use))
    failed(p, m->attempt, &m->ended, LS_ATTEMPT_PASSING, now_ms);
}

/* False: there is no access token yet, or none to be had. */
static bool has_token(struct ls_pool *p, int64_t now_ms) {
  struct ls_error why = {0};
  const char *token;
  uint64_t serial;
  enum ls_status status = ls_login_token(&p->login, p->loop->multi, &token, &serial, &why);
  if (status < LS_OK)
    ls_pool_token_failed(p, &why, now_ms);
  ls_error_deinit(&why);
  return status == LS_OK;
}

/* Until one connection has become ready nobody knows whether the login is right: a wrong one is refused once,
 * not on as many connections as would pay. */
static bool one_is_trying(const struct ls_pool *p) {
  bool cold = p->stats.connections_opened == 0 && ls_dialogue_wants_login(p->config);
  return cold && p->opening + p->probing > 0;
}

static bool may_begin(const struct ls_pool *p, int64_t now_ms) {
  size_t unproven = p->opening;
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    unproven += !m->probe && ls_conn_state(m->conn) == LS_CONN_READY && m->jobs.count && !m->record.accepted;
  return !one_is_trying(p) && ls_attempt_may_begin(&p->attempts, unproven, now_ms);
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
    if (!m->probe && ls_conn_state(m->conn) == LS_CONN_READY && ls_session_chunks(ls_conn_session(m->conn)))
      return LS_POOL_WINDOW;
  return LS_POOL_PAYS;
}

static size_t most_connections(const struct ls_pool *p) {
  return p->config->max_connections ? p->config->max_connections : 1;
}

static int64_t probe_pause_ms(const struct ls_pool *p, int64_t now_ms) {
  return p->probes.level && p->probes.again_ms > now_ms ? p->probes.again_ms - now_ms : 0;
}

enum ls_status ls_pool_probe_turn(const struct ls_pool *p, int64_t now_ms, struct ls_error *err) {
  int64_t pause_ms = probe_pause_ms(p, now_ms);
  if (pause_ms > QUICK_MS) {
    ls_error_copy(err, &p->probe_failure);
    ls_error_add_words(err, "so ended the last of %u in a row; the next begins in %.1f s at the earliest",
                       p->probes.level, (double)pause_ms / 1000);
    return err->status;
  }
  bool may = p->probing < most_connections(p) && !one_is_trying(p) &&
             ls_attempt_may_begin(&p->probes, p->probing, now_ms);
  return may ? LS_OK : LS_AGAIN;
}

int64_t ls_pool_probe_due(const struct ls_pool *p, int64_t now_ms) {
  int64_t pause_ms = probe_pause_ms(p, now_ms);
  size_t most = p->probes.level ? 1 : most_connections(p);
  if (pause_ms > QUICK_MS)
    return now_ms;
  return p->probing < most && !one_is_trying(p) ? now_ms + pause_ms : INT64_MAX;
}

uint64_t ls_pool_probe_begin(struct ls_pool *p, int64_t now_ms) {
  p->probing++;
  return ls_attempt_begin(&p->probes, now_ms);
}

static void probe_failed(struct ls_pool *p, uint64_t number, const struct ls_error *why, int64_t now_ms) {
  uint32_t chance = 0;
  (void)ls_random_fill(&chance, sizeof chance);
  ls_attempt_failed(&p->probes, number, now_ms, chance);
  ls_error_deinit(&p->probe_failure);
  ls_error_copy(&p->probe_failure, why);
}

void ls_pool_probe_done(struct ls_pool *p, uint64_t number, const struct ls_error *why, int64_t now_ms) {
  p->stirred = true;
  if (ls_farewell_has(p->leaving, number))
    return;
  p->probing--;
  if (why && why->status == LS_OK)
    ls_attempt_worked(&p->probes, number);
  else if (why)
    probe_failed(p, number, why, now_ms);
}

/* The next waits, but who asks for it is not refused: a server that closes without an answer to QUIT may be
 * doing well. */
static void spare_silence(struct ls_attempts *a, const struct ls_error *why) {
  if (!why->response_code && a->level >= SPARED)
    a->level = SPARED - 1;
}

void ls_pool_probes_left(struct ls_pool *p, int64_t now_ms) {
  struct ls_error why = {0};
  for (uint64_t n; (n = ls_farewell_next(&p->leaving, now_ms, &why)) != 0; ls_error_deinit(&why)) {
    p->probing--;
    if (why.status == LS_OK) {
      ls_attempt_worked(&p->probes, n);
    } else {
      spare_silence(&p->probes, &why);
      probe_failed(p, n, &why, now_ms);
    }
  }
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
  size_t most = ls_pool_most_messages(p);
  if (most < LASTING || !m->taken || !ls_pool_takes_messages(p, m, now_ms))
    return false;
  int64_t age = now_ms - ls_conn_ready_ms(m->conn);
  int64_t over = age > p->opening_ms ? age : p->opening_ms;
  int64_t left = (int64_t)(most - m->taken) * over / (int64_t)m->taken;
  return ls_pool_earlier(left, p->config->max_age - age) < 2 * p->opening_ms;
}

/* Replaces connections before they end: else a message would wait for the next one to open. */
static void open_ahead(struct ls_pool *p, int64_t now_ms) {
  size_t ending = 0;
  for (const struct ls_pool_conn *m = p->members; m; m = m->next)
    ending += is_ending(p, m, now_ms);
  if (!ending || p->in_flight == 0)
    return;
  size_t wanted = wanted_connections(p, ls_pool_startable(p, now_ms), now_ms);
  while (p->count - ending < wanted && p->count < most_connections(p) && may_begin(p, now_ms) &&
         has_token(p, now_ms))
    if (!ls_pool_open_member(p, false, now_ms, NULL))
      return;
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
    if (!may_begin(p, now_ms))
      return;
    if (!has_token(p, now_ms) || (p->count >= most && !end_one_idle(p, now_ms)))
      return;
    struct ls_error err = {0};
    if (!ls_pool_open_member(p, false, now_ms, &err)) {
      ls_pool_fail(p, ls_job_pop(&p->waiting), &err);
      ls_error_deinit(&err);
    }
  }
  open_ahead(p, now_ms);
}
