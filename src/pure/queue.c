/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <stdlib.h>

#include "buf.h"

enum { FIRST_CHUNK = 4 * 1024 };

struct ls_queue_chunk {
  struct ls_queue_chunk *next;
  const char *p;
  size_t n;     /* octets in it */
  size_t sent;  /* of those, acknowledged */
  size_t cap;   /* octets data can hold; 0: p is lent */
  size_t dirty; /* octets of data ever used, to be wiped */
  char data[];
};

void ls_queue_init(struct ls_queue *q) {
  *q = (struct ls_queue){0};
}

static void release(struct ls_queue_chunk *c) {
  ls_wipe(c->data, c->dirty);
  free(c);
}

static void drop_head(struct ls_queue *q) {
  struct ls_queue_chunk *c = q->head;
  q->head = c->next;
  if (!q->head)
    q->tail = NULL;
  release(c);
}

/* A chunk kept for later, with nothing in it, would hide the one behind it: it goes. */
static struct ls_queue_chunk *append(struct ls_queue *q, size_t cap) {
  if (q->head && q->head->sent == q->head->n)
    drop_head(q);
  struct ls_queue_chunk *c = malloc(sizeof *c + cap);
  if (!c) {
    q->status = LS_ENOMEM;
    return NULL;
  }
  *c = (struct ls_queue_chunk){.p = c->data, .cap = cap};
  if (q->tail)
    q->tail->next = c;
  else
    q->head = c;
  q->tail = c;
  return c;
}

/* The first chunk is small, so that an idle connection with an occasional short message costs little; one
 * that is busy enough to need a second gets full ones. */
static size_t chunk_for(const struct ls_queue *q, size_t n) {
  if (q->tail || n > FIRST_CHUNK)
    return LS_QUEUE_CHUNK;
  return FIRST_CHUNK;
}

void ls_queue_add(struct ls_queue *q, struct ls_span s) {
  while (s.n && q->status == LS_OK) {
    struct ls_queue_chunk *c = q->tail;
    if ((!c || c->n == c->cap || c->cap == 0) && !(c = append(q, chunk_for(q, s.n))))
      return;
    size_t n = c->cap - c->n < s.n ? c->cap - c->n : s.n;
    memcpy(c->data + c->n, s.p, n);
    c->n += n;
    if (c->dirty < c->n)
      c->dirty = c->n;
    q->added += n;
    s = ls_span_sub(s, n, s.n);
  }
}

void ls_queue_addu(struct ls_queue *q, uint64_t u) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + u % 10);
    u /= 10;
  } while (u);
  ls_queue_add(q, ls_span(digits + at, sizeof digits - at));
}

void ls_queue_lend(struct ls_queue *q, struct ls_span s) {
  struct ls_queue_chunk *c = s.n && q->status == LS_OK ? append(q, 0) : NULL;
  if (!c)
    return;
  c->p = s.p;
  c->n = s.n;
  q->added += s.n;
}

struct ls_span ls_queue_out(const struct ls_queue *q) {
  const struct ls_queue_chunk *c = q->head;
  return c && c->sent < c->n ? ls_span(c->p + c->sent, c->n - c->sent) : ls_span(NULL, 0);
}

void ls_queue_sent(struct ls_queue *q, size_t n) {
  struct ls_queue_chunk *c = q->head;
  if (!c || n > c->n - c->sent)
    return;
  c->sent += n;
  q->sent += n;
  if (c->sent < c->n)
    return;
  if (c->cap && !c->next) {
    /* the last chunk of copies is used again: a warm connection allocates nothing here */
    c->n = c->sent = 0;
    return;
  }
  drop_head(q);
}

void ls_queue_clear(struct ls_queue *q) {
  while (q->head)
    drop_head(q);
}

void ls_queue_deinit(struct ls_queue *q) {
  ls_queue_clear(q);
  ls_queue_init(q);
}
