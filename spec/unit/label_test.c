/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/label.h"

static void test_label_names_each_step_on_the_way(void **state) {
  (void)state;
  struct ls_label list = ls_label_make("attachments");
  struct ls_label item = ls_label_item(&list, 1);
  struct ls_label headers = ls_label_member(&item, LS_SPAN("headers"));
  struct ls_label name = ls_label_member(&headers, LS_SPAN("X-A"));
  struct ls_label value = ls_label_item(&name, 0);
  assert_string_equal(ls_label_text(&list).text, "attachments");
  assert_string_equal(ls_label_text(&item).text, "attachments[2]");
  assert_string_equal(ls_label_text(&headers).text, "attachments[2].headers");
  assert_string_equal(ls_label_text(&value).text, "attachments[2].headers.X-A[1]");
}

static void test_label_shows_a_users_octets_as_printable_ascii(void **state) {
  (void)state;
  struct ls_label headers = ls_label_make("headers");
  struct ls_label name = ls_label_member(&headers, LS_SPAN("a\r\n\0\x7f\xc3\xbc"));
  struct ls_label alone = ls_label_member(NULL, LS_SPAN("a\nb"));
  struct ls_label empty = ls_label_member(&headers, LS_SPAN(""));
  assert_string_equal(ls_label_text(&name).text, "headers.a??????");
  assert_string_equal(ls_label_text(&alone).text, "a?b");
  assert_string_equal(ls_label_text(&empty).text, "headers.");
}

static void test_label_of_any_length_and_depth_ends_early(void **state) {
  (void)state;
  enum { DEPTH = 100 };
  char name[200];
  struct ls_label chain[DEPTH] = {ls_label_make("to")};
  memset(name, 'x', sizeof name);
  for (size_t i = 1; i < DEPTH; i++)
    chain[i] = i % 2 ? ls_label_member(&chain[i - 1], ls_span(name, sizeof name))
                     : ls_label_item(&chain[i - 1], SIZE_MAX - 1);
  for (size_t i = 0; i < DEPTH; i++)
    assert_true(strlen(ls_label_text(&chain[i]).text) < LS_LABEL);
  assert_true(ls_span_starts(ls_span_cstr(ls_label_text(&chain[DEPTH - 1]).text), LS_SPAN("to.xxx")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_label_names_each_step_on_the_way),
      cmocka_unit_test(test_label_shows_a_users_octets_as_printable_ascii),
      cmocka_unit_test(test_label_of_any_length_and_depth_ends_early),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
