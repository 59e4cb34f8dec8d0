/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/transport/idn.h"

#define TEXT(literal)                                                                                        \
  { (literal), sizeof(literal) - 1 }

struct row {
  struct ls_span domain;
  struct ls_span ascii;   /* with an ASCII local part; n = 0: refused */
  struct ls_span unicode; /* with another */
};

static const struct row rows[] = {
    {TEXT("Example.ORG"), TEXT("example.org"), TEXT("example.org")},
    {TEXT("B\xc3\x9c"
          "CHER.Example"),
     TEXT("xn--bcher-kva.example"),
     TEXT("b\xc3\xbc"
          "cher.example")},
    {TEXT("XN--BCHER-KVA.example"), TEXT("xn--bcher-kva.example"),
     TEXT("b\xc3\xbc"
          "cher.example")},
    {TEXT("stra\xc3\x9f"
          "e.de"),
     TEXT("xn--strae-oqa.de"),
     TEXT("stra\xc3\x9f"
          "e.de")},
    {TEXT("\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x82jp"), TEXT("xn--wgv71a.jp"),
     TEXT("\xe6\x97\xa5\xe6\x9c\xac.jp")},
    {TEXT("u\xcc\x88.x"), TEXT("xn--tda.x"), TEXT("\xc3\xbc.x")},
    {TEXT("a_b.\xc3\xbc"), TEXT("a_b.xn--tda"), TEXT("a_b.\xc3\xbc")},
    {TEXT("[127.0.0.1]"), TEXT("[127.0.0.1]"), TEXT("[127.0.0.1]")},
    {TEXT("[IPv6:2001:DB8::1]"), TEXT("[IPv6:2001:DB8::1]"), TEXT("[IPv6:2001:DB8::1]")},
    {TEXT("a..b."), TEXT("a..b"), TEXT("a..b")}, /* ls_mailbox_check refuses it */
    {TEXT("\xc3\xbc.b\xe3\x80\x82"), TEXT("xn--tda.b"), TEXT("\xc3\xbc.b")},
    {TEXT("e\xc2\xadx\xe2\x80\x8b.\xef\xbd\x83om"), TEXT("ex.com"), TEXT("ex.com")},
    {TEXT("a\xe2\x80\xa5"
          "b"),
     TEXT(""), TEXT("")}, /* one character of two dots */
    {TEXT("xn--junk!.x"), TEXT("xn--junk!.x"), TEXT("xn--junk!.x")},
    {TEXT("xn--a-ecp.x"), TEXT("xn--a-ecp.x"), TEXT("xn--a-ecp.x")}, /* hides U+2488, which is no letter */
    {TEXT("\xf0\x9f\x92\xa9.la"), TEXT("xn--ls8h.la"), TEXT("\xf0\x9f\x92\xa9.la")},
    {TEXT("xn--ls8h.la"), TEXT("xn--ls8h.la"), TEXT("\xf0\x9f\x92\xa9.la")},
    {TEXT("I\xe2\x9d\xa4\xef\xb8\x8f.ws"), TEXT("xn--i-7iq.ws"), TEXT("i\xe2\x9d\xa4.ws")},
    {TEXT("\xc3\xbc\xe2\x9d\xa4.ws"), TEXT("xn--tda877q.ws"), TEXT("\xc3\xbc\xe2\x9d\xa4.ws")},
    {TEXT("\xef\xbc\x9c.x"), TEXT(""), TEXT("")}, /* full-width '<' */
    {TEXT("\xe2\x84\x80.x"), TEXT(""), TEXT("")}, /* a/c */
    {TEXT("a\xef\xbc\xa0"
          "b.x"),
     TEXT(""), TEXT("")}, /* full-width '@' */
    {TEXT("\xc3\xbc .x"), TEXT(""), TEXT("")},
    {TEXT("-\xc3\xbc.x"), TEXT(""), TEXT("")},
    {TEXT("\xe2\x9d\xa4 .x"), TEXT(""), TEXT("")},
    {TEXT("\xe2\x80\xae\xc3\xbc.x"), TEXT(""), TEXT("")}, /* right-to-left override */
    {TEXT("\0\xc3\xbc"), TEXT(""), TEXT("")},
};

static void check_row(const struct row *row, struct ls_span local, struct ls_span want) {
  struct ls_arena a;
  struct ls_error err = {0};
  struct ls_mailbox m = {.local = local, .domain = support_guard(row->domain)};
  struct ls_span guarded = m.domain;
  ls_arena_init(&a, SIZE_MAX);
  enum ls_status status = ls_idn_domain(&m, &a, &err);
  assert_int_equal(status, want.n ? LS_OK : LS_EENVELOPE);
  assert_int_equal(status, err.status);
  if (want.n)
    assert_span_equal(m.domain, want);
  else
    assert_non_null(strstr(err.message, "label"));
  ls_error_deinit(&err);
  ls_arena_deinit(&a);
  support_unguard(guarded);
}

static void test_idn_follows_the_local_part(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    check_row(&rows[i], LS_SPAN("a"), rows[i].ascii);
    check_row(&rows[i], LS_SPAN("\xc3\xb5"), rows[i].unicode);
  }
}

static void test_idn_refuses_a_label_of_more_than_63_octets(void **state) {
  (void)state;
  char domain[248];
  struct row row = {ls_span(domain, 0), {NULL, 0}, {NULL, 0}};
  for (size_t i = 0; i < sizeof domain / 4; i++)
    memcpy(domain + 4 * i, "\xf0\x9f\x92\xa9", 4);
  row.domain.n = sizeof domain;
  check_row(&row, LS_SPAN("a"), ls_span(NULL, 0));
  for (size_t i = 0; i < sizeof domain / 2; i++)
    memcpy(domain + 2 * i, "\xc3\xbc", 2);
  check_row(&row, LS_SPAN("a"), ls_span(NULL, 0));
}

static bool convert_a_group(void *context) {
  (void)context;
  struct ls_mailbox members[] = {
      {.local = LS_SPAN("a"), .domain = LS_SPAN("B\xc3\x9c.x")},
      {.local = LS_SPAN("\xc3\xb5"), .domain = LS_SPAN("xn--ls8h.\xf0\x9f\x92\xa9\xc3\xbc")},
  };
  struct ls_mailbox group = {.is_group = true, .members = members, .count = 2};
  struct ls_arena a;
  struct ls_error err = {0};
  ls_arena_init(&a, SIZE_MAX);
  bool ok = ls_idn_domain(&group, &a, &err) == LS_OK;
  if (ok) {
    assert_span_equal(members[0].domain, LS_SPAN("xn--b-eha.x"));
    assert_span_equal(members[1].domain, LS_SPAN("\xf0\x9f\x92\xa9.\xf0\x9f\x92\xa9\xc3\xbc"));
  }
  ls_error_deinit(&err);
  ls_arena_deinit(&a);
  return ok;
}

static void test_idn_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(convert_a_group, NULL) > 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_idn_follows_the_local_part),
      cmocka_unit_test(test_idn_refuses_a_label_of_more_than_63_octets),
      cmocka_unit_test(test_idn_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
