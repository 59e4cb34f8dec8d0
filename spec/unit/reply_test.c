/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "../../src/pure/reply.h"

/* One reply out of wire: code 0 means that it must fail with EPROTOCOL. */
static const struct {
  const char *wire;
  int code;
  const char *enhanced, *text;
  size_t lines;
} rows[] = {
    {"250 ok\r\n", 250, "", "250 ok", 1},
    {"250 ok\n", 250, "", "250 ok", 1},
    {"250\r\n", 250, "", "250", 1},
    {"250-\r\n250\r\n", 250, "", "250-\n250", 2},
    {"250-a\r\n250-b\n250 c\r\n", 250, "", "250-a\n250-b\n250 c", 3},
    {"550 5.1.1 <b@y>: unknown\r\n", 550, "5.1.1", "550 5.1.1 <b@y>: unknown", 1},
    {"550-5.1.1 first\r\n550 5.1.2 last\r\n", 550, "5.1.2", "550-5.1.1 first\n550 5.1.2 last", 2},
    {"421 4.3.2\r\n", 421, "4.3.2", "421 4.3.2", 1},
    {"250 2.100.999 x\r\n", 250, "2.100.999", "250 2.100.999 x", 1},
    {"250 2.1000.1 x\r\n", 250, "", "250 2.1000.1 x", 1},
    {"250 2.0.0x\r\n", 250, "", "250 2.0.0x", 1},
    {"250 3.0.0 x\r\n", 250, "", "250 3.0.0 x", 1},
    {"250 2.0. x\r\n", 250, "", "250 2.0. x", 1},
    {"250 2.1x3 x\r\n", 250, "", "250 2.1x3 x", 1},
    {"250 2x1.3 x\r\n", 250, "", "250 2x1.3 x", 1},
    {"250 2..3 x\r\n", 250, "", "250 2..3 x", 1},
    {"250 2.1.3\tx\r\n", 250, "", "250 2.1.3\tx", 1},
    {"250 2.1.1000 x\r\n", 250, "", "250 2.1.1000 x", 1},
    {"250 2.1\r\n", 250, "", "250 2.1", 1},
    {"250 2.12 x\r\n", 250, "", "250 2.12 x", 1},
    {"450 4.7.1 x\r\n", 450, "4.7.1", "450 4.7.1 x", 1},
    {"550 123.456.789 x\r\n", 550, "", "550 123.456.789 x", 1},
    {"250 2.0.0", 0, "", "", 0},
    {"\r\n \r\n250 ok\r\n", 250, "", "250 ok", 1},
    {"599 x\r\n", 599, "", "599 x", 1},
    {"200 x\r\n", 200, "", "200 x", 1},
    {"250 caf\xc3\xa9\r\n", 250, "", "250 caf\xc3\xa9", 1},
    {"250-a\r\n251 b\r\n", -1, "", "", 0},
    {"250-a\r\n251-b\r\n250 c\r\n", -1, "", "", 0},
    {"250-a\r\n\r\n250 b\r\n", -1, "", "", 0},
    {"199 x\r\n", -1, "", "", 0},
    {"600 x\r\n", -1, "", "", 0},
    {"25 x\r\n", -1, "", "", 0},
    {"2500 x\r\n", -1, "", "", 0},
    {"25999-x\r\n", -1, "", "", 0},
    {"250OK\r\n", -1, "", "", 0},
    {"250\tx\r\n", -1, "", "", 0},
    {"250.\r\n", -1, "", "", 0},
    {"250-a\r\n2500 b\r\n", -1, "", "", 0},
    {" 250 x\r\n", -1, "", "", 0},
    {"HTTP/1.1 400 Bad Request\r\n", -1, "", "", 0},
    {"\x16\x03\x01\x02\n", -1, "", "", 0},
};

enum { WHOLE = 0, OCTETS = -1 };

/* Feeds wire cut at one place, or octet by octet, and ends at the first answer that is not "more". */
static enum ls_status feed_cut(struct ls_reply *r, struct ls_span wire, int cut) {
  enum ls_status st = LS_AGAIN;
  size_t at = 0;
  while (st == LS_AGAIN && at < wire.n) {
    size_t to = cut == OCTETS ? at + 1 : at < (size_t)cut ? (size_t)cut : wire.n;
    struct ls_span guarded = support_guard(ls_span_sub(wire, at, to));
    size_t used;
    st = ls_reply_feed(r, guarded, &used);
    support_unguard(guarded);
    if (st == LS_AGAIN)
      assert_int_equal(used, to - at);
    at += used;
  }
  if (st == LS_OK)
    assert_int_equal(at, wire.n);
  return st;
}

static void check_row(size_t i, int cut) {
  struct ls_reply r;
  ls_reply_init(&r);
  enum ls_status st = feed_cut(&r, ls_span_cstr(rows[i].wire), cut);
  if (rows[i].code == 0) {
    assert_int_equal(st, LS_AGAIN);
    assert_false(r.complete);
  } else if (rows[i].code < 0) {
    size_t used;
    assert_int_equal(st, LS_EPROTOCOL);
    assert_int_equal(ls_reply_feed(&r, LS_SPAN("250 ok\r\n"), &used), LS_EPROTOCOL);
  } else {
    assert_int_equal(st, LS_OK);
    assert_true(r.complete);
    assert_int_equal(r.code, rows[i].code);
    assert_int_equal(r.lines, rows[i].lines);
    assert_string_equal(r.enhanced, rows[i].enhanced);
    assert_span_equal(ls_buf_span(&r.text), ls_span_cstr(rows[i].text));
  }
  ls_reply_deinit(&r);
}

static void test_reply_reads_every_row_in_any_cut(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    check_row(i, OCTETS);
    for (int cut = WHOLE; cut < (int)strlen(rows[i].wire); cut++)
      check_row(i, cut);
  }
}

static void test_reply_stops_behind_the_first_of_several(void **state) {
  (void)state;
  struct ls_reply r;
  struct ls_span in = LS_SPAN("250 one\r\n550-5.1.1 two\r\n550 5.1.1 two\r\n354 ");
  size_t used;
  ls_reply_init(&r);
  assert_int_equal(ls_reply_feed(&r, in, &used), LS_OK);
  assert_int_equal(used, 9);
  assert_int_equal(r.code, 250);
  in = ls_span_sub(in, used, in.n);
  assert_int_equal(ls_reply_feed(&r, in, &used), LS_OK);
  assert_int_equal(r.code, 550);
  assert_span_equal(ls_reply_excerpt(&r), LS_SPAN("550-5.1.1 two"));
  in = ls_span_sub(in, used, in.n);
  assert_int_equal(ls_reply_feed(&r, in, &used), LS_AGAIN);
  assert_int_equal(used, 4);
  assert_int_equal(ls_reply_feed(&r, LS_SPAN("go\n"), &used), LS_OK);
  assert_int_equal(r.code, 354);
  assert_string_equal(r.enhanced, "");
  assert_span_equal(ls_buf_span(&r.text), LS_SPAN("354 go"));
  ls_reply_deinit(&r);
}

static void test_reply_rejects_nul(void **state) {
  (void)state;
  struct ls_reply r;
  size_t used;
  ls_reply_init(&r);
  assert_int_equal(ls_reply_feed(&r, LS_SPAN("250 o\0k\r\n"), &used), LS_EPROTOCOL);
  ls_reply_deinit(&r);
}

/* The line that broke the rules, not the good ones before it. */
static void test_reply_excerpt_shows_the_bad_line(void **state) {
  (void)state;
  struct ls_reply r;
  size_t used;
  ls_reply_init(&r);
  assert_int_equal(ls_reply_feed(&r, LS_SPAN("250-a\r\nnot b\r\n"), &used), LS_EPROTOCOL);
  assert_span_equal(ls_reply_excerpt(&r), LS_SPAN("not b"));
  ls_reply_deinit(&r);
}

/* Lines with different codes: the one that refuses counts, and all is told. Code 0: the line is no reply. */
static void test_reply_tells_all_of_one_with_different_codes(void **state) {
  (void)state;
  static const struct {
    const char *wire, *text, *enhanced;
    int code;
  } mixes[] = {
      {"220-hello\r\n521 5.3.2 no mail here\r\n", "220-hello\n521 5.3.2 no mail here", "5.3.2", 521},
      {"220-hello\r\n521-no\r\n521 mail\r\n", "220-hello\n521-no\n521 mail", "", 521},
      {"521-no\r\n220 hello\r\n", "521-no\n220 hello", "", 521},
      {"250-a\r\n421 4.3.2 b\r\n", "250-a\n421 4.3.2 b", "4.3.2", 421},
      {"550-a\r\n250 2.0.0 b\r\n", "550-a\n250 2.0.0 b", "", 550},
      {"220-a\r\n250 b\r\n", "220-a\n250 b", "", 250},
  };
  for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++)
    for (int cut = OCTETS; cut < (int)strlen(mixes[i].wire); cut++) {
      struct ls_reply r;
      ls_reply_init(&r);
      assert_int_equal(feed_cut(&r, ls_span_cstr(mixes[i].wire), cut), LS_EPROTOCOL);
      assert_true(r.complete && r.mixed);
      assert_int_equal(r.code, mixes[i].code);
      assert_string_equal(r.enhanced, mixes[i].enhanced);
      assert_span_equal(ls_buf_span(&r.text), ls_span_cstr(mixes[i].text));
      ls_reply_deinit(&r);
    }
}

/* What came before the server closed. text NULL: nothing. */
static void test_reply_tells_what_came_of_one_that_was_cut(void **state) {
  (void)state;
  static const struct {
    const char *wire, *text, *enhanced;
    int code;
  } cuts[] = {
      {"", NULL, NULL, 0},
      {"\r\n", NULL, NULL, 0},
      {"250 ok\r\n", NULL, NULL, 0},
      {"garbage\r\n", NULL, NULL, 0},
      {"421 too many", "421 too many", "", 421},
      {"421 too many\r", "421 too many", "", 421},
      {"250 ok\r\n554 5.7.1 no", "554 5.7.1 no", "5.7.1", 554},
      {"421-too\r\n", "421-too", "", 421},
      {"421-too\r\nma", "421-too\nma", "", 421},
      {"220-hello\r\n521", "220-hello\n521", "", 521},
      {"421", "421", "", 421},
      {"42", "42", "", 0},
      {"HTTP/1.1 400", "HTTP/1.1 400", "", 0},
  };
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
    struct ls_reply r;
    struct ls_span in = ls_span_cstr(cuts[i].wire);
    enum ls_status st = LS_OK;
    size_t used;
    ls_reply_init(&r);
    for (; in.n && st >= 0; in = ls_span_sub(in, used, in.n))
      st = ls_reply_feed(&r, in, &used);
    assert_int_equal(ls_reply_cut(&r), cuts[i].text != NULL);
    if (cuts[i].text) {
      assert_int_equal(r.code, cuts[i].code);
      assert_string_equal(r.enhanced, cuts[i].enhanced);
      assert_span_equal(ls_buf_span(&r.text), ls_span_cstr(cuts[i].text));
      assert_false(ls_reply_cut(&r));
    }
    ls_reply_deinit(&r);
  }
}

/* Answers after how many octets of endless repetition the reader gave up. */
static size_t feed_for_ever(const char *unit) {
  struct ls_reply r;
  size_t fed = 0;
  enum ls_status st = LS_AGAIN;
  ls_reply_init(&r);
  while (st == LS_AGAIN) {
    size_t used;
    st = ls_reply_feed(&r, ls_span_cstr(unit), &used);
    fed += strlen(unit);
    assert_true(fed <= LS_REPLY_MAX + 1000);
  }
  assert_int_equal(st, LS_ETOOBIG);
  ls_reply_deinit(&r);
  return fed;
}

static void test_reply_ends_at_its_limit(void **state) {
  (void)state;
  assert_true(feed_for_ever("250-again and again\r\n") >= LS_REPLY_MAX);
  assert_true(feed_for_ever("x") >= LS_REPLY_MAX);
  assert_true(feed_for_ever("\r\n") >= LS_REPLY_MAX);
}

/* A reply of n octets in lines of line octets; in any cut it is read up to the limit, and no further. */
static void check_length(size_t n, size_t line, size_t cut, enum ls_status wanted) {
  char *text = malloc(n);
  struct ls_reply r;
  size_t used = 0;
  assert_non_null(text);
  memset(text, 'x', n);
  for (size_t at = 0; at < n; at += line) {
    size_t end = n - at < 2 * line ? n : at + line;
    memcpy(text + at, end == n ? "250 " : "250-", 4);
    memcpy(text + end - 2, "\r\n", 2);
    at = end == n ? n : at;
  }
  ls_reply_init(&r);
  assert_int_equal(ls_reply_feed(&r, LS_SPAN("220 the one before\r\n"), &used), LS_OK);
  enum ls_status st = LS_AGAIN;
  for (size_t at = 0; st == LS_AGAIN && at < n; at += used)
    st = ls_reply_feed(&r, ls_span(text + at, n - at < cut ? n - at : cut), &used);
  assert_int_equal(st, wanted);
  ls_reply_deinit(&r);
  free(text);
}

static void test_reply_takes_as_much_as_its_limit(void **state) {
  (void)state;
  static const size_t lines[] = {70, 1000, LS_REPLY_MAX + 1};
  static const size_t cuts[] = {1, 97, LS_REPLY_MAX - 1, LS_REPLY_MAX, LS_REPLY_MAX + 1};
  for (size_t i = 0; i < 3; i++)
    for (size_t k = 0; k < 5; k++) {
      check_length(LS_REPLY_MAX, lines[i], cuts[k], LS_OK);
      check_length(LS_REPLY_MAX + 1, lines[i], cuts[k], LS_ETOOBIG);
    }
}

static bool read_long_reply(void *context) {
  (void)context;
  struct ls_reply r;
  enum ls_status st = LS_AGAIN;
  size_t used;
  ls_reply_init(&r);
  for (int i = 0; i < 1000 && st == LS_AGAIN; i++)
    st = ls_reply_feed(&r, LS_SPAN("250-one of many lines\r\n"), &used);
  if (st == LS_AGAIN)
    st = ls_reply_feed(&r, LS_SPAN("250 2.0.0 the last\r\n"), &used);
  assert_true(st == LS_OK || st == LS_ENOMEM);
  ls_reply_deinit(&r);
  return st == LS_OK;
}

static void test_reply_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(read_long_reply, NULL) > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reply_reads_every_row_in_any_cut),
      cmocka_unit_test(test_reply_stops_behind_the_first_of_several),
      cmocka_unit_test(test_reply_rejects_nul),
      cmocka_unit_test(test_reply_tells_all_of_one_with_different_codes),
      cmocka_unit_test(test_reply_tells_what_came_of_one_that_was_cut),
      cmocka_unit_test(test_reply_excerpt_shows_the_bad_line),
      cmocka_unit_test(test_reply_ends_at_its_limit),
      cmocka_unit_test(test_reply_takes_as_much_as_its_limit),
      cmocka_unit_test(test_reply_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
