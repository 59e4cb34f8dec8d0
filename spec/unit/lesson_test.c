/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/lesson.h"

static void end_after(struct ls_lesson *l, size_t carried, bool told, int64_t now) {
  struct ls_lesson_news news = {.carried = carried, .ended = true, .told = told};
  ls_lesson_add(l, &news, now);
}

static void test_lesson_believes_a_limit_for_a_time(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  assert_int_equal(ls_lesson_messages(&l, 5000), SIZE_MAX);
  end_after(&l, 10, true, 5000);
  assert_int_equal(ls_lesson_messages(&l, 5000), 10);
  assert_int_equal(ls_lesson_messages(&l, 5000 + LS_LESSON_TOLD_MS - 1), 10);
  assert_int_equal(ls_lesson_messages(&l, 5000 + LS_LESSON_TOLD_MS), SIZE_MAX);
  l = (struct ls_lesson){0};
  end_after(&l, 10, false, 5000);
  assert_int_equal(ls_lesson_messages(&l, 5000 + LS_LESSON_SEEN_MS - 1), 10);
  assert_int_equal(ls_lesson_messages(&l, 5000 + LS_LESSON_SEEN_MS), SIZE_MAX);
}

static void test_lesson_believes_twice_as_long_what_is_said_again(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  int64_t now = 5000, length = LS_LESSON_TOLD_MS;
  for (int i = 0; i < 20; i++) {
    end_after(&l, 10, true, now);
    assert_int_equal(l.messages_until_ms - now, length);
    end_after(&l, 10, true, now); /* of connections that were open together */
    assert_int_equal(l.messages_until_ms - now, length);
    now = l.messages_until_ms;
    length = length < LS_LESSON_LONGEST_MS / 2 ? length * 2 : LS_LESSON_LONGEST_MS;
  }
  end_after(&l, 11, true, now); /* another number is another lesson */
  assert_int_equal(l.messages_until_ms - now, LS_LESSON_TOLD_MS);
}

static void test_lesson_takes_the_lowest_of_several_limits(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  end_after(&l, 10, true, 5000);
  end_after(&l, 12, true, 5001);
  assert_int_equal(ls_lesson_messages(&l, 5002), 10);
  end_after(&l, 7, true, 5003);
  assert_int_equal(ls_lesson_messages(&l, 5004), 7);
  end_after(&l, 0, true, 5005); /* that is not for the number of messages */
  assert_int_equal(ls_lesson_messages(&l, 5006), 7);
}

static void test_lesson_knows_how_far_a_connection_has_come(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  struct ls_lesson_news news = {.carried = 30};
  assert_true(ls_lesson_is_news(&l, &news, 5000));
  ls_lesson_add(&l, &news, 5000);
  assert_int_equal(l.proven, 30);
  assert_false(ls_lesson_is_news(&l, &news, 5000));
  end_after(&l, 10, false, 5000);
  assert_int_equal(l.proven, 10); /* beyond that, one goes ahead again once the limit is not believed */
}

static void test_lesson_forgets_nothing_of_what_is_offered_in_vain(void **state) {
  (void)state;
  struct ls_lesson l = {0};
  struct ls_lesson_news a = {.session = {.chunking_refused = true}};
  struct ls_lesson_news b = {.session = {.parameters_refused = true}};
  struct ls_lesson_news c = {.session = {.chunks_read = true}};
  assert_true(ls_lesson_is_news(&l, &a, 5000));
  ls_lesson_add(&l, &a, 5000);
  assert_false(ls_lesson_is_news(&l, &a, 5000));
  assert_true(ls_lesson_is_news(&l, &b, 5000));
  ls_lesson_add(&l, &b, 5000);
  assert_true(ls_lesson_is_news(&l, &c, 5000));
  ls_lesson_add(&l, &c, 5000);
  assert_true(l.session.chunking_refused && l.session.parameters_refused && !l.session.chunking_proven);
  assert_true(l.session.chunks_read);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lesson_believes_a_limit_for_a_time),
      cmocka_unit_test(test_lesson_believes_twice_as_long_what_is_said_again),
      cmocka_unit_test(test_lesson_takes_the_lowest_of_several_limits),
      cmocka_unit_test(test_lesson_knows_how_far_a_connection_has_come),
      cmocka_unit_test(test_lesson_forgets_nothing_of_what_is_offered_in_vain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
