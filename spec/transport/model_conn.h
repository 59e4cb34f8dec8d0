/* SPDX-License-Identifier: MIT
 * model_conn: what stands in for libcurl, the clock and chance below a pool: connections to a simulated
 * server, whose habits make of an attempt what conn and dialogue would. Each FAKE is wrapped by the Makefile.
 */
#ifndef LS_TRANSPORT_MODEL_CONN_H
#define LS_TRANSPORT_MODEL_CONN_H

#include <curl/curl.h>

#include "../../src/pure/attempt.h"
#include "../../src/transport/clock.h"
#include "../../src/transport/conn.h"
#include "../../src/transport/random.h"
#include "../../src/transport/tls_context.h"
#include "model_server.h"

enum { MAILS_MAX = 120 };

/* A connection that was, or is there. */
struct record {
  int64_t opened_ms, closed_ms;
  bool probe;
  bool absent; /* nobody answered */
  bool useful; /* it did what it was made for, or all that can be asked */
};

struct ls_conn {
  struct ls_conn *next;
  struct ls_conn_options options;
  enum ls_conn_state state;
  struct ls_dialogue dialogue;
  struct ls_session *session;
  struct server server;
  size_t record; /* its number */
  int64_t started_ms, ready_ms, active_ms;
  int64_t opened_by_ms; /* when libcurl is done; INT64_MAX: never */
  int64_t late_ms;      /* when its time is up */
  struct ls_error outcome;
  bool connected, other_way;
};

/* The server, what it was sent, and the connections to it. */
static struct model {
  int64_t now_ms;
  struct habits habits;
  struct mail mails[MAILS_MAX];
  size_t count;
  struct ls_conn *conns;
  struct record *records; /* in the order in which they were opened */
  size_t record_count, record_cap;
  size_t max_messages; /* on a connection, by the config */
  int64_t ready_ms;    /* when the first of them was ready; INT64_MAX: none yet */
  bool verifying;      /* what is opened now is for a verification */
} model;

#define FAKE(type, name, ...)                                                                                \
  type __wrap_##name(__VA_ARGS__);                                                                           \
  type __wrap_##name(__VA_ARGS__)

FAKE(int64_t, ls_clock_ms, void) {
  return model.now_ms;
}

FAKE(bool, ls_random_fill, void *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    ((unsigned char *)p)[i] = (unsigned char)draw(256);
  return true;
}

FAKE(enum ls_status, ls_tls_context_new, const struct ls_config *config, struct ls_tls_context **out,
     struct ls_error *err) {
  (void)config, (void)err;
  *out = NULL;
  return LS_OK;
}

static size_t add_record(void) {
  if (model.record_count == model.record_cap) {
    model.record_cap = model.record_cap ? model.record_cap * 2 : 64;
    model.records = realloc(model.records, model.record_cap * sizeof *model.records);
    assert_non_null(model.records);
  }
  model.records[model.record_count] =
      (struct record){.opened_ms = model.now_ms, .closed_ms = INT64_MAX, .probe = model.verifying};
  return model.record_count++;
}

/* What a reply to greeting, EHLO, STARTTLS or AUTH makes of an attempt; see dialogue.c. */
static void set_refusal(struct ls_conn *c, enum place place, enum act act) {
  static const enum ls_status statuses[] = {
      [AT_GREETING] = LS_EPROTOCOL, [AT_EHLO] = LS_EPROTOCOL, [AT_STARTTLS] = LS_ETLS, [AT_AUTH] = LS_EAUTH};
  int code = act == FAREWELL ? 421 : act == HARD ? 550 : 450;
  enum ls_status status = act == FAREWELL && place != AT_AUTH ? LS_ECONNECTION : statuses[place];
  ls_error_set(&c->outcome, status, "CONN", "refused");
  ls_error_add_reply(&c->outcome, code, "", LS_SPAN("no"));
}

static void set_outcome(struct ls_conn *c, enum place place, enum act act) {
  if (act == HANG)
    return;
  if (place == AT_CONNECT || act == RESET)
    ls_error_set(&c->outcome, LS_ESOCKET, "CONN", "refused or reset");
  else if (act == CLOSE)
    ls_error_set(&c->outcome, LS_ECONNECTION, "CONN", "closed");
  else
    set_refusal(c, place, act);
  c->opened_by_ms = c->late_ms;
  c->late_ms = INT64_MAX;
}

/* How the attempt will go. */
static void foresee(struct ls_conn *c) {
  int64_t at_ms = model.now_ms + model.habits.trip_ms;
  for (enum place place = AT_CONNECT; place <= AT_AUTH; place++, at_ms += model.habits.trip_ms) {
    enum act act = act_at(&model.habits, place, 0, model.now_ms);
    c->connected |= place > AT_CONNECT;
    if (act == GO_ON)
      continue;
    model.records[c->record].absent = place == AT_CONNECT;
    c->connected |= act == RESET;
    c->other_way = place == AT_AUTH && act == HARD && model.habits.other_way && !c->options.way.steps;
    c->opened_by_ms = INT64_MAX;
    c->late_ms = act == HANG ? at_ms + 1000 : at_ms;
    set_outcome(c, place, act);
    return;
  }
  c->opened_by_ms = at_ms;
  c->late_ms = INT64_MAX;
}

FAKE(struct ls_conn *, ls_conn_open, struct ls_loop *loop, const struct ls_conn_options *options,
     int64_t now_ms, struct ls_error *err) {
  (void)loop, (void)err;
  struct ls_conn *c = calloc(1, sizeof *c);
  assert_non_null(c);
  c->options = *options;
  c->started_ms = c->active_ms = now_ms;
  c->record = add_record();
  c->next = model.conns;
  model.conns = c;
  server_init(&c->server, &model.habits, model.mails, model.count);
  foresee(c);
  return c;
}

/* What it has come to, when the pool lets go of it. */
static void judge(struct ls_conn *c) {
  struct record *r = &model.records[c->record];
  if (r->closed_ms != INT64_MAX)
    return;
  struct ls_session_record s = c->session ? ls_session_record(c->session) : (struct ls_session_record){0};
  r->closed_ms = model.now_ms;
  r->useful = r->probe ? c->session && (s.parted || !ls_session_over(c->session))
                       : s.accepted || s.answered >= LS_ATTEMPT_MUCH || s.answered >= model.max_messages ||
                             (c->session && model.now_ms - c->ready_ms >= LS_ATTEMPT_LONGEST_MS);
  if (s.answered || !c->server.first)
    return;
  if (c->server.put_off)
    c->server.first->put_offs++;
  else
    c->server.first->suspects++;
}

FAKE(void, ls_conn_close, struct ls_conn *c) {
  judge(c);
  struct ls_conn **at = &model.conns;
  while (*at != c)
    at = &(*at)->next;
  *at = c->next;
  ls_session_free(c->session);
  server_deinit(&c->server);
  ls_error_deinit(&c->outcome);
  ls_error_deinit(&c->dialogue.error);
  free(c);
}

FAKE(struct ls_conn *, ls_conn_of, CURL *easy) {
  return (struct ls_conn *)(void *)easy;
}

static void become_ready(struct ls_conn *c, int64_t now_ms) {
  struct ls_session_options o = {
      .capability = {.pipelining = model.habits.pipelining, .chunking = model.habits.chunking},
      .pipelining = c->options.config->pipelining,
      .chunking = c->options.config->chunking,
      .reply_timeout_ms = c->options.config->socket_timeout,
      .window_messages = model.habits.pipelining ? c->options.window_messages : 1,
      .learned = c->options.learned,
  };
  c->session = ls_session_new(&o);
  assert_non_null(c->session);
  c->state = LS_CONN_READY;
  c->dialogue.logged_in = true;
  server_acts(&c->server, act_at(&model.habits, AT_READY, 0, now_ms));
  server_flush(&c->server, now_ms - (int64_t)draw(2) * model.habits.trip_ms);
  if (now_ms < model.ready_ms)
    model.ready_ms = now_ms;
  c->ready_ms = c->active_ms = now_ms;
}

static void become_failed(struct ls_conn *c, struct ls_error *why) {
  c->state = LS_CONN_FAILED;
  c->dialogue.error = *why;
  *why = (struct ls_error){0};
}

FAKE(void, ls_conn_finished, struct ls_conn *c, CURLcode result, int64_t now_ms) {
  (void)result;
  if (c->outcome.status == LS_OK)
    become_ready(c, now_ms);
  else
    become_failed(c, &c->outcome);
}

FAKE(void, ls_conn_tick, struct ls_conn *c, int64_t now_ms) {
  if (c->state == LS_CONN_OPENING && now_ms >= c->late_ms) {
    ls_error_set(&c->outcome, LS_ETIMEDOUT, "CONN", "late");
    become_failed(c, &c->outcome);
  } else if (c->state == LS_CONN_READY) {
    if (now_ms >= ls_session_deadline(c->session))
      ls_session_expire(c->session, now_ms);
    if (ls_session_over(c->session))
      c->state = LS_CONN_OVER;
  }
}

FAKE(int64_t, ls_conn_deadline, const struct ls_conn *c) {
  if (c->state == LS_CONN_OPENING)
    return c->late_ms;
  return c->state == LS_CONN_READY ? ls_session_deadline(c->session) : INT64_MAX;
}

static void arrive(struct ls_conn *c, struct flight *f, int64_t now_ms) {
  struct ls_error why = {0};
  if (f->n)
    ls_session_feed(c->session, ls_span(f->octets, f->n), now_ms);
  c->active_ms = now_ms;
  if (f->end == BROKEN)
    ls_error_because(&why, LS_REASON_CONNECTION_RESET, "CONN", "read ECONNRESET");
  if (f->end != GOES_ON)
    ls_session_eof(c->session, f->end == BROKEN ? &why : NULL, now_ms);
  else if (ls_session_closing(c->session))
    server_sees_our_end(&c->server, now_ms);
  ls_error_deinit(&why);
}

FAKE(void, ls_conn_receive, struct ls_conn *c, int64_t now_ms) {
  struct server *v = &c->server;
  while (c->state == LS_CONN_READY && v->flights && v->flights->at_ms <= now_ms) {
    struct flight *f = v->flights;
    v->flights = f->next;
    if (!f->next)
      v->last = NULL;
    arrive(c, f, now_ms);
    free(f);
    if (ls_session_over(c->session))
      c->state = LS_CONN_OVER;
  }
}

FAKE(void, ls_conn_send, struct ls_conn *c, int64_t now_ms) {
  while (c->state == LS_CONN_READY) {
    struct ls_span out = ls_session_out(c->session);
    if (ls_session_over(c->session))
      c->state = LS_CONN_OVER;
    if (out.n == 0 || c->state == LS_CONN_OVER)
      return;
    size_t n = draw(4) ? out.n : 1 + draw((unsigned)out.n);
    server_takes(&c->server, ls_span_sub(out, 0, n), now_ms);
    ls_session_sent(c->session, n, now_ms);
    c->active_ms = now_ms;
  }
}

FAKE(void, ls_conn_fail, struct ls_conn *c, const struct ls_error *why, int64_t now_ms) {
  struct ls_error copy;
  if (c->state == LS_CONN_OPENING) {
    ls_error_copy(&copy, why);
    become_failed(c, &copy);
  } else if (c->state == LS_CONN_READY) {
    ls_session_abort(c->session, why, now_ms);
    c->state = LS_CONN_OVER;
  }
}

FAKE(bool, ls_conn_quit, struct ls_conn *c, int64_t now_ms) {
  if (c->state != LS_CONN_READY || !ls_session_idle(c->session))
    return false;
  if (!model.records[c->record].probe)
    judge(c);
  ls_session_quit(c->session, now_ms);
  __wrap_ls_conn_send(c, now_ms);
  return c->state == LS_CONN_READY;
}

FAKE(bool, ls_conn_wants, const struct ls_conn *c, curl_socket_t *fd, bool *to_write) {
  (void)c, (void)fd, (void)to_write;
  return false;
}

FAKE(enum ls_conn_state, ls_conn_state, const struct ls_conn *c) {
  return c->state;
}

FAKE(struct ls_session *, ls_conn_session, struct ls_conn *c) {
  return c->session;
}

FAKE(const struct ls_dialogue *, ls_conn_dialogue, const struct ls_conn *c) {
  return &c->dialogue;
}

FAKE(const struct ls_error *, ls_conn_error, const struct ls_conn *c) {
  return &c->dialogue.error;
}

FAKE(void, ls_conn_tell, struct ls_conn *c) {
  (void)c;
}

FAKE(bool, ls_conn_connected, const struct ls_conn *c) {
  return c->connected;
}

FAKE(int64_t, ls_conn_ready_ms, const struct ls_conn *c) {
  return c->ready_ms;
}

FAKE(int64_t, ls_conn_active_ms, const struct ls_conn *c) {
  return c->active_ms;
}

FAKE(uint64_t, ls_conn_octets_in, const struct ls_conn *c) {
  return c->record;
}

FAKE(uint64_t, ls_conn_octets_out, const struct ls_conn *c) {
  return c->record;
}

FAKE(bool, ls_conn_wants_other_way, const struct ls_conn *c, struct ls_login_way *way) {
  *way = c->options.way;
  way->steps |= c->other_way;
  return c->other_way;
}

FAKE(bool, ls_conn_token_refused, const struct ls_conn *c) {
  (void)c;
  return false;
}

FAKE(struct ls_conn_times, ls_conn_times, const struct ls_conn *c) {
  return (struct ls_conn_times){.ready = c->ready_ms - c->started_ms};
}

FAKE(char *, ls_conn_address, const struct ls_conn *c) {
  (void)c;
  return NULL;
}

#endif
