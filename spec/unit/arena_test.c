/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <sanitizer/asan_interface.h>

#include "../../src/pure/arena.h"

static bool is_zero(const char *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (p[i])
      return false;
  return true;
}

static void test_arena_gives_zeroed_memory_that_stays_where_it_is(void **state) {
  (void)state;
  struct ls_arena a;
  char *first[100];
  ls_arena_init(&a, SIZE_MAX);
  for (size_t i = 0; i < 100; i++) {
    first[i] = ls_arena_alloc(&a, i * 7);
    assert_non_null(first[i]);
    assert_true(is_zero(first[i], i * 7));
    memset(first[i], (int)i, i * 7);
  }
  for (size_t i = 1; i < 100; i++)
    assert_int_equal(first[i][0], i);
  ls_arena_deinit(&a);
}

static void test_arena_stops_at_its_ceiling(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, 64);
  assert_non_null(ls_arena_alloc(&a, 64));
  assert_false(a.full);
  assert_null(ls_arena_alloc(&a, 1));
  assert_true(a.full);
  assert_null(ls_arena_array(&a, SIZE_MAX / 2, 3));
  assert_null(ls_arena_alloc(&a, SIZE_MAX));
  ls_arena_deinit(&a);
  static const size_t counts[] = {65, SIZE_MAX / 2, SIZE_MAX - 1};
  for (size_t i = 0; i < 3; i++) {
    ls_arena_init(&a, 64);
    assert_null(ls_arena_array(&a, counts[i], 3));
    assert_true(a.full);
    ls_arena_deinit(&a);
  }
}

/* In this build nobody reaches past what was asked for, and all is in reach again in the block's next life.
 */
static void test_arena_lets_nobody_write_past_an_allocation(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, SIZE_MAX);
  for (int life = 0; life < 2; life++) {
    for (size_t n = 1; n < 100; n++) {
      char *p = ls_arena_alloc(&a, n);
      assert_null(__asan_region_is_poisoned(p, n));
      assert_ptr_equal(__asan_region_is_poisoned(p, n + 1), p + n);
    }
    ls_arena_reset(&a, 64 * 1024);
  }
  ls_arena_deinit(&a);
}

static void test_arena_reset_keeps_a_wiped_block(void **state) {
  (void)state;
  struct ls_arena a;
  ls_arena_init(&a, SIZE_MAX);
  const char *first = ls_arena_copy(&a, LS_SPAN("secret")).p;
  char *secret = ls_arena_alloc(&a, 8);
  memcpy(secret, "secret", 6);
  ls_arena_reset(&a, 4096);
  assert_true(is_zero(secret, 8));
  assert_int_equal(a.used, 0);
  assert_ptr_equal(ls_arena_copy(&a, LS_SPAN("again!")).p, first);
  assert_non_null(ls_arena_alloc(&a, 100000));
  ls_arena_reset(&a, 4096);
  assert_null(a.top);
  ls_arena_deinit(&a);
}

static void test_arena_needs_one_block_where_several_were_needed_before(void **state) {
  (void)state;
  struct ls_arena a;
  char *p[100];
  ls_arena_init(&a, SIZE_MAX);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < 100; i++) {
      p[i] = ls_arena_alloc(&a, 112);
      assert_true(is_zero(p[i], 112));
      memset(p[i], 'x', 112);
    }
    if (round)
      assert_ptr_equal(p[99], p[0] + 99 * (p[1] - p[0]));
    ls_arena_reset(&a, 64 * 1024);
    assert_int_equal(a.used, 0);
  }
  ls_arena_deinit(&a);
}

static bool fill(void *context) {
  struct ls_arena a;
  (void)context;
  ls_arena_init(&a, SIZE_MAX);
  bool ok = true;
  for (size_t i = 0; ok && i < 1000; i++)
    ok = ls_arena_alloc(&a, 100) != NULL;
  ls_arena_deinit(&a);
  return ok;
}

static void test_arena_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(fill, NULL) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arena_gives_zeroed_memory_that_stays_where_it_is),
      cmocka_unit_test(test_arena_stops_at_its_ceiling),
      cmocka_unit_test(test_arena_lets_nobody_write_past_an_allocation),
      cmocka_unit_test(test_arena_reset_keeps_a_wiped_block),
      cmocka_unit_test(test_arena_needs_one_block_where_several_were_needed_before),
      cmocka_unit_test(test_arena_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
