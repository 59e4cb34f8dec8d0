/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/date.h"

static void test_date_writes_each_moment_as_headers_do(void **state) {
  (void)state;
  static const struct {
    int64_t s;
    const char *text;
  } rows[] = {
      {0, "Thu, 01 Jan 1970 00:00:00 +0000"},           {-1, "Wed, 31 Dec 1969 23:59:59 +0000"},
      {1795442604, "Mon, 23 Nov 2026 14:03:24 +0000"},  {951782400, "Tue, 29 Feb 2000 00:00:00 +0000"},
      {951868799, "Tue, 29 Feb 2000 23:59:59 +0000"},   {951868800, "Wed, 01 Mar 2000 00:00:00 +0000"},
      {4107542400, "Mon, 01 Mar 2100 00:00:00 +0000"},  {4107542399, "Sun, 28 Feb 2100 23:59:59 +0000"},
      {2147483648, "Tue, 19 Jan 2038 03:14:08 +0000"},  {LS_DATE_MIN, "Sat, 01 Jan 0000 00:00:00 +0000"},
      {LS_DATE_MAX, "Fri, 31 Dec 9999 23:59:59 +0000"}, {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000"},
      {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 +0000"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_buf b;
    ls_buf_init(&b, 100);
    ls_date_write(&b, rows[i].s);
    assert_span_equal(ls_buf_span(&b), ls_span_cstr(rows[i].text));
    ls_buf_deinit(&b);
  }
}

static void test_date_reads_mail_dates_and_iso_dates(void **state) {
  (void)state;
  static const struct {
    const char *in;
    const char *out; /* NULL: refused */
  } rows[] = {
      {"Mon, 23 Nov 2026 14:03:24 +0000", "Mon, 23 Nov 2026 14:03:24 +0000"},
      {"Mon, 23 Nov 2026 14:03:24 -0000", "Mon, 23 Nov 2026 14:03:24 -0000"},
      {" mon, 23 nov 2026 14:03 +0530 (a (nested\\)) comment) ", "Mon, 23 Nov 2026 14:03:00 +0530"},
      {"23 Nov 2026\r\n 14 : 03 : 24 GMT", "Mon, 23 Nov 2026 14:03:24 +0000"},
      {"1 Jan 24 00:00:00 EST", "Mon, 01 Jan 2024 00:00:00 -0500"},
      {"1 Jan 99 00:00:00 PDT", "Fri, 01 Jan 1999 00:00:00 -0700"},
      {"1 Jan 099 00:00:00 ut", "Fri, 01 Jan 1999 00:00:00 +0000"},
      {"31 Dec 1998 23:59:60 -0330", "Thu, 31 Dec 1998 23:59:60 -0330"},
      {"29 Feb 2000 00:00 +0000", "Tue, 29 Feb 2000 00:00:00 +0000"},
      {"29 Feb 2100 00:00 +0000", NULL},
      {"29 Feb 2023 00:00 +0000", NULL},
      {"31 Apr 2026 00:00 +0000", NULL},
      {"0 Apr 2026 00:00 +0000", NULL},
      {"Tue, 23 Nov 2026 14:03:24 +0000", NULL},
      {"Monday, 23 Nov 2026 14:03:24 +0000", NULL},
      {"Mon 23 Nov 2026 14:03:24 +0000", NULL},
      {"Mon Nov 23 14:03:24 2026", NULL},
      {"23 Nov 2026 14:03:24", NULL},
      {"23 Nov 2026 24:00:00 +0000", NULL},
      {"23 Nov 2026 14:60:00 +0000", NULL},
      {"23 Nov 2026 14:03:61 +0000", NULL},
      {"23 Nov 2026 14:03:24 +000", NULL},
      {"23 Nov 2026 14:03:24 +0060", NULL},
      {"23 Nov 2026 14:03:24 +0059", "Mon, 23 Nov 2026 14:03:24 +0059"},
      {"23 Nov 2026 23:59:60 -9959", "Mon, 23 Nov 2026 23:59:60 -9959"},
      {"23 Nov 2026 14:03:24 +00:00", NULL},
      {"23 Nov 2026 14:03:24 CET", NULL},
      {"23 Nov 2026 14:03:24 +0000 x", NULL},
      {"23 Nov 2026 14:03:24 +0000 (x", NULL},
      {"23 Nov 2026 14:03:24 +0000\r\nBcc: x", NULL},
      {"23 Nov 20260 14:03:24 +0000", NULL},
      {"023 Nov 2026 14:03:24 +0000", NULL},
      {"2026-11-23T14:03:24Z", "Mon, 23 Nov 2026 14:03:24 +0000"},
      {"2026-11-23t14:03:24z", "Mon, 23 Nov 2026 14:03:24 +0000"},
      {"2026-11-23 14:03:24.123456+02:00", "Mon, 23 Nov 2026 14:03:24 +0200"},
      {"2026-11-23T14:03:24,5-0930", "Mon, 23 Nov 2026 14:03:24 -0930"},
      {"2026-11-23T14:03+02", "Mon, 23 Nov 2026 14:03:00 +0200"},
      {"20261123T140324Z", "Mon, 23 Nov 2026 14:03:24 +0000"},
      {"20261123T1403-0800", "Mon, 23 Nov 2026 14:03:00 -0800"},
      {"2026-11-23", "Mon, 23 Nov 2026 00:00:00 +0000"},
      {"0000-02-29", "Tue, 29 Feb 0000 00:00:00 +0000"},
      {"9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 +0000"},
      {"2026-11-23T14:03:24", NULL},
      {"2026-11-23T14:03:24Zx", NULL},
      {"2026-11-23T14:03:24.Z", NULL},
      {"2026-11-23T14Z", NULL},
      {"2026-11-23T14:0324Z", NULL},
      {"2026-1123", NULL},
      {"2026-11", NULL},
      {"2026", NULL},
      {"2026-W48-1", NULL},
      {"2026-00-23", NULL},
      {"2026-13-23", NULL},
      {"2026-11-31", NULL},
      {"2026-11-23T25:00:00Z", NULL},
      {"2026-11-23T14:03:24+", NULL},
      {"2026-11-23T14:03:24+0:00", NULL},
      {"1795442604", NULL},
      {"", NULL},
      {" ", NULL},
      {"(", NULL},
      {"(x)", NULL},
      {"tomorrow", NULL},
      {"Mon,", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_span in = support_guard(ls_span_cstr(rows[i].in));
    struct ls_buf b;
    ls_buf_init(&b, 100);
    const char *fault = ls_date_read(&b, in);
    if ((fault == NULL) != (rows[i].out != NULL))
      fail_msg("\"%s\" %s", rows[i].in, fault ? fault : "is taken");
    assert_span_equal(ls_buf_span(&b), ls_span_cstr(rows[i].out));
    ls_buf_deinit(&b);
    support_unguard(in);
  }
}

/* What is written is read as the same moment, and so is its ISO form; cut short anywhere, nothing is read
 * past its end. */
static void test_date_reads_back_what_it_writes(void **state) {
  (void)state;
  for (int64_t s = LS_DATE_MIN; s < LS_DATE_MAX; s += INT64_C(86400) * 977 + 12345) {
    struct ls_buf want, got;
    ls_buf_init(&want, 100);
    ls_buf_init(&got, 100);
    ls_date_write(&want, s);
    assert_null(ls_date_read(&got, ls_buf_span(&want)));
    assert_span_equal(ls_buf_span(&got), ls_buf_span(&want));
    ls_buf_deinit(&want);
    ls_buf_deinit(&got);
  }
  static const char *const dates[] = {"Mon, 23 Nov 2026 14:03:24 +0000 (a \\)b)",
                                      "2026-11-23T14:03:24.5+02:00", "20261123T140324Z"};
  for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
    for (size_t n = 0; n <= strlen(dates[i]); n++) {
      struct ls_span in = support_guard(ls_span(dates[i], n));
      struct ls_buf b;
      ls_buf_init(&b, 100);
      ls_date_read(&b, in);
      ls_buf_deinit(&b);
      support_unguard(in);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_date_writes_each_moment_as_headers_do),
      cmocka_unit_test(test_date_reads_mail_dates_and_iso_dates),
      cmocka_unit_test(test_date_reads_back_what_it_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
