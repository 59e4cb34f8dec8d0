/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/nearest.h"

static void test_distance(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    size_t distance;
  } rows[] = {
      {"", "", 0},         {"", "to", 2},
      {"to", "", 2},       {"host", "host", 0},
      {"HOST", "host", 0}, {"hsot", "host", 1},
      {"hst", "host", 1},  {"hosts", "host", 1},
      {"hast", "host", 1}, {"transpot", "transport", 1},
      {"abcd", "badc", 2}, {"secure", "port", 5},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_span a = support_guard(ls_span_cstr(rows[i].a)), b = support_guard(ls_span_cstr(rows[i].b));
    assert_int_equal(ls_nearest_distance(a, b), rows[i].distance);
    assert_int_equal(ls_nearest_distance(b, a), rows[i].distance);
    support_unguard(a);
    support_unguard(b);
  }
}

static void test_long_names_are_far_from_all(void **state) {
  (void)state;
  char text[LS_NEAREST_MAX + 1];
  memset(text, 'x', sizeof text);
  assert_int_equal(ls_nearest_distance(ls_span(text, LS_NEAREST_MAX), ls_span(text, LS_NEAREST_MAX)), 0);
  assert_true(ls_nearest_distance(ls_span(text, sizeof text), ls_span(text, sizeof text)) == SIZE_MAX);
  assert_true(ls_nearest_distance(LS_SPAN("x"), ls_span(text, sizeof text)) == SIZE_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_distance),
      cmocka_unit_test(test_long_names_are_far_from_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
