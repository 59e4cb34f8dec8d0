/* SPDX-License-Identifier: MIT */
#include "../unit/support.h"

#include <stdlib.h>

#include "../../src/transport/json.h"

static void test_json_comes_back_as_it_went_in(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
  } rows[] = {
      {"{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
       "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}"},
      {" \t\r\n[ ]\n", "[]"},
      {"{}", "{}"},
      {"{\"z\":1,\"a\":2}", "{\"z\":1,\"a\":2}"},
      {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
      {"\"\\u00fc\\ud83d\\ude00\\\"\\\\\\n\\u0000\"", "\"\xc3\xbc\xf0\x9f\x98\x80\\\"\\\\\\n\\u0000\""},
      {"9007199254740992", "9007199254740992"},
      {"-5", "-5"},
      {"0.5", "0.5"},
      {"123456789012345678901234567890", "1.2345678901234568e29"},
      {"null", "null"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_buf out;
    struct ls_value *v = NULL;
    ls_arena_init(&a, 1 << 20);
    ls_buf_init(&out, 1000);
    struct ls_span in = support_guard(ls_span_cstr(rows[i].in));
    assert_int_equal(ls_json_parse(in, &a, &v, NULL), LS_OK);
    support_unguard(in);
    assert_int_equal(ls_json_write(v, &out), LS_OK);
    assert_span_equal(ls_buf_span(&out), ls_span_cstr(rows[i].out));
    ls_buf_deinit(&out);
    ls_arena_deinit(&a);
  }
}

static void test_json_refuses_what_is_none(void **state) {
  (void)state;
  static const char *const rows[] = {"",      "{",   "{\"a\":}", "[1,]",        "{'a':1}",
                                     "nul",   "1 2", "\"\xff\"", "\"\\ud800\"", "{\"a\" 1}",
                                     "1e999", "\"a", "\"a\nb\"", "<html>"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_value *v = NULL;
    ls_arena_init(&a, 1 << 20);
    struct ls_span in = support_guard(ls_span_cstr(rows[i]));
    assert_int_equal(ls_json_parse(in, &a, &v, NULL), LS_EARGUMENT);
    assert_null(v);
    support_unguard(in);
    ls_arena_deinit(&a);
  }
}

static void test_json_stops_at_a_depth_and_at_the_arena(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_value *v = NULL;
  char text[300];
  ls_arena_init(&a, 1 << 20);
  for (size_t depth = LS_JSON_DEPTH; depth <= LS_JSON_DEPTH + 1; depth++) {
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    assert_int_equal(ls_json_parse(ls_span(text, 2 * depth), &a, &v, NULL),
                     depth == LS_JSON_DEPTH ? LS_OK : LS_EARGUMENT);
  }
  assert_int_equal(
      ls_json_parse(
          LS_SPAN("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\""), &a, &v,
          NULL),
      LS_OK);
  ls_arena_deinit(&a);
  ls_arena_init(&a, 100);
  assert_int_equal(ls_json_parse(LS_SPAN("[1,2,3,4,5,6,7,8,9]"), &a, &v, NULL), LS_ENOMEM);
  ls_arena_deinit(&a);
}

static void test_json_names_the_place_and_not_the_text(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_value *v = NULL;
  size_t at = 99;
  ls_arena_init(&a, 1 << 20);
  assert_int_equal(ls_json_parse(LS_SPAN("{\"a\":1,x}"), &a, &v, &at), LS_EARGUMENT);
  assert_int_equal(at, 8);
  ls_arena_deinit(&a);
}

static void test_json_of_people_names_nothing_twice(void **state) {
  (void)state;
  static const struct {
    const char *in, *twin; /* NULL: none */
    size_t at;
  } rows[] = {
      {"{\"a\":1,\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":1}]}", NULL, 0},
      {"{\"a\":1,\"b\":2,\"a\":1}", "a", 16},
      {"[{\"b\":{\"t\\u006fo\":1,\"too\" :2}}]", "too", 25},
      {"{\"too\":1,\"t\\u006fo\":2}", "too", 19},
      {"{\"q\\\"\":1,\"q\\\"\":2}", "q\"", 14},
      {"{\"\\\\\":1,\"\\\\\":2}", "\\", 12},
      {"{\"\":1,\"\":2}", "", 8},
      {"{\"\xc3\xa9\":1,\"\\u00e9\":2}", "\xc3\xa9", 16},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_arena a;
    struct ls_value *v = NULL;
    struct ls_json_fault fault;
    ls_arena_init(&a, 1 << 20);
    struct ls_span in = support_guard(ls_span_cstr(rows[i].in));
    assert_int_equal(ls_json_read(in, LS_JSON_DEPTH, &a, &v, &fault), rows[i].twin ? LS_EARGUMENT : LS_OK);
    support_unguard(in);
    assert_int_equal(fault.twin.p != NULL, rows[i].twin != NULL);
    if (rows[i].twin) {
      assert_span_equal(fault.twin, ls_span_cstr(rows[i].twin));
      assert_int_equal(fault.at, rows[i].at);
    }
    ls_arena_deinit(&a);
  }
}

static void test_json_writes_only_utf8(void **state) {
  (void)state;
  struct ls_arena a;
  struct ls_buf out;
  ls_arena_init(&a, 1 << 20);
  ls_buf_init(&out, 1000);
  assert_int_equal(ls_json_write(ls_value_new_string(&a, LS_SPAN("\xfc")), &out), LS_EARGUMENT);
  struct ls_value *v = ls_value_new(&a, LS_VALUE_OBJECT);
  ls_value_set(&a, v, LS_SPAN("undefined"), ls_value_new(&a, LS_VALUE_UNDEFINED));
  ls_value_set(&a, v, LS_SPAN("empty"), ls_value_new(&a, LS_VALUE_EMPTY));
  assert_int_equal(ls_json_write(v, &out), LS_OK);
  assert_span_equal(ls_buf_span(&out), LS_SPAN("{\"empty\":{}}"));
  ls_value_set(&a, v, LS_SPAN("a\0b"), ls_value_new(&a, LS_VALUE_NULL));
  assert_int_equal(ls_json_write(v, &out), LS_EARGUMENT);
  ls_buf_deinit(&out);
  ls_arena_deinit(&a);
}

static bool read_without_memory(void *context) {
  (void)context;
  struct ls_arena a;
  struct ls_value *v = NULL;
  ls_arena_init(&a, 1 << 20);
  enum ls_status status = ls_json_parse(LS_SPAN("{\"a\":[1,{\"b\":\"c\"}]}"), &a, &v, NULL);
  assert_true(status == LS_OK || status == LS_ENOMEM);
  ls_arena_deinit(&a);
  return status == LS_OK;
}

static void test_json_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(read_without_memory, NULL) > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_json_comes_back_as_it_went_in),
      cmocka_unit_test(test_json_refuses_what_is_none),
      cmocka_unit_test(test_json_stops_at_a_depth_and_at_the_arena),
      cmocka_unit_test(test_json_names_the_place_and_not_the_text),
      cmocka_unit_test(test_json_of_people_names_nothing_twice),
      cmocka_unit_test(test_json_writes_only_utf8),
      cmocka_unit_test(test_json_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
