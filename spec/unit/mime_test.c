/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/mime.h"

enum { CEILING = 1 << 20 };

#define TEN(s) s s s s s s s s s s
#define HUNDRED(s) TEN(TEN(s))
#define ROW(s)                                                                                               \
  { (s), sizeof(s) - 1 }

static void test_mime_reads_content_types(void **state) {
  (void)state;
  static const struct {
    const char *in;
    const char *out; /* as it is written; NULL: refused */
  } rows[] = {{"text/plain", "Content-Type: text/plain\r\n"},
              {" Text/HTML ; Charset=\"UTF-8\" ", "Content-Type: text/html; charset=UTF-8\r\n"},
              {"a/b;c=d;e=\"f \\\"g\"", "Content-Type: a/b; c=d; e*0*=utf-8''f%20%22g\r\n"},
              {"a/b; boundary=x; c=\"\"", "Content-Type: a/b; c=\"\"\r\n"},
              {"a/b;", "Content-Type: a/b\r\n"},
              {"a/b; c=\"unfinished", "Content-Type: a/b; c=unfinished\r\n"},
              {"a/b; c=\"x\r\nBcc: y\"", "Content-Type: a/b; c*0*=utf-8''x%0D%0ABcc%3A%20y\r\n"},
              {"", NULL},
              {"text", NULL},
              {"text/", NULL},
              {"/plain", NULL},
              {"text/plain x", NULL},
              {"text/plain\r\nBcc: x", NULL},
              {"text/plain; charset= utf-8", "Content-Type: text/plain; charset=utf-8\r\n"},
              {"text/plain;charset\t=\r\n \"utf-8\" ;", "Content-Type: text/plain; charset=utf-8\r\n"},
              {"a/b; c", "Content-Type: a/b\r\n"},
              {"a/b; c=", "Content-Type: a/b\r\n"},
              {"a/b; c=; d=e", "Content-Type: a/b; d=e\r\n"},
              {"a/b;;c=d; ;", "Content-Type: a/b; c=d\r\n"},
              {"(t) a/b (x (y) \\)) ; (z) c = (w) d (", "Content-Type: a/b; c=d\r\n"},
              {"a/b; c=d; C=e; f=g", "Content-Type: a/b; c=e; f=g\r\n"},
              {"a/b; c=*d", "Content-Type: a/b; c=\"*d\"\r\n"},
              {"a/b; c==", NULL},
              {"a/b; =d", NULL},
              {"a/b; c=d e=f", NULL},
              {"a/b/c", NULL},
              {"a/\xc3\xa9", NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_span in = support_guard(ls_span_cstr(rows[i].in));
    struct ls_mime_part part = {0};
    struct ls_arena a;
    struct ls_buf b;
    ls_arena_init(&a, CEILING);
    ls_buf_init(&b, CEILING);
    assert_int_equal(ls_mime_read_type(in, &a, &part), rows[i].out ? LS_OK : LS_EMESSAGE);
    if (rows[i].out) {
      assert_int_equal(ls_mime_write_type(&b, &part, NULL), LS_OK);
      assert_span_equal(ls_buf_span(&b), ls_span_cstr(rows[i].out));
    }
    ls_buf_deinit(&b);
    ls_arena_deinit(&a);
    support_unguard(in);
  }
}

static void test_mime_knows_the_common_endings(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"a.msg", "application/vnd.ms-outlook"},
                                        {"a.rar", "application/vnd.rar"},
                                        {"a.avi", "video/x-msvideo"},
                                        {"a.ttf", "font/ttf"},
                                        {"a.tsv", "text/tab-separated-values"},
                                        {"a.Vcf", "text/vcard"},
                                        {"a.123", "application/vnd.lotus-1-2-3"},
                                        {"a.zmm", "application/vnd.handheld-entertainment+xml"},
                                        {"a.zmmm", "application/octet-stream"},
                                        {"a.mht", "application/octet-stream"},
                                        {"a.eml", "message/rfc822"},
                                        {"a." TEN("1234567890"), "application/octet-stream"},
                                        {"a.PDF", "application/pdf"},
                                        {"a.b.jpeg", "image/jpeg"},
                                        {".txt", "text/plain"},
                                        {"png", "application/octet-stream"},
                                        {"a.", "application/octet-stream"},
                                        {"", "application/octet-stream"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_span_equal(ls_mime_type_of(ls_span_cstr(rows[i][0])), ls_span_cstr(rows[i][1]));
  assert_span_equal(ls_mime_ending_of(LS_SPAN("text/plain")), LS_SPAN("txt"));
  assert_span_equal(ls_mime_ending_of(LS_SPAN("text/html")), LS_SPAN("html"));
  assert_span_equal(ls_mime_ending_of(LS_SPAN("video/QuickTime")), LS_SPAN("mov"));
  assert_span_equal(ls_mime_ending_of(LS_SPAN("x/y")), LS_SPAN("bin"));
}

static void test_mime_settles_on_an_encoding_the_content_allows(void **state) {
  (void)state;
  static const struct {
    const char *type;
    enum ls_mime_encoding wanted;
    struct ls_span content;
    enum ls_mime_encoding used;
  } rows[] = {
      {"text/plain", LS_MIME_AUTO, ROW(""), LS_MIME_NONE},
      {"text/plain", LS_MIME_AUTO, ROW("a\n"), LS_MIME_7BIT},
      {"text/plain", LS_MIME_7BIT, ROW("é"), LS_MIME_BASE64},
      {"text/plain", LS_MIME_8BIT, ROW("éab"), LS_MIME_QUOTED},
      {"text/plain", LS_MIME_BASE64, ROW("a"), LS_MIME_BASE64},
      {"image/png", LS_MIME_AUTO, ROW("a"), LS_MIME_BASE64},
      {"image/png", LS_MIME_7BIT, ROW("a\r\n"), LS_MIME_7BIT},
      {"image/png", LS_MIME_7BIT, ROW("a\n"), LS_MIME_BASE64},
      {"image/png", LS_MIME_7BIT, ROW("é"), LS_MIME_BASE64},
      {"image/png", LS_MIME_8BIT, ROW("é"), LS_MIME_8BIT},
      {"image/png", LS_MIME_8BIT, ROW("\0"), LS_MIME_BASE64},
      {"image/png", LS_MIME_QUOTED, ROW("\r\0"), LS_MIME_BASE64},
      {"image/png", LS_MIME_QUOTED, ROW("\0"), LS_MIME_QUOTED},
      {"image/png", LS_MIME_7BIT, ROW(HUNDRED("0123456789")), LS_MIME_BASE64},
      {"message/rfc822", LS_MIME_AUTO, ROW("a\n"), LS_MIME_7BIT},
      {"message/rfc822", LS_MIME_AUTO, ROW("é\n"), LS_MIME_8BIT},
      {"message/rfc822", LS_MIME_BASE64, ROW("\0"), LS_MIME_BASE64},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_arena a;
    struct ls_mime_part part = {.type = ls_span_cstr(rows[i].type), .encoding = rows[i].wanted};
    ls_arena_init(&a, CEILING);
    part.content = support_guard(rows[i].content);
    assert_int_equal(ls_mime_settle(&part, &a), LS_OK);
    assert_int_equal(part.encoding, rows[i].used);
    assert_int_equal(ls_mime_is_8bit(&part), rows[i].used == LS_MIME_8BIT);
    support_unguard(part.content);
    ls_arena_deinit(&a);
  }
}

static void test_mime_refuses_a_message_that_would_need_encoding(void **state) {
  (void)state;
  static const struct ls_span rows[] = {ROW("a\0b"), ROW(HUNDRED("0123456789"))};
  for (size_t i = 0; i < 2; i++) {
    struct ls_arena a;
    struct ls_mime_part part = {.type = LS_SPAN("message/rfc822"), .content = rows[i]};
    ls_arena_init(&a, CEILING);
    assert_int_equal(ls_mime_settle(&part, &a), LS_EMESSAGE);
    ls_arena_deinit(&a);
  }
}

static void test_mime_names_the_charset_of_text_that_is_utf8(void **state) {
  (void)state;
  static const struct {
    const char *content;
    size_t params;
  } rows[] = {{"a", 0}, {"é", 1}, {"\xff", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_arena a;
    struct ls_mime_part part = {.type = LS_SPAN("text/csv"), .content = ls_span_cstr(rows[i].content)};
    ls_arena_init(&a, CEILING);
    assert_int_equal(ls_mime_settle(&part, &a), LS_OK);
    assert_int_equal(part.param_count, rows[i].params);
    ls_arena_deinit(&a);
  }
}

/* Every ending of the list is found, in any case; so the list is in order. */
static void test_mime_finds_each_ending_of_the_list(void **state) {
  (void)state;
#define X(ending, type, usual) {"a." ending, type},
  static const char *const rows[][2] = {
#include "../../src/pure/mime_type.def"
  };
#undef X
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char name[64];
    size_t n = strlen(rows[i][0]);
    assert_true(n < sizeof name);
    for (size_t k = 0; k < n; k++)
      name[k] = ls_ascii_upper(rows[i][0][k]);
    assert_span_equal(ls_mime_type_of(ls_span(name, n)), ls_span_cstr(rows[i][1]));
  }
}

/* What a multipart needs of the server is what its leaves need. */
static void test_mime_multipart_is_8bit_where_a_leaf_is(void **state) {
  (void)state;
  for (unsigned leaves = 0; leaves < 4; leaves++) {
    struct ls_mime_part second = {.encoding = leaves & 2 ? LS_MIME_8BIT : LS_MIME_7BIT};
    struct ls_mime_part first = {.encoding = leaves & 1 ? LS_MIME_8BIT : LS_MIME_BASE64, .next = &second};
    struct ls_mime_part inner = {.parts = &first};
    struct ls_mime_part root = {.parts = &inner};
    assert_int_equal(ls_mime_is_8bit(&root), leaves != 0);
  }
}

/* File names as both parameters have them. */
static void test_mime_writes_file_names(void **state) {
  (void)state;
  static const char *const rows[][3] = {
      {"a.txt", "name=a.txt", "filename=a.txt"},
      {"*x.txt", "name=\"*x.txt\"", "filename=\"*x.txt\""},
      {"50%.txt", "name=\"50%.txt\"", "filename=\"50%.txt\""},
      {"a'b.txt", "name=\"a'b.txt\"", "filename=\"a'b.txt\""},
      {"-a.txt", "name=\"-a.txt\"", "filename=\"-a.txt\""},
      {"a b.txt", "name=\"a b.txt\"", "filename=\"a b.txt\""},
      {"a\tb.txt", "name=\"=?UTF-8?Q?a=09b=2Etxt?=\"", "filename*0*=utf-8''a%09b.txt"},
      {"a\r\nb", "name=\"=?UTF-8?Q?a=0D=0Ab?=\"", "filename*0*=utf-8''a%0D%0Ab"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_mime_pair params[] = {{LS_SPAN("name"), LS_SPAN("other")}, {LS_SPAN("name*"), LS_SPAN("x")}};
    struct ls_mime_part part = {.type = LS_SPAN("a/b"),
                                .params = params,
                                .param_count = 2,
                                .filename = ls_span_cstr(rows[i][0]),
                                .disposition = LS_SPAN("attachment")};
    struct ls_buf b, want;
    ls_buf_init(&b, CEILING);
    ls_buf_init(&want, CEILING);
    assert_int_equal(ls_mime_write_type(&b, &part, NULL), LS_OK);
    assert_int_equal(ls_mime_write_own(&b, &part), LS_OK);
    ls_buf_adds(&want, "Content-Type: a/b; ");
    ls_buf_adds(&want, rows[i][1]);
    ls_buf_adds(&want, "\r\nContent-Disposition: attachment; ");
    ls_buf_adds(&want, rows[i][2]);
    ls_buf_adds(&want, "\r\n");
    assert_span_equal(ls_buf_span(&b), ls_buf_span(&want));
    ls_buf_deinit(&b);
    ls_buf_deinit(&want);
  }
}

/* Contents that hold the boundaries tried first make it go on to the next. */
static void test_mime_boundary_avoids_the_content(void **state) {
  (void)state;
  static const unsigned char random[12] = {255, 254, 0, 1};
  struct ls_mime_boundary boundary;
  struct ls_mime_part second = {.encoding = LS_MIME_8BIT, .content = LS_SPAN("==_00ff00010000000000000000x")};
  struct ls_mime_part first = {
      .encoding = LS_MIME_7BIT, .next = &second, .content = LS_SPAN("a =_fffe00010000000000000000")};
  struct ls_mime_part root = {.parts = &first};
  ls_mime_choose_boundary(&root, random, &boundary);
  assert_string_equal(boundary.text, "=_01ff00010000000000000000");
  first.encoding = LS_MIME_BASE64;
  ls_mime_choose_boundary(&root, random, &boundary);
  assert_string_equal(boundary.text, "=_fffe00010000000000000000");
}

static bool read_and_write(void *context) {
  (void)context;
  struct ls_arena a;
  struct ls_buf b;
  struct ls_mime_part part = {.content = LS_SPAN("é"), .filename = LS_SPAN("ž.txt")};
  ls_arena_init(&a, CEILING);
  ls_buf_init(&b, CEILING);
  bool ok = ls_mime_read_type(LS_SPAN("text/plain; a=\"b\"; c=d"), &a, &part) == LS_OK &&
            ls_mime_settle(&part, &a) == LS_OK && ls_mime_write_type(&b, &part, NULL) == LS_OK &&
            ls_mime_write_own(&b, &part) == LS_OK && ls_mime_write_body(&b, &part, NULL) == LS_OK;
  ls_buf_deinit(&b);
  ls_arena_deinit(&a);
  return ok;
}

static void test_mime_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(read_and_write, NULL) > 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mime_reads_content_types),
      cmocka_unit_test(test_mime_knows_the_common_endings),
      cmocka_unit_test(test_mime_settles_on_an_encoding_the_content_allows),
      cmocka_unit_test(test_mime_refuses_a_message_that_would_need_encoding),
      cmocka_unit_test(test_mime_names_the_charset_of_text_that_is_utf8),
      cmocka_unit_test(test_mime_finds_each_ending_of_the_list),
      cmocka_unit_test(test_mime_multipart_is_8bit_where_a_leaf_is),
      cmocka_unit_test(test_mime_writes_file_names),
      cmocka_unit_test(test_mime_boundary_avoids_the_content),
      cmocka_unit_test(test_mime_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
