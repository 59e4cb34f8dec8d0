/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/capability.h"

static struct ls_capability read_line(const char *line) {
  struct ls_capability c;
  struct ls_span guarded = support_guard(ls_span_cstr(line));
  ls_capability_init(&c);
  ls_capability_add(&c, guarded);
  support_unguard(guarded);
  return c;
}

static void test_capability_reads_each_keyword_in_any_case(void **state) {
  (void)state;
  assert_true(read_line("PIPELINING").pipelining);
  assert_true(read_line("Pipelining").pipelining);
  assert_true(read_line("PIPELINING\r\n").pipelining);
  assert_true(read_line("chunking").chunking);
  assert_true(read_line("8BITMIME").eightbit);
  assert_true(read_line("SmtpUtf8").smtputf8);
  assert_true(read_line("STARTTLS").starttls);
  assert_true(read_line("DSN").dsn);
  assert_true(read_line("ENHANCEDSTATUSCODES").enhanced);
}

static void test_capability_takes_no_part_of_a_word_for_a_keyword(void **state) {
  (void)state;
  static const char *const lines[] = {
      "",
      " PIPELINING",
      "auth.example.com",
      "AUTHENTICATE",
      "XPIPELINING",
      "PIPELINING=1",
      "SIZES 5",
      "X-SIZE 5",
      "STARTTLSX",
      "mail.starttls.example STARTTLS",
      "CHUNKING-NOT",
      "=AUTH PLAIN",
      "AUTH-PLAIN",
      "8BITMIM",
  };
  const struct ls_capability none = {0};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    struct ls_capability c = read_line(lines[i]);
    assert_memory_equal(&c, &none, sizeof c);
  }
}

static void test_capability_reads_mechanisms_as_whole_words(void **state) {
  (void)state;
  static const struct {
    const char *line;
    unsigned auth;
  } cases[] = {
      {"AUTH PLAIN LOGIN", LS_AUTH_PLAIN | LS_AUTH_LOGIN},
      {"auth\tplain  login ", LS_AUTH_PLAIN | LS_AUTH_LOGIN},
      {"AUTH=PLAIN LOGIN", LS_AUTH_PLAIN | LS_AUTH_LOGIN},
      {"AUTH=LOGIN", LS_AUTH_LOGIN},
      {"AUTH= PLAIN", LS_AUTH_PLAIN},
      {"AUTH PLAIN-CLIENTTOKEN XOAUTH XOAUTH2", LS_AUTH_XOAUTH2},
      {"AUTH SCRAM-SHA-1-PLUS SCRAM-SHA-256", LS_AUTH_SCRAM_SHA_256},
      {"AUTH CRAM-MD5 DIGEST-MD5 NTLM GSSAPI EXTERNAL OAUTHBEARER SCRAM-SHA-1",
       LS_AUTH_CRAM_MD5 | LS_AUTH_DIGEST_MD5 | LS_AUTH_NTLM | LS_AUTH_GSSAPI | LS_AUTH_EXTERNAL |
           LS_AUTH_OAUTHBEARER | LS_AUTH_SCRAM_SHA_1},
      {"AUTH", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct ls_capability c = read_line(cases[i].line);
    assert_int_equal(c.auth, cases[i].auth);
    assert_true(c.auth_line);
  }
}

static void test_capability_gathers_mechanisms_of_several_lines(void **state) {
  (void)state;
  struct ls_capability c;
  ls_capability_init(&c);
  ls_capability_add(&c, LS_SPAN("AUTH=LOGIN"));
  ls_capability_add(&c, LS_SPAN("AUTH PLAIN"));
  assert_int_equal(c.auth, LS_AUTH_PLAIN | LS_AUTH_LOGIN);
}

static void test_capability_reads_size_without_overflow(void **state) {
  (void)state;
  static const struct {
    const char *line;
    uint64_t max;
  } cases[] = {
      {"SIZE", 0},
      {"SIZE ", 0},
      {"SIZE 0", 0},
      {"size 35882577", 35882577},
      {"SIZE 10240000\r", 10240000},
      {"SIZE 18446744073709551615", UINT64_MAX},
      {"SIZE 18446744073709551616", UINT64_MAX},
      {"SIZE 99999999999999999999999999999999999999", UINT64_MAX},
      {"SIZE -1", 0},
      {"SIZE 10M", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct ls_capability c = read_line(cases[i].line);
    assert_true(c.size);
    assert_true(c.size_max == cases[i].max);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_capability_reads_each_keyword_in_any_case),
      cmocka_unit_test(test_capability_takes_no_part_of_a_word_for_a_keyword),
      cmocka_unit_test(test_capability_reads_mechanisms_as_whole_words),
      cmocka_unit_test(test_capability_gathers_mechanisms_of_several_lines),
      cmocka_unit_test(test_capability_reads_size_without_overflow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
