/* SPDX-License-Identifier: MIT
 * session: what the transcripts of spec/wire cannot say: windows, addresses, times, and no memory. */
#include "support.h"

#include <stdlib.h>

#include "../../src/pure/session.h"

static struct ls_recipient one_recipient[] = {{.address = {"b@y.org", 7}}};
static const struct ls_envelope simple = {.from = {"a@x.org", 7}, .to = one_recipient, .count = 1};

static struct ls_session *new_session(bool pipelining, bool chunking, size_t window, size_t octets) {
  struct ls_session_options o = {.pipelining = true, .chunking = true};
  o.capability.pipelining = pipelining;
  o.capability.chunking = chunking;
  o.learned.chunking_proven = true;
  o.reply_timeout_ms = 1000;
  o.window_messages = window;
  o.window_octets = octets;
  struct ls_session *s = ls_session_new(&o);
  assert_non_null(s);
  return s;
}

static void send_all(struct ls_session *s, int64_t now) {
  for (struct ls_span out; (out = ls_session_out(s)).n;)
    ls_session_sent(s, out.n, now);
}

static enum ls_status submit(struct ls_session *s, uint64_t id, struct ls_span content, int64_t now) {
  return ls_session_submit(s, id, &simple, content, now, NULL);
}

static void expect_done(struct ls_session *s, uint64_t id, enum ls_status status) {
  struct ls_event ev;
  assert_int_equal(ls_session_next(s, &ev), 1);
  assert_int_equal(ev.kind, LS_EVENT_DONE);
  assert_int_equal(ev.id, id);
  assert_int_equal(ev.error.status, status);
  ls_error_deinit(&ev.error);
}

static void test_session_window_counts_messages(void **state) {
  (void)state;
  struct ls_session *s = new_session(true, true, 2, 0);
  assert_int_equal(ls_session_room(s), 2);
  assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 0), LS_OK);
  assert_int_equal(submit(s, 2, LS_SPAN("2\r\n"), 0), LS_OK);
  assert_int_equal(ls_session_room(s), 0);
  assert_int_equal(submit(s, 3, LS_SPAN("3\r\n"), 0), LS_AGAIN);
  send_all(s, 0);
  ls_session_feed(s, LS_SPAN("250 a\r\n250 b\r\n250 c\r\n"), 0);
  assert_int_equal(ls_session_room(s), 1);
  expect_done(s, 1, LS_OK);
  assert_int_equal(submit(s, 3, LS_SPAN("3\r\n"), 0), LS_OK);
  ls_session_quit(s, 0);
  assert_int_equal(ls_session_room(s), 0);
  ls_session_free(s);
}

static void test_session_window_counts_octets_and_lets_one_pass(void **state) {
  (void)state;
  struct ls_session *s = new_session(true, true, 9, 10);
  assert_int_equal(submit(s, 1, LS_SPAN("0123456789abcdef\r\n"), 0), LS_OK);
  assert_int_equal(ls_session_room(s), 0);
  assert_int_equal(submit(s, 2, LS_SPAN("\r\n"), 0), LS_AGAIN);
  send_all(s, 0);
  ls_session_feed(s, LS_SPAN("250 a\r\n250 b\r\n250 c\r\n"), 0);
  assert_int_equal(submit(s, 2, LS_SPAN("123456\r\n"), 0), LS_OK);
  assert_int_equal(submit(s, 3, LS_SPAN("3\r\n"), 0), LS_AGAIN);
  assert_int_equal(submit(s, 4, LS_SPAN("\r\n"), 0), LS_OK);
  ls_session_free(s);
}

/* The last gate before the wire: a path is one path (RFC 5321 4.1.2). */
static void test_session_takes_whole_paths_only(void **state) {
  (void)state;
  static const struct {
    struct ls_span address;
    enum ls_status status;
  } rows[] = {
      {{"\"a> b<\\\"c\"@y.org", 16}, LS_OK},
      {{"\"a\\\\\"@y.org", 11}, LS_OK},
      {{"b@[IPv6:::1]", 12}, LS_OK},
      {{"b@y.org> X", 10}, LS_EENVELOPE},
      {{"b@y.org X", 9}, LS_EENVELOPE},
      {{"b@<y.org", 8}, LS_EENVELOPE},
      {{"\"b@y.org", 8}, LS_EENVELOPE},
      {{"\"b\\\"@y.org>", 11}, LS_EENVELOPE},
      {{"\"b\"> \"c\"@y.org", 14}, LS_EENVELOPE},
      {{"\"b\n\"@y.org", 10}, LS_EENVELOPE},
      {{"\"b\\\r\"@y.org", 11}, LS_EENVELOPE},
      {{"\"b\0\"@y.org", 10}, LS_EENVELOPE},
      {{"", 0}, LS_EENVELOPE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_session *s = new_session(true, true, 2, 0);
    struct ls_recipient to = {.address = rows[i].address};
    struct ls_envelope env = {.from = rows[i].address, .to = one_recipient, .count = 1};
    bool is_null = rows[i].address.n == 0;
    assert_int_equal(ls_session_submit(s, 1, &env, LS_SPAN("1\r\n"), 0, NULL),
                     is_null ? LS_OK : rows[i].status);
    env = (struct ls_envelope){.from = {"a@x.org", 7}, .to = &to, .count = 1};
    assert_int_equal(ls_session_submit(s, 2, &env, LS_SPAN("2\r\n"), 0, NULL), rows[i].status);
    ls_session_free(s);
  }
}

static void test_session_sends_a_flight_in_one_piece(void **state) {
  (void)state;
  struct ls_session *s = new_session(true, true, 4, 0);
  assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 0), LS_OK);
  assert_int_equal(submit(s, 2, LS_SPAN("2\r\n"), 0), LS_OK);
  struct ls_span out = ls_session_out(s);
  assert_span_equal(out, LS_SPAN("MAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nBDAT 3 LAST\r\n1\r\n"
                                 "RSET\r\n"
                                 "MAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nBDAT 3 LAST\r\n2\r\n"));
  ls_session_sent(s, out.n, 0);
  assert_int_equal(ls_session_out(s).n, 0);
  ls_session_free(s);
}

static void test_session_sends_a_large_content_from_where_it_lies(void **state) {
  (void)state;
  enum { N = 100000 };
  char *content = malloc(N);
  assert_non_null(content);
  for (size_t i = 0; i < N; i++)
    content[i] = "0123456789\r\n"[i % 12];
  struct ls_session *s = new_session(true, false, 1, 0);
  struct ls_event ev;
  assert_int_equal(submit(s, 1, ls_span(content, N), 0), LS_OK);
  send_all(s, 0);
  ls_session_feed(s, LS_SPAN("250 a\r\n250 b\r\n354 go\r\n"), 0);
  assert_ptr_equal(ls_session_out(s).p, content);
  ls_session_sent(s, 1000, 0);
  assert_ptr_equal(ls_session_out(s).p, content + 1000);
  /* refused in the middle: what the event gives back is looked at no more */
  ls_session_feed(s, LS_SPAN("552 too big\r\n"), 0);
  assert_int_equal(ls_session_out(s).n, 0);
  assert_int_equal(ls_session_next(s, &ev), 1);
  free(content);
  assert_int_equal(ev.error.status, LS_EMESSAGE);
  assert_int_equal(ev.error.delivery, LS_DELIVERY_NOT_SENT);
  assert_int_equal(ev.octets, N + 2 + 3);
  ls_error_deinit(&ev.error);
  ls_session_free(s);
}

static void test_session_measures_envelope_and_message(void **state) {
  (void)state;
  struct ls_session *s = new_session(true, false, 1, 0);
  struct ls_event ev;
  assert_int_equal(submit(s, 7, LS_SPAN(".\r\n"), 100), LS_OK);
  send_all(s, 101);
  ls_session_feed(s, LS_SPAN("250 a\r\n250 b\r\n354 go\r\n"), 130);
  send_all(s, 131);
  ls_session_feed(s, LS_SPAN("250 c\r\n"), 135);
  assert_int_equal(ls_session_next(s, &ev), 1);
  assert_int_equal(ev.envelope_ms, 30);
  assert_int_equal(ev.message_ms, 5);
  assert_int_equal(ev.octets, strlen("..\r\n.\r\n"));
  assert_span_equal(ev.response, LS_SPAN("250 c"));
  assert_int_equal(ls_session_next(s, &ev), 0);
  ls_session_free(s);
}

static void test_session_deadline_follows_the_octets(void **state) {
  (void)state;
  struct ls_session *s = new_session(false, false, 2, 0);
  assert_true(ls_session_deadline(s) == INT64_MAX);
  assert_true(ls_session_idle(s));
  assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 5000), LS_OK);
  assert_false(ls_session_idle(s));
  assert_int_equal(ls_session_deadline(s), 6000);
  assert_false(ls_session_reply_due(s));
  send_all(s, 5100);
  assert_true(ls_session_reply_due(s));
  assert_int_equal(ls_session_deadline(s), 6100);
  ls_session_expire(s, 6099);
  assert_false(ls_session_over(s));
  ls_session_feed(s, LS_SPAN("2"), 6099);
  assert_int_equal(ls_session_deadline(s), 7099);
  ls_session_expire(s, 7099);
  assert_true(ls_session_over(s));
  assert_true(ls_session_deadline(s) == INT64_MAX);
  expect_done(s, 1, LS_ETIMEDOUT);
  ls_session_free(s);
}

static void test_session_stays_failed(void **state) {
  (void)state;
  struct ls_session *s = new_session(true, true, 2, 0);
  struct ls_event ev;
  assert_int_equal(ls_session_feed(s, LS_SPAN("what?\r\n"), 0), LS_EPROTOCOL);
  assert_int_equal(ls_session_feed(s, LS_SPAN("250 ok\r\n"), 0), LS_EPROTOCOL);
  assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 0), LS_ECONNECTION);
  ls_session_eof(s, NULL, 0);
  assert_int_equal(ls_session_next(s, &ev), 1);
  assert_int_equal(ev.kind, LS_EVENT_ENDED);
  assert_int_equal(ev.error.status, LS_EPROTOCOL);
  ls_error_deinit(&ev.error);
  assert_int_equal(ls_session_next(s, &ev), 0);
  ls_session_free(s);
}

static void test_session_ends_at_an_endless_reply(void **state) {
  (void)state;
  struct ls_session *s = new_session(true, true, 2, 0);
  enum ls_status st = LS_OK;
  assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 0), LS_OK);
  send_all(s, 0);
  for (int i = 0; i < 10000 && st == LS_OK; i++)
    st = ls_session_feed(s, LS_SPAN("250-and so on\r\n"), 0);
  assert_int_equal(st, LS_ETOOBIG);
  expect_done(s, 1, LS_ETOOBIG);
  ls_session_free(s);
}

static void test_session_tells_why_the_connection_broke(void **state) {
  (void)state;
  struct ls_session *s = new_session(true, false, 2, 0);
  struct ls_error why = {0};
  struct ls_event ev;
  ls_error_set(&why, LS_ESOCKET, "CONN", "Connection reset by peer");
  assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 0), LS_OK);
  ls_session_eof(s, &why, 0);
  ls_error_deinit(&why);
  assert_int_equal(ls_session_next(s, &ev), 1);
  assert_int_equal(ev.error.status, LS_ESOCKET);
  assert_string_equal(ev.error.message, "Connection reset by peer");
  assert_int_equal(ev.retry, LS_RETRY_SUSPECT);
  ls_error_deinit(&ev.error);
  ls_session_free(s);
}

/* What a server says to its first message, and whose fault that may be. */
static void test_session_tells_what_a_421_is_about(void **state) {
  (void)state;
  static const struct {
    const char *in;
    enum ls_retry first, second;
  } rows[] = {
      {"421 4.3.2 restarting\r\n", LS_RETRY_PUT_OFF, LS_RETRY_FREE}, /* at MAIL */
      {"451 4.3.2 please retry\r\n", LS_RETRY_SUSPECT, LS_RETRY_FREE},
      {"250 ok\r\n421 4.7.0 no\r\n", LS_RETRY_SUSPECT, LS_RETRY_FREE}, /* at RCPT */
      {"250 ok\r\n250 ok\r\n421 4.7.0 no\r\n", LS_RETRY_SUSPECT, LS_RETRY_FREE},
      {"", LS_RETRY_SUSPECT, LS_RETRY_FREE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct ls_session *s = new_session(true, false, 2, 0);
    struct ls_event ev;
    assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 0), LS_OK);
    assert_int_equal(submit(s, 2, LS_SPAN("2\r\n"), 0), LS_OK);
    ls_session_sent(s, ls_session_out(s).n, 0);
    ls_session_feed(s, ls_span_cstr(rows[i].in), 0);
    ls_session_eof(s, NULL, 0);
    assert_int_equal(ls_session_next(s, &ev), 1);
    assert_int_equal(ev.retry, rows[i].first);
    ls_error_deinit(&ev.error);
    assert_int_equal(ls_session_next(s, &ev), 1);
    assert_int_equal(ev.retry, rows[i].second);
    ls_error_deinit(&ev.error);
    ls_session_free(s);
  }
}

static void test_session_learns_and_tells(void **state) {
  (void)state;
  struct ls_session_options o = {.pipelining = true, .chunking = true};
  o.capability.pipelining = o.capability.chunking = true;
  struct ls_session *s = ls_session_new(&o);
  assert_int_equal(submit(s, 1, LS_SPAN("1\r\n"), 0), LS_OK);
  send_all(s, 0);
  ls_session_feed(s, LS_SPAN("250 a\r\n250 b\r\n250 c\r\n"), 0);
  assert_true(ls_session_learned(s).chunking_proven);
  assert_false(ls_session_learned(s).chunking_refused);
  ls_session_free(s);
}

/* Three messages: one refused, one that loses a recipient, one taken. */
struct shortage {
  bool chunking;
  bool submitted[4], done[4];
  bool whole; /* nothing was left out for want of memory */
};

static bool submit_three(struct ls_session *s, struct shortage *h, const struct ls_envelope *env) {
  static char content[20000];
  for (size_t i = 0; i < sizeof content; i++)
    content[i] = "x\r\n"[i % 3];
  for (uint64_t id = 1; id <= 3; id++) {
    enum ls_status st = ls_session_submit(s, id, env, ls_span(content, id * 6000), 0, NULL);
    assert_true(st == LS_OK || st == LS_ENOMEM || st == LS_ECONNECTION);
    h->submitted[id] = st == LS_OK;
    if (st != LS_OK)
      return false;
  }
  return true;
}

static void check_event(struct shortage *h, const struct ls_event *ev) {
  if (ev->kind != LS_EVENT_DONE)
    return;
  assert_true(h->submitted[ev->id] && !h->done[ev->id]);
  h->done[ev->id] = true;
  if (ev->error.status == LS_OK) {
    assert_true(ev->id > 1);
    assert_int_equal(ev->rejection_count, ev->id == 2);
    h->whole &= ev->response.n > 0;
  } else if (ev->id == 1 && ev->error.status == LS_EENVELOPE) {
    h->whole &= ev->error.message && ev->error.response;
  } else {
    assert_int_equal(ev->error.status, LS_ENOMEM);
    h->whole = false;
  }
  for (size_t i = 0; i < ev->rejection_count; i++)
    h->whole &= ev->rejections[i].error.message && ev->rejections[i].error.response;
}

static void take_events(struct ls_session *s, struct shortage *h) {
  struct ls_event ev;
  while (ls_session_next(s, &ev)) {
    check_event(h, &ev);
    ls_error_deinit(&ev.error);
  }
}

/* Without memory a message may fail, but each that was taken up gets its one event, and what was accepted is
 * never called anything else. */
static bool play_short_of_memory(void *context) {
  static const char *const data[] = {"550 a\r\n503 b\r\n503 c\r\n503 d\r\n",
                                     "250 r\r\n250 a\r\n550 b\r\n250 c\r\n354 d\r\n",
                                     "250 e\r\n250 a\r\n250 b\r\n250 c\r\n354 d\r\n", "250 e\r\n"};
  static const char *const bdat[] = {"550 a\r\n503 b\r\n503 c\r\n503 d\r\n",
                                     "250 r\r\n250 a\r\n550 b\r\n250 c\r\n250 d\r\n",
                                     "250 r\r\n250 a\r\n250 b\r\n250 c\r\n250 d\r\n", ""};
  struct ls_recipient two[] = {{.address = {"b@y.org", 7}}, {.address = {"c@y.org", 7}}};
  const struct ls_envelope env = {.from = {"a@x.org", 7}, .to = two, .count = 2};
  struct shortage h = {.chunking = *(bool *)context, .whole = true};
  struct ls_session_options o = {.pipelining = true, .chunking = true, .window_messages = 8};
  o.capability.pipelining = true;
  o.capability.chunking = o.learned.chunking_proven = h.chunking;
  struct ls_session *s = ls_session_new(&o);
  if (!s)
    return false;
  if (submit_three(s, &h, &env)) {
    for (size_t i = 0; i < 4; i++) {
      send_all(s, 0);
      ls_session_feed(s, ls_span_cstr(h.chunking ? bdat[i] : data[i]), 0);
      take_events(s, &h);
    }
  } else {
    struct ls_error why = {.status = LS_ENOMEM, .reason = LS_REASON_NO_MEMORY};
    h.whole = false;
    ls_session_eof(s, &why, 0);
    take_events(s, &h);
  }
  for (int id = 1; id <= 3; id++)
    assert_int_equal(h.done[id], h.submitted[id]);
  ls_session_free(s);
  return h.whole;
}

static void test_session_survives_each_failed_allocation(void **state) {
  (void)state;
  bool chunking = false;
  assert_true(support_each_allocation(play_short_of_memory, &chunking) > 15);
  chunking = true;
  assert_true(support_each_allocation(play_short_of_memory, &chunking) > 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_session_window_counts_messages),
      cmocka_unit_test(test_session_window_counts_octets_and_lets_one_pass),
      cmocka_unit_test(test_session_takes_whole_paths_only),
      cmocka_unit_test(test_session_sends_a_flight_in_one_piece),
      cmocka_unit_test(test_session_sends_a_large_content_from_where_it_lies),
      cmocka_unit_test(test_session_measures_envelope_and_message),
      cmocka_unit_test(test_session_deadline_follows_the_octets),
      cmocka_unit_test(test_session_stays_failed),
      cmocka_unit_test(test_session_ends_at_an_endless_reply),
      cmocka_unit_test(test_session_tells_why_the_connection_broke),
      cmocka_unit_test(test_session_tells_what_a_421_is_about),
      cmocka_unit_test(test_session_learns_and_tells),
      cmocka_unit_test(test_session_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
