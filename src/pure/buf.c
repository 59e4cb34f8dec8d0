/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef LS_CHECKED
#include <assert.h>

/* of the address sanitizer's runtime */
void __asan_poison_memory_region(const volatile void *p, size_t n);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
#endif

enum { FIRST_CAP = 256 };

/* Growth by doubling hides who writes past the room asked for: there is memory behind it. */
static void set_fence(struct ls_buf *b, size_t at) {
#ifdef LS_CHECKED
  if (at > b->fence)
    __asan_unpoison_memory_region(b->p + b->fence, at - b->fence);
  else if (b->p)
    __asan_poison_memory_region(b->p + at, b->fence - at);
  b->fence = at;
#else
  (void)b;
  (void)at;
#endif
}

/* Before the memory goes to somebody else. */
static void drop_fence(struct ls_buf *b) {
  set_fence(b, b->cap);
}

/* Through a volatile pointer the compiler cannot tell what is called, so it may not drop the call; memset
 * itself is as fast as the machine allows. */
static void *(*const volatile fill)(void *, int, size_t) = memset;

void ls_wipe(void *p, size_t n) {
  if (n)
    fill(p, 0, n);
}

void ls_buf_init(struct ls_buf *b, size_t max) {
  /* one octet is kept for the NUL that take() puts behind */
  *b = (struct ls_buf){.max = max < SIZE_MAX - 1 ? max : SIZE_MAX - 1};
}

/* Growth by doubling keeps a run of adds linear; realloc would leave secrets behind, hence copy and wipe. */
static bool grow(struct ls_buf *b, size_t need) {
  size_t cap = b->cap ? b->cap : FIRST_CAP;
  while (cap < need)
    cap = cap > SIZE_MAX / 2 ? need : cap * 2;
  char *p = malloc(cap);
  if (!p) {
    b->status = LS_ENOMEM;
    return false;
  }
  if (b->n)
    memcpy(p, b->p, b->n);
  drop_fence(b);
  if (b->p) {
    ls_wipe(b->p, b->n);
    free(b->p);
  }
  b->p = p;
  b->cap = cap;
#ifdef LS_CHECKED
  b->fence = cap;
#endif
  return true;
}

char *ls_buf_room(struct ls_buf *b, size_t n) {
  if (b->status != LS_OK)
    return NULL;
  if (n > b->max - b->n) {
    b->status = LS_ETOOBIG;
    return NULL;
  }
  if (b->n + n + 1 > b->cap && !grow(b, b->n + n + 1))
    return NULL;
  set_fence(b, b->n + n);
  return b->p + b->n;
}

void ls_buf_grew(struct ls_buf *b, size_t n) {
#ifdef LS_CHECKED
  assert(n <= b->fence - b->n);
#endif
  b->n += n;
}

void ls_buf_add(struct ls_buf *b, struct ls_span s) {
  char *p = s.n ? ls_buf_room(b, s.n) : NULL;
  if (p) {
    memcpy(p, s.p, s.n);
    b->n += s.n;
  }
}

void ls_buf_addc(struct ls_buf *b, char c) {
  char *p = ls_buf_room(b, 1);
  if (p) {
    *p = c;
    b->n++;
  }
}

void ls_buf_addu(struct ls_buf *b, unsigned long long u) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + u % 10);
    u /= 10;
  } while (u);
  ls_buf_add(b, ls_span(digits + at, sizeof digits - at));
}

void ls_buf_cut(struct ls_buf *b, size_t n) {
  if (n < b->n)
    b->n = n;
}

struct ls_span ls_buf_span(const struct ls_buf *b) {
  return ls_span(b->p, b->n);
}

char *ls_buf_take(struct ls_buf *b, size_t *n) {
  if (!ls_buf_room(b, 0))
    return NULL;
  char *p = b->p;
  drop_fence(b);
  p[b->n] = '\0';
  if (n)
    *n = b->n;
  ls_buf_init(b, b->max);
  return p;
}

void ls_buf_reset(struct ls_buf *b, size_t keep) {
  if (!b->p || b->cap > keep) {
    ls_buf_deinit(b);
    return;
  }
  ls_wipe(b->p, b->n);
  b->n = 0;
  b->status = LS_OK;
}

void ls_buf_deinit(struct ls_buf *b) {
  if (b->p) {
    drop_fence(b);
    ls_wipe(b->p, b->n);
    free(b->p);
  }
  ls_buf_init(b, b->max);
}
