/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "buf.h"

enum { BLOCK = 4096 - 64 };

struct ls_arena_block {
  struct ls_arena_block *below;
  size_t size; /* octets in data */
  size_t used; /* what lies behind is zero: a block starts so, and is wiped before it is used again */
  _Alignas(max_align_t) char data[];
};

void ls_arena_init(struct ls_arena *a, size_t max) {
  *a = (struct ls_arena){.max = max};
}

static bool add_block(struct ls_arena *a, size_t n) {
  /* blocks double with use, so that a large tree takes few of them */
  size_t size = a->used > BLOCK ? a->used : BLOCK;
  if (size < a->next)
    size = a->next;
  if (size < n)
    size = n;
  if (size > SIZE_MAX - sizeof(struct ls_arena_block))
    return false;
  struct ls_arena_block *b = calloc(1, sizeof *b + size);
  if (!b)
    return false;
  b->below = a->top;
  b->size = size;
  a->top = b;
  return true;
}

void *ls_arena_alloc(struct ls_arena *a, size_t n) {
  const size_t align = _Alignof(max_align_t);
  size_t rounded = n ? (n + align - 1) / align * align : align;
  a->full = a->full || n > SIZE_MAX - align || rounded > a->max - a->used;
  if (n > SIZE_MAX - align || rounded > a->max - a->used)
    return NULL;
  n = rounded;
  if ((!a->top || n > a->top->size - a->top->used) && !add_block(a, n))
    return NULL;
  char *p = a->top->data + a->top->used;
  a->top->used += n;
  a->used += n;
  return p;
}

void *ls_arena_array(struct ls_arena *a, size_t count, size_t size) {
  return ls_arena_alloc(a, size && count > SIZE_MAX / size ? SIZE_MAX : count * size);
}

struct ls_span ls_arena_copy(struct ls_arena *a, struct ls_span s) {
  char *p = s.n < SIZE_MAX ? ls_arena_alloc(a, s.n + 1) : NULL;
  if (!p)
    return ls_span(NULL, 0);
  if (s.n)
    memcpy(p, s.p, s.n);
  return ls_span(p, s.n);
}

/* Wipes and frees the blocks from b down. */
static void free_blocks(struct ls_arena_block *b) {
  while (b) {
    struct ls_arena_block *below = b->below;
    ls_wipe(b->data, b->used);
    free(b);
    b = below;
  }
}

void ls_arena_reset(struct ls_arena *a, size_t keep) {
  struct ls_arena_block *b = a->top;
  size_t max = a->max;
  if (!b || b->below || b->size > keep) {
    /* one block for all of it serves the next use better than any of these */
    size_t next = a->used <= keep ? a->used : 0;
    ls_arena_deinit(a);
    a->next = next;
    return;
  }
  ls_wipe(b->data, b->used);
  b->used = 0;
  *a = (struct ls_arena){.top = b, .max = max};
}

void ls_arena_deinit(struct ls_arena *a) {
  free_blocks(a->top);
  ls_arena_init(a, a->max);
}
