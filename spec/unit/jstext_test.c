/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <float.h>
#include <stdio.h>

static void assert_number(double number, const char *want) {
  struct ls_buf b;
  ls_buf_init(&b, 64);
  ls_jstext_number(number, &b);
  assert_span_equal(ls_buf_span(&b), ls_span_cstr(want));
  ls_buf_deinit(&b);
}

static void test_jstext_prints_integers_without_a_point(void **state) {
  (void)state;
  assert_number(0, "0");
  assert_number(-0.0, "0");
  assert_number(1.0, "1");
  assert_number(-465, "-465");
  assert_number(9007199254740991, "9007199254740991");
  assert_number(9007199254740992, "9007199254740992");
  assert_number(9007199254740994, "9007199254740994");
  assert_number(1e20, "100000000000000000000");
  assert_number(123456789012345680000.0, "123456789012345680000");
}

static void test_jstext_turns_to_exponents_at_both_ends(void **state) {
  (void)state;
  assert_number(1e21, "1e+21");
  assert_number(1.5e21, "1.5e+21");
  assert_number(-1e300, "-1e+300");
  assert_number(1e-6, "0.000001");
  assert_number(1e-7, "1e-7");
  assert_number(-1.25e-7, "-1.25e-7");
  assert_number(5e-324, "5e-324");
  assert_number(DBL_MIN, "2.2250738585072014e-308");
  assert_number(DBL_MAX, "1.7976931348623157e+308");
}

static void test_jstext_prints_the_shortest_digits_that_read_back(void **state) {
  (void)state;
  assert_number(0.1, "0.1");
  assert_number(0.1 + 0.2, "0.30000000000000004");
  assert_number(1.0 / 3, "0.3333333333333333");
  assert_number(123.456, "123.456");
  assert_number(9.5367431640625e-7, "9.5367431640625e-7");
  assert_number(5e-324 * 3, "1.5e-323");
  assert_number(9007199254740993.0 * 1024, "9223372036854776000");
  assert_number(2251799813685248.5, "2251799813685248.5");
}

static void test_jstext_names_what_is_no_number(void **state) {
  (void)state;
  assert_number(NAN, "NaN");
  assert_number(INFINITY, "Infinity");
  assert_number(-INFINITY, "-Infinity");
}

/* A xorshift generator: every run sees the same numbers. */
static uint64_t next_random(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static int significant_digits(const char *text) {
  int digits = 0;
  int zeros = 0;
  for (; *text && *text != 'e'; text++) {
    zeros = *text == '0' ? zeros + 1 : *text == '.' ? zeros : 0;
    digits += ls_ascii_is_digit(*text) && (digits || *text != '0');
  }
  return digits - (zeros < digits ? zeros : 0);
}

static void test_jstext_numbers_read_back_and_no_shorter_text_would(void **state) {
  (void)state;
  uint64_t seed = 88172645463325252;
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = next_random(&seed);
    double number;
    memcpy(&number, &bits, sizeof number);
    if (!isfinite(number))
      continue;
    struct ls_buf b;
    ls_buf_init(&b, 64);
    ls_jstext_number(number, &b);
    char *text = ls_buf_take(&b, NULL);
    assert_true(strtod(text, NULL) == number);
    int digits = significant_digits(text);
    char shorter[64];
    snprintf(shorter, sizeof shorter, "%.*e", digits > 1 ? digits - 2 : 0, number);
    assert_true(digits == 1 || strtod(shorter, NULL) != number);
    free(text);
  }
}

static void assert_text(const char *json, const char *want) {
  struct ls_arena a;
  struct ls_buf b;
  ls_arena_init(&a, 1 << 20);
  ls_buf_init(&b, 1024);
  ls_jstext_add(tree_read(&a, json), &b);
  assert_span_equal(ls_buf_span(&b), ls_span_cstr(want));
  ls_buf_deinit(&b);
  ls_arena_deinit(&a);
}

static void test_jstext_joins_arrays_with_commas(void **state) {
  (void)state;
  assert_text("[\"a\",[\"b\",[1,null]],null,true]", "a,b,1,,,true");
  assert_text("[null]", "");
  assert_text("[EMPTY,EMPTY]", ",");
  assert_text("EMPTY", "");
  assert_text("[{\"a\":1},\"x\"]", "[object Object],x");
}

static void test_jstext_hides_what_has_no_text(void **state) {
  (void)state;
  assert_text("{\"a\":1}", "[object Object]");
  assert_text("FUNCTION", "[object Object]");
  assert_text("null", "");
  struct ls_buf b;
  ls_buf_init(&b, 8);
  ls_jstext_add(NULL, &b);
  assert_int_equal(b.n, 0);
  ls_buf_deinit(&b);
}

static void test_jstext_weighs_values_as_conditions_do(void **state) {
  (void)state;
  static const char *const falsy[] = {"null", "false", "0", "NaN", "\"\""};
  static const char *const truthy[] = {"true", "-1", "0.5", "\"0\"", "EMPTY", "[]", "{}", "FUNCTION"};
  struct ls_arena a;
  ls_arena_init(&a, 1 << 20);
  for (size_t i = 0; i < sizeof falsy / sizeof falsy[0]; i++)
    assert_false(ls_jstext_is_truthy(tree_read(&a, falsy[i])));
  for (size_t i = 0; i < sizeof truthy / sizeof truthy[0]; i++)
    assert_true(ls_jstext_is_truthy(tree_read(&a, truthy[i])));
  assert_false(ls_jstext_is_truthy(NULL));
  ls_arena_deinit(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_jstext_prints_integers_without_a_point),
      cmocka_unit_test(test_jstext_turns_to_exponents_at_both_ends),
      cmocka_unit_test(test_jstext_prints_the_shortest_digits_that_read_back),
      cmocka_unit_test(test_jstext_names_what_is_no_number),
      cmocka_unit_test(test_jstext_numbers_read_back_and_no_shorter_text_would),
      cmocka_unit_test(test_jstext_joins_arrays_with_commas),
      cmocka_unit_test(test_jstext_hides_what_has_no_text),
      cmocka_unit_test(test_jstext_weighs_values_as_conditions_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
