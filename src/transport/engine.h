/* SPDX-License-Identifier: MIT
 * engine: clients at work in a thread of their own, for hosts that must never wait. Calls hand work over and
 * return; results gather until they are taken, and a unix socket tells an event loop when there are some. All
 * calls come from one thread of the process that made the engine; in another process each answers
 * LS_ECONNECTION. */
#ifndef LS_ENGINE_H
#define LS_ENGINE_H

#include "../pure/value.h"
#include "client.h"

struct ls_engine;
struct ls_job;

struct ls_engine_options {
  size_t max_queue;      /* messages accepted and not yet taken */
  size_t max_octets;     /* of what they hold */
  size_t max_clients;    /* that the caller means to have; four times as many are the end */
  const char *directory; /* where the socket's private directory is made; NULL: $TMPDIR, or /tmp */
};

/* Starts the thread. LS_OK; LS_ECONFIG: the directory cannot be used; LS_EBUSY: the system has no thread
 * left; LS_ENOMEM: *out is NULL. */
enum ls_status ls_engine_new(const struct ls_engine_options *options, struct ls_engine **out,
                             struct ls_error *err);
void ls_engine_free(struct ls_engine *e); /* closes without waiting; NULL is fine */

/* A client for the config, made in the thread. Takes a in every case and leaves it empty; what config holds
 * lies in it. why: where its status is not LS_OK, the config could not be read; taken too. Where the client
 * cannot be made, each of its messages says why. LS_OK: *handle names it, above 0. LS_EBUSY: there are too
 * many; LS_ENOMEM. */
enum ls_status ls_engine_configure(struct ls_engine *e, const struct ls_config *config, struct ls_arena *a,
                                   struct ls_error *why, uint64_t *handle, struct ls_error *err);

/* Closes the client once its messages are done. LS_EARGUMENT: there is no such handle. */
enum ls_status ls_engine_forget(struct ls_engine *e, uint64_t handle, struct ls_error *err);

/* Takes the arena in every case, and leaves it empty; mail, with all its strings, lies in it. LS_OK: *id is
 * the number of its result. LS_EBUSY: the queue is full; LS_EARGUMENT, LS_ENOMEM. */
enum ls_status ls_engine_submit(struct ls_engine *e, uint64_t handle, struct ls_value *mail,
                                struct ls_arena *a, uint64_t *id, struct ls_error *err);

/* As ls_client_verify. */
enum ls_status ls_engine_verify(struct ls_engine *e, uint64_t handle, uint64_t *id, struct ls_error *err);

/* Records of all clients, or of those only whose config asks for them. */
enum ls_status ls_engine_set_logging(struct ls_engine *e, bool on, struct ls_error *err);

enum ls_engine_kind { LS_ENGINE_MESSAGE, LS_ENGINE_VERIFICATION };

struct ls_engine_result {
  enum ls_engine_kind kind;
  uint64_t id;
  struct ls_result result;             /* of a message, */
  struct ls_verification verification; /* or of a verification; each has its error */
  struct ls_error issue;               /* why its client could not be made; LS_OK: it could */
};
void ls_engine_result_deinit(struct ls_engine_result *r);

/* What has been taken. Zeroes are an empty one. */
struct ls_engine_batch {
  struct ls_job *first;
  struct ls_log log; /* records with their handles */
};
void ls_engine_batch_deinit(struct ls_engine_batch *b);

/* Fills an empty batch with all that is done. Never waits. */
enum ls_status ls_engine_take(struct ls_engine *e, struct ls_engine_batch *out, struct ls_error *err);
int ls_engine_batch_next(struct ls_engine_batch *b, struct ls_engine_result *out); /* 1: filled, yours; 0 */
/* The same, and it stays: what *out then holds is the batch's. */
int ls_engine_batch_peek(const struct ls_engine_batch *b, struct ls_engine_result *out);
/* Takes back what is left of a batch, to be taken again before all else. */
void ls_engine_give_back(struct ls_engine *e, struct ls_engine_batch *b);

/* Where a reader connects. An octet comes when there are results while the last take has left none, and at
 * once where some wait already. */
const char *ls_engine_path(const struct ls_engine *e);

size_t ls_engine_pending(const struct ls_engine *e); /* submitted and not yet taken */
void ls_engine_stats(struct ls_engine *e, struct ls_client_stats *out);
/* LS_OK: it can be used. LS_ECLOSED, LS_ECONNECTION: it cannot. */
enum ls_status ls_engine_usable(const struct ls_engine *e, struct ls_error *err);

/* Waits for what is in flight, but not longer than wait_ms; ends connections with QUIT, not waiting for the
 * answer; everything left gets a result, to be taken. Safe twice. */
enum ls_status ls_engine_close(struct ls_engine *e, int64_t wait_ms, struct ls_error *err);

#endif
