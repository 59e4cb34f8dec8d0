/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The linker sends every allocation of the rooms through these (--wrap). SIZE_MAX: none fails. */
static size_t allocations_left = SIZE_MAX;
static size_t allocations_failed;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

static bool allowed(void) {
  if (allocations_left == SIZE_MAX)
    return true;
  if (allocations_left == 0) {
    allocations_failed++;
    return false;
  }
  allocations_left--;
  return true;
}

void *__wrap_malloc(size_t n) {
  return allowed() ? __real_malloc(n) : NULL;
}

void *__wrap_calloc(size_t count, size_t n) {
  return allowed() ? __real_calloc(count, n) : NULL;
}

void *__wrap_realloc(void *p, size_t n) {
  return allowed() ? __real_realloc(p, n) : NULL;
}

size_t support_each_allocation(bool (*scenario)(void *), void *context) {
  for (size_t allow = 0;; allow++) {
    allocations_left = allow;
    allocations_failed = 0;
    bool succeeded = scenario(context);
    allocations_left = SIZE_MAX;
    if (allocations_failed == 0) {
      assert_true(succeeded);
      return allow;
    }
    if (succeeded)
      fail_msg("allocation %zu failed, and nobody said so", allow + 1);
  }
}

static size_t pages_for(size_t n, size_t page) {
  return (n + page - 1) / page;
}

struct ls_span support_guard(struct ls_span s) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t pages = pages_for(s.n, page);
  char *base = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(base != MAP_FAILED);
  assert_int_equal(mprotect(base + pages * page, page, PROT_NONE), 0);
  char *p = base + pages * page - s.n;
  if (s.n)
    memcpy(p, s.p, s.n);
  return ls_span(p, s.n);
}

void support_unguard(struct ls_span s) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t pages = pages_for(s.n, page);
  munmap((char *)s.p + s.n - pages * page, (pages + 1) * page);
}

void support_assert_span(struct ls_span got, struct ls_span want, const char *file, int line) {
  if (ls_span_eq(got, want))
    return;
  fprintf(stderr, "got  [%zu] %.*s\nwant [%zu] %.*s\n", got.n, (int)got.n, got.p ? got.p : "", want.n,
          (int)want.n, want.p ? want.p : "");
  _fail(file, line);
}
