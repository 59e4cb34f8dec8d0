/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>

#include "../../src/pure/mechanism.h"

static void test_mechanism_names_and_flags_are_distinct_and_agree(void **state) {
  const struct ls_mechanism *m;
  unsigned seen = 0;
  (void)state;
  for (size_t i = 0; (m = ls_mechanism_at(i)) != NULL; i++) {
    char command[64];
    snprintf(command, sizeof command, "AUTH %s", m->name);
    assert_string_equal(m->command, command);
    assert_int_equal(seen & m->flag, 0);
    assert_ptr_equal(ls_mechanism_named(ls_span_cstr(m->name)), m);
    assert_ptr_equal(ls_mechanism_first(m->flag), m);
    assert_int_equal(ls_mechanism_wanted(m->name, true, true), m->flag);
    seen |= m->flag;
  }
  assert_null(ls_mechanism_first(0));
  assert_null(ls_mechanism_named(LS_SPAN("PLAIN-CLIENTTOKEN")));
  assert_null(ls_mechanism_named(LS_SPAN("XOAUTH")));
  assert_null(ls_mechanism_named(LS_SPAN("")));
}

/* Where the server begins, and where no document allows it, there is no response in the line of AUTH. */
static void test_mechanism_begins_with_the_command_where_allowed(void **state) {
  static const struct {
    const char *method;
    bool initial;
  } rows[] = {
      {"PLAIN", true},  {"LOGIN", false},      {"CRAM-MD5", false},     {"DIGEST-MD5", false},
      {"NTLM", false},  {"XOAUTH2", true},     {"OAUTHBEARER", true},   {"EXTERNAL", true},
      {"GSSAPI", true}, {"SCRAM-SHA-1", true}, {"SCRAM-SHA-256", true},
  };
  (void)state;
  assert_null(ls_mechanism_at(sizeof rows / sizeof *rows));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(ls_mechanism_named(ls_span_cstr(rows[i].method))->initial, rows[i].initial);
}

static void test_mechanism_wanted_follows_the_login(void **state) {
  (void)state;
  assert_int_equal(ls_mechanism_wanted(NULL, false, false), LS_AUTH_PLAIN | LS_AUTH_LOGIN);
  assert_int_equal(ls_mechanism_wanted(NULL, false, true), LS_AUTH_CRAM_MD5);
  assert_int_equal(ls_mechanism_wanted(NULL, true, false), LS_AUTH_OAUTHBEARER | LS_AUTH_XOAUTH2);
  assert_string_equal(ls_mechanism_first(LS_AUTH_PLAIN | LS_AUTH_LOGIN)->name, "PLAIN");
  assert_string_equal(ls_mechanism_first(LS_AUTH_OAUTHBEARER | LS_AUTH_XOAUTH2)->name, "OAUTHBEARER");
}

static void test_mechanism_is_asked_again(void **state) {
  static const struct {
    const char *method, *challenge;
    bool again;
  } rows[] = {
      {"PLAIN", "", true},           {"PLAIN", "go ahead", true}, {"EXTERNAL", "", true},
      {"XOAUTH2", "", true},         {"XOAUTH2", "eyJ9", false},  {"OAUTHBEARER", "", true},
      {"OAUTHBEARER", "e30", false}, {"GSSAPI", "", false},       {"SCRAM-SHA-256", "cj0=", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct ls_mechanism *m = ls_mechanism_named(ls_span_cstr(rows[i].method));
    assert_int_equal(ls_mechanism_asks_again(m, ls_span_cstr(rows[i].challenge)), rows[i].again);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mechanism_names_and_flags_are_distinct_and_agree),
      cmocka_unit_test(test_mechanism_begins_with_the_command_where_allowed),
      cmocka_unit_test(test_mechanism_wanted_follows_the_login),
      cmocka_unit_test(test_mechanism_is_asked_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
