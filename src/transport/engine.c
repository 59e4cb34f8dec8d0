/* SPDX-License-Identifier: MIT
 * The caller's side of the engine. */
#define _DEFAULT_SOURCE
#include "engine.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "engine_state.h"

enum { CLIENTS_TIMES = 4 };

void ls_engine_task_free(struct ls_engine_task *t) {
  if (!t)
    return;
  ls_verification_deinit(&t->verification);
  ls_error_deinit(&t->issue);
  ls_job_free(&t->job);
}

/* Signals are the host's: its handlers must never run in our thread. */
static bool start(struct ls_engine *e) {
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
    return false;
  int failed = pthread_create(&e->thread, NULL, ls_engine_run, e);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed == 0;
}

enum ls_status ls_engine_new(const struct ls_engine_options *options, struct ls_engine **out,
                             struct ls_error *err) {
  *out = NULL;
  struct ls_engine *e = calloc(1, sizeof *e);
  enum ls_status status =
      e && ls_client_library_init() == LS_OK ? ls_loop_init(&e->loop, err) : ls_error_no_memory(err, NULL);
  if (status != LS_OK) {
    free(e);
    return status;
  }
  e->options = *options;
  e->owner = getpid();
  status = ls_doorbell_init(&e->bell, options->directory, err);
  e->options.directory = NULL;
  if (status == LS_OK && pthread_mutex_init(&e->lock, NULL) != 0)
    status = ls_error_no_memory(err, NULL);
  else if (status == LS_OK && !start(e))
    status = ls_error_because(err, LS_REASON_NO_THREAD, "API", "The system gives no further thread");
  if (status != LS_OK) {
    ls_doorbell_deinit(&e->bell);
    ls_loop_deinit(&e->loop);
    free(e);
    return status;
  }
  *out = e;
  return LS_OK;
}

static bool is_ours(const struct ls_engine *e) {
  return e->owner == getpid();
}

enum ls_status ls_engine_usable(const struct ls_engine *e, struct ls_error *err) {
  if (!is_ours(e))
    return ls_error_because(err, LS_REASON_FORKED, "API",
                            "The engine was made in another process; make a new one after fork");
  if (e->closed)
    return ls_error_set(err, LS_ECLOSED, "API", "The engine is closed");
  return LS_OK;
}

/* Hands t over; it may be finished and freed when this returns. */
static void give(struct ls_engine *e, struct ls_engine_task *t) {
  pthread_mutex_lock(&e->lock);
  ls_job_push(&e->inbox, &t->job);
  bool wake = e->asleep;
  e->asleep = false;
  pthread_mutex_unlock(&e->lock);
  if (wake)
    ls_loop_wake(&e->loop);
}

static struct ls_engine_task *new_task(enum ls_engine_task_kind kind, uint64_t handle, struct ls_error *err) {
  struct ls_engine_task *t = calloc(1, sizeof *t);
  if (!t) {
    ls_error_no_memory(err, NULL);
    return NULL;
  }
  t->kind = kind;
  t->handle = handle;
  return t;
}

static bool reserve_handle(struct ls_engine *e) {
  uint64_t *more = realloc(e->handles, (e->handle_count + 1) * sizeof *more);
  if (!more)
    return false;
  e->handles = more;
  return true;
}

static enum ls_status configure(struct ls_engine *e, const struct ls_config *config, struct ls_arena *a,
                                struct ls_error *why, uint64_t *handle, struct ls_error *err) {
  enum ls_status status = ls_engine_usable(e, err);
  if (status != LS_OK)
    return status;
  if (e->handle_count / CLIENTS_TIMES >= e->options.max_clients)
    return ls_error_because(
        err, LS_REASON_TOO_MANY_CLIENTS, "API",
        "The engine has %zu clients already, for maxClients = %zu; forget those that are no "
        "longer needed",
        e->handle_count, e->options.max_clients);
  struct ls_engine_task *t = reserve_handle(e) ? new_task(LS_TASK_CONFIGURE, e->last_handle + 1, err) : NULL;
  struct ls_config *copy = t ? ls_arena_alloc(a, sizeof *copy) : NULL;
  if (!copy) {
    ls_engine_task_free(t);
    return ls_error_no_memory(err, NULL);
  }
  *copy = *config;
  t->config = copy;
  t->issue = *why;
  *why = (struct ls_error){0};
  t->job.arena = *a;
  ls_arena_init(a, a->max);
  *handle = e->handles[e->handle_count++] = ++e->last_handle;
  give(e, t);
  return LS_OK;
}

enum ls_status ls_engine_configure(struct ls_engine *e, const struct ls_config *config, struct ls_arena *a,
                                   struct ls_error *why, uint64_t *handle, struct ls_error *err) {
  enum ls_status status = configure(e, config, a, why, handle, err);
  ls_arena_deinit(a);
  ls_error_deinit(why);
  return status;
}

/* Where the handle is kept; handle_count: nowhere. */
static size_t position_of(const struct ls_engine *e, uint64_t handle) {
  size_t i = 0;
  while (i < e->handle_count && e->handles[i] != handle)
    i++;
  return i;
}

static enum ls_status check_handle(const struct ls_engine *e, uint64_t handle, struct ls_error *err) {
  enum ls_status status = ls_engine_usable(e, err);
  if (status == LS_OK && position_of(e, handle) == e->handle_count)
    status = ls_error_set(err, LS_EARGUMENT, "API", "The engine has no client %llu; configure one first",
                          (unsigned long long)handle);
  return status;
}

enum ls_status ls_engine_forget(struct ls_engine *e, uint64_t handle, struct ls_error *err) {
  enum ls_status status = check_handle(e, handle, err);
  if (status != LS_OK)
    return status;
  struct ls_engine_task *t = new_task(LS_TASK_FORGET, handle, err);
  if (!t)
    return LS_ENOMEM;
  e->handles[position_of(e, handle)] = e->handles[--e->handle_count];
  give(e, t);
  return LS_OK;
}

static enum ls_status check_room(const struct ls_engine *e, size_t octets, struct ls_error *err) {
  if (e->pending >= e->options.max_queue)
    return ls_error_set(err, LS_EBUSY, "API",
                        "%zu messages wait already, as many as maxQueue allows; try again when some are done",
                        e->pending);
  if (e->octets && (octets > e->options.max_octets || e->octets > e->options.max_octets - octets))
    return ls_error_set(err, LS_EBUSY, "API",
                        "%zu messages with %zu octets wait already, and maxOctets allows %zu; try again when "
                        "some are done",
                        e->pending, e->octets, e->options.max_octets);
  return LS_OK;
}

static uint64_t account(struct ls_engine *e, struct ls_engine_task *t) {
  t->since_ms = ls_clock_ms();
  t->job.id = ++e->last_id;
  e->pending++;
  e->octets += t->octets;
  return t->job.id;
}

enum ls_status ls_engine_submit(struct ls_engine *e, uint64_t handle, struct ls_value *mail,
                                struct ls_arena *a, uint64_t *id, struct ls_error *err) {
  enum ls_status status = check_handle(e, handle, err);
  if (status == LS_OK)
    status = check_room(e, a->used, err);
  struct ls_engine_task *t = status == LS_OK ? new_task(LS_TASK_SEND, handle, err) : NULL;
  if (!t) {
    ls_arena_deinit(a);
    return status == LS_OK ? LS_ENOMEM : status;
  }
  t->value = mail;
  t->octets = a->used;
  t->job.arena = *a;
  ls_arena_init(a, a->max);
  *id = account(e, t);
  give(e, t);
  return LS_OK;
}

enum ls_status ls_engine_verify(struct ls_engine *e, uint64_t handle, uint64_t *id, struct ls_error *err) {
  enum ls_status status = check_handle(e, handle, err);
  if (status == LS_OK)
    status = check_room(e, 0, err);
  struct ls_engine_task *t = status == LS_OK ? new_task(LS_TASK_VERIFY, handle, err) : NULL;
  if (!t)
    return status == LS_OK ? LS_ENOMEM : status;
  ls_verification_init(&t->verification);
  *id = account(e, t);
  give(e, t);
  return LS_OK;
}

enum ls_status ls_engine_set_logging(struct ls_engine *e, bool on, struct ls_error *err) {
  enum ls_status status = ls_engine_usable(e, err);
  struct ls_engine_task *t = status == LS_OK ? new_task(LS_TASK_LOGGING, 0, err) : NULL;
  if (!t)
    return status == LS_OK ? LS_ENOMEM : status;
  t->on = on;
  give(e, t);
  return LS_OK;
}

enum ls_status ls_engine_take(struct ls_engine *e, struct ls_engine_batch *out, struct ls_error *err) {
  if (!is_ours(e))
    return ls_engine_usable(e, err);
  pthread_mutex_lock(&e->lock);
  out->first = e->outbox.head;
  e->pending -= e->outbox.count;
  e->outbox = (struct ls_job_list){0};
  e->rung = false;
  out->log = e->log;
  e->log = (struct ls_log){0};
  pthread_mutex_unlock(&e->lock);
  for (struct ls_job *j = out->first; j; j = j->next)
    e->octets -= ls_engine_task_of(j)->octets;
  return LS_OK;
}

void ls_engine_give_back(struct ls_engine *e, struct ls_engine_batch *b) {
  struct ls_job_list left = {0};
  if (!is_ours(e))
    return;
  for (struct ls_job *j; (j = b->first) != NULL;) {
    b->first = j->next;
    e->octets += ls_engine_task_of(j)->octets;
    ls_job_push(&left, j);
  }
  e->pending += left.count;
  pthread_mutex_lock(&e->lock);
  ls_job_prepend(&e->outbox, &left);
  ls_log_move(&e->log, &b->log);
  b->log.dropped += e->log.count;
  ls_log_deinit(&e->log);
  e->log = b->log;
  e->rung = false;
  bool wake = e->outbox.head && e->asleep && !e->closed;
  e->asleep = e->asleep && !wake;
  pthread_mutex_unlock(&e->lock);
  b->log = (struct ls_log){0};
  if (wake)
    ls_loop_wake(&e->loop);
}

int ls_engine_batch_peek(const struct ls_engine_batch *b, struct ls_engine_result *out) {
  const struct ls_engine_task *t = ls_engine_task_of(b->first);
  *out = (struct ls_engine_result){0};
  if (!t)
    return 0;
  *out = (struct ls_engine_result){
      .kind = t->kind == LS_TASK_VERIFY ? LS_ENGINE_VERIFICATION : LS_ENGINE_MESSAGE,
      .id = t->job.id,
      .result = t->job.result,
      .verification = t->verification,
      .issue = t->issue,
  };
  return 1;
}

int ls_engine_batch_next(struct ls_engine_batch *b, struct ls_engine_result *out) {
  struct ls_engine_task *t = ls_engine_task_of(b->first);
  if (!ls_engine_batch_peek(b, out))
    return 0;
  b->first = t->job.next;
  t->job.result = (struct ls_result){0};
  t->verification = (struct ls_verification){0};
  t->issue = (struct ls_error){0};
  ls_engine_task_free(t);
  return 1;
}

void ls_engine_result_deinit(struct ls_engine_result *r) {
  ls_result_deinit(&r->result);
  ls_verification_deinit(&r->verification);
  ls_error_deinit(&r->issue);
}

void ls_engine_batch_deinit(struct ls_engine_batch *b) {
  struct ls_engine_result r;
  while (ls_engine_batch_next(b, &r))
    ls_engine_result_deinit(&r);
  ls_log_deinit(&b->log);
}

const char *ls_engine_path(const struct ls_engine *e) {
  return e->bell.path;
}

size_t ls_engine_pending(const struct ls_engine *e) {
  return e->pending;
}

void ls_engine_stats(struct ls_engine *e, struct ls_client_stats *out) {
  pthread_mutex_lock(&e->lock);
  *out = e->stats;
  out->queued += e->inbox.count;
  pthread_mutex_unlock(&e->lock);
  out->pending = e->pending;
}

enum ls_status ls_engine_close(struct ls_engine *e, int64_t wait_ms, struct ls_error *err) {
  if (!is_ours(e))
    return ls_engine_usable(e, err);
  if (e->closed)
    return LS_OK;
  e->closed = true;
  int64_t now_ms = ls_clock_ms();
  pthread_mutex_lock(&e->lock);
  e->closing = true;
  e->close_by_ms = wait_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + wait_ms;
  pthread_mutex_unlock(&e->lock);
  ls_loop_wake(&e->loop);
  pthread_join(e->thread, NULL);
  ls_loop_deinit(&e->loop);
  ls_doorbell_deinit(&e->bell);
  return LS_OK;
}

void ls_engine_free(struct ls_engine *e) {
  if (!e)
    return;
  if (is_ours(e)) {
    struct ls_engine_batch rest = {0};
    ls_engine_close(e, 0, NULL);
    ls_engine_take(e, &rest, NULL);
    ls_engine_batch_deinit(&rest);
    pthread_mutex_destroy(&e->lock);
  }
  /* in another process the thread does not exist, and what it was at work on may be half done: left alone */
  free(e->handles);
  free(e);
}
