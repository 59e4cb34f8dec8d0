/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/attempt.h"

static struct ls_error error_of(enum ls_status status, int code) {
  return (struct ls_error){.status = status, .reason = ls_reason_of(status), .response_code = code};
}

static void test_attempt_judges_what_the_next_one_would_meet(void **state) {
  (void)state;
  static const struct {
    enum ls_status status;
    int code;
    bool connected;
    enum ls_attempt_verdict verdict;
  } rows[] = {
      {LS_ECONNECTION, 0, true, LS_ATTEMPT_PASSING},   /* closed */
      {LS_ESOCKET, 0, true, LS_ATTEMPT_PASSING},       /* reset */
      {LS_EPROTOCOL, 421, true, LS_ATTEMPT_PASSING},   /* greeting */
      {LS_EPROTOCOL, 450, true, LS_ATTEMPT_PASSING},   /* greeting */
      {LS_ECONNECTION, 421, true, LS_ATTEMPT_PASSING}, /* EHLO */
      {LS_EAUTH, 421, true, LS_ATTEMPT_PASSING},       /* the connection, not the login */
      {LS_ESOCKET, 0, false, LS_ATTEMPT_ABSENT},       /* ECONNREFUSED */
      {LS_EDNS, 0, false, LS_ATTEMPT_ABSENT},
      {LS_ETIMEDOUT, 0, false, LS_ATTEMPT_ABSENT},
      {LS_ETIMEDOUT, 0, true, LS_ATTEMPT_SILENT},
      {LS_EPROTOCOL, 554, true, LS_ATTEMPT_FINAL},
      {LS_EPROTOCOL, 0, true, LS_ATTEMPT_FINAL},
      {LS_EAUTH, 535, true, LS_ATTEMPT_FINAL},
      {LS_EAUTH, 454, true, LS_ATTEMPT_FINAL},
      {LS_EAUTH, 0, true, LS_ATTEMPT_FINAL},
      {LS_ETLS, 0, true, LS_ATTEMPT_FINAL},
      {LS_EPROXY, 0, false, LS_ATTEMPT_FINAL},
      {LS_ENOMEM, 0, false, LS_ATTEMPT_FINAL},
      {LS_ECONFIG, 0, false, LS_ATTEMPT_FINAL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_error e = error_of(rows[i].status, rows[i].code);
    assert_int_equal(ls_attempt_judge(&e, rows[i].connected), rows[i].verdict);
  }
}

static void test_attempt_pauses_grow_and_vary_by_a_quarter(void **state) {
  (void)state;
  static const int64_t pauses[] = {100, 1000, 2000, 4000, 8000, 8000, 8000};
  static const uint32_t chances[] = {0, 1, 12345, 0x7fffffff, UINT32_MAX};
  for (size_t c = 0; c < sizeof chances / sizeof *chances; c++) {
    struct ls_attempts a = {0};
    int64_t now = 1000000;
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
      assert_true(ls_attempt_may_begin(&a, 0, now));
      uint64_t n = ls_attempt_begin(&a, now);
      ls_attempt_failed(&a, n, now, chances[c]);
      int64_t pause = a.again_ms - now;
      assert_true(pause >= pauses[i] * 3 / 4 && pause <= pauses[i] * 5 / 4);
      assert_int_equal(ls_attempt_exhausted(&a), i + 1 >= LS_ATTEMPT_MOST);
      assert_false(ls_attempt_may_begin(&a, 0, a.again_ms - 1));
      now = a.again_ms;
    }
  }
}

static void test_attempt_counts_those_begun_together_as_one(void **state) {
  (void)state;
  struct ls_attempts a = {0};
  uint64_t n[5];
  for (size_t i = 0; i < 5; i++) {
    assert_true(ls_attempt_may_begin(&a, i, 1000000));
    n[i] = ls_attempt_begin(&a, 1000000);
  }
  for (size_t i = 0; i < 5; i++)
    ls_attempt_failed(&a, n[i], 1000001, 0);
  assert_int_equal(a.failures, 1);
  assert_int_equal(a.level, 1);
}

static void test_attempt_is_made_alone_until_a_newer_one_works(void **state) {
  (void)state;
  struct ls_attempts a = {0};
  uint64_t old = ls_attempt_begin(&a, 1000000);
  uint64_t n = ls_attempt_begin(&a, 1000000);
  ls_attempt_failed(&a, n, 1000000, 0);
  ls_attempt_worked(&a, old); /* says that the server is there, not that it takes another connection */
  assert_int_equal(a.failures, 0);
  assert_int_equal(a.level, 1);
  n = ls_attempt_begin(&a, 1001000);
  assert_false(ls_attempt_may_begin(&a, 1, 1001000));
  ls_attempt_worked(&a, n);
  assert_int_equal(a.level, 0);
  assert_true(ls_attempt_may_begin(&a, 1, 1001000));
}

static void test_attempt_forgets_what_is_long_ago(void **state) {
  (void)state;
  struct ls_attempts a = {0};
  for (size_t i = 0; i < 9; i++)
    ls_attempt_failed(&a, ls_attempt_begin(&a, 1000000), 1000000, 0);
  assert_true(ls_attempt_exhausted(&a));
  int64_t later = 1000000 + LS_ATTEMPT_FORGET_MS;
  ls_attempt_failed(&a, ls_attempt_begin(&a, later), later, 0);
  assert_int_equal(a.level, 1);
  assert_false(ls_attempt_exhausted(&a));
}

static void test_attempt_was_vain_where_nothing_was_accepted(void **state) {
  (void)state;
  static const struct {
    struct ls_attempt_use use;
    bool vain;
  } rows[] = {
      {{.answered = 0, .accepted = 0, .wanted = true, .lived_ms = 100000}, true},
      {{.answered = 0, .accepted = 0, .wanted = false, .lived_ms = 0}, false}, /* nobody wanted anything */
      {{.answered = 1, .accepted = 0, .wanted = true, .lived_ms = 0}, true},
      {{.answered = LS_ATTEMPT_MUCH - 1, .accepted = 0, .wanted = true, .lived_ms = 0}, true},
      {{.answered = LS_ATTEMPT_MUCH, .accepted = 0, .wanted = true, .lived_ms = 0}, false},
      {{.answered = 1, .accepted = 0, .wanted = true, .lived_ms = LS_ATTEMPT_LONGEST_MS}, false},
      {{.answered = 1, .accepted = 1, .wanted = true, .lived_ms = 0}, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(ls_attempt_was_vain(&rows[i].use), rows[i].vain);
}

static void test_attempt_lets_wait_while_messages_are_refused(void **state) {
  (void)state;
  struct ls_attempts a = {0};
  for (size_t i = 0; i < 9; i++) {
    uint64_t n = ls_attempt_begin(&a, 1000000);
    ls_attempt_answered(&a);
    ls_attempt_failed(&a, n, 1000000, 0);
    assert_int_equal(a.level, i + 1);
    assert_false(ls_attempt_exhausted(&a));
  }
}

static void test_attempt_tries_soon_again_where_nobody_is_there(void **state) {
  (void)state;
  struct ls_attempts a = {0};
  for (size_t i = 0; i < 9; i++) {
    ls_attempt_failed(&a, ls_attempt_begin(&a, 1000000), 1000000, 0);
    ls_attempt_told(&a, 1000000, 0);
    assert_int_equal(a.again_ms - 1000000, LS_ATTEMPT_SOON_MS * 3 / 4);
    assert_false(ls_attempt_exhausted(&a));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_attempt_judges_what_the_next_one_would_meet),
      cmocka_unit_test(test_attempt_pauses_grow_and_vary_by_a_quarter),
      cmocka_unit_test(test_attempt_counts_those_begun_together_as_one),
      cmocka_unit_test(test_attempt_is_made_alone_until_a_newer_one_works),
      cmocka_unit_test(test_attempt_forgets_what_is_long_ago),
      cmocka_unit_test(test_attempt_was_vain_where_nothing_was_accepted),
      cmocka_unit_test(test_attempt_lets_wait_while_messages_are_refused),
      cmocka_unit_test(test_attempt_tries_soon_again_where_nobody_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
