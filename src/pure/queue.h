/* SPDX-License-Identifier: MIT
 * queue: outgoing octets in chunks that never move or shrink until sent. A TLS library that could not write
 * accepts only the same address with at least the same length on the next try, hence no buffer that grows by
 * moving. */
#ifndef LS_QUEUE_H
#define LS_QUEUE_H

#include <stdint.h>

#include "span.h"
#include "status.h"

struct ls_queue_chunk;

struct ls_queue {
  struct ls_queue_chunk *head;
  struct ls_queue_chunk *tail;
  uint64_t added;        /* octets ever added: the stream offset of the next one */
  uint64_t sent;         /* octets ever acknowledged */
  enum ls_status status; /* LS_OK, or LS_ENOMEM: the first failure sticks, later adds do nothing */
};

enum { LS_QUEUE_CHUNK = 32 * 1024 }; /* octets in a chunk of copies, at most */

void ls_queue_init(struct ls_queue *q);                  /* allocates nothing */
void ls_queue_add(struct ls_queue *q, struct ls_span s); /* copies */
void ls_queue_addu(struct ls_queue *q, uint64_t u);      /* decimal */

/* Sends s from where it lies: the caller keeps it in place until sent has passed it, or clear. */
void ls_queue_lend(struct ls_queue *q, struct ls_span s);

/* The next octets; n = 0: none. Same address and never shorter on every call until acknowledged. */
struct ls_span ls_queue_out(const struct ls_queue *q);
void ls_queue_sent(struct ls_queue *q, size_t n); /* the first n octets of out are on their way; n <= out.n */

void ls_queue_clear(struct ls_queue *q);  /* drops what was not sent; the counters stay */
void ls_queue_deinit(struct ls_queue *q); /* wipes and frees; safe twice, safe on zeroes */

#endif
