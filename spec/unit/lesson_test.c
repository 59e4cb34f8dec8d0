/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/lesson.h"

static void end_after(struct ls_lesson *l, size_t carried, enum ls_lesson_end end) {
  struct ls_lesson_news news = {.carried = carried, .end = end};
  ls_lesson_add(l, &news);
}

static void fail_test(struct ls_lesson *l, size_t carried, enum ls_lesson_end end) {
  struct ls_lesson_news news = {.carried = carried, .end = end, .tested = true};
  ls_lesson_add(l, &news);
}

static void accept(struct ls_lesson *l, size_t carried, size_t accepted) {
  struct ls_lesson_news news = {.carried = carried, .accepted = accepted};
  assert_int_equal(ls_lesson_is_news(l, &news), l->messages || l->suspected || carried > l->proven);
  ls_lesson_add(l, &news);
}

static void test_lesson_believes_a_number_that_is_said(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  assert_int_equal(ls_lesson_messages(&l), SIZE_MAX);
  end_after(&l, 10, LS_LESSON_COUNTS);
  assert_int_equal(ls_lesson_messages(&l), 10);
  assert_false(ls_lesson_test_is_due(&l));
}

static void test_lesson_only_suspects_what_it_has_seen_once(void **state) {
  (void)state;
  static const enum ls_lesson_end ends[] = {LS_LESSON_BREAKS, LS_LESSON_RESTARTS};
  for (size_t i = 0; i < 2; i++) {
    struct ls_lesson l = {0};
    end_after(&l, 1, ends[i]);
    end_after(&l, 1, ends[i]); /* of connections that were open together */
    assert_int_equal(ls_lesson_messages(&l), 1);
    assert_true(ls_lesson_test_is_due(&l));
    accept(&l, 2, 1);
    assert_int_equal(ls_lesson_messages(&l), SIZE_MAX);
    end_after(&l, 1, ends[i]);
    fail_test(&l, 1, ends[i]);
    assert_int_equal(ls_lesson_messages(&l), 1);
    assert_int_equal(ls_lesson_test_is_due(&l), ends[i] == LS_LESSON_RESTARTS);
  }
}

static void test_lesson_keeps_a_limit_over_a_suspicion_that_was_wrong(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  end_after(&l, 10, LS_LESSON_COUNTS);
  end_after(&l, 3, LS_LESSON_BREAKS);
  assert_int_equal(ls_lesson_messages(&l), 3);
  accept(&l, 4, 1);
  assert_int_equal(ls_lesson_messages(&l), 10);
}

static void test_lesson_tests_a_limit_half_as_often_each_time_it_holds(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  size_t after = LS_LESSON_TEST_AFTER;
  end_after(&l, 10, LS_LESSON_COUNTS);
  for (int i = 0; i < 20; i++) {
    accept(&l, 9, after - 1);
    assert_false(ls_lesson_test_is_due(&l));
    accept(&l, 10, 1);
    assert_true(ls_lesson_test_is_due(&l));
    fail_test(&l, 10, LS_LESSON_COUNTS);
    after = after < LS_LESSON_TEST_MOST / 2 ? after * 2 : LS_LESSON_TEST_MOST;
  }
  accept(&l, 10, after);
  accept(&l, 11, 1);
  assert_int_equal(ls_lesson_messages(&l), SIZE_MAX);
  end_after(&l, 12, LS_LESSON_COUNTS); /* another number is another lesson */
  assert_int_equal(l.test_after, LS_LESSON_TEST_AFTER);
}

static void test_lesson_takes_the_lowest_of_several_limits(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  end_after(&l, 10, LS_LESSON_COUNTS);
  end_after(&l, 12, LS_LESSON_COUNTS);
  assert_int_equal(ls_lesson_messages(&l), 10);
  end_after(&l, 7, LS_LESSON_COUNTS);
  assert_int_equal(ls_lesson_messages(&l), 7);
  end_after(&l, 0, LS_LESSON_COUNTS); /* that is not for the number of messages */
  assert_int_equal(ls_lesson_messages(&l), 7);
}

static void test_lesson_knows_how_far_a_connection_has_come(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  accept(&l, 30, 1);
  assert_int_equal(l.proven, 30);
  accept(&l, 30, 0);
  end_after(&l, 10, LS_LESSON_BREAKS);
  assert_int_equal(l.proven, 10); /* beyond that, one goes ahead again once the limit is not believed */
}

static void test_lesson_forgets_nothing_of_what_is_offered_in_vain(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  struct ls_lesson_news a = {.session = {.chunking_refused = true}};
  struct ls_lesson_news b = {.session = {.parameters_refused = true}};
  struct ls_lesson_news c = {.session = {.chunks_read = true}};
  assert_true(ls_lesson_is_news(&l, &a));
  ls_lesson_add(&l, &a);
  assert_false(ls_lesson_is_news(&l, &a));
  assert_true(ls_lesson_is_news(&l, &b));
  ls_lesson_add(&l, &b);
  assert_true(ls_lesson_is_news(&l, &c));
  ls_lesson_add(&l, &c);
  assert_true(l.session.chunking_refused && l.session.parameters_refused && !l.session.chunking_proven);
  assert_true(l.session.chunks_read);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lesson_believes_a_number_that_is_said),
      cmocka_unit_test(test_lesson_only_suspects_what_it_has_seen_once),
      cmocka_unit_test(test_lesson_keeps_a_limit_over_a_suspicion_that_was_wrong),
      cmocka_unit_test(test_lesson_tests_a_limit_half_as_often_each_time_it_holds),
      cmocka_unit_test(test_lesson_takes_the_lowest_of_several_limits),
      cmocka_unit_test(test_lesson_knows_how_far_a_connection_has_come),
      cmocka_unit_test(test_lesson_forgets_nothing_of_what_is_offered_in_vain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
