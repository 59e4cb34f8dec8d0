/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "../../src/pure/buf.h"
#include "../../src/pure/queue.h"

static void test_queue_keeps_address_and_length_until_acknowledged(void **state) {
  (void)state;
  struct ls_queue q;
  ls_queue_init(&q);
  ls_queue_add(&q, LS_SPAN("MAIL"));
  struct ls_span before = ls_queue_out(&q);
  for (int i = 0; i < 20000; i++) {
    ls_queue_add(&q, LS_SPAN("0123456789"));
    struct ls_span now = ls_queue_out(&q);
    assert_ptr_equal(now.p, before.p);
    assert_true(now.n >= before.n);
    before = now;
  }
  ls_queue_sent(&q, 3);
  assert_ptr_equal(ls_queue_out(&q).p, before.p + 3);
  assert_int_equal(ls_queue_out(&q).n, before.n - 3);
  assert_int_equal(q.added, 200004);
  assert_int_equal(q.sent, 3);
  ls_queue_deinit(&q);
}

static void test_queue_gives_copies_and_loans_in_order(void **state) {
  (void)state;
  struct ls_queue q;
  struct ls_buf got;
  static const char lent[] = "lent in place";
  ls_queue_init(&q);
  ls_buf_init(&got, 1000);
  ls_queue_add(&q, LS_SPAN("SIZE="));
  ls_queue_addu(&q, UINT64_MAX);
  ls_queue_lend(&q, LS_SPAN(""));
  ls_queue_lend(&q, ls_span_cstr(lent));
  ls_queue_add(&q, LS_SPAN("\r\n"));
  ls_queue_addu(&q, 0);
  for (struct ls_span s; (s = ls_queue_out(&q)).n;) {
    if (*s.p == 'l')
      assert_ptr_equal(s.p, lent);
    ls_buf_add(&got, ls_span_sub(s, 0, 7));
    ls_queue_sent(&q, s.n < 7 ? s.n : 7);
  }
  assert_span_equal(ls_buf_span(&got), LS_SPAN("SIZE=18446744073709551615lent in place\r\n0"));
  assert_int_equal(q.sent, q.added);
  ls_buf_deinit(&got);
  ls_queue_deinit(&q);
}

static void test_queue_uses_its_last_chunk_again(void **state) {
  (void)state;
  struct ls_queue q;
  ls_queue_init(&q);
  ls_queue_add(&q, LS_SPAN("one"));
  const char *first = ls_queue_out(&q).p;
  ls_queue_sent(&q, 3);
  assert_int_equal(ls_queue_out(&q).n, 0);
  ls_queue_add(&q, LS_SPAN("two"));
  assert_ptr_equal(ls_queue_out(&q).p, first);
  assert_span_equal(ls_queue_out(&q), LS_SPAN("two"));
  ls_queue_deinit(&q);
}

static void test_queue_lends_behind_a_chunk_kept_for_later(void **state) {
  (void)state;
  struct ls_queue q;
  ls_queue_init(&q);
  ls_queue_add(&q, LS_SPAN("DATA"));
  ls_queue_sent(&q, 4);
  ls_queue_lend(&q, LS_SPAN("content"));
  ls_queue_add(&q, LS_SPAN("."));
  assert_span_equal(ls_queue_out(&q), LS_SPAN("content"));
  ls_queue_sent(&q, 7);
  assert_span_equal(ls_queue_out(&q), LS_SPAN("."));
  ls_queue_deinit(&q);
}

static void test_queue_clear_drops_what_is_left_and_keeps_counting(void **state) {
  (void)state;
  struct ls_queue q;
  ls_queue_init(&q);
  ls_queue_lend(&q, LS_SPAN("abc"));
  ls_queue_add(&q, LS_SPAN("def"));
  ls_queue_sent(&q, 2);
  ls_queue_clear(&q);
  ls_queue_sent(&q, 4);
  assert_int_equal(ls_queue_out(&q).n, 0);
  assert_int_equal(q.added, 6);
  assert_int_equal(q.sent, 2);
  ls_queue_deinit(&q);
  ls_queue_deinit(&q);
}

static bool fill(void *context) {
  (void)context;
  struct ls_queue q;
  ls_queue_init(&q);
  for (int i = 0; i < 10000; i++)
    ls_queue_add(&q, LS_SPAN("0123456789"));
  ls_queue_lend(&q, LS_SPAN("lent"));
  bool ok = q.status == LS_OK;
  assert_true(ok || q.status == LS_ENOMEM);
  ls_queue_deinit(&q);
  return ok;
}

static void test_queue_survives_each_failed_allocation(void **state) {
  (void)state;
  assert_true(support_each_allocation(fill, NULL) >= 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_queue_keeps_address_and_length_until_acknowledged),
      cmocka_unit_test(test_queue_gives_copies_and_loans_in_order),
      cmocka_unit_test(test_queue_uses_its_last_chunk_again),
      cmocka_unit_test(test_queue_lends_behind_a_chunk_kept_for_later),
      cmocka_unit_test(test_queue_clear_drops_what_is_left_and_keeps_counting),
      cmocka_unit_test(test_queue_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
