/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/error.h"

/* What servers say, as seen in their documents and in bug reports. */
static const struct {
  const char *command;
  int code;
  const char *enhanced, *text;
  enum ls_reason reason;
} rows[] = {
    {"DATA", 454, "", "454 Throttling failure: Maximum sending rate exceeded.", LS_REASON_THROTTLED},
    {"AUTH PLAIN", 454, "4.7.0", "454 4.7.0 Too many login attempts, please try again later.",
     LS_REASON_THROTTLED},
    {"STARTTLS", 454, "4.7.0", "454 4.7.0 TLS not available due to local problem", LS_REASON_NONE},
    {"RCPT TO", 450, "4.2.1", "450-4.2.1 The user you are trying to contact is receiving mail too quickly.",
     LS_REASON_THROTTLED},
    {"RCPT TO", 450, "4.2.0", "450 4.2.0 Greylisted, see http://postgrey.example/", LS_REASON_NONE},
    {"CONN", 421, "4.7.0", "421 4.7.0 Our system has detected an unusual rate of unsolicited mail",
     LS_REASON_THROTTLED},
    {"CONN", 421, "4.7.28", "421-4.7.28 [192.0.2.1] unusual traffic", LS_REASON_THROTTLED},
    {"CONN", 421, "4.7.0", "421 4.7.0 mail.example Error: too many connections from 192.0.2.1",
     LS_REASON_THROTTLED},
    {"MAIL FROM", 451, "4.7.1", "451 4.7.1 Sender rate-limit reached", LS_REASON_THROTTLED},
    {"MAIL FROM", 450, "4.7.1", "450 4.7.1 Error: too much mail from 192.0.2.1", LS_REASON_NONE},
    {"MAIL FROM", 451, "4.3.0", "451 4.3.0 Unable to generate an answer; moderate your rates?",
     LS_REASON_NONE},
    {"RCPT TO", 452, "4.5.3", "452 4.5.3 Too many recipients", LS_REASON_NONE},
    {"DATA", 552, "5.7.0", "552 5.7.0 sending rate exceeded", LS_REASON_NONE}, /* for good: a refusal */
    {"MAIL FROM", 421, "4.4.2", "421 4.4.2 Timeout", LS_REASON_NONE},
};

static void test_reason_tells_throttling_from_refusals(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    enum ls_reason got =
        ls_reason_of_reply(rows[i].command, rows[i].code, rows[i].enhanced, ls_span_cstr(rows[i].text));
    if (got != rows[i].reason)
      fail_msg("%s", rows[i].text);
  }
}

static void test_reason_is_in_each_error_with_a_reply(void **state) {
  (void)state;
  struct ls_error e = {0}, copy = {0};
  ls_error_set(&e, LS_EENVELOPE, "RCPT TO", "no");
  assert_int_equal(e.reason, LS_REASON_NONE);
  ls_error_add_reply(&e, 450, "4.2.1", LS_SPAN("450 4.2.1 later"));
  assert_int_equal(e.reason, LS_REASON_THROTTLED);
  assert_false(ls_error_permanent(&e));
  ls_error_copy(&copy, &e);
  assert_string_equal(ls_reason_word(copy.reason), "throttled");
  assert_null(ls_reason_word(LS_REASON_NONE));
  ls_error_deinit(&e);
  ls_error_deinit(&copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reason_tells_throttling_from_refusals),
      cmocka_unit_test(test_reason_is_in_each_error_with_a_reply),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
