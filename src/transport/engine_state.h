/* SPDX-License-Identifier: MIT
 * engine_state: what the two sides of an engine share. Nothing but engine.c and engine_thread.c look here. */
#ifndef LS_ENGINE_STATE_H
#define LS_ENGINE_STATE_H

#include <pthread.h>
#include <sys/types.h>

#include "client_drive.h"
#include "doorbell.h"
#include "engine.h"

enum ls_engine_task_kind { LS_TASK_SEND, LS_TASK_VERIFY, LS_TASK_CONFIGURE, LS_TASK_FORGET, LS_TASK_LOGGING };

/* What is asked of the thread, and for SEND and VERIFY also its answer: nothing need be allocated to give
 * one. The lists of jobs are lists of tasks here. */
struct ls_engine_task {
  struct ls_job job; /* first; its arena holds value and config */
  enum ls_engine_task_kind kind;
  uint64_t handle;
  struct ls_value *value;   /* the mail */
  struct ls_config *config; /* of CONFIGURE; in the arena */
  size_t octets;            /* of the arena, also when it is gone */
  int64_t since_ms;
  bool on; /* LOGGING */
  struct ls_verifying verifying;
  struct ls_verification verification;
  struct ls_error issue; /* why there is no client */
};

struct ls_engine_client; /* the thread's */

struct ls_engine {
  pid_t owner;
  pthread_t thread;
  struct ls_loop loop; /* the thread's while it runs, but for waking it */

  /* the caller's */
  struct ls_engine_options options;
  uint64_t last_id, last_handle;
  size_t pending, octets;
  uint64_t *handles;
  size_t handle_count;
  bool closed;

  /* of both: under the lock, which is held for a few moves of pointers */
  pthread_mutex_t lock;
  struct ls_job_list inbox, outbox;
  struct ls_log log;
  struct ls_client_stats stats;
  bool asleep; /* the thread waits, or is about to: wake it */
  bool rung;   /* the reader has had its octet for what is in the outbox */
  bool closing;
  int64_t close_by_ms;

  /* the thread's while it runs */
  struct ls_doorbell bell;
  struct ls_engine_client *clients;
  struct ls_job_list done;
  struct ls_log told;
  struct ls_client_stats past; /* of clients that are gone */
  bool logging;
  bool newcomer; /* a reader has come that has had no octet yet */
};

static inline struct ls_engine_task *ls_engine_task_of(struct ls_job *j) {
  return (struct ls_engine_task *)(void *)j;
}

void ls_engine_task_free(struct ls_engine_task *t); /* NULL is fine */

void *ls_engine_run(void *engine); /* the thread */

#endif
