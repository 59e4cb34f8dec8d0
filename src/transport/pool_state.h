/* SPDX-License-Identifier: MIT
 * pool_state: what pool.c, which looks after connections, and pool_place.c, which gives them messages, share.
 */
#ifndef LS_POOL_STATE_H
#define LS_POOL_STATE_H

#include "pool.h"

enum { LS_POOL_WINDOW = 16 /* messages in flight on one connection */ };

struct ls_pool_conn {
  struct ls_pool_conn *next;
  struct ls_conn *conn;
  struct ls_job_list jobs; /* in flight, in order */
  size_t taken;            /* messages so far */
  bool probe;              /* takes none */
  int64_t check_until_ms;  /* a NOOP is out and must be answered by then; 0: none is */
  bool second;             /* the attempt was repeated with another mechanism */
  uint64_t token;          /* the serial of the access token it logs in with */
};

/* pool.c */

/* NULL: err says why; where it is empty, an access token is on its way. */
struct ls_pool_conn *ls_pool_open_member(struct ls_pool *p, bool probe, int64_t now_ms, struct ls_error *err);
/* Takes m out of the list and frees it; its messages must have gone elsewhere. */
void ls_pool_remove_member(struct ls_pool *p, struct ls_pool_conn *m, bool quit, int64_t now_ms);
/* False: there is no access token yet, or none to be had. */
bool ls_pool_has_token(struct ls_pool *p, int64_t now_ms);
void ls_pool_fail(struct ls_pool *p, struct ls_job *j, const struct ls_error *why);
bool ls_pool_is_idle(struct ls_pool_conn *m);

/* pool_place.c */

bool ls_pool_is_spent(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms);
size_t ls_pool_startable(const struct ls_pool *p, int64_t now_ms); /* how many messages may start now */
void ls_pool_place(struct ls_pool *p, int64_t now_ms);             /* gives connections what waits for one */
/* From when on each waiting message may have a connection; INT64_MAX: none waits for one. */
int64_t ls_pool_impatient_ms(const struct ls_pool *p);
void ls_pool_open_more(struct ls_pool *p, int64_t now_ms);         /* where it pays */

static inline int64_t ls_pool_earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

#endif
