/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/msgid.h"

#define ROW(in, out, wrong)                                                                                  \
  { {(in), sizeof(in) - 1}, (out), (wrong) }

static void test_msgid_lists_have_one_spelling(void **state) {
  (void)state;
  static const struct {
    struct ls_span in;
    const char *out;
    const char *wrong; /* NULL: none is */
  } rows[] = {
      ROW("", "", NULL),
      ROW(" \r\n\t,", "", NULL),
      ROW("a@b", "<a@b>", NULL),
      ROW(" <a@b>\r\n", "<a@b>", NULL),
      ROW("<a@b>\t<c@d>,e@f , <g@h><i@j>k@l<m@n>", "<a@b> <c@d> <e@f> <g@h> <i@j> <k@l> <m@n>", NULL),
      ROW("<1.2-3+x=y$z@[192.0.2.1]>", "<1.2-3+x=y$z@[192.0.2.1]>", NULL),
      ROW("<\"a.@.b\"@c.d>", "<\"a.@.b\"@c.d>", NULL),
      ROW("<é@ü.example>", "<é@ü.example>", NULL),
      ROW("a", "", "a"),
      ROW("<>", "", "<>"),
      ROW("<a@b", "", "<a@b"),
      ROW("a@b>", "", "a@b>"),
      ROW("<a@b> c", "<a@b>", "c"),
      ROW("<a b@c>", "", "<a b@c>"),
      ROW("<a@b c>", "", "<a@b c>"),
      ROW("<a(x)@b>", "", "<a(x)@b>"),
      ROW("<a@b>(x)", "<a@b>", "(x)"),
      ROW("<a@b@c>", "", "<a@b@c>"),
      ROW("<a@>", "", "<a@>"),
      ROW("<@b>", "", "<@b>"),
      ROW("<.a@b>", "", "<.a@b>"),
      ROW("<a..b@c>", "", "<a..b@c>"),
      ROW("<a@b.>", "", "<a@b.>"),
      ROW("<a\0@b>", "", "<a\0@b>"),
      ROW("<a\x7f@b>", "", "<a\x7f@b>"),
      ROW("<\xff@b>", "", "<\xff@b>"),
      ROW("<<a@b>>", "", "<<a@b>"),
      ROW("<\"a b\"@c>", "", "<\"a b\"@c>"),
      ROW("<\"\"@c>", "", "<\"\"@c>"),
      ROW("<a@[b]c>", "", "<a@[b]c>"),
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_span in = support_guard(rows[i].in);
    struct ls_buf out;
    size_t count;
    ls_buf_init(&out, 1 << 10);
    struct ls_span wrong = ls_msgid_list(in, &out, &count);
    assert_span_equal(ls_buf_span(&out), ls_span_cstr(rows[i].out));
    assert_int_equal(wrong.n > 0, rows[i].wrong != NULL);
    if (rows[i].wrong)
      assert_memory_equal(wrong.p, rows[i].wrong, strlen(rows[i].wrong));
    ls_buf_deinit(&out);
    support_unguard(in);
  }
}

static void test_msgid_of_a_part_may_be_a_word(void **state) {
  (void)state;
  static const char *const good[] = {"logo", "a.b", "logo@shop", "1"};
  static const char *const bad[] = {"", "a b", "<a>", "a@", "a.", "é", "a(b)", "\"a\"", "a,b"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(ls_msgid_is_part(ls_span_cstr(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(ls_msgid_is_part(ls_span_cstr(bad[i])));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_msgid_lists_have_one_spelling),
      cmocka_unit_test(test_msgid_of_a_part_may_be_a_word),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
