/* SPDX-License-Identifier: MIT
 * tree: value trees written as JSON in a test, and back to text for comparison. For tests only: it trusts its
 * input. Beyond JSON, `EMPTY` is the empty table, `NaN` and `FUNCTION` are what they say. */
#ifndef LS_UNIT_TREE_H
#define LS_UNIT_TREE_H

#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "../../src/pure/jstext.h"
#include "../../src/pure/value.h"

static inline struct ls_value *tree_read_value(struct ls_arena *a, const char **p);

static inline void tree_skip(const char **p) {
  *p += strspn(*p, " \n,:");
}

static inline struct ls_span tree_read_text(struct ls_arena *a, const char **p) {
  char *text = ls_arena_alloc(a, strlen(*p));
  size_t n = 0;
  for (++*p; **p != '"'; ++*p) {
    bool escaped = **p == '\\' && *++*p;
    text[n++] = escaped && **p == 'n' ? '\n' : escaped && **p == '0' ? '\0' : **p;
  }
  ++*p;
  return ls_span(text, n);
}

static inline struct ls_value *tree_read_list(struct ls_arena *a, const char **p) {
  bool object = **p == '{';
  struct ls_value *v = ls_value_new(a, object ? LS_VALUE_OBJECT : LS_VALUE_ARRAY);
  ++*p;
  for (tree_skip(p); **p != ']' && **p != '}'; tree_skip(p)) {
    struct ls_span name = object ? tree_read_text(a, p) : ls_span(NULL, 0);
    tree_skip(p);
    struct ls_value *item = tree_read_value(a, p);
    assert_true(object ? ls_value_set(a, v, name, item) : ls_value_push(a, v, item));
  }
  ++*p;
  return v;
}

static inline struct ls_value *tree_read_value(struct ls_arena *a, const char **p) {
  static const struct {
    const char *word;
    struct ls_value value;
  } words[] = {
      {"null", {.kind = LS_VALUE_NULL}},
      {"true", {.kind = LS_VALUE_BOOLEAN, .as.boolean = true}},
      {"false", {.kind = LS_VALUE_BOOLEAN, .as.boolean = false}},
      {"EMPTY", {.kind = LS_VALUE_EMPTY}},
      {"NaN", {.kind = LS_VALUE_NUMBER, .as.number = NAN}},
      {"FUNCTION", {.kind = LS_VALUE_OTHER, .as.string = {"function", 8}}},
  };
  tree_skip(p);
  if (**p == '{' || **p == '[')
    return tree_read_list(a, p);
  if (**p == '"')
    return ls_value_new_string(a, tree_read_text(a, p));
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strncmp(*p, words[i].word, strlen(words[i].word)) == 0) {
      *p += strlen(words[i].word);
      struct ls_value *v = ls_value_new(a, words[i].value.kind);
      *v = words[i].value;
      return v;
    }
  }
  char *end;
  struct ls_value *v = ls_value_new_number(a, strtod(*p, &end));
  assert_true(end > *p);
  *p = end;
  return v;
}

static inline struct ls_value *tree_read(struct ls_arena *a, const char *text) {
  return tree_read_value(a, &text);
}

static inline void tree_write(const struct ls_value *v, struct ls_buf *out) {
  bool object = ls_value_is(v, LS_VALUE_OBJECT);
  if (ls_value_is(v, LS_VALUE_STRING)) {
    ls_buf_addc(out, '"');
    ls_buf_add(out, v->as.string);
    ls_buf_addc(out, '"');
  } else if (object || ls_value_is(v, LS_VALUE_ARRAY)) {
    ls_buf_addc(out, object ? '{' : '[');
    for (size_t i = 0; i < (object ? v->as.object.count : v->as.array.count); i++) {
      if (i)
        ls_buf_addc(out, ',');
      if (object) {
        ls_buf_addc(out, '"');
        ls_buf_add(out, v->as.object.members[i].name);
        ls_buf_adds(out, "\":");
      }
      tree_write(object ? v->as.object.members[i].value : &v->as.array.items[i], out);
    }
    ls_buf_addc(out, object ? '}' : ']');
  } else if (ls_value_is_nothing(v)) {
    ls_buf_adds(out, "null");
  } else {
    ls_jstext_add(v, out);
  }
}

/* Compares the text of a tree with what a test wants. */
static inline void tree_assert(const struct ls_value *v, const char *want, const char *file, int line) {
  struct ls_buf got;
  ls_buf_init(&got, 1 << 20);
  tree_write(v, &got);
  support_assert_span(ls_buf_span(&got), ls_span_cstr(want), file, line);
  ls_buf_deinit(&got);
}
#define assert_tree_equal(v, want) tree_assert((v), (want), __FILE__, __LINE__)

#endif
