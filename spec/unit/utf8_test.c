/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/utf8.h"

/* LS_SPAN for tables in static storage. */
#define TEXT(literal)                                                                                        \
  { (literal), sizeof(literal) - 1 }

struct row {
  struct ls_span text;
  struct ls_span valid; /* the text with each maximal subpart replaced */
};

#define FFFD "\xef\xbf\xbd"

static const struct row rows[] = {
    {TEXT(""), TEXT("")},
    {TEXT("plain"), TEXT("plain")},
    {TEXT("\0\x7f"), TEXT("\0\x7f")},
    {TEXT("\xc2\x80\xdf\xbf"), TEXT("\xc2\x80\xdf\xbf")},
    {TEXT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"), TEXT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80")},
    {TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
    {TEXT("a\x80z"), TEXT("a" FFFD "z")},
    {TEXT("\xc0\xaf"), TEXT(FFFD FFFD)},
    {TEXT("\xe0\x80\xaf"), TEXT(FFFD FFFD FFFD)},
    {TEXT("\xed\xa0\x80"), TEXT(FFFD FFFD FFFD)},
    {TEXT("\xf4\x90\x80\x80"), TEXT(FFFD FFFD FFFD FFFD)},
    {TEXT("\xf8\x88\x80\x80\x80"), TEXT(FFFD FFFD FFFD FFFD FFFD)},
    {TEXT("\xf0\x9f\x92"), TEXT(FFFD)},
    {TEXT("\xf0\x9f\x92z"), TEXT(FFFD "z")},
    {TEXT("\xe6\x97\xe6\x97\xa5"), TEXT(FFFD "\xe6\x97\xa5")},
    {TEXT("\xc3"), TEXT(FFFD)},
};

static void test_utf8_replaces_each_maximal_subpart(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_span text = support_guard(rows[i].text);
    struct ls_buf b;
    ls_buf_init(&b, 100);
    ls_utf8_add_valid(&b, text);
    assert_span_equal(ls_buf_span(&b), rows[i].valid);
    assert_int_equal(ls_utf8_valid(text), ls_span_eq(rows[i].text, rows[i].valid));
    assert_true(ls_utf8_valid(rows[i].valid));
    ls_buf_deinit(&b);
    support_unguard(text);
  }
}

static void test_utf8_encodes_what_it_decodes(void **state) {
  (void)state;
  for (int32_t c = 0; c <= 0x110000; c++) {
    char form[LS_UTF8_MAX];
    size_t at = 0;
    bool scalar = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    struct ls_span text = ls_span(form, ls_utf8_encode(c, form));
    assert_int_equal(ls_utf8_next(text, &at), scalar ? c : LS_UTF8_REPLACEMENT);
    assert_int_equal(at, text.n);
  }
  char form[LS_UTF8_MAX];
  assert_int_equal(ls_utf8_encode(-1, form), 3);
}

static void test_utf8_cuts_where_a_code_point_ends(void **state) {
  (void)state;
  struct ls_span text = support_guard(LS_SPAN("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x92\xa9!"));
  static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (size_t n = 0; n < sizeof cuts / sizeof *cuts; n++)
    assert_int_equal(ls_utf8_cut(text, n).n, cuts[n]);
  support_unguard(text);
}

static void test_utf8_cut_loses_little_of_invalid_text(void **state) {
  (void)state;
  assert_int_equal(ls_utf8_cut(LS_SPAN("\x80\x80\x80\x80\x80\x80"), 5).n, 5);
  assert_int_equal(ls_utf8_cut(LS_SPAN("\xc3"
                                       "abc"),
                               1)
                       .n,
                   1);
}

static void test_utf8_trims_the_white_space_of_javascript(void **state) {
  (void)state;
  static const struct row trims[] = {
      {TEXT(""), TEXT("")},
      {TEXT(" \t\r\n\v\f"), TEXT("")},
      {TEXT(" a b "), TEXT("a b")},
      {TEXT("\xc2\xa0x\xe3\x80\x80"), TEXT("x")},
      {TEXT("\xef\xbb\xbf\xe1\x9a\x80x\xe2\x80\xa8\xe2\x80\xaf"), TEXT("x")},
      {TEXT("\xe2\x80\x8bx\xc2\x85"), TEXT("\xe2\x80\x8bx\xc2\x85")},
      {TEXT("\xa0x\x80"), TEXT("\xa0x\x80")},
      {TEXT("x\xf0\x9f\x92\xa9 "), TEXT("x\xf0\x9f\x92\xa9")},
  };
  for (size_t i = 0; i < sizeof trims / sizeof *trims; i++) {
    struct ls_span text = support_guard(trims[i].text);
    assert_span_equal(ls_utf8_trim(text), trims[i].valid);
    support_unguard(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_utf8_replaces_each_maximal_subpart),
      cmocka_unit_test(test_utf8_encodes_what_it_decodes),
      cmocka_unit_test(test_utf8_cuts_where_a_code_point_ends),
      cmocka_unit_test(test_utf8_cut_loses_little_of_invalid_text),
      cmocka_unit_test(test_utf8_trims_the_white_space_of_javascript),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
