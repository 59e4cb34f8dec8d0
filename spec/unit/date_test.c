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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_date_writes_each_moment_as_headers_do)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
