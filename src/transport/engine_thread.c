/* SPDX-License-Identifier: MIT
 * The thread's side of the engine: one loop, many clients. */
#define _GNU_SOURCE /* pthread_setname_np */
#include <stdlib.h>

#include "clock.h"
#include "engine_state.h"

enum { COMPOSE_MS = 2 /* for each client in a turn, so that a batch of one does not hold up the others */ };

/* One client and what waits for it. */
struct ls_engine_client {
  struct ls_engine_client *next;
  uint64_t handle;
  struct ls_client *client;      /* NULL: it could not be made, and error says why */
  struct ls_engine_task *recipe; /* what to make it from, where that may help another time; else NULL */
  struct ls_error error;
  struct ls_job_list waiting; /* mails that are not composed yet */
  struct ls_job_list verifying;
  bool forgotten;
};

static struct ls_engine_client *client_of(struct ls_engine *e, uint64_t handle) {
  struct ls_engine_client *c = e->clients;
  while (c && c->handle != handle)
    c = c->next;
  return c;
}

/* A message or a verification that no client has had to do with ends here. */
static void fail(struct ls_engine *e, struct ls_engine_task *t, const struct ls_error *why) {
  if (t->kind == LS_TASK_SEND) {
    ls_job_fail(&t->job, why);
    e->past.failed++;
  } else if (t->verification.error.status == LS_OK) {
    ls_error_copy(&t->verification.error, why);
  }
  ls_job_push(&e->done, &t->job);
}

/* As fail, for a client that could not be made. */
static void fail_unmade(struct ls_engine *e, struct ls_engine_task *t, const struct ls_engine_client *c) {
  struct ls_error why = {0};
  if (ls_client_blames_config(c->error.status)) {
    ls_error_set(&why, c->error.status, "API", "The config is not valid: %s", ls_error_text(&c->error));
    ls_error_copy(&t->issue, &c->error);
  } else {
    ls_error_copy(&why, &c->error);
  }
  fail(e, t, &why);
  ls_error_deinit(&why);
}

static void fail_unknown(struct ls_engine *e, struct ls_engine_task *t) {
  struct ls_error why = {0};
  ls_error_set(&why, LS_ENOMEM, "API", "There was no memory for a client");
  fail(e, t, &why);
  ls_error_deinit(&why);
}

/* Takes t. What was lacking for the moment may be there when the client is needed. */
static void make_client(struct ls_engine *e, struct ls_engine_client *c, struct ls_engine_task *t) {
  struct ls_config config = *t->config; /* its own place is in the arena that it goes with */
  c->recipe = NULL;
  ls_error_deinit(&c->error);
  c->error = t->issue;
  t->issue = (struct ls_error){0};
  enum ls_status status = c->error.status;
  if (status == LS_OK)
    status = ls_client_new(&config, &t->job.arena, &e->loop, &c->client, &c->error);
  if (status == LS_OK) {
    ls_client_set_log(c->client, e->logging);
    ls_client_log(c->client)->handle = c->handle;
  } else if (!ls_client_blames_config(status)) {
    c->recipe = t;
    return;
  }
  ls_engine_task_free(t);
}

/* Takes t. */
static void configure(struct ls_engine *e, struct ls_engine_task *t) {
  struct ls_engine_client *c = calloc(1, sizeof *c);
  if (!c) {
    ls_engine_task_free(t);
    return;
  }
  c->handle = t->handle;
  make_client(e, c, t);
  c->next = e->clients;
  e->clients = c;
}

static void set_logging(struct ls_engine *e, bool on) {
  e->logging = on;
  for (struct ls_engine_client *c = e->clients; c; c = c->next)
    if (c->client)
      ls_client_set_log(c->client, on);
}

/* An order is carried out, a mail or a verification goes to its client. */
static void take_task(struct ls_engine *e, struct ls_engine_task *t) {
  struct ls_engine_client *c = client_of(e, t->handle);
  switch (t->kind) {
  case LS_TASK_CONFIGURE:
    configure(e, t);
    return;
  case LS_TASK_LOGGING:
    set_logging(e, t->on);
    break;
  case LS_TASK_FORGET:
    if (c)
      c->forgotten = true;
    break;
  case LS_TASK_SEND:
  case LS_TASK_VERIFY:
    if (c && c->recipe)
      make_client(e, c, c->recipe);
    if (!c) {
      fail_unknown(e, t);
    } else if (!c->client) {
      fail_unmade(e, t, c);
    } else if (t->kind == LS_TASK_VERIFY) {
      ls_job_push(&c->verifying, &t->job);
    } else {
      t->job.deadline_ms = ls_client_deadline(c->client, c->waiting.count, t->since_ms);
      ls_job_push(&c->waiting, &t->job);
    }
    return;
  }
  ls_engine_task_free(t);
}

/* Composes the first waiting mail and gives it to the client. */
static void compose_one(struct ls_engine *e, struct ls_engine_client *c, int64_t now_ms) {
  struct ls_engine_task *t = ls_engine_task_of(ls_job_pop(&c->waiting));
  struct ls_job *j = &t->job;
  struct ls_error why = {0};
  if (now_ms >= j->deadline_ms)
    ls_client_too_late(c->client, "CONN", &why);
  else
    ls_client_compose(c->client, t->value, &j->arena, &j->message, &why);
  if (why.status == LS_OK && !ls_job_describe(j))
    ls_error_set(&why, LS_ENOMEM, "API", "There was no memory for what becomes of the message");
  if (why.status == LS_OK) {
    j->octets = j->message.content.n;
    ls_client_enqueue(c->client, j);
  } else {
    fail(e, t, &why);
  }
  ls_error_deinit(&why);
}

static bool may_compose(const struct ls_engine_client *c, int64_t now_ms) {
  const struct ls_job *first = c->waiting.head;
  return first && (ls_client_has_room(c->client, 0) || now_ms >= first->deadline_ms);
}

static void compose_some(struct ls_engine *e, struct ls_engine_client *c, int64_t now_ms) {
  int64_t until_ms = now_ms + COMPOSE_MS;
  for (int64_t at_ms = now_ms; at_ms < until_ms && may_compose(c, at_ms); at_ms = ls_clock_ms())
    compose_one(e, c, at_ms);
}

static void verify_on(struct ls_engine *e, struct ls_engine_client *c, int64_t now_ms) {
  struct ls_job_list on = {0};
  for (struct ls_job *j; (j = ls_job_pop(&c->verifying)) != NULL;) {
    struct ls_engine_task *t = ls_engine_task_of(j);
    bool over = ls_client_verify_step(c->client, &t->verifying, now_ms, &t->verification);
    ls_job_push(over ? &e->done : &on, j);
  }
  c->verifying = on;
}

static void collect(struct ls_engine *e, struct ls_engine_client *c) {
  for (struct ls_job *j; (j = ls_client_pop(c->client)) != NULL;)
    ls_job_push(&e->done, j);
  ls_log_move(ls_client_log(c->client), &e->told);
}

static bool has_work(const struct ls_engine_client *c) {
  return c->client && (c->waiting.head || c->verifying.head || ls_client_pending(c->client) > 0);
}

static bool any_has_work(const struct ls_engine *e) {
  for (const struct ls_engine_client *c = e->clients; c; c = c->next)
    if (has_work(c))
      return true;
  return false;
}

static void add_stats(struct ls_client_stats *to, const struct ls_client_stats *s) {
  to->sent += s->sent;
  to->failed += s->failed;
  to->connections_opened += s->connections_opened;
  to->connections_closed += s->connections_closed;
  to->connections_failed += s->connections_failed;
  to->logins += s->logins;
  to->retries += s->retries;
  to->connections_open += s->connections_open;
  to->connections_idle += s->connections_idle;
  to->queued += s->queued;
  to->octets_sent += s->octets_sent;
  to->octets_received += s->octets_received;
}

static struct ls_client_stats sum_stats(const struct ls_engine *e) {
  struct ls_client_stats sum = e->past, one;
  for (const struct ls_engine_client *c = e->clients; c; c = c->next) {
    if (c->client) {
      ls_client_stats(c->client, &one);
      add_stats(&sum, &one);
    }
    sum.queued += c->waiting.count;
  }
  return sum;
}

/* Ends a client; what it still has fails. */
static void end_client(struct ls_engine *e, struct ls_engine_client *c, const struct ls_error *why) {
  struct ls_client_stats s;
  if (c->client) {
    for (struct ls_job *j; (j = ls_job_pop(&c->waiting)) != NULL;)
      fail(e, ls_engine_task_of(j), why);
    for (struct ls_job *j; (j = ls_job_pop(&c->verifying)) != NULL;) {
      struct ls_engine_task *t = ls_engine_task_of(j);
      ls_client_verify_end(c->client, &t->verifying, why, &t->verification);
      ls_job_push(&e->done, j);
    }
    ls_client_end(c->client, why);
    collect(e, c);
    ls_client_stats(c->client, &s);
    s.connections_open = s.connections_idle = s.queued = 0;
    add_stats(&e->past, &s);
    ls_client_free(c->client);
  }
  ls_engine_task_free(c->recipe);
  ls_error_deinit(&c->error);
  free(c);
}

static void end_forgotten(struct ls_engine *e) {
  for (struct ls_engine_client **at = &e->clients; *at;) {
    struct ls_engine_client *c = *at;
    if (!c->forgotten || has_work(c)) {
      at = &c->next;
      continue;
    }
    *at = c->next;
    end_client(e, c, NULL);
  }
}

static void turn(struct ls_engine *e, int64_t now_ms) {
  CURL *easy;
  CURLcode result;
  ls_loop_run(&e->loop);
  while (ls_loop_next(&e->loop, &easy, &result))
    for (struct ls_engine_client *c = e->clients; c; c = c->next)
      if (c->client && ls_client_took(c->client, easy, result, now_ms))
        break;
  for (struct ls_engine_client *c = e->clients; c; c = c->next)
    if (c->client) {
      compose_some(e, c, now_ms);
      ls_client_turn(c->client, now_ms);
      verify_on(e, c, now_ms);
      collect(e, c);
    }
  end_forgotten(e);
}

/* Gives what is done, takes what came. Where nothing came the thread may wait: whoever brings something from
 * now on wakes it. */
static struct ls_job_list exchange(struct ls_engine *e, bool *closing, int64_t *close_by_ms) {
  struct ls_client_stats stats = sum_stats(e);
  pthread_mutex_lock(&e->lock);
  ls_job_append(&e->outbox, &e->done);
  ls_log_move(&e->told, &e->log);
  e->stats = stats;
  struct ls_job_list came = e->inbox;
  e->inbox = (struct ls_job_list){0};
  e->asleep = !came.head;
  bool ring = e->outbox.head && (!e->rung || e->newcomer) && e->bell.reader >= 0;
  e->rung = ring || (e->rung && !e->newcomer);
  e->newcomer = false;
  *closing = e->closing;
  *close_by_ms = e->close_by_ms;
  pthread_mutex_unlock(&e->lock);
  if (ring)
    ls_doorbell_ring(&e->bell);
  return came;
}

static int64_t earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* Lets the wait look at all that can happen, and waits. */
static void wait_until(struct ls_engine *e, int64_t until_ms) {
  int64_t now_ms = ls_clock_ms();
  for (struct ls_engine_client *c = e->clients; c; c = c->next) {
    if (!c->client)
      continue;
    until_ms = ls_client_watch(c->client, now_ms, until_ms);
    if (may_compose(c, now_ms))
      until_ms = now_ms;
    else if (c->waiting.head)
      until_ms = earlier(until_ms, c->waiting.head->deadline_ms);
    for (struct ls_job *j = c->verifying.head; j; j = j->next)
      until_ms = earlier(until_ms, ls_client_verify_due(c->client, &ls_engine_task_of(j)->verifying, now_ms));
  }
  until_ms = ls_doorbell_watch(&e->bell, &e->loop, now_ms, until_ms);
  ls_loop_wait(&e->loop, until_ms - now_ms);
  if (ls_doorbell_serve(&e->bell, &e->loop))
    e->newcomer = true;
  pthread_mutex_lock(&e->lock);
  e->asleep = false;
  pthread_mutex_unlock(&e->lock);
}

static void finish(struct ls_engine *e) {
  bool closing;
  int64_t close_by_ms;
  struct ls_error why = {0};
  ls_error_set(&why, LS_ECLOSED, "API", "The engine was closed before the message was done");
  while (e->clients) {
    struct ls_engine_client *c = e->clients;
    e->clients = c->next;
    end_client(e, c, &why);
  }
  ls_error_deinit(&why);
  exchange(e, &closing, &close_by_ms);
}

void *ls_engine_run(void *engine) {
  struct ls_engine *e = engine;
  bool closing = false;
  int64_t close_by_ms = INT64_MAX;
#ifdef __linux__
  pthread_setname_np(pthread_self(), "logto-smtp");
#endif
  ls_doorbell_sweep(&e->bell);
  do {
    int64_t now_ms = ls_clock_ms();
    turn(e, now_ms);
    struct ls_job_list came = exchange(e, &closing, &close_by_ms);
    bool busy = came.head != NULL;
    for (struct ls_job *j; (j = ls_job_pop(&came)) != NULL;)
      take_task(e, ls_engine_task_of(j));
    if (!busy && !closing)
      wait_until(e, INT64_MAX);
    else if (!busy && any_has_work(e))
      wait_until(e, close_by_ms);
  } while (!closing || (any_has_work(e) && ls_clock_ms() < close_by_ms));
  finish(e);
  return NULL;
}
