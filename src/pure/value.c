/* SPDX-License-Identifier: MIT */
#include "value.h"

static const struct ls_value *get_sorted(const struct ls_value *v, struct ls_span name) {
  size_t from = 0;
  size_t to = v->as.object.count;
  while (from < to) {
    size_t mid = from + (to - from) / 2;
    int order = ls_value_name_order(v->as.object.members[mid].name, name);
    if (order == 0)
      return v->as.object.members[mid].value;
    if (order < 0)
      from = mid + 1;
    else
      to = mid;
  }
  return NULL;
}

const struct ls_value *ls_value_look_up(const struct ls_value *v, struct ls_span name) {
  enum { FEW = 16 }; /* length and first octet mostly tell */
  if (v->as.object.sorted && v->as.object.count > FEW)
    return get_sorted(v, name);
  for (size_t i = 0; i < v->as.object.count; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    if (m->name.n == name.n && (!name.n || m->name.p[0] == name.p[0]) && ls_span_eq(m->name, name))
      return m->value;
  }
  return NULL;
}

struct ls_value *ls_value_new(struct ls_arena *a, enum ls_value_kind kind) {
  struct ls_value *v = ls_arena_alloc(a, sizeof *v);
  if (v)
    v->kind = kind;
  return v;
}

struct ls_value *ls_value_new_string(struct ls_arena *a, struct ls_span s) {
  struct ls_value *v = ls_value_new(a, LS_VALUE_STRING);
  if (v)
    v->as.string = s;
  return v;
}

struct ls_value *ls_value_new_number(struct ls_arena *a, double number) {
  struct ls_value *v = ls_value_new(a, LS_VALUE_NUMBER);
  if (v)
    v->as.number = number;
  return v;
}

struct ls_value *ls_value_new_boolean(struct ls_arena *a, bool boolean) {
  struct ls_value *v = ls_value_new(a, LS_VALUE_BOOLEAN);
  if (v)
    v->as.boolean = boolean;
  return v;
}

bool ls_value_set(struct ls_arena *a, struct ls_value *object, struct ls_span name, struct ls_value *value) {
  if (!object || !value)
    return false;
  if (object->as.object.count == object->as.object.cap) {
    size_t cap = object->as.object.cap ? object->as.object.cap * 2 : 8;
    struct ls_member *m = ls_arena_array(a, cap, sizeof *m);
    if (!m)
      return false;
    if (object->as.object.count)
      memcpy(m, object->as.object.members, object->as.object.count * sizeof *m);
    object->as.object.members = m;
    object->as.object.cap = cap;
  }
  object->as.object.sorted = false;
  object->as.object.marks = 0;
  object->as.object.members[object->as.object.count++] = (struct ls_member){name, value};
  return true;
}

bool ls_value_reserve(struct ls_arena *a, struct ls_value *object, size_t count) {
  struct ls_member *m = object ? ls_arena_array(a, count, sizeof *m) : NULL;
  if (!m)
    return false;
  object->as.object.members = m;
  object->as.object.cap = count;
  return true;
}

/* The capacity of an array is the power of two at or above its count, so it needs no field. */
bool ls_value_push(struct ls_arena *a, struct ls_value *array, const struct ls_value *item) {
  if (!array || !item)
    return false;
  size_t count = array->as.array.count;
  if ((count & (count - 1)) == 0) {
    struct ls_value *items = ls_arena_array(a, count ? count * 2 : 1, sizeof *items);
    if (!items)
      return false;
    if (count)
      memcpy(items, array->as.array.items, count * sizeof *items);
    array->as.array.items = items;
  }
  array->as.array.items[array->as.array.count++] = *item;
  return true;
}

/* Recursion is bounded by the depth of the tree, which its reader bounds. */
static bool copy_into(struct ls_arena *a, struct ls_value *to, const struct ls_value *from) {
  *to = *from;
  if (from->kind == LS_VALUE_STRING || from->kind == LS_VALUE_OTHER) {
    to->as.string = ls_arena_copy(a, from->as.string);
    return to->as.string.p != NULL;
  }
  if (from->kind == LS_VALUE_ARRAY) {
    to->as.array.items = ls_arena_array(a, from->as.array.count, sizeof *to);
    if (!to->as.array.items)
      return false;
    for (size_t i = 0; i < from->as.array.count; i++)
      if (!copy_into(a, &to->as.array.items[i], &from->as.array.items[i]))
        return false;
  }
  if (from->kind == LS_VALUE_OBJECT) {
    to->as.object.count = to->as.object.cap = 0;
    for (size_t i = 0; i < from->as.object.count; i++) {
      struct ls_member *m = &from->as.object.members[i];
      struct ls_span name = ls_arena_copy(a, m->name);
      if (!name.p || !ls_value_set(a, to, name, ls_value_copy(a, m->value)))
        return false;
    }
    to->as.object.sorted = from->as.object.sorted;
    to->as.object.marks = from->as.object.marks;
  }
  return true;
}

struct ls_value *ls_value_copy(struct ls_arena *a, const struct ls_value *v) {
  struct ls_value *to = ls_value_new(a, v->kind);
  return to && copy_into(a, to, v) ? to : NULL;
}

static bool own_span(struct ls_arena *a, struct ls_span *s) {
  struct ls_span copy = ls_arena_copy(a, *s);
  if (copy.p)
    *s = copy;
  return copy.p != NULL;
}

bool ls_value_own(struct ls_arena *a, struct ls_value *v) {
  if (v->kind == LS_VALUE_STRING || v->kind == LS_VALUE_OTHER)
    return own_span(a, &v->as.string);
  if (v->kind == LS_VALUE_ARRAY)
    for (size_t i = 0; i < v->as.array.count; i++)
      if (!ls_value_own(a, &v->as.array.items[i]))
        return false;
  if (v->kind == LS_VALUE_OBJECT)
    for (size_t i = 0; i < v->as.object.count; i++) {
      struct ls_member *m = &v->as.object.members[i];
      if (!own_span(a, &m->name) || !ls_value_own(a, m->value))
        return false;
    }
  return true;
}
