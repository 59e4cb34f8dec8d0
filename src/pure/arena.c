/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "buf.h"

/* In checked builds something out of reach lies behind each allocation: blocks hold many, and whoever writes
 * past one would write into the next. */
#ifdef LS_CHECKED
enum { GAP = 16 };
void __asan_poison_memory_region(const volatile void *p, size_t n); /* of the address sanitizer's runtime */
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
#else
enum { GAP = 0 };
#define __asan_poison_memory_region(p, n) ((void)(p), (void)(n))
#define __asan_unpoison_memory_region(p, n) ((void)(p), (void)(n))
#endif

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
  if (size > SIZE_MAX - GAP - sizeof(struct ls_arena_block))
    return false;
  size += GAP;
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
  if ((!a->top || rounded + GAP > a->top->size - a->top->used) && !add_block(a, rounded))
    return NULL;
  char *p = a->top->data + a->top->used;
  a->top->used += rounded + GAP;
  a->used += rounded;
  if (GAP)
    __asan_poison_memory_region(p + n, rounded + GAP - n);
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
    __asan_unpoison_memory_region(b->data, b->size);
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
    size_t next = 0;
    for (; b; b = b->below)
      next += b->used;
    ls_arena_deinit(a);
    a->next = next <= keep ? next : 0;
    return;
  }
  __asan_unpoison_memory_region(b->data, b->size);
  ls_wipe(b->data, b->used);
  b->used = 0;
  *a = (struct ls_arena){.top = b, .max = max};
}

void ls_arena_deinit(struct ls_arena *a) {
  free_blocks(a->top);
  ls_arena_init(a, a->max);
}
