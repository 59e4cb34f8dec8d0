/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/buf.h"
#include "../../src/pure/content.h"

static void write_all(struct ls_buf *b, struct ls_span in, bool data) {
  struct ls_content c;
  struct ls_span s;
  struct ls_span guarded = support_guard(in);
  ls_content_init(&c, guarded, data);
  while (ls_content_next(&c, &s)) {
    assert_true(s.n > 0);
    ls_buf_add(b, s);
  }
  assert_int_equal(ls_content_next(&c, &s), 0);
  support_unguard(guarded);
}

static const struct {
  const char *in, *data, *bdat;
} rows[] = {
    {"", ".\r\n", ""},
    {"a", "a\r\n.\r\n", "a\r\n"},
    {"a\r\n", "a\r\n.\r\n", "a\r\n"},
    {".", "..\r\n.\r\n", ".\r\n"},
    {"..\r\n", "...\r\n.\r\n", "..\r\n"},
    {"a.\r\n.b\r\n", "a.\r\n..b\r\n.\r\n", "a.\r\n.b\r\n"},
    {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\r\n.\rb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\r\r\nb", "a\r\n\r\nb\r\n.\r\n", "a\r\n\r\nb\r\n"},
    {"\r", "\r\n.\r\n", "\r\n"},
    {"\n\n", "\r\n\r\n.\r\n", "\r\n\r\n"},
    {"\n\r", "\r\n\r\n.\r\n", "\r\n\r\n"},
    {"\r\n", "\r\n.\r\n", "\r\n"},
    {"\r\n.", "\r\n..\r\n.\r\n", "\r\n.\r\n"},
};

static void test_content_writes_every_line_end_and_dot(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_buf data, bdat;
    ls_buf_init(&data, 100);
    ls_buf_init(&bdat, 100);
    write_all(&data, ls_span_cstr(rows[i].in), true);
    write_all(&bdat, ls_span_cstr(rows[i].in), false);
    assert_span_equal(ls_buf_span(&data), ls_span_cstr(rows[i].data));
    assert_span_equal(ls_buf_span(&bdat), ls_span_cstr(rows[i].bdat));
    assert_int_equal(ls_content_size(ls_span_cstr(rows[i].in)), bdat.n);
    ls_buf_deinit(&data);
    ls_buf_deinit(&bdat);
  }
}

/* What a strict server makes of DATA: lines end in CRLF only, a leading dot is taken off, "." ends. False
 * when it finds a bare CR or LF, or an end mark anywhere but at the end. */
static bool read_data(struct ls_span wire, struct ls_buf *out) {
  size_t at = 0;
  while (at < wire.n) {
    size_t end = at;
    while (end < wire.n && wire.p[end] != '\r' && wire.p[end] != '\n')
      end++;
    if (end + 2 > wire.n || wire.p[end] != '\r' || wire.p[end + 1] != '\n')
      return false;
    struct ls_span line = ls_span_sub(wire, at, end + 2);
    at = end + 2;
    if (ls_span_eq(line, LS_SPAN(".\r\n")))
      return at == wire.n;
    ls_buf_add(out, *line.p == '.' ? ls_span_sub(line, 1, line.n) : line);
  }
  return false;
}

/* Every string of up to seven of these four octets: nothing can be smuggled, and nothing is lost. */
static void test_content_of_any_octets_arrives_as_one_message(void **state) {
  (void)state;
  static const char alphabet[] = "\r\n.x";
  for (unsigned n = 0; n <= 7; n++) {
    for (unsigned long k = 0; k < 1ul << (2 * n); k++) {
      char in[8];
      for (unsigned i = 0; i < n; i++)
        in[i] = alphabet[(k >> (2 * i)) & 3];
      struct ls_buf wire, got, bdat;
      struct ls_content c;
      struct ls_span s;
      ls_buf_init(&wire, 100);
      ls_buf_init(&got, 100);
      ls_buf_init(&bdat, 100);
      ls_content_init(&c, ls_span(in, n), true);
      while (ls_content_next(&c, &s))
        ls_buf_add(&wire, s);
      ls_content_init(&c, ls_span(in, n), false);
      while (ls_content_next(&c, &s))
        ls_buf_add(&bdat, s);
      assert_true(read_data(ls_buf_span(&wire), &got));
      assert_span_equal(ls_buf_span(&got), ls_buf_span(&bdat));
      ls_buf_deinit(&wire);
      ls_buf_deinit(&got);
      ls_buf_deinit(&bdat);
    }
  }
}

static void test_content_that_is_clean_comes_as_one_span(void **state) {
  (void)state;
  struct ls_content c;
  struct ls_span s;
  struct ls_span in = LS_SPAN("Subject: x\r\n\r\nbody.\r\n\r\nmore\r\n");
  ls_content_init(&c, in, true);
  assert_int_equal(ls_content_next(&c, &s), 1);
  assert_ptr_equal(s.p, in.p);
  assert_int_equal(s.n, in.n);
  assert_int_equal(ls_content_next(&c, &s), 1);
  assert_span_equal(s, LS_SPAN(".\r\n"));
  assert_int_equal(ls_content_next(&c, &s), 0);
}

/* Octets that a server which takes them for commands could find one among. */
static void test_content_knows_what_could_be_a_command(void **state) {
  (void)state;
  static const char *const could[] = {
      "MAIL FROM:<a@b>\r\n",
      "x\r\nmail from:<a@b>\r\n",
      "x\nMaIl\r\n",
      "x\rMAIL FROM:<a@b>",
      "x\r\n \t MAIL FROM:<a@b>\r\n",
      "x\r\n.MAIL FROM:<a@b>\r\n",
      "x\r\n> \xC2\xA0MAIL\r\n",
      "x\r\n\r\n\r\nrcpt to:<a@b>\r\n",
      "x\r\nMAILFROM:<a@b>\r\n",
      "x\r\ndata\r\n",
      "x\r\nData protection\r\n",
      "x\r\nBDAT 1000 LAST\r\n",
      "x\r\nBURL imap:\r\n",
      "x\r\nRSET",
      "x\r\nnoop\r\n",
      "x\r\nQUIT now\r\n",
      "x\r\nHELP: us\r\n",
      "x\r\nSOML FROM:<a@b>\r\n",
      "x\r\nEHLO y\r\n",
      "x\r\nSTARTTLS\r\n",
      "x\r\nXCLIENT ADDR=192.0.2.1\r\n",
      "x\vMAIL FROM:<a@b>\r\n",
      "xRCPT TO:<a@b>\r\n", /* behind the first octet */
  };
  static const char *const never[] = {
      "",
      "x",
      "Subject: mail from you\r\n\r\nYour code is 123456.\r\n",
      "From: a@b\r\nSender: c@d\r\nDate: now\r\nX-Mailer: logto-smtp\r\n",
      "Authentication-Results: x\r\nHelpdesk\r\nResetting\r\nAuth-x: 1\r\n",
      "the mail from:<a@b>\r\nemail\r\nxMAIL\r\n",
      "MAI\r\nL FROM:<a@b>\r\nRCP",
  };
  for (size_t i = 0; i < sizeof could / sizeof *could; i++) {
    struct ls_span in = support_guard(ls_span_cstr(could[i]));
    assert_true(ls_content_may_command(in));
    support_unguard(in);
  }
  for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
    struct ls_span in = support_guard(ls_span_cstr(never[i]));
    assert_false(ls_content_may_command(in));
    support_unguard(in);
  }
  char line[600];
  memset(line, 'x', sizeof line);
  assert_false(ls_content_may_command(ls_span(line, 500)));
  assert_true(ls_content_may_command(ls_span(line, 501)));
}

/* Two megabytes of each: with a search of quadratic time this would not end. */
static void test_content_takes_linear_time_on_any_line_end(void **state) {
  (void)state;
  enum { N = 2000000 };
  static char in[N];
  static const char *const fillings[] = {"\r", "\n", "x", "\r\n", ".\r", "x\n", ".\r\n"};
  for (size_t k = 0; k < sizeof fillings / sizeof *fillings; k++) {
    size_t unit = strlen(fillings[k]);
    for (size_t i = 0; i < N; i++)
      in[i] = fillings[k][i % unit];
    assert_true(ls_content_size(ls_span(in, N)) >= N);
    ls_content_may_command(ls_span(in, N));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_content_writes_every_line_end_and_dot),
      cmocka_unit_test(test_content_of_any_octets_arrives_as_one_message),
      cmocka_unit_test(test_content_that_is_clean_comes_as_one_span),
      cmocka_unit_test(test_content_knows_what_could_be_a_command),
      cmocka_unit_test(test_content_takes_linear_time_on_any_line_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
