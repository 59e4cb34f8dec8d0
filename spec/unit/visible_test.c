/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "../../src/pure/utf8.h"
#include "../../src/pure/visible.h"

static const struct {
  const char *text, *lines, *line;
} rows[] = {
    {"550 5.1.1 no such user", "550 5.1.1 no such user", "550 5.1.1 no such user"},
    {"250-a\n250 b\tc", "250-a\n250 b\tc", "250-a 250 b c"},
    {"a\r\nb\rc", "a\nb\\x0Dc", "a b\\x0Dc"},
    {"\033[2J\007\177", "\\x1B[2J\\x07\\x7F", "\\x1B[2J\\x07\\x7F"},
    {"\xc2\x9b"
     "1m",
     "\\u009B1m", "\\u009B1m"},
    {"\xe2\x80\xaegnp.exe", "\\u202Egnp.exe", "\\u202Egnp.exe"},
    {"a\xe2\x80\x8b"
     "b\xe2\x81\xa6"
     "c\xef\xbb\xbf",
     "a\\u200Bb\\u2066c\\uFEFF", "a\\u200Bb\\u2066c\\uFEFF"},
    {"\xf3\xa0\x81\x81", "\\u{E0041}", "\\u{E0041}"},
    {"caf\xe9 \xc3\xa9 \xe2\x82", "caf\\xE9 \xc3\xa9 \\xE2\\x82", "caf\\xE9 \xc3\xa9 \\xE2\\x82"},
    {"DOMAIN\\user", "DOMAIN\\user", "DOMAIN\\user"},
    {"", "", ""},
};

static void assert_shown(struct ls_span text, enum ls_visible_form form, const char *want) {
  struct ls_buf out;
  ls_buf_init(&out, 1000);
  ls_visible_add(&out, text, form);
  assert_span_equal(ls_buf_span(&out), ls_span_cstr(want));
  ls_buf_deinit(&out);
}

static void test_visible_shows_what_would_act(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_span text = support_guard(ls_span_cstr(rows[i].text));
    char *copy = ls_visible_copy(text);
    assert_string_equal(copy, rows[i].lines);
    free(copy);
    assert_shown(text, LS_VISIBLE_LINES, rows[i].lines);
    assert_shown(text, LS_VISIBLE_LINE, rows[i].line);
    assert_shown(ls_span_cstr(rows[i].line), LS_VISIBLE_LINE, rows[i].line);
    support_unguard(text);
  }
}

/* Of every pair of octets in front of every octet: the result is UTF-8 without controls but LF and TAB. */
static void test_visible_leaves_no_control_of_any_octets(void **state) {
  (void)state;
  for (unsigned n = 0; n < 1u << 24; n += n < 1u << 16 ? 1 : 251) {
    const char octets[] = {(char)(n >> 16), (char)(n >> 8), (char)n};
    char *shown = ls_visible_copy(ls_span(octets, sizeof octets));
    assert_non_null(shown);
    assert_true(ls_utf8_valid(ls_span_cstr(shown)));
    for (const char *p = shown; *p; p++)
      assert_true((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
    assert_null(strchr(shown, 127));
    free(shown);
  }
}

static void test_visible_shows_each_character_that_hides_or_reorders(void **state) {
  (void)state;
  static const struct {
    int32_t first, last;
  } ranges[] = {{0x80, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200f},
                {0x2028, 0x202e}, {0x2060, 0x206f}, {0xe0000, 0xe007f}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    for (int32_t c = ranges[i].first; c <= ranges[i].last; c++) {
      char octets[LS_UTF8_MAX];
      char *shown = ls_visible_copy(ls_span(octets, ls_utf8_encode(c, octets)));
      assert_int_equal(shown[0], '\\');
      assert_true(ls_span_is_ascii(ls_span_cstr(shown)));
      free(shown);
    }
}

static bool copy_all(void *context) {
  (void)context;
  char *shown = ls_visible_copy(ls_span_cstr(rows[3].text));
  bool fine = shown && strcmp(shown, rows[3].lines) == 0;
  free(shown);
  return fine;
}

static void test_visible_survives_each_failing_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(copy_all, NULL) > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_visible_shows_what_would_act),
      cmocka_unit_test(test_visible_leaves_no_control_of_any_octets),
      cmocka_unit_test(test_visible_shows_each_character_that_hides_or_reorders),
      cmocka_unit_test(test_visible_survives_each_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
