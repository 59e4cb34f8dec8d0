/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/header.h"

enum { CEILING = 1 << 20 };

#define TEN(s) s s s s s s s s s s
#define HUNDRED(s) TEN(TEN(s))

static void test_header_names_are_written_in_one_way(void **state) {
  (void)state;
  static const struct {
    const char *in;
    const char *out; /* NULL: refused */
  } rows[] = {{"x-mixedCase", "X-Mixedcase"},
              {"X-UPPER-ID", "X-Upper-ID"},
              {"message-id", "Message-ID"},
              {"content-md5", "Content-MD5"},
              {"x-smtpapi", "X-SMTPAPI"},
              {"x-smtpapi-2", "X-Smtpapi-2"},
              {"mime-version", "MIME-Version"},
              {"mimes", "Mimes"},
              {"dkim-signature", "DKIM-Signature"},
              {"arc-seal", "ARC-Seal"},
              {"bimi", "BIMI"},
              {"received-spf", "Received-SPF"},
              {"x-fbl-id-x", "X-Fbl-Id-X"},
              {" trimmed\r\n", "Trimmed"},
              {"!x~", "!x~"},
              {"x\x7f", NULL},
              {"a--b", "A--B"},
              {"a-", "A-"},
              {"1x", "1x"},
              {"", NULL},
              {"  ", NULL},
              {"X A", NULL},
              {"X:", NULL},
              {"X-A\r\nBcc", NULL},
              {"X-\xc5\xbd", NULL},
              {"X\x01", NULL},
              {"X\x7f", NULL}};
  struct ls_arena a;
  ls_arena_init(&a, CEILING);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_span in = support_guard(ls_span_cstr(rows[i].in));
    struct ls_span out;
    enum ls_status status = ls_header_name(in, &a, &out);
    assert_int_equal(status, rows[i].out ? LS_OK : LS_EMESSAGE);
    if (rows[i].out)
      assert_span_equal(out, ls_span_cstr(rows[i].out));
    support_unguard(in);
  }
  ls_arena_deinit(&a);
}

enum form { TEXT, ID, IDS, BUILT };

static enum ls_status write(struct ls_buf *b, enum form form, struct ls_span value) {
  if (form == TEXT)
    return ls_header_text(b, LS_SPAN("X"), value, LS_CODEC_AUTO);
  if (form == ID)
    return ls_header_id(b, LS_SPAN("X"), value);
  if (form == IDS)
    return ls_header_ids(b, LS_SPAN("X"), value);
  size_t from = ls_header_begin(b, LS_SPAN("X"));
  ls_buf_add(b, value);
  return ls_header_end(b, from);
}

#define ROW(form, in, out)                                                                                   \
  { (form), {(in), sizeof(in) - 1}, (out) }

static void test_header_writes_values(void **state) {
  (void)state;
  static const struct {
    enum form form;
    struct ls_span in;
    const char *out;
  } rows[] = {
      ROW(TEXT, "a", "X: a\r\n"),
      ROW(TEXT, " lead and trail ", "X:  lead and trail \r\n"),
      ROW(TEXT, "", ""),
      ROW(TEXT, " \r\n\t", ""),
      ROW(TEXT, "a\r\nBcc: b\rc\nd", "X: a Bcc: b c d\r\n"),
      ROW(TEXT, "a\0b", "X: =?UTF-8?Q?a=00b?=\r\n"),
      ROW(TEXT, "é", "X: =?UTF-8?B?w6k=?=\r\n"),
      ROW(TEXT, TEN("1234567") "12", "X: " TEN("1234567") "12\r\n"),
      ROW(TEXT, TEN("1234567") "123", "X:\r\n " TEN("1234567") "123\r\n"),
      ROW(TEXT, TEN("words ") "and one more here", "X: " TEN("words ") "and one more\r\n here\r\n"),
      ROW(TEXT, TEN("words ") "and some  two spaces", "X: " TEN("words ") "and some\r\n  two spaces\r\n"),
      ROW(TEXT, TEN("1234567") "12 b", "X: " TEN("1234567") "12\r\n b\r\n"),
      ROW(TEXT, TEN("1234567") "12    ", "X: " TEN("1234567") "12    \r\n"),
      ROW(TEXT, TEN("1234567") "1" TEN("          "), "X: " TEN("1234567") "1" TEN("          ") "\r\n"),
      ROW(TEXT, "a" TEN("          ") "b", "X: a\r\n" TEN("          ") "b\r\n"),
      ROW(ID, "a@b", "X: <a@b>\r\n"),
      ROW(ID, "<a@b>", "X: <a@b>\r\n"),
      ROW(ID, "a@b>\r\nBcc: x", "X: <a@b>Bcc:x>\r\n"),
      ROW(ID, "a\x01\x7f@b", "X: <a@b>\r\n"),
      ROW(ID, " <a\t@b>\x01 ", "X: <a@b>\r\n"),
      ROW(ID, "<\xff@b>", "X: <\xef\xbf\xbd@b>\r\n"),
      ROW(ID, "  ", ""),
      ROW(ID, " \x01\t", ""),
      ROW(ID, TEN("1234567") "12345", "X: <" TEN("1234567") "12345>\r\n"),
      ROW(IDS, TEN("1234567") "12345 " TEN("1234567") " a@b",
          "X: <" TEN("1234567") "12345>\r\n <" TEN("1234567") ">\r\n <a@b>\r\n"),
      ROW(IDS, "<a@b>\t<c@d>\t \1e@f<g@h><i@j>", "X: <a@b> <c@d> <e@f<g@h> <i@j>\r\n"),
      ROW(IDS, "a@b <c@d>\r\n<e f>", "X: <a@b> <c@d> <ef>\r\n"),
      ROW(IDS, "<<<", "X: <<<>\r\n"),
      ROW(IDS, " ", ""),
      ROW(BUILT, "a <b@c>", "X: a <b@c>\r\n"),
      ROW(BUILT, "a\r\nBcc: x\0", "X: a  Bcc: x \r\n"),
      ROW(BUILT, " ", ""),
      ROW(BUILT, TEN("é@é.example, "),
          "X: é@é.example, é@é.example, é@é.example, é@é.example, é@é.example,\r\n"
          " é@é.example, é@é.example, é@é.example, é@é.example, é@é.example, \r\n"),
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_span in = support_guard(rows[i].in);
    struct ls_buf b;
    ls_buf_init(&b, CEILING);
    assert_int_equal(write(&b, rows[i].form, in), LS_OK);
    assert_span_equal(ls_buf_span(&b), ls_span_cstr(rows[i].out));
    ls_buf_deinit(&b);
    support_unguard(in);
  }
}

/* What an id field of any length looks like: the first id behind the colon, and each line a whole number of
 * ids. */
static void test_header_folds_between_ids_alone(void **state) {
  (void)state;
  for (size_t first = 1; first < 994; first += 7)
    for (size_t count = 1; count < 6; count++) {
      struct ls_buf ids;
      struct ls_buf b;
      ls_buf_init(&ids, CEILING);
      ls_buf_init(&b, CEILING);
      for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < (i ? 40 * i : first); n++)
          ls_buf_addc(&ids, 'a');
        ls_buf_adds(&ids, "\t");
      }
      assert_int_equal(write(&b, count == 1 ? ID : IDS, ls_buf_span(&ids)), LS_OK);
      assert_memory_equal(b.p, "X: <a", 5);
      for (size_t i = 4; i + 2 < b.n; i++)
        assert_true(b.p[i] == 'a' || b.p[i] == '<' || (b.p[i - 1] == '>' && b.p[i] == ' ') || b.p[i] == '>' ||
                    (b.p[i - 1] == '>' && b.p[i] == '\r') || (b.p[i - 1] == '\r' && b.p[i] == '\n') ||
                    (b.p[i - 1] == '\n' && b.p[i] == ' '));
      ls_buf_deinit(&ids);
      ls_buf_deinit(&b);
    }
}

static void test_header_refuses_two_ids_where_one_belongs(void **state) {
  (void)state;
  static const char *const rows[] = {"<a@b> <c@d>", "<a@b><c@d>", "a@b>\t<c@d", "<a@b> c@d <"};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_buf b;
    ls_buf_init(&b, CEILING);
    ls_buf_adds(&b, "A: b\r\n");
    assert_int_equal(write(&b, ID, ls_span_cstr(rows[i])), LS_EMESSAGE);
    assert_span_equal(ls_buf_span(&b), LS_SPAN("A: b\r\n"));
    ls_buf_deinit(&b);
  }
}

static void test_header_encodes_a_word_that_no_line_can_hold(void **state) {
  (void)state;
  struct ls_span long_word = LS_SPAN(HUNDRED("0123456789"));
  struct ls_buf b;
  ls_buf_init(&b, CEILING);
  assert_int_equal(write(&b, TEXT, ls_span_sub(long_word, 0, 997)), LS_OK);
  assert_int_equal(ls_codec_examine(ls_buf_span(&b)).longest, 998);
  ls_buf_cut(&b, 0);
  assert_int_equal(write(&b, TEXT, long_word), LS_OK);
  assert_true(ls_span_starts(ls_buf_span(&b), LS_SPAN("X: =?UTF-8?B?")));
  assert_true(ls_codec_examine(ls_buf_span(&b)).longest <= 76);
  ls_buf_deinit(&b);
}

static void test_header_refuses_an_id_that_no_line_can_hold_and_takes_it_back(void **state) {
  (void)state;
  struct ls_span id = LS_SPAN(HUNDRED("0123456789"));
  for (enum form form = ID; form <= BUILT; form++) {
    struct ls_buf b;
    ls_buf_init(&b, CEILING);
    ls_buf_adds(&b, "A: b\r\n");
    assert_int_equal(write(&b, form, id), LS_EMESSAGE);
    assert_span_equal(ls_buf_span(&b), LS_SPAN("A: b\r\n"));
    ls_buf_deinit(&b);
  }
}

/* Whatever one octet of a value is: one field, no control but those of its folding, no empty line. */
static void test_header_lets_no_octet_end_a_field(void **state) {
  (void)state;
  for (enum form form = TEXT; form <= BUILT; form++)
    for (int octet = 0; octet < 256; octet++) {
      char value[] = "aaa?Bcc: evil@example.com?x";
      value[3] = value[25] = (char)octet;
      struct ls_buf b;
      ls_buf_init(&b, CEILING);
      assert_int_equal(write(&b, form, ls_span_cstr(value)), LS_OK);
      for (size_t i = 0; i + 2 < b.n; i++) {
        bool folded = b.p[i] == '\r' && b.p[i + 1] == '\n' && b.p[i + 2] == ' ';
        assert_true((unsigned char)b.p[i] >= 0x20 || (b.p[i] == '\t' && octet == '\t') || folded);
        i += folded ? 2 : 0;
      }
      assert_memory_equal(b.p + b.n - 2, "\r\n", 2);
      ls_buf_deinit(&b);
    }
}

static bool write_all_forms(void *context) {
  (void)context;
  struct ls_buf b;
  ls_buf_init(&b, CEILING);
  struct ls_span value = LS_SPAN(TEN(TEN("line\r\nžluť ")) "\xff");
  bool ok = true;
  for (enum form form = TEXT; form <= BUILT; form++)
    ok = write(&b, form, form == ID ? LS_SPAN("\xff@b") : value) == LS_OK && ok;
  ls_buf_deinit(&b);
  return ok;
}

static void test_header_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(write_all_forms, NULL) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_header_names_are_written_in_one_way),
      cmocka_unit_test(test_header_writes_values),
      cmocka_unit_test(test_header_folds_between_ids_alone),
      cmocka_unit_test(test_header_refuses_two_ids_where_one_belongs),
      cmocka_unit_test(test_header_encodes_a_word_that_no_line_can_hold),
      cmocka_unit_test(test_header_refuses_an_id_that_no_line_can_hold_and_takes_it_back),
      cmocka_unit_test(test_header_lets_no_octet_end_a_field),
      cmocka_unit_test(test_header_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
