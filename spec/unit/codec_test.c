/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "../../src/pure/codec.h"
#include "../../src/pure/utf8.h"

enum { CEILING = 1 << 20 };

struct row {
  struct ls_span in;
  const char *out;
};

#define ROW(in, out)                                                                                         \
  { {(in), sizeof(in) - 1}, (out) }
#define TEN(s) s s s s s s s s s s

static void words(struct ls_buf *b, struct ls_span s) {
  if (ls_codec_needs_words(s))
    ls_codec_words(b, s, LS_CODEC_AUTO);
  else
    ls_buf_add(b, s);
}

static void filename(struct ls_buf *b, struct ls_span s) {
  ls_codec_param(b, LS_SPAN("filename"), s);
}

/* Each input stands right before an unreadable page. */
static void check_rows(const struct row *rows, size_t count, void (*write)(struct ls_buf *, struct ls_span)) {
  for (size_t i = 0; i < count; i++) {
    struct ls_span in = support_guard(rows[i].in);
    struct ls_buf b;
    ls_buf_init(&b, CEILING);
    write(&b, in);
    assert_int_equal(b.status, LS_OK);
    assert_span_equal(ls_buf_span(&b), ls_span_cstr(rows[i].out));
    ls_buf_deinit(&b);
    support_unguard(in);
  }
}

#define CHECK(rows, write) check_rows((rows), sizeof(rows) / sizeof(rows)[0], (write))

static void test_codec_encodes_words_as_the_original_does(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("", ""),
      ROW("plain text", "plain text"),
      ROW("tab\there", "tab\there"),
      ROW("\"", "=?UTF-8?B?Ig==?="),
      ROW("with \"quotes\"", "=?UTF-8?Q?with_=22quotes=22?="),
      ROW("Žluťoučký kůň", "=?UTF-8?B?xb1sdcWlb3XEjWvDvSBrxa/FiA==?="),
      ROW("é ", "=?UTF-8?B?w6kg?="),
      ROW("caf\xc3\xa9 ", "=?UTF-8?Q?caf=C3=A9=20?="),
      ROW("日本語の確認コードです、ご確認ください", "=?UTF-8?B?5pel5pys6Kqe44Gu56K66KqN44Kz44O844OJ44Gn?= "
                                                    "=?UTF-8?B?44GZ44CB44GU56K66KqN44GP44Gg44GV44GE?="),
      ROW("Your code 🎉🎉🎉🎉🎉🎉🎉🎉🎉 now", "=?UTF-8?B?WW91ciBjb2RlIPCfjonwn46J8J+OifCfjonwn46J?= "
                                     "=?UTF-8?B?8J+OifCfjonwn46J8J+OiSBub3c=?="),
      ROW("a\0b", "=?UTF-8?Q?a=00b?="),
      ROW("\x7f", "=?UTF-8?B?fw==?="),
      ROW("\xff\xfe", "=?UTF-8?B?77+977+9?="),
  };
  CHECK(rows, words);
}

static void test_codec_keeps_characters_above_the_basic_plane_whole(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("日" TEN("𝒳"),
          "=?UTF-8?B?5pel8J2Ss/CdkrPwnZKz8J2Ss/CdkrPwnZKz?= =?UTF-8?B?8J2Ss/CdkrPwnZKz8J2Ssw==?=")};
  CHECK(rows, words);
}

static void test_codec_passes_a_valid_encoded_word_and_encodes_look_alikes(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("=?utf-8?Q?x?=", "=?utf-8?Q?x?="),
      ROW("a =?utf-8?b?eA==?= b", "a =?utf-8?b?eA==?= b"),
      ROW("=?", "=?"),
      ROW("=?x", "=?x"),
      ROW("=?=", "=?="),
      ROW("=?utf-8?X?x?=", "=?UTF-8?Q?=3D=3Futf-8=3FX=3Fx=3F=3D?="),
      ROW("=?utf-8?Q?x y?= z", "=?UTF-8?Q?=3D=3Futf-8=3FQ=3Fx_y=3F=3D_z?="),
      ROW("a=?utf-8?Q?x?=", "=?UTF-8?Q?a=3D=3Futf-8=3FQ=3Fx=3F=3D?="),
      ROW("=?utf-8?Q?" TEN("xxxxxxx") "?=",
          "=?UTF-8?Q?=3D=3Futf-8=3FQ=3Fxxxxxxxxxxxxxxxxxxxxxx?= =?UTF-8?Q?"
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx?= =?UTF-8?Q?xxxxxxxx=3F=3D?="),
  };
  CHECK(rows, words);
}

static void test_codec_cuts_quoted_printable_as_the_original_does(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("", ""),
      ROW("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor é incididunt",
          "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod =\r\n"
          "tempor =C3=A9 incididunt"),
      ROW("a\nb\nLorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor é incididunt",
          "a\r\nb\r\nLorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod=\r\n"
          " tempor =C3=A9 incididunt"),
      ROW(TEN("é") "é", "=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9"),
      ROW(TEN("é") "éééé",
          "=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=C3=A9=\r\n=C3=A9=C3=A9"),
      ROW(TEN("xxxxxxxx") "=", TEN("xxxxxxx") "xxxxx=\r\nxxxxx=3D"),
      ROW("trailing \nspace\t", "trailing=20\r\nspace=09"),
      ROW("=\0\x7f", "=3D=00=7F"),
      ROW("a\rb\r\rc\r", "a\r\nb\r\n\r\nc\r\n"),
      ROW("\xff", "=FF"),
  };
  CHECK(rows, ls_codec_quoted);
}

static void test_codec_makes_every_line_end_crlf(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("", ""),       ROW("a", "a"),           ROW("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd"),
      ROW("\r", "\r\n"), ROW("\n\r", "\r\n\r\n"), ROW("x\r.\r\r\n", "x\r\n.\r\n\r\n"),
  };
  CHECK(rows, ls_codec_lines);
}

static void test_codec_writes_base64_in_lines_of_76(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("", ""), ROW("a", "YQ=="), ROW("ab", "YWI="), ROW("abc", "YWJj"), ROW("\xfb\xff\xfe", "+//+"),
  };
  CHECK(rows, ls_codec_base64);
  static const struct row lines[] = {
      ROW("", ""),
      ROW(TEN("aaa") TEN("aaa") "", TEN("YWFh") "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\r\nYWFh"),
      ROW(TEN("aaa") "aaaaaaaaaaaaaaaaaaaaaaaaaaa", TEN("YWFh") "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"),
  };
  CHECK(lines, ls_codec_base64_lines);
}

static void test_codec_reads_base64_and_refuses_what_is_none(void **state) {
  (void)state;
  static const struct {
    const char *in;
    const char *out; /* NULL: refused */
  } rows[] = {{"", ""},
              {"YQ==", "a"},
              {"YQ", "a"},
              {"YWI=", "ab"},
              {"YW\r\nJ j\t", "abc"},
              {"YWJjZA", "abcd"},
              {"YQ==YQ", "a"},
              {"Y", NULL},
              {"YWJ?", NULL},
              {"YWJjZ", NULL},
              {"-_-_", "\xfb\xff\xbf"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_span in = support_guard(ls_span_cstr(rows[i].in));
    char *out = malloc(in.n / 4 * 3 + 3);
    size_t n = 0;
    assert_int_equal(ls_codec_unbase64(in, out, &n), rows[i].out != NULL);
    if (rows[i].out)
      assert_span_equal(ls_span(out, n), ls_span_cstr(rows[i].out));
    free(out);
    support_unguard(in);
  }
}

static void test_codec_writes_parameters_bare_quoted_or_encoded(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("a.txt", "; filename=a.txt"),
      ROW("", "; filename=\"\""),
      ROW("a b.txt", "; filename=\"a b.txt\""),
      ROW("-x", "; filename=\"-x\""),
      ROW("a\\b", "; filename=\"a\\\\b\""),
      ROW("q\"q", "; filename*0*=utf-8''q%22q"),
      ROW("a\r\nBcc: x", "; filename*0*=utf-8''a%0D%0ABcc%3A%20x"),
      ROW("a\tb", "; filename*0*=utf-8''a%09b"),
      ROW("ü.pdf", "; filename*0*=utf-8''%C3%BC.pdf"),
      ROW("\xff", "; filename*0*=utf-8''%EF%BF%BD"),
      ROW("=?utf-8?Q?x?=", "; filename*0*=utf-8''%3D%3Futf-8%3FQ%3Fx%3F%3D"),
      ROW(TEN("xxxxxxxx"), "; filename*0=" TEN("xxxxx") "; filename*1=" TEN("xxx")),
      ROW("日本語日本語", "; filename*0*=utf-8''%E6%97%A5%E6%9C%AC%E8%AA%9E%E6%97%A5; "
                          "filename*1*=%E6%9C%AC%E8%AA%9E"),
  };
  CHECK(rows, filename);
}

static void test_codec_examine_sees_what_the_choice_of_encoding_needs(void **state) {
  (void)state;
  static const struct {
    struct ls_span in;
    bool ascii, control, nul;
    size_t longest;
    enum ls_codec_choice choice;
  } rows[] = {{{"", 0}, true, false, false, 0, LS_CODEC_B},
              {{"abc\r\nab\n", 8}, true, false, false, 3, LS_CODEC_Q},
              {{"a\tb\x7f", 4}, true, false, false, 4, LS_CODEC_Q},
              {{"\0a", 2}, true, true, true, 2, LS_CODEC_B},
              {{"\a", 1}, true, true, false, 1, LS_CODEC_B},
              {{"é1", 3}, false, false, false, 3, LS_CODEC_B},
              {{"éab", 4}, false, false, false, 4, LS_CODEC_Q},
              {{"🎉ab", 6}, false, false, false, 6, LS_CODEC_B},
              {{"🎉abc", 7}, false, false, false, 7, LS_CODEC_Q},
              {{"1111\r22", 7}, true, false, false, 4, LS_CODEC_B}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_span in = support_guard(rows[i].in);
    struct ls_codec_facts f = ls_codec_examine(in);
    assert_int_equal(f.ascii, rows[i].ascii);
    assert_int_equal(f.control, rows[i].control);
    assert_int_equal(f.nul, rows[i].nul);
    assert_int_equal(f.longest, rows[i].longest);
    assert_int_equal(f.choice, rows[i].choice);
    support_unguard(in);
  }
}

/* A piece at one place of a text of x: no line over 76, and nothing is lost. */
static void check_quoted_piece(const char *piece, size_t at) {
  char text[1300];
  memset(text, 'x', sizeof text);
  memcpy(text + at, piece, strlen(piece));
  struct ls_buf b;
  ls_buf_init(&b, CEILING);
  ls_codec_quoted(&b, ls_span(text, sizeof text));
  assert_true(ls_codec_examine(ls_buf_span(&b)).longest <= 76);
  size_t kept = 0;
  for (size_t i = 0; i < b.n; i++)
    kept += b.p[i] == 'x';
  assert_int_equal(kept, sizeof text - strlen(piece));
  ls_buf_deinit(&b);
}

/* Every kind of piece around the cut of a line, and around the octets that are encoded in one go. */
static void test_codec_quoted_lines_never_pass_76(void **state) {
  (void)state;
  static const char *const pieces[] = {"\n", "\r\n", "\r", "=", " ", " \n", "é", "日", "🎉", ".", "\t"};
  for (size_t piece = 0; piece < sizeof pieces / sizeof pieces[0]; piece++) {
    for (size_t at = 0; at < 160; at++)
      check_quoted_piece(pieces[piece], at);
    for (size_t at = 1000; at < 1110; at++)
      check_quoted_piece(pieces[piece], at);
  }
}

/* Letters from a to z, and units of many characters that all start in the same lane of their words. */
static void test_codec_counts_letters_and_units_of_long_text(void **state) {
  (void)state;
  assert_int_equal(ls_codec_examine(LS_SPAN("zzé")).choice, LS_CODEC_Q);
  assert_int_equal(ls_codec_examine(LS_SPAN("azé")).choice, LS_CODEC_Q);
  assert_int_equal(ls_codec_examine(LS_SPAN("AZé")).choice, LS_CODEC_Q);
  assert_int_equal(ls_codec_examine(LS_SPAN("z{é")).choice, LS_CODEC_B);
  assert_int_equal(ls_codec_examine(LS_SPAN("@[é")).choice, LS_CODEC_B);
  for (size_t letters = 590; letters <= 610; letters++) {
    struct ls_buf b;
    ls_buf_init(&b, CEILING);
    for (size_t i = 0; i < 300; i++)
      ls_buf_adds(&b, "🎉🎉");
    for (size_t i = 0; i < 2 * letters; i++)
      ls_buf_addc(&b, 'm');
    assert_int_equal(ls_codec_examine(ls_buf_span(&b)).choice, letters > 600 ? LS_CODEC_Q : LS_CODEC_B);
    ls_buf_deinit(&b);
  }
}

/* What is looked at in words is what one octet after the other tells, wherever in a word it stands. */
static void test_codec_examines_every_place_of_a_word(void **state) {
  (void)state;
  char text[19];
  for (size_t at = 0; at < sizeof text; at++)
    for (unsigned octet = 0; octet < 256; octet++) {
      memset(text, ' ', sizeof text);
      text[at] = (char)octet;
      text[(at + 1) % sizeof text] = 'x';
      struct ls_span in = support_guard(ls_span(text, sizeof text));
      struct ls_codec_facts f = ls_codec_examine(in);
      bool line_end = octet == '\n' || octet == '\r';
      bool control = octet < ' ' && octet != '\t' && !line_end;
      size_t behind = sizeof text - 1 - at;
      assert_int_equal(f.ascii, octet < 0x80);
      assert_int_equal(f.control, control);
      assert_int_equal(f.nul, octet == 0);
      assert_int_equal(f.longest, line_end ? (at > behind ? at : behind) : sizeof text);
      assert_int_equal(f.choice, control || octet >= 0xc0 ? LS_CODEC_B : LS_CODEC_Q);
      assert_int_equal(ls_utf8_valid(in), octet < 0x80);
      support_unguard(in);
    }
}

static void test_codec_base64_reads_no_further_than_it_may(void **state) {
  (void)state;
  char octets[64];
  for (size_t i = 0; i < sizeof octets; i++)
    octets[i] = (char)(i * 37);
  for (size_t n = 1; n <= sizeof octets; n++) {
    struct ls_span in = support_guard(ls_span(octets, n));
    struct ls_buf b;
    ls_buf_init(&b, CEILING);
    ls_codec_base64(&b, in);
    assert_int_equal(b.n, (n + 2) / 3 * 4);
    char back[sizeof octets + 3];
    size_t length = 0;
    assert_true(ls_codec_unbase64(ls_buf_span(&b), back, &length));
    assert_span_equal(ls_span(back, length), in);
    ls_buf_deinit(&b);
    support_unguard(in);
  }
}

static bool write_everything(void *context) {
  (void)context;
  struct ls_buf b;
  ls_buf_init(&b, CEILING);
  struct ls_span text = LS_SPAN(TEN(TEN("Žluťoučký kůň. ")));
  ls_codec_words(&b, text, LS_CODEC_AUTO);
  ls_codec_quoted(&b, text);
  ls_codec_lines(&b, text);
  ls_codec_base64_lines(&b, text);
  ls_codec_param(&b, LS_SPAN("name"), text);
  bool ok = b.status == LS_OK;
  ls_buf_deinit(&b);
  return ok;
}

static void test_codec_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(write_everything, NULL) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_codec_encodes_words_as_the_original_does),
      cmocka_unit_test(test_codec_keeps_characters_above_the_basic_plane_whole),
      cmocka_unit_test(test_codec_passes_a_valid_encoded_word_and_encodes_look_alikes),
      cmocka_unit_test(test_codec_cuts_quoted_printable_as_the_original_does),
      cmocka_unit_test(test_codec_makes_every_line_end_crlf),
      cmocka_unit_test(test_codec_writes_base64_in_lines_of_76),
      cmocka_unit_test(test_codec_reads_base64_and_refuses_what_is_none),
      cmocka_unit_test(test_codec_writes_parameters_bare_quoted_or_encoded),
      cmocka_unit_test(test_codec_examine_sees_what_the_choice_of_encoding_needs),
      cmocka_unit_test(test_codec_quoted_lines_never_pass_76),
      cmocka_unit_test(test_codec_counts_letters_and_units_of_long_text),
      cmocka_unit_test(test_codec_examines_every_place_of_a_word),
      cmocka_unit_test(test_codec_base64_reads_no_further_than_it_may),
      cmocka_unit_test(test_codec_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
