/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>

#include "../../src/pure/buf.h"

static void test_buf_grows_and_keeps_its_octets(void **state) {
  (void)state;
  struct ls_buf b;
  ls_buf_init(&b, 10000);
  for (int i = 0; i < 1000; i++)
    ls_buf_adds(&b, "0123456789");
  assert_int_equal(b.status, LS_OK);
  assert_int_equal(b.n, 10000);
  assert_memory_equal(b.p + 9990, "0123456789", 10);
  ls_buf_deinit(&b);
}

static void test_buf_stops_at_its_ceiling_and_stays_failed(void **state) {
  (void)state;
  struct ls_buf b;
  ls_buf_init(&b, 4);
  ls_buf_adds(&b, "abcde");
  ls_buf_adds(&b, "a");
  assert_int_equal(b.status, LS_ETOOBIG);
  assert_int_equal(b.n, 0);
  assert_null(ls_buf_take(&b, NULL));
  ls_buf_deinit(&b);
}

static void test_buf_take_puts_a_nul_behind(void **state) {
  (void)state;
  struct ls_buf b;
  size_t n = 99;
  ls_buf_init(&b, 4);
  char *empty = ls_buf_take(&b, &n);
  assert_string_equal(empty, "");
  assert_int_equal(n, 0);
  ls_buf_adds(&b, "abcd");
  char *full = ls_buf_take(&b, &n);
  assert_string_equal(full, "abcd");
  assert_int_equal(n, 4);
  free(empty);
  free(full);
  ls_buf_deinit(&b);
}

static void test_buf_writes_the_largest_number(void **state) {
  (void)state;
  struct ls_buf b;
  ls_buf_init(&b, 64);
  ls_buf_addu(&b, 18446744073709551615ULL);
  ls_buf_addc(&b, ' ');
  ls_buf_addu(&b, 0);
  assert_span_equal(ls_buf_span(&b), LS_SPAN("18446744073709551615 0"));
  ls_buf_deinit(&b);
}

/* In this build every octet outside the room that was asked for is out of reach, however much memory there
 * is: so a writer that reserves too little is seen wherever it is tested. */
static void test_buf_lets_nobody_write_past_the_room_asked_for(void **state) {
  (void)state;
  struct ls_buf b;
  ls_buf_init(&b, 10000);
  static const size_t rooms[] = {1, 7, 8, 9, 100, 3, 0, 1000, 2};
  for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
    char *p = ls_buf_room(&b, rooms[i]);
    assert_non_null(p);
    assert_null(__asan_region_is_poisoned(b.p, b.n + rooms[i]));
    assert_ptr_equal(__asan_region_is_poisoned(p + rooms[i], 1), p + rooms[i]);
    ls_buf_grew(&b, rooms[i] / 2);
  }
  ls_buf_cut(&b, 3);
  assert_non_null(ls_buf_room(&b, 2));
  assert_non_null(__asan_region_is_poisoned(b.p + 5, 1));
  size_t n;
  char *all = ls_buf_take(&b, &n);
  assert_int_equal(n, 3);
  assert_null(__asan_region_is_poisoned(all, 1024));
  free(all);
  ls_buf_deinit(&b);
}

static bool grow_to_a_megabyte(void *context) {
  (void)context;
  struct ls_buf b;
  ls_buf_init(&b, SIZE_MAX);
  for (int i = 0; i < 1024 && b.status == LS_OK; i++) {
    char *p = ls_buf_room(&b, 1024);
    if (p) {
      memset(p, 'x', 1024);
      ls_buf_grew(&b, 1024);
    }
  }
  bool ok = b.status == LS_OK;
  ls_buf_deinit(&b);
  return ok;
}

static void test_buf_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(grow_to_a_megabyte, NULL) > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_buf_grows_and_keeps_its_octets),
      cmocka_unit_test(test_buf_stops_at_its_ceiling_and_stays_failed),
      cmocka_unit_test(test_buf_take_puts_a_nul_behind),
      cmocka_unit_test(test_buf_writes_the_largest_number),
      cmocka_unit_test(test_buf_lets_nobody_write_past_the_room_asked_for),
      cmocka_unit_test(test_buf_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
