/* SPDX-License-Identifier: MIT
 * arena: many small allocations that end together. What it gives stays at its address until deinit. */
#ifndef LS_ARENA_H
#define LS_ARENA_H

#include "span.h"

struct ls_arena_block;

struct ls_arena {
  struct ls_arena_block *top;
  size_t used; /* octets handed out in all */
  size_t max;  /* ceiling in octets */
  bool full;   /* the ceiling, not a lack of memory, has refused an allocation */
  size_t next; /* what the next block should hold at least, from the use before a reset */
};

void ls_arena_init(struct ls_arena *a, size_t max); /* allocates nothing */
void *ls_arena_alloc(struct ls_arena *a,
                     size_t n); /* zeroed, aligned for any type; NULL: no memory or ceiling */
void *ls_arena_array(struct ls_arena *a, size_t count, size_t size); /* the same, count * size checked */
/* A copy with a NUL behind it; p is NULL when there is no memory. */
struct ls_span ls_arena_copy(struct ls_arena *a, struct ls_span s);
/* Wipes what was handed out and starts anew, with one block of at most keep octets kept for the next use. */
void ls_arena_reset(struct ls_arena *a, size_t keep);

void ls_arena_deinit(struct ls_arena *a); /* wipes and frees all; safe twice, safe on zeroes */

#endif
