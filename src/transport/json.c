/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <jansson.h>

static struct ls_value *read_value(const json_t *j, struct ls_arena *a, int depth);

static struct ls_value *read_string(const json_t *j, struct ls_arena *a) {
  struct ls_span s = ls_arena_copy(a, ls_span(json_string_value(j), json_string_length(j)));
  return s.p ? ls_value_new_string(a, s) : NULL;
}

static struct ls_value *read_array(const json_t *j, struct ls_arena *a, int depth) {
  struct ls_value *v = ls_value_new(a, LS_VALUE_ARRAY);
  for (size_t i = 0; v && i < json_array_size(j); i++)
    if (!ls_value_push(a, v, read_value(json_array_get(j, i), a, depth)))
      return NULL;
  return v;
}

static struct ls_value *read_object(json_t *j, struct ls_arena *a, int depth) {
  struct ls_value *v = ls_value_new(a, LS_VALUE_OBJECT);
  for (void *at = json_object_iter(j); v && at; at = json_object_iter_next(j, at)) {
    struct ls_span name = ls_arena_copy(a, ls_span_cstr(json_object_iter_key(at)));
    if (!name.p || !ls_value_set(a, v, name, read_value(json_object_iter_value(at), a, depth)))
      return NULL;
  }
  return v;
}

static struct ls_value *read_value(const json_t *j, struct ls_arena *a, int depth) {
  switch (json_typeof(j)) {
  case JSON_OBJECT:
    return read_object((json_t *)j, a, depth + 1);
  case JSON_ARRAY:
    return read_array(j, a, depth + 1);
  case JSON_STRING:
    return read_string(j, a);
  case JSON_INTEGER:
  case JSON_REAL:
    return ls_value_new_number(a, json_number_value(j));
  case JSON_TRUE:
  case JSON_FALSE:
    return ls_value_new_boolean(a, json_is_true(j));
  default:
    return ls_value_new(a, LS_VALUE_NULL);
  }
}

/* Counted before anything recurses: jansson itself takes 2048 levels. Octets in strings do not count. */
static bool too_deep(struct ls_span text, size_t most) {
  size_t depth = 0;
  bool string = false;
  for (size_t i = 0; i < text.n; i++) {
    char c = text.p[i];
    if (string && c == '\\')
      i++;
    else if (c == '"')
      string = !string;
    else if (!string && (c == '{' || c == '['))
      depth++;
    else if (!string && (c == '}' || c == ']') && depth)
      depth--;
    if (depth > most)
      return true;
  }
  return false;
}

/* integers as reals: those above 2^63 are JSON too */
enum { FLAGS = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL };

static enum ls_status parse(struct ls_span text, size_t depth, size_t flags, struct ls_arena *a,
                            struct ls_value **out, json_error_t *error) {
  *error = (json_error_t){.position = 0};
  *out = NULL;
  if (too_deep(text, depth))
    return LS_EARGUMENT;
  json_t *j = json_loadb(text.n ? text.p : "", text.n, flags, error);
  if (!j) {
    error->position = error->position > 0 ? error->position : 1;
    return json_error_code(error) == json_error_out_of_memory ? LS_ENOMEM : LS_EARGUMENT;
  }
  *out = read_value(j, a, 0);
  json_decref(j);
  return *out ? LS_OK : LS_ENOMEM;
}

enum ls_status ls_json_parse(struct ls_span text, struct ls_arena *a, struct ls_value **out, size_t *at) {
  json_error_t error;
  enum ls_status status = parse(text, LS_JSON_DEPTH, FLAGS, a, out, &error);
  if (at)
    *at = status == LS_OK ? 0 : (size_t)error.position;
  return status;
}

/* Whether an odd number of backslashes stands in front of at. */
static bool is_escaped(struct ls_span text, size_t at) {
  size_t from = at;
  while (from > 0 && text.p[from - 1] == '\\')
    from--;
  return (at - from) % 2 == 1;
}

/* The string whose closing quote is in front of end: within it each quote is escaped. */
static struct ls_span string_before(struct ls_span text, size_t end) {
  size_t open = end - 1;
  do
    open = open > 0 ? open - 1 : 0;
  while (open > 0 && (text.p[open] != '"' || is_escaped(text, open)));
  return ls_span_sub(text, open, end);
}

enum ls_status ls_json_read(struct ls_span text, size_t depth, struct ls_arena *a, struct ls_value **out,
                            struct ls_json_fault *fault) {
  json_error_t error;
  struct ls_value *name = NULL;
  *fault = (struct ls_json_fault){0};
  enum ls_status status = parse(text, depth, FLAGS | JSON_REJECT_DUPLICATES, a, out, &error);
  fault->at = (size_t)error.position;
  if (status != LS_EARGUMENT || !fault->at || json_error_code(&error) != json_error_duplicate_key)
    return status;
  status = ls_json_parse(string_before(text, fault->at), a, &name, NULL);
  fault->twin = status == LS_OK ? ls_value_string(name) : LS_SPAN("");
  return status == LS_ENOMEM ? status : LS_EARGUMENT;
}

static json_t *make(const struct ls_value *v, int depth);

static json_t *make_array(const struct ls_value *v, int depth) {
  json_t *j = json_array();
  for (size_t i = 0; j && i < v->as.array.count; i++)
    if (json_array_append_new(j, make(&v->as.array.items[i], depth)) != 0) {
      json_decref(j);
      return NULL;
    }
  return j;
}

/* Takes value. Names end at a NUL in jansson: one with a NUL inside is refused. */
static bool set_member(json_t *object, struct ls_span name, json_t *value) {
  json_t *copy = json_stringn(name.n ? name.p : "", name.n);
  if (!copy || strlen(json_string_value(copy)) != name.n) {
    json_decref(copy);
    json_decref(value);
    return false;
  }
  int rc = json_object_set_new(object, json_string_value(copy), value);
  json_decref(copy);
  return rc == 0;
}

static json_t *make_object(const struct ls_value *v, int depth) {
  json_t *j = json_object();
  for (size_t i = 0; j && i < v->as.object.count; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    if (m->value->kind == LS_VALUE_UNDEFINED || m->value->kind == LS_VALUE_OTHER)
      continue;
    if (!set_member(j, m->name, make(m->value, depth))) {
      json_decref(j);
      return NULL;
    }
  }
  return j;
}

static json_t *make_number(double number) {
  const double exact = 9007199254740992.0; /* 2^53 */
  if (number >= -exact && number <= exact && number == (double)(json_int_t)number)
    return json_integer((json_int_t)number);
  return json_real(number);
}

static json_t *make(const struct ls_value *v, int depth) {
  if (depth > LS_JSON_DEPTH)
    return NULL;
  switch (v->kind) {
  case LS_VALUE_BOOLEAN:
    return json_boolean(v->as.boolean);
  case LS_VALUE_NUMBER:
    return make_number(v->as.number);
  case LS_VALUE_STRING:
    return json_stringn(v->as.string.n ? v->as.string.p : "", v->as.string.n);
  case LS_VALUE_ARRAY:
    return make_array(v, depth + 1);
  case LS_VALUE_OBJECT:
    return make_object(v, depth + 1);
  case LS_VALUE_EMPTY:
    return json_object();
  default:
    return json_null();
  }
}

static int add_octets(const char *p, size_t n, void *context) {
  struct ls_buf *out = context;
  ls_buf_add(out, ls_span(p, n));
  return out->status == LS_OK ? 0 : -1;
}

enum ls_status ls_json_write(const struct ls_value *v, struct ls_buf *out) {
  json_t *j = make(v, 0);
  if (!j)
    return LS_EARGUMENT;
  int rc = json_dump_callback(j, add_octets, out, JSON_COMPACT | JSON_ENCODE_ANY);
  json_decref(j);
  if (out->status != LS_OK)
    return out->status;
  return rc == 0 ? LS_OK : LS_ENOMEM;
}
