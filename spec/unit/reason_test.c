/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "../../src/pure/error.h"

static void test_reason_is_there_for_every_status(void **state) {
  (void)state;
  for (int status = -1; status >= -LS_STATUS_COUNT; status--) {
    struct ls_error e = {0};
    assert_int_equal(status, ls_error_set(&e, (enum ls_status)status, "API", "x"));
    assert_int_not_equal(LS_REASON_NONE, e.reason);
    assert_int_equal(status, ls_reason_status(e.reason));
    assert_int_equal(status, e.status);
    ls_error_deinit(&e);
  }
  assert_int_equal(LS_REASON_NONE, ls_reason_of(LS_OK));
  assert_int_equal(LS_REASON_NONE, ls_reason_of(LS_AGAIN));
}

static void test_reason_has_a_word_of_its_own_and_a_sentence(void **state) {
  (void)state;
  for (int i = LS_REASON_NONE + 1; i < LS_REASON_COUNT; i++) {
    const char *word = ls_reason_word((enum ls_reason)i);
    assert_int_equal(i, ls_reason_find(word));
    assert_int_equal(strlen(word), strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_"));
    assert_true(strlen(word) > 2 && *ls_reason_text((enum ls_reason)i));
    for (int j = LS_REASON_NONE + 1; j < i; j++)
      assert_string_not_equal(word, ls_reason_word((enum ls_reason)j));
  }
  assert_string_equal("", ls_reason_word(LS_REASON_NONE));
  assert_string_equal("", ls_reason_text(LS_REASON_COUNT));
}

static void test_reason_decides_the_status_and_what_is_lasting(void **state) {
  (void)state;
  for (int i = LS_REASON_NONE + 1; i < LS_REASON_COUNT; i++) {
    struct ls_error e = {0};
    enum ls_reason reason = (enum ls_reason)i;
    if (ls_reason_status(reason) == LS_OK)
      continue;
    assert_int_equal(ls_reason_status(reason), ls_error_because(&e, reason, "API", "%d", i));
    assert_int_equal(reason, e.reason);
    assert_int_equal(ls_reason_is_lasting(reason), ls_error_permanent(&e));
    assert_int_equal(e.status, ls_error_because(&e, reason, NULL, "nobody overwrites it"));
    assert_string_not_equal("nobody overwrites it", ls_error_text(&e));
    free(e.message);
    e.message = NULL;
    assert_string_equal(ls_reason_text(reason), ls_error_text(&e));
    ls_error_deinit(&e);
  }
}

/* Replies as services give them, where they are documented or on record, and some of the same kind. */
static const struct {
  enum ls_reason asked, reason;
  int code;
  const char *enhanced, *text;
} replies[] = {
#define MAIL LS_REASON_SENDER_REFUSED
#define RCPT LS_REASON_RECIPIENT_REFUSED
#define CONTENT LS_REASON_MESSAGE_REFUSED
#define LOGIN LS_REASON_AUTH_REFUSED
    {MAIL, LS_REASON_THROTTLED, 454, "", "454 Throttling failure: Maximum sending rate exceeded."},
    {CONTENT, LS_REASON_THROTTLED, 454, "", "454 Throttling failure: Daily message quota exceeded."},
    {MAIL, LS_REASON_THROTTLED, 454, "", "454 Temporary service failure"},
    {RCPT, LS_REASON_THROTTLED, 454, "4.7.0", "454 4.7.0 Try again"},
    {RCPT, RCPT, 454, "4.7.1", "454 4.7.1 <a@b>: Relay access denied"},
    {LOGIN, LS_REASON_AUTH_UNAVAILABLE, 454, "4.7.0", "454 4.7.0 Temporary authentication failure"},
    {LOGIN, LS_REASON_TOO_MANY_CONNECTIONS, 454, "4.7.0",
     "454 4.7.0 Too many login attempts, please try again later."},
    {LOGIN, LOGIN, 535, "5.7.8", "535 5.7.8 too many login attempts are none of our business"},
    {LS_REASON_TLS_REFUSED, LS_REASON_TLS_REFUSED, 454, "4.7.0", "454 4.7.0 TLS not available"},
    {RCPT, LS_REASON_THROTTLED, 450, "4.2.1",
     "450-4.2.1 The user you are trying to contact is receiving mail too quickly.\n450 4.2.1 Please resend"},
    {RCPT, LS_REASON_THROTTLED, 450, "4.2.1", "450 4.2.1 x"},
    {RCPT, RCPT, 450, "4.2.0", "450 4.2.0 Mailbox busy"},
    {RCPT, RCPT, 450, "4.2.0", "450 4.2.0 <rate@throttle_d.example> busy"},
    {RCPT, RCPT, 450, "4.1.8", "450 4.1.8 <a@b>: Sender address rejected: Domain not found"},
    {CONTENT, LS_REASON_THROTTLED, 421, "4.7.0",
     "421-4.7.0 Our system has detected an unusual rate of\n421 4.7.0 unsolicited mail"},
    {MAIL, LS_REASON_THROTTLED, 421, "4.7.28", "421 4.7.28 Your mail has been rate-limited"},
    {MAIL, LS_REASON_SERVER_CLOSING, 421, "4.7.0", "421 4.7.0 Try again later, closing connection."},
    {MAIL, LS_REASON_SERVER_CLOSING, 421, "4.7.0", "421 4.7.0 the moderated list is separate; operate it"},
    {LS_REASON_GREETING_REFUSED, LS_REASON_TOO_MANY_CONNECTIONS, 421, "4.7.0",
     "421 4.7.0 mx Error: too many connections from 192.0.2.1"},
    {LS_REASON_GREETING_REFUSED, LS_REASON_TOO_MANY_CONNECTIONS, 421, "",
     "421 Too many concurrent SMTP connections"},
    {LS_REASON_GREETING_REFUSED, LS_REASON_GREETING_REFUSED, 554, "5.7.1", "554 5.7.1 blocked: rate"},
    {LS_REASON_CONNECTION_LOST, LS_REASON_SERVER_CLOSING, 421, "", "421 bye"},
    {RCPT, LS_REASON_GREYLISTED, 451, "4.7.1", "451 4.7.1 Greylisting in action, please come back later"},
    {RCPT, LS_REASON_GREYLISTED, 450, "4.2.0", "450 4.2.0 <a@b>: Recipient address rejected: Greylisted"},
    {RCPT, LS_REASON_MAILBOX_FULL, 452, "4.2.2", "452 4.2.2 The recipient's inbox is over: quota exceeded"},
    {RCPT, LS_REASON_MAILBOX_FULL, 552, "5.2.2", "552 5.2.2 over quota"},
    {MAIL, LS_REASON_SIZE_REFUSED, 552, "", "552 message size exceeds fixed maximum"},
    {MAIL, LS_REASON_SIZE_REFUSED, 552, "5.3.4", "552 5.3.4 too big"},
    {CONTENT, LS_REASON_SIZE_REFUSED, 552, "5.3.4", "552 5.3.4 too big"},
    {CONTENT, CONTENT, 552, "5.7.0", "552 5.7.0 this attachment is a security risk"},
    {CONTENT, CONTENT, 554, "", "554 refused"},
    {RCPT, RCPT, 550, "5.1.1", "550 5.1.1 no such user, rate us"},
    {LS_REASON_GREETING_REFUSED, LS_REASON_THROTTLED, 421, "4.7.28",
     "421-4.7.28 [192.0.2.1] unusual traffic"},
    {MAIL, LS_REASON_THROTTLED, 451, "4.7.1", "451 4.7.1 Sender rate-limit reached"},
    {MAIL, LS_REASON_THROTTLED, 451, "", "451 Slow down"},
    {MAIL, MAIL, 450, "4.7.1", "450 4.7.1 Error: too much mail from 192.0.2.1"},
    {MAIL, MAIL, 451, "4.3.0", "451 4.3.0 Unable to generate an answer; moderate your rates?"},
    {CONTENT, CONTENT, 552, "5.7.0", "552 5.7.0 sending rate exceeded"},
    {MAIL, LS_REASON_SERVER_CLOSING, 421, "4.4.2", "421 4.4.2 Timeout"},
    {RCPT, RCPT, 452, "4.5.3", "452 4.5.3 Too many recipients"},
    {LS_REASON_REPLY_UNUSABLE, LS_REASON_REPLY_UNUSABLE, 0, "", "SSH-2.0 rate"},
};

static void test_reason_of_a_reply_tells_limits_from_refusals(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
    struct ls_error e = {0};
    struct ls_span text = support_guard(ls_span_cstr(replies[i].text));
    ls_error_because(&e, replies[i].asked, "X", "x");
    ls_error_add_reply(&e, replies[i].code, replies[i].enhanced, text);
    if (e.reason != replies[i].reason)
      print_error("%s: %s\n", replies[i].text, ls_reason_word(e.reason));
    assert_int_equal(replies[i].reason, e.reason);
    assert_int_equal(ls_reason_status(replies[i].asked), e.status);
    if (replies[i].code)
      assert_int_equal(replies[i].code >= 500, ls_error_permanent(&e));
    struct ls_error copy = {0};
    ls_error_copy(&copy, &e);
    assert_int_equal(e.reason, copy.reason);
    ls_error_deinit(&copy);
    ls_error_deinit(&e);
    support_unguard(text);
  }
}

static void test_reason_tells_the_end_of_a_connection(void **state) {
  (void)state;
  static const struct {
    int code;
    const char *enhanced, *text;
    bool ends;
  } rows[] = {
      {421, "", "bye", true},
      {451, "4.4.2", "4.4.2 Timeout waiting for data from client.", true},
      {450, "4.3.2", "4.3.2 Service currently unavailable", true},
      {452, "4.5.3", "4.5.3 too many messages on this connection", true},
      {452, "", "Too many messages in one session, reconnect", true},
      {450, "4.7.0", "4.7.0 Max message per connection reached", true},
      {451, "4.7.1", "4.7.1 message limit exceeded for this session", true},
      {452, "4.2.2", "4.2.2 mailbox full", false},
      {452, "4.3.1", "4.3.1 Insufficient system storage", false},
      {450, "4.7.1", "4.7.1 Sender rate limit exceeded", false},
      {450, "4.7.0", "4.7.0 too many concurrent sessions", false},
      {451, "4.7.1", "4.7.1 TLS is needed on this connection", false},
      {552, "5.5.3", "5.5.3 too many messages on this connection", false},
      {250, "2.4.2", "2.4.2 one more, then the limit of this connection is reached", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(ls_reason_ends_connection(rows[i].code, rows[i].enhanced, ls_span_cstr(rows[i].text)),
                     rows[i].ends);
}

static void test_reason_tells_a_restart_from_a_limit(void **state) {
  (void)state;
  static const struct {
    const char *enhanced, *text;
    bool counts, restarts;
  } rows[] = {
      {"4.3.2", "4.3.2 Please retry", false, true},
      {"", "server shutting down", false, true},
      {"4.0.0", "4.0.0 Restarting for maintenance", false, true},
      {"4.5.3", "4.5.3 enough", true, false},
      {"", "too many messages in this connection", true, false}, /* Exim */
      {"4.7.0", "4.7.0 enough", false, false},
      {"4.4.2", "4.4.2 timeout", false, false},
      {"", "", false, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_span text = ls_span_cstr(rows[i].text);
    assert_int_equal(ls_reason_counts_messages(rows[i].enhanced, text), rows[i].counts);
    assert_int_equal(ls_reason_is_restart(rows[i].enhanced, text), rows[i].restarts);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reason_is_there_for_every_status),
      cmocka_unit_test(test_reason_has_a_word_of_its_own_and_a_sentence),
      cmocka_unit_test(test_reason_decides_the_status_and_what_is_lasting),
      cmocka_unit_test(test_reason_of_a_reply_tells_limits_from_refusals),
      cmocka_unit_test(test_reason_tells_the_end_of_a_connection),
      cmocka_unit_test(test_reason_tells_a_restart_from_a_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
