/* SPDX-License-Identifier: MIT
 * pool_state: what pool.c, which looks after connections, pool_open.c, which opens them, and pool_place.c,
 * which gives them messages, share.
 */
#ifndef LS_POOL_STATE_H
#define LS_POOL_STATE_H

#include "pool.h"

enum {
  LS_POOL_WINDOW = 16, /* messages in flight on one connection */
  LS_POOL_PAYS = 8     /* so many messages for each connection make another one pay */
};

struct ls_pool_conn {
  struct ls_pool_conn *next;
  struct ls_conn *conn;
  struct ls_job_list jobs; /* in flight, in order */
  size_t taken;            /* messages so far */
  struct ls_session_record record;
  int64_t answered_ms;    /* when the last of them was answered for good */
  uint64_t attempt;       /* its number */
  bool cut_off;           /* over, by the server, while messages were on it */
  struct ls_error ended;  /* why it is over */
  bool probe;             /* takes none */
  size_t told_accepted;   /* of the accepted messages, so many have gone into the lesson */
  bool tested;            /* it was given a message beyond the limit that the server has shown */
  uint64_t verification;  /* its number, where how it ends is still to be seen */
  int64_t check_until_ms; /* a NOOP is out and must be answered by then; 0: none is */
  bool second;            /* the attempt was repeated with another mechanism */
  uint64_t token;         /* the serial of the access token it logs in with */
};

/* pool.c */

/* Takes m out of the list and frees it; its messages must have gone elsewhere. */
void ls_pool_remove_member(struct ls_pool *p, struct ls_pool_conn *m, bool quit, int64_t now_ms);
void ls_pool_fail(struct ls_pool *p, struct ls_job *j, const struct ls_error *why);
bool ls_pool_is_idle(struct ls_pool_conn *m);

/* pool_place.c */

/* It has carried all that the server is known to take on one connection. */
bool ls_pool_is_past(const struct ls_pool *p, const struct ls_pool_conn *m);
bool ls_pool_is_spent(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms);
size_t ls_pool_most_messages(const struct ls_pool *p); /* on one connection */
size_t ls_pool_startable(const struct ls_pool *p, int64_t now_ms);     /* how many messages may start now */
void ls_pool_place(struct ls_pool *p, int64_t now_ms); /* gives connections what waits for one */
/* Ready, and neither at its end nor being checked. */
bool ls_pool_takes_messages(const struct ls_pool *p, const struct ls_pool_conn *m, int64_t now_ms);
/* Whether j may go over m, now or when there is room. A message that a connection gave back goes over no
 * other that was there already, unless that one has answered something since: what ended one may have ended
 * all. */
bool ls_pool_could_take(const struct ls_pool *p, const struct ls_pool_conn *m, const struct ls_job *j,
                        int64_t now_ms);

/* pool_open.c */

/* NULL: err says why; where it is empty, an access token is on its way. */
struct ls_pool_conn *ls_pool_open_member(struct ls_pool *p, bool probe, int64_t now_ms, struct ls_error *err);
void ls_pool_open_more(struct ls_pool *p, int64_t now_ms); /* where it pays */
/* From when on each waiting message may have a connection; INT64_MAX: none waits for one. */
int64_t ls_pool_impatient_ms(const struct ls_pool *p);
void ls_pool_opening_failed(struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms); /* frees m */
/* The server has ended m, which was ready. */
void ls_pool_ended(struct ls_pool *p, struct ls_pool_conn *m, int64_t now_ms);
/* Hears how the servers have ended the connections of verifications. */
void ls_pool_probes_left(struct ls_pool *p, int64_t now_ms);
void ls_pool_token_failed(struct ls_pool *p, const struct ls_error *why, int64_t now_ms);
/* Fails the messages that no attempt can help any more. */
void ls_pool_give_up(struct ls_pool *p, int64_t now_ms);

static inline int64_t ls_pool_earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

#endif
