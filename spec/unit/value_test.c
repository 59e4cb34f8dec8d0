/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "../../src/pure/value.h"

/* {"name": ["octets", {"other": true}]} with every text in lent, which its owner may change. */
static struct ls_value *borrowing_tree(struct ls_arena *a, const char *lent) {
  struct ls_value *inner = ls_value_new(a, LS_VALUE_OBJECT);
  struct ls_value *list = ls_value_new(a, LS_VALUE_ARRAY);
  struct ls_value *tree = ls_value_new(a, LS_VALUE_OBJECT);
  bool built = inner && list && tree &&
               ls_value_set(a, inner, ls_span(lent + 10, 5), ls_value_new_boolean(a, true)) &&
               ls_value_push(a, list, ls_value_new_string(a, ls_span(lent + 4, 6))) &&
               ls_value_push(a, list, inner) && ls_value_set(a, tree, ls_span(lent, 4), list);
  return built ? tree : NULL;
}

static bool owns(void *context) {
  char lent[] = "nameoctetsother";
  struct ls_arena a;
  ls_arena_init(&a, *(size_t *)context);
  struct ls_value *tree = borrowing_tree(&a, lent);
  bool owned = tree && ls_value_own(&a, tree);
  if (owned) {
    memset(lent, '-', sizeof lent - 1);
    const struct ls_value *list = ls_value_get(tree, LS_SPAN("name"));
    assert_non_null(list);
    assert_span_equal(ls_value_string(&list->as.array.items[0]), LS_SPAN("octets"));
    assert_true(ls_value_is_true(ls_value_get(&list->as.array.items[1], LS_SPAN("other"))));
  }
  ls_arena_deinit(&a);
  return owned;
}

static void test_value_own_outlives_what_it_borrowed_from(void **state) {
  (void)state;
  size_t max = 1 << 16;
  assert_true(owns(&max));
  support_each_allocation(owns, &max);
}

static void test_value_own_says_when_the_arena_is_full(void **state) {
  (void)state;
  size_t max = 0;
  while (!owns(&max))
    max += 16;
  assert_in_range(max, 100, 4096);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_value_own_outlives_what_it_borrowed_from),
      cmocka_unit_test(test_value_own_says_when_the_arena_is_full),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
