/* SPDX-License-Identifier: MIT
 * value: a null..object tree, the only shape in which data leaves and enters Lua. Trees live in an arena. */
#ifndef LS_VALUE_H
#define LS_VALUE_H

#include <stdint.h>

#include "arena.h"

enum ls_value_kind {
  LS_VALUE_UNDEFINED, /* Lua nil: the key is absent */
  LS_VALUE_NULL,      /* cjson.null */
  LS_VALUE_BOOLEAN,
  LS_VALUE_NUMBER, /* Lua's integers too: JavaScript has one number type */
  LS_VALUE_STRING, /* octets, meant as UTF-8, not checked */
  LS_VALUE_ARRAY,  /* a table with keys 1..n and n > 0 */
  LS_VALUE_OBJECT, /* any other table that is not empty */
  LS_VALUE_EMPTY,  /* an empty table: object and array at once */
  LS_VALUE_OTHER   /* function, userdata, thread: never usable, named by text */
};

struct ls_value;

struct ls_member {
  struct ls_span name;
  struct ls_value *value;
};

struct ls_value {
  enum ls_value_kind kind;
  union {
    bool boolean;
    double number;
    struct ls_span string; /* OTHER: the Lua type's name */
    struct {
      struct ls_value *items;
      size_t count;
    } array;
    struct {
      struct ls_member *members; /* in the order they print */
      size_t count;
      size_t cap;     /* members allocated; used while a tree is built */
      bool sorted;    /* by the octets of the names: look-ups may halve */
      uint32_t marks; /* of a sorted one: a bit for each name; 0: not told */
    } object;
  } as;
};

/* Order of two names by their octets: below 0, 0, above 0. The first octets mostly tell. */
static inline int ls_value_name_order(struct ls_span a, struct ls_span b) {
  if (a.n && b.n && a.p[0] != b.p[0])
    return (unsigned char)a.p[0] < (unsigned char)b.p[0] ? -1 : 1;
  size_t n = a.n < b.n ? a.n : b.n;
  int order = n ? memcmp(a.p, b.p, n) : 0;
  return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* The bit of a name among the marks of an object. */
static inline uint32_t ls_value_mark(struct ls_span name) {
  return UINT32_C(1) << ((name.n ? (unsigned char)name.p[0] ^ name.n * 5 : 0) & 31);
}

/* False: the object has surely no such member. */
static inline bool ls_value_may_have(const struct ls_value *v, struct ls_span name) {
  return v && v->kind == LS_VALUE_OBJECT &&
         (!v->as.object.marks || (v->as.object.marks & ls_value_mark(name)));
}

/* The member of an object by its exact name; NULL when v is NULL, no object, or has none. */
const struct ls_value *ls_value_look_up(const struct ls_value *v, struct ls_span name);
static inline const struct ls_value *ls_value_get(const struct ls_value *v, struct ls_span name) {
  return ls_value_may_have(v, name) ? ls_value_look_up(v, name) : NULL;
}

static inline bool ls_value_is(const struct ls_value *v, enum ls_value_kind kind) {
  return v && v->kind == kind;
}

static inline bool ls_value_is_object(const struct ls_value *v) {
  return v && (v->kind == LS_VALUE_OBJECT || v->kind == LS_VALUE_EMPTY);
}

static inline bool ls_value_is_array(const struct ls_value *v) {
  return v && (v->kind == LS_VALUE_ARRAY || v->kind == LS_VALUE_EMPTY);
}

/* NULL, undefined and null alike. */
static inline bool ls_value_is_nothing(const struct ls_value *v) {
  return !v || v->kind == LS_VALUE_UNDEFINED || v->kind == LS_VALUE_NULL;
}

/* true only for the boolean true. */
static inline bool ls_value_is_true(const struct ls_value *v) {
  return ls_value_is(v, LS_VALUE_BOOLEAN) && v->as.boolean;
}

/* The octets of a string, otherwise an empty span. */
static inline struct ls_span ls_value_string(const struct ls_value *v) {
  return ls_value_is(v, LS_VALUE_STRING) ? v->as.string : ls_span(NULL, 0);
}

/* Building. Each answers NULL or false when the arena is full. Strings are borrowed: copy what must last. */
struct ls_value *ls_value_new(struct ls_arena *a,
                              enum ls_value_kind kind); /* OBJECT and ARRAY start without items */
struct ls_value *ls_value_new_string(struct ls_arena *a, struct ls_span s);
struct ls_value *ls_value_new_number(struct ls_arena *a, double number);
struct ls_value *ls_value_new_boolean(struct ls_arena *a, bool boolean);
/* Appends a member, also where the name is there already; value NULL answers false. */
bool ls_value_set(struct ls_arena *a, struct ls_value *object, struct ls_span name, struct ls_value *value);
/* Makes room for count members of an object that has none. */
bool ls_value_reserve(struct ls_arena *a, struct ls_value *object, size_t count);
/* Appends a shallow copy of *item to an array that started without items; item NULL answers false. */
bool ls_value_push(struct ls_arena *a, struct ls_value *array, const struct ls_value *item);

/* Copies every string that v borrows into a: v, whose tree is in a itself, then lasts as long as a. False: no
 * memory; v is then as good as before. */
bool ls_value_own(struct ls_arena *a, struct ls_value *v);

/* A deep copy with every string copied into a; NULL: no memory. */
struct ls_value *ls_value_copy(struct ls_arena *a, const struct ls_value *v);

#endif
