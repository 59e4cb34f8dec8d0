/* SPDX-License-Identifier: MIT
 * job: one submitted message on its way to a result. */
#ifndef LS_JOB_H
#define LS_JOB_H

#include "../pure/message.h"
#include "../pure/session.h"
#include "result.h"

struct ls_job {
  struct ls_job *next;
  uint64_t id;
  struct ls_composed message; /* owned, with its arena */
  struct ls_arena arena;
  size_t octets; /* of content, also when the message is gone */
  int64_t deadline_ms;
  size_t put_off;                 /* how often as the first on a connection that ended by 421 at its MAIL */
  size_t requeues;                /* how often a connection has given it back */
  int64_t not_before;             /* only a connection that became ready at this time or later may take it */
  struct ls_mask_secret *secrets; /* of the message, in its client's mask */
  struct ls_result result;
};

/* First in, first out; zeroes are an empty list. */
struct ls_job_list {
  struct ls_job *head, *tail;
  size_t count;
};

void ls_job_push(struct ls_job_list *l, struct ls_job *j);
struct ls_job *ls_job_pop(struct ls_job_list *l);                      /* NULL: empty */
struct ls_job *ls_job_take(struct ls_job_list *l, uint64_t id);        /* NULL: not there */
void ls_job_prepend(struct ls_job_list *l, struct ls_job_list *front); /* moves front's before l's */
void ls_job_append(struct ls_job_list *l, struct ls_job_list *back);   /* moves back's behind l's */

/* Makes room for what becomes of the message, and writes what is known of it in every case. To be done before
 * it goes on its way: behind that a lack of memory must cost nothing that matters. False: no memory. */
bool ls_job_describe(struct ls_job *j);
/* Takes message and arena in every case; both are left empty. It is described. NULL: no memory. */
struct ls_job *ls_job_new(struct ls_composed *message, struct ls_arena *arena);
void ls_job_free(struct ls_job *j); /* NULL is fine */

/* Fills the result from the event of its session; takes the event's error. ehlo: count texts, each with a NUL
 * behind it. */
void ls_job_finish(struct ls_job *j, struct ls_event *ev, struct ls_span ehlo, size_t ehlo_count);

/* Fills the result with a copy of err. */
void ls_job_fail(struct ls_job *j, const struct ls_error *err);

/* An array of the texts, each allocated; NULL: none, or no memory. */
char **ls_job_texts(struct ls_span texts, size_t count);

#endif
