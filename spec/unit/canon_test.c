/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <string.h>

#include "../../src/pure/canon.h"

struct row {
  struct ls_span in, want;
};

static void test_canon_header_is_relaxed(void **state) {
  (void)state;
  static const struct row rows[] = {
      {{"A: X\r\n", 6}, {"a:X", 3}}, /* RFC 6376 3.4.5 */
      {{"B : Y\t\r\n\tZ  \r\n", 14}, {"b:Y Z", 5}},
      {{"Subject:\r\n", 10}, {"subject:", 8}},
      {{"Subject: \t \r\n \r\n", 16}, {"subject:", 8}},
      {{"SUBJect:a:b \t c", 15}, {"subject:a:b c", 13}},
      {{"Subject:\r\n folded\r\n", 19}, {"subject:folded", 14}},
      {{"X: \xc3\x9c\xc2\xa0 \xe6\x97\xa5\r\n", 13}, {"x:\xc3\x9c\xc2\xa0 \xe6\x97\xa5", 10}},
      {{"No colon\r\n", 10}, {"no colon:", 9}},
      {{"", 0}, {":", 1}},
      {{"X: a\0b\r\n", 8}, {"x:a\0b", 5}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_buf out;
    ls_buf_init(&out, 100);
    struct ls_span in = support_guard(rows[i].in);
    ls_canon_header(&out, in);
    assert_span_equal(ls_buf_span(&out), rows[i].want);
    support_unguard(in);
    ls_buf_deinit(&out);
  }
}

static const struct row bodies[] = {
    {{" C \r\nD \t E\r\n\r\n\r\n", 16}, {" C\r\nD E\r\n", 9}}, /* RFC 6376 3.4.5 */
    {{"", 0}, {"", 0}},
    {{"\r\n", 2}, {"", 0}},
    {{"\r\n\r\n \t\r\n", 8}, {"", 0}},
    {{"   ", 3}, {"", 0}},
    {{"a", 1}, {"a\r\n", 3}},
    {{"a ", 2}, {"a\r\n", 3}},
    {{"a\r\n \r\n\t\r\n", 9}, {"a\r\n", 3}},
    {{"\r\n\r\na", 5}, {"\r\n\r\na\r\n", 7}},
    {{"a\t\t b\r\n\t c\r\n", 12}, {"a b\r\n c\r\n", 9}},
    {{"a\nb\rc\r\n", 7}, {"a\r\nb\r\nc\r\n", 9}},
    {{"a\r\r\nb\n\r", 7}, {"a\r\n\r\nb\r\n", 8}},
    {{"a \rb", 4}, {"a\r\nb\r\n", 6}},
    {{"a\r \nb", 5}, {"a\r\n\r\nb\r\n", 8}},
    {{"\xff\x00\xc2\xa0\r\n", 6}, {"\xff\x00\xc2\xa0\r\n", 6}},
};

static void test_canon_body_is_relaxed_at_every_cut(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    struct ls_span in = support_guard(bodies[i].in);
    for (size_t cut = 0; cut <= in.n; cut++) {
      struct ls_buf out;
      struct ls_canon_body c = {0};
      ls_buf_init(&out, 100);
      ls_canon_body_feed(&c, ls_span(in.p, cut), &out);
      ls_canon_body_feed(&c, ls_span(in.p + cut, in.n - cut), &out);
      ls_canon_body_end(&c, &out);
      assert_span_equal(ls_buf_span(&out), bodies[i].want);
      ls_buf_deinit(&out);
    }
    support_unguard(in);
  }
}

static void test_canon_body_is_relaxed_octet_by_octet(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    struct ls_buf out;
    struct ls_canon_body c = {0};
    ls_buf_init(&out, 100);
    for (size_t at = 0; at < bodies[i].in.n; at++)
      ls_canon_body_feed(&c, ls_span(bodies[i].in.p + at, 1), &out);
    ls_canon_body_end(&c, &out);
    assert_span_equal(ls_buf_span(&out), bodies[i].want);
    ls_buf_deinit(&out);
  }
}

static void test_canon_stops_with_its_buffer(void **state) {
  (void)state;
  struct ls_buf out;
  struct ls_canon_body c = {0};
  ls_buf_init(&out, 8);
  ls_canon_body_feed(&c, LS_SPAN("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nabc"), &out);
  ls_canon_body_end(&c, &out);
  ls_canon_header(&out, LS_SPAN("A: b"));
  assert_int_equal(out.status, LS_ETOOBIG);
  assert_true(out.n <= 8);
  ls_buf_deinit(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_canon_header_is_relaxed),
      cmocka_unit_test(test_canon_body_is_relaxed_at_every_cut),
      cmocka_unit_test(test_canon_body_is_relaxed_octet_by_octet),
      cmocka_unit_test(test_canon_stops_with_its_buffer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
