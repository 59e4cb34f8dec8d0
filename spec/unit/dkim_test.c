/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <string.h>

#include "../../src/pure/dkim.h"

static void test_dkim_names_are_lower_single_and_without_the_skipped(void **state) {
  (void)state;
  static const struct {
    const char *wanted, *skip, *want;
  } rows[] = {
      {"From:To", "", "from:to"},
      {" Subject : FROM :: subject:X-Tag:", "", "subject:from:x-tag"},
      {"From:To:Subject", " to : SUBJECT", "from"},
      {"Message-ID:From", "Message", "message-id:from"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_buf out;
    struct ls_error err = {0};
    ls_buf_init(&out, 1000);
    assert_int_equal(ls_dkim_names(ls_span_cstr(rows[i].wanted), ls_span_cstr(rows[i].skip), &out, &err),
                     LS_OK);
    assert_span_equal(ls_buf_span(&out), ls_span_cstr(rows[i].want));
    ls_buf_deinit(&out);
  }
}

static void test_dkim_names_refuses_what_is_no_name_and_a_list_without_from(void **state) {
  (void)state;
  static const struct {
    const char *wanted, *skip, *message;
  } rows[] = {
      {"From:To Cc", "", "no header field name"},    {"From:a;b", "", "no header field name"},
      {"From:\xc3\xbc", "", "no header field name"}, {"To:Subject", "", "must contain From"},
      {"From:To", "from", "must contain From"},      {"", "", "must contain From"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_buf out;
    struct ls_error err = {0};
    ls_buf_init(&out, 1000);
    assert_int_equal(ls_dkim_names(ls_span_cstr(rows[i].wanted), ls_span_cstr(rows[i].skip), &out, &err),
                     LS_EDKIM);
    assert_non_null(strstr(ls_error_text(&err), rows[i].message));
    ls_error_deinit(&err);
    ls_buf_deinit(&out);
  }
}

static const char head[] = "Received: one\r\n"
                           "From : A <a@b.c>\r\n"
                           "To: first@b.c\r\n"
                           "SUBJECT: one\r\n\ttwo\r\n"
                           "to:  second@b.c\r\n"
                           "broken line\r\n";

static void test_dkim_select_signs_every_instance_from_the_last(void **state) {
  (void)state;
  struct ls_buf fields, data;
  struct ls_error err = {0};
  ls_buf_init(&fields, 1000);
  ls_buf_init(&data, 1000);
  struct ls_span in = support_guard(LS_SPAN(head));
  assert_int_equal(ls_dkim_select(in, LS_SPAN("from:cc:to:subject"), &fields, &data, &err), LS_OK);
  assert_span_equal(ls_buf_span(&fields), LS_SPAN("from:to:to:subject"));
  assert_span_equal(ls_buf_span(&data), LS_SPAN("from:A <a@b.c>\r\nto:second@b.c\r\nto:first@b.c\r\n"
                                                "subject:one two\r\n"));
  support_unguard(in);
  ls_buf_deinit(&fields);
  ls_buf_deinit(&data);
}

static void test_dkim_select_needs_a_from(void **state) {
  (void)state;
  static const char *const heads[] = {"", "To: a@b.c\r\n", "X: y\r\n From: folded\r\n", "From\r\n"};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    struct ls_buf fields, data;
    struct ls_error err = {0};
    ls_buf_init(&fields, 1000);
    ls_buf_init(&data, 1000);
    assert_int_equal(ls_dkim_select(ls_span_cstr(heads[i]), LS_SPAN("from:to"), &fields, &data, &err),
                     LS_EDKIM);
    assert_non_null(strstr(ls_error_text(&err), "no From field"));
    ls_error_deinit(&err);
    ls_buf_deinit(&fields);
    ls_buf_deinit(&data);
  }
}

static bool lines_fit(struct ls_span text, size_t columns) {
  size_t column = 0;
  for (size_t i = 0; i < text.n; i++) {
    column = text.p[i] == '\n' ? 0 : column + 1;
    if (column > columns + 1) /* the CR */
      return false;
    if (text.p[i] == '\n' && i + 1 < text.n && text.p[i + 1] != ' ')
      return false;
  }
  return text.n > 2 && text.p[text.n - 1] == '\n' && text.p[text.n - 2] == '\r';
}

static void test_dkim_field_is_folded(void **state) {
  (void)state;
  struct ls_buf out;
  ls_buf_init(&out, 10000);
  struct ls_dkim_tags tags = {LS_SPAN("rsa-sha256"),
                              LS_SPAN("example.com"),
                              LS_SPAN("sel"),
                              1234567890,
                              LS_SPAN("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
                              LS_SPAN("from:reply-to:subject:date:message-id:to:mime-version:content-type:"
                                      "content-transfer-encoding")};
  ls_dkim_begin(&out, &tags);
  assert_span_equal(ls_buf_span(&out),
                    LS_SPAN("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;\r\n"
                            " q=dns/txt; s=sel; t=1234567890;\r\n"
                            " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; h=from:reply-to:subject:\r\n"
                            " date:message-id:to:mime-version:content-type:content-transfer-encoding; b="));
  char base64[344];
  memset(base64, 'A', sizeof base64);
  ls_dkim_finish(&out, ls_span(base64, sizeof base64));
  assert_true(lines_fit(ls_buf_span(&out), 76));
  ls_buf_deinit(&out);
}

static void test_dkim_field_with_long_domain_and_without_time(void **state) {
  (void)state;
  struct ls_buf out;
  ls_buf_init(&out, 10000);
  char domain[250];
  for (size_t i = 0; i < sizeof domain; i++)
    domain[i] = i % 50 == 49 && i + 1 < sizeof domain ? '.' : 'd';
  struct ls_span d = ls_span(domain, sizeof domain);
  assert_true(ls_dkim_is_domain(d));
  struct ls_dkim_tags tags = {LS_SPAN("rsa-sha256"), d, d, -1, LS_SPAN("x="), LS_SPAN("from")};
  ls_dkim_begin(&out, &tags);
  ls_dkim_finish(&out, LS_SPAN("QUJD"));
  assert_true(lines_fit(ls_buf_span(&out), 300));
  ls_buf_addc(&out, '\0');
  assert_null(strstr(out.p, " t="));
  ls_buf_deinit(&out);
}

static void test_dkim_domain_is_labels(void **state) {
  (void)state;
  static const char *const good[] = {"example.com", "a", "a_b.c-d", "2026", "xn--bcher-kva.example"};
  static const char *const bad[] = {
      "",    ".",         "a..b",   "a.",
      ".a",  "-a",        "a-",     "a b",
      "a;b", "b\xc3\xbc", "a\r\nb", "0123456789012345678901234567890123456789012345678901234567890123"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(ls_dkim_is_domain(ls_span_cstr(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(ls_dkim_is_domain(ls_span_cstr(bad[i])));
}

static bool sign_without_memory(void *context) {
  (void)context;
  struct ls_buf names, fields, data, out;
  struct ls_error err = {0};
  ls_buf_init(&names, 10000);
  ls_buf_init(&fields, 10000);
  ls_buf_init(&data, 10000);
  ls_buf_init(&out, 10000);
  enum ls_status status = ls_dkim_names(ls_span_cstr(ls_dkim_default_names), LS_SPAN(""), &names, &err);
  if (status == LS_OK)
    status = ls_dkim_select(LS_SPAN(head), ls_buf_span(&names), &fields, &data, &err);
  if (status == LS_OK) {
    struct ls_dkim_tags tags = {.fields = ls_buf_span(&fields)};
    ls_dkim_begin(&out, &tags);
    ls_dkim_finish(&out, LS_SPAN("QUJD"));
    status = out.status;
  }
  assert_true(status == LS_OK || status == LS_ENOMEM);
  ls_error_deinit(&err);
  ls_buf_deinit(&names);
  ls_buf_deinit(&fields);
  ls_buf_deinit(&data);
  ls_buf_deinit(&out);
  return status == LS_OK;
}

static void test_dkim_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(sign_without_memory, NULL) >= 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dkim_names_are_lower_single_and_without_the_skipped),
      cmocka_unit_test(test_dkim_names_refuses_what_is_no_name_and_a_list_without_from),
      cmocka_unit_test(test_dkim_select_signs_every_instance_from_the_last),
      cmocka_unit_test(test_dkim_select_needs_a_from),
      cmocka_unit_test(test_dkim_field_is_folded),
      cmocka_unit_test(test_dkim_field_with_long_domain_and_without_time),
      cmocka_unit_test(test_dkim_domain_is_labels),
      cmocka_unit_test(test_dkim_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
