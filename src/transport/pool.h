/* SPDX-License-Identifier: MIT
 * pool: warm connections and the messages that wait for them. A message takes an idle connection first;
 * another is opened when so many wait that it pays, and up to maxConnections once some have waited for as
 * long as one takes to open; else messages join those in flight. A connection ends by age, idle time and
 * number of messages; one that the server has ended is replaced without anybody noticing, and a message
 * caught on it goes out again when it cannot have been accepted: as often as it takes where it only waited or
 * others had gone through before it, maxRequeues times (once by default) where it may be the cause itself.
 * While the server drops or puts off what is opened (see attempt), messages wait. What servers show beyond
 * what they offer outlives connection and pool (see lesson): so a connection ends before the server does it.
 * A connection that was idle for checkIdle answers a NOOP before it takes a message: with CHUNKING a message
 * leaves whole, and on a connection that dies meanwhile nobody would know what became of it. No more than
 * rateLimit messages start within rateDelta, counted from the first; the others wait.
 */
#ifndef LS_POOL_H
#define LS_POOL_H

#include <sys/types.h>

#include "../pure/attempt.h"
#include "conn.h"
#include "farewell.h"
#include "job.h"
#include "lessons.h"
#include "login.h"
#include "loop.h"

struct ls_pool_conn; /* a connection and the messages on it */

struct ls_pool {
  const struct ls_config *config; /* borrowed */
  char *ehlo_name;
  struct ls_loop *loop;       /* borrowed, perhaps with other pools */
  struct ls_tls_context *tls; /* owned; the connections' */
  struct ls_pool_conn *members;
  size_t count;       /* members, without a probe */
  size_t opening;     /* of them, those not ready yet */
  size_t in_flight;   /* messages on connections */
  int64_t opening_ms; /* what it took the last one to get ready */
  int64_t turn_ms;    /* when it had its last turn: what has become due since then has not been done */
  int64_t short_ms;   /* since when messages wait without a break for want of a connection; 0: none does */
  struct ls_farewell *leaving; /* ended, and not members any more */
  struct ls_job_list waiting;
  bool shuffled; /* they may not be in the order of their deadlines */
  struct ls_job_list finished;
  struct ls_login login;
  struct ls_login_way way;
  size_t started;    /* messages since window_ms, where there is a rateLimit */
  int64_t window_ms; /* when the first of them started */
  struct ls_attempts attempts;
  struct ls_error failure;         /* why the last attempt failed; */
  enum ls_attempt_verdict verdict; /* what that says */
  bool fresh; /* idle when the first of those who wait came, and nothing was heard of the server since */
  struct ls_attempts probes; /* of verifications: they show nothing of how messages fare, nor these of them */
  struct ls_error probe_failure; /* why the last of them failed */
  size_t probing;                /* so many are under way */
  bool stirred; /* one has ended since the last turn: messages may have waited for that */
  bool closing;
  struct ls_lesson lesson; /* of the server, as of the last look */
  struct ls_log *log;      /* borrowed */
  struct ls_mask *mask;    /* borrowed likewise */
  struct ls_client_stats stats;
};

/* LS_OK; LS_ECONFIG: what tls names cannot be used; LS_ENOMEM. deinit is fine in each case. */
enum ls_status ls_pool_init(struct ls_pool *p, const struct ls_config *config, struct ls_loop *loop,
                            struct ls_log *log, struct ls_mask *mask, struct ls_error *err);
void ls_pool_deinit(struct ls_pool *p); /* closes at once; messages are dropped */
void ls_pool_abandon(
    struct ls_pool *p); /* frees what is ours, leaves the sockets to the process they are of */

void ls_pool_submit(struct ls_pool *p, struct ls_job *j); /* takes j */

/* For how long the rateLimit will keep a message from starting that is submitted now behind `ahead` messages
 * besides those that wait here, in ms, at most. */
int64_t ls_pool_delay(const struct ls_pool *p, size_t ahead, int64_t now_ms);

/* What libcurl has finished with, as ls_loop_next answers it. False: it is none of this pool's. */
bool ls_pool_took(struct ls_pool *p, CURL *easy, CURLcode result, int64_t now_ms);

/* Does all else that can be done without waiting. */
void ls_pool_turn(struct ls_pool *p, int64_t now_ms);

/* Lets the loop's next wait look at the pool's sockets. Answers until when it may last: until_ms or earlier.
 */
int64_t ls_pool_watch(struct ls_pool *p, int64_t now_ms, int64_t until_ms);

/* Ends idle connections with QUIT, whose answer nobody waits for; fails all messages with why. */
void ls_pool_close(struct ls_pool *p, const struct ls_error *why, int64_t now_ms);

/* Whether a verification may begin: as many at once as maxConnections (one, until any connection has logged
 * in), and where the last failed, one behind
 * each of the growing pauses. LS_OK; LS_AGAIN: not yet; else that is too far off, and err is why the last
 * failed. */
enum ls_status ls_pool_probe_turn(const struct ls_pool *p, int64_t now_ms, struct ls_error *err);
/* When to ask again; INT64_MAX: when one that is under way has ended. */
int64_t ls_pool_probe_due(const struct ls_pool *p, int64_t now_ms);
/* One begins; its number, above 0. And how it ended: why's status is LS_OK where the login went through, and
 * why is NULL where it was not the server that ended it. Where it has said QUIT it is under way until that is
 * answered: a server that says 421 instead, or closes, has not let it in after all. */
uint64_t ls_pool_probe_begin(struct ls_pool *p, int64_t now_ms);
void ls_pool_probe_done(struct ls_pool *p, uint64_t number, const struct ls_error *why, int64_t now_ms);

/* A connection of its own, for verify. The pool owns it until ls_pool_probe_end. NULL: err says why; where it
 * is empty, an access token is on its way: call again after a turn. */
struct ls_conn *ls_pool_probe(struct ls_pool *p, int64_t now_ms, struct ls_error *err);
/* It has failed, and another one, with another mechanism or token, may not. */
bool ls_pool_probe_again(struct ls_pool *p, struct ls_conn *c);
const struct ls_error *ls_pool_probe_error(struct ls_pool *p, struct ls_conn *c); /* LS_OK: it is ready */
/* number: of its verification; 0: that goes on with another connection. */
void ls_pool_probe_end(struct ls_pool *p, struct ls_conn *c, uint64_t number, int64_t now_ms);

size_t ls_pool_pending(const struct ls_pool *p);
void ls_pool_stats(const struct ls_pool *p, struct ls_client_stats *out);

#endif
