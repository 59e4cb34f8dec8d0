/* SPDX-License-Identifier: MIT */
#include "issue.h"

#include "jstext.h"

enum { MAX_NUMBER_TEXT = 32 }; /* "-1.7976931348623157e+308" and shorter */

void ls_issue_init(struct ls_issue_list *list, struct ls_arena *a) {
  *list = (struct ls_issue_list){.a = a};
}

size_t ls_issue_count(const struct ls_issue_list *list) {
  return list->failed || !list->items ? 0 : list->items->as.array.count;
}

static struct ls_span joined(struct ls_arena *a, const struct ls_span *parts, size_t count) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].n > a->max - n)
      return ls_span(NULL, 0);
    n += parts[i].n;
  }
  char *p = ls_arena_alloc(a, n);
  size_t at = 0;
  for (size_t i = 0; p && i < count; at += parts[i++].n)
    if (parts[i].n)
      memcpy(p + at, parts[i].p, parts[i].n);
  return ls_span(p, p ? n : 0);
}

static struct ls_value *new_text(struct ls_arena *a, const struct ls_span *parts, size_t count) {
  struct ls_span text = joined(a, parts, count);
  return text.p ? ls_value_new_string(a, text) : NULL;
}

static bool set(struct ls_arena *a, struct ls_value *issue, const char *name, struct ls_value *value) {
  return ls_value_set(a, issue, ls_span_cstr(name), value);
}

static bool set_string(struct ls_arena *a, struct ls_value *issue, const char *name, struct ls_span text) {
  return set(a, issue, name, ls_value_new_string(a, text));
}

static struct ls_value *path_value(struct ls_arena *a, const struct ls_issue_path *at) {
  size_t count = 0;
  for (const struct ls_issue_path *p = at; p; p = p->up)
    count++;
  struct ls_value *v = ls_value_new(a, LS_VALUE_ARRAY);
  if (!v || count == 0)
    return v;
  v->as.array.items = ls_arena_array(a, count, sizeof *v);
  if (!v->as.array.items)
    return NULL;
  v->as.array.count = count;
  for (; at; at = at->up) {
    struct ls_value *step = &v->as.array.items[--count];
    if (at->is_index)
      *step = (struct ls_value){.kind = LS_VALUE_NUMBER, .as.number = (double)at->index};
    else
      *step = (struct ls_value){.kind = LS_VALUE_STRING, .as.string = at->name};
  }
  return v;
}

static void push(struct ls_issue_list *list, const struct ls_value *issue, bool complete) {
  if (!list->items)
    list->items = ls_value_new(list->a, LS_VALUE_ARRAY);
  if (list->failed || !complete || !ls_value_push(list->a, list->items, issue))
    list->failed = true;
}

static bool is_nan(const struct ls_value *v) {
  return ls_value_is(v, LS_VALUE_NUMBER) && v->as.number != v->as.number;
}

/* The type as zod names it. An empty table is an array here, as it is when it prints. */
static struct ls_span type_of(const struct ls_value *v) {
  static const struct ls_span words[] = {
      [LS_VALUE_UNDEFINED] = {"undefined", 9}, [LS_VALUE_NULL] = {"null", 4},
      [LS_VALUE_BOOLEAN] = {"boolean", 7},     [LS_VALUE_NUMBER] = {"number", 6},
      [LS_VALUE_STRING] = {"string", 6},       [LS_VALUE_ARRAY] = {"array", 5},
      [LS_VALUE_OBJECT] = {"object", 6},       [LS_VALUE_EMPTY] = {"array", 5},
      [LS_VALUE_OTHER] = {"object", 6},
  };
  if (is_nan(v))
    return LS_SPAN("nan");
  if (ls_value_is(v, LS_VALUE_OTHER) && ls_span_eq(v->as.string, LS_SPAN("function")))
    return v->as.string;
  return words[v ? v->kind : LS_VALUE_UNDEFINED];
}

static struct ls_value *type_message(struct ls_arena *a, struct ls_span expected, struct ls_span received) {
  if (ls_span_eq(received, LS_SPAN("undefined")))
    return ls_value_new_string(a, LS_SPAN("Required"));
  const struct ls_span parts[] = {LS_SPAN("Expected "), expected, LS_SPAN(", received "), received};
  return new_text(a, parts, 4);
}

void ls_issue_add_type(struct ls_issue_list *list, const char *expected, const struct ls_value *v,
                       const struct ls_issue_path *at) {
  if (list->muted)
    return;
  struct ls_arena *a = list->a;
  struct ls_span want = ls_span_cstr(expected);
  struct ls_span got = type_of(v);
  struct ls_value *issue = ls_value_new(a, LS_VALUE_OBJECT);
  bool ok = set_string(a, issue, "code", LS_SPAN("invalid_type")) && set_string(a, issue, "expected", want) &&
            set_string(a, issue, "received", got) && set(a, issue, "path", path_value(a, at)) &&
            set(a, issue, "message", type_message(a, want, got));
  push(list, issue, ok);
}

/* 'a' | 'b' */
static struct ls_span alternatives(struct ls_arena *a, const struct ls_schema *s) {
  struct ls_span *parts = ls_arena_array(a, s->words->count * 3, sizeof *parts);
  if (!parts)
    return ls_span(NULL, 0);
  for (size_t i = 0; i < s->words->count; i++) {
    parts[i * 3] = i ? LS_SPAN(" | '") : LS_SPAN("'");
    parts[i * 3 + 1] = ls_span_cstr(s->words->at[i]);
    parts[i * 3 + 2] = LS_SPAN("'");
  }
  return joined(a, parts, s->words->count * 3);
}

static struct ls_value *words_value(struct ls_arena *a, const struct ls_schema *s) {
  struct ls_value *v = ls_value_new(a, LS_VALUE_ARRAY);
  for (size_t i = 0; v && i < s->words->count; i++) {
    struct ls_value word = {.kind = LS_VALUE_STRING, .as.string = ls_span_cstr(s->words->at[i])};
    if (!ls_value_push(a, v, &word))
      return NULL;
  }
  return v;
}

static struct ls_value *enum_message(struct ls_arena *a, struct ls_span expected, const struct ls_value *v) {
  struct ls_buf text;
  ls_buf_init(&text, MAX_NUMBER_TEXT);
  struct ls_span got = ls_value_string(v);
  if (v->kind == LS_VALUE_NUMBER) {
    ls_jstext_number(v->as.number, &text);
    got = ls_buf_span(&text);
  }
  const struct ls_span parts[] = {LS_SPAN("Invalid enum value. Expected "), expected, LS_SPAN(", received '"),
                                  got, LS_SPAN("'")};
  struct ls_value *message = text.status == LS_OK ? new_text(a, parts, 5) : NULL;
  ls_buf_deinit(&text);
  return message;
}

void ls_issue_add_enum(struct ls_issue_list *list, const struct ls_schema *s, const struct ls_value *v,
                       const struct ls_issue_path *at) {
  if (list->muted)
    return;
  struct ls_arena *a = list->a;
  struct ls_span want = alternatives(a, s);
  struct ls_value *issue = ls_value_new(a, LS_VALUE_OBJECT);
  bool numeric = s->kind == LS_SCHEMA_NATIVE_ENUM && ls_value_is(v, LS_VALUE_NUMBER) && !is_nan(v);
  bool ok = want.p != NULL;
  if (ls_value_is(v, LS_VALUE_STRING) || numeric) {
    struct ls_value *got = ls_value_new(a, v->kind);
    if (got)
      *got = *v;
    ok = ok && set(a, issue, "received", got) &&
         set_string(a, issue, "code", LS_SPAN("invalid_enum_value")) &&
         set(a, issue, "options", words_value(a, s)) && set(a, issue, "path", path_value(a, at)) &&
         set(a, issue, "message", enum_message(a, want, v));
  } else {
    ok = ok && set_string(a, issue, "expected", want) && set_string(a, issue, "received", type_of(v)) &&
         set_string(a, issue, "code", LS_SPAN("invalid_type")) && set(a, issue, "path", path_value(a, at)) &&
         set(a, issue, "message", type_message(a, want, type_of(v)));
  }
  push(list, issue, ok);
}

static struct ls_value *unknown_message(struct ls_arena *a, const struct ls_value *names) {
  size_t count = names->as.array.count;
  struct ls_span *parts = ls_arena_array(a, 2 * count + 2, sizeof *parts);
  if (!parts)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    parts[2 * i] = i ? LS_SPAN("', '") : LS_SPAN("Unrecognized key(s) in object: '");
    parts[2 * i + 1] = names->as.array.items[i].as.string;
  }
  parts[2 * count] = LS_SPAN("'");
  return new_text(a, parts, 2 * count + 1);
}

void ls_issue_add_unknown(struct ls_issue_list *list, const struct ls_value *names,
                          const struct ls_issue_path *at) {
  if (list->muted)
    return;
  struct ls_arena *a = list->a;
  struct ls_value *issue = ls_value_new(a, LS_VALUE_OBJECT);
  struct ls_value *keys = ls_value_new(a, LS_VALUE_ARRAY);
  if (keys)
    *keys = *names;
  bool ok = set_string(a, issue, "code", LS_SPAN("unrecognized_keys")) && set(a, issue, "keys", keys) &&
            set(a, issue, "path", path_value(a, at)) && set(a, issue, "message", unknown_message(a, names));
  push(list, issue, ok);
}

void ls_issue_add_union(struct ls_issue_list *list, struct ls_value *branches,
                        const struct ls_issue_path *at) {
  if (list->muted)
    return;
  struct ls_arena *a = list->a;
  struct ls_value *issue = ls_value_new(a, LS_VALUE_OBJECT);
  bool ok = set_string(a, issue, "code", LS_SPAN("invalid_union")) &&
            set(a, issue, "unionErrors", branches) && set(a, issue, "path", path_value(a, at)) &&
            set_string(a, issue, "message", LS_SPAN("Invalid input"));
  push(list, issue, ok);
}

void ls_issue_add_custom(struct ls_issue_list *list, const struct ls_span *parts, size_t count,
                         const struct ls_issue_path *at) {
  if (list->muted)
    return;
  struct ls_arena *a = list->a;
  struct ls_value *issue = ls_value_new(a, LS_VALUE_OBJECT);
  bool ok = set_string(a, issue, "code", LS_SPAN("custom")) &&
            set(a, issue, "message", new_text(a, parts, count)) && set(a, issue, "path", path_value(a, at));
  push(list, issue, ok);
}

void ls_issue_add_option(struct ls_issue_list *list, enum ls_option_id id, int item, struct ls_span message) {
  struct ls_option_step steps[LS_OPTION_STEPS];
  struct ls_issue_path at[LS_OPTION_STEPS];
  size_t count = ls_option_path(id, item, steps);
  for (size_t i = 0; i < count; i++)
    at[i] = (struct ls_issue_path){.up = i ? &at[i - 1] : NULL,
                                   .name = ls_span_cstr(steps[i].name),
                                   .index = steps[i].index,
                                   .is_index = !steps[i].name};
  ls_issue_add_custom(list, &message, 1, &at[count - 1]);
}

void ls_issue_append(struct ls_issue_list *list, const struct ls_issue_list *from) {
  list->failed = list->failed || from->failed;
  for (size_t i = 0; i < ls_issue_count(from) && !list->failed; i++)
    push(list, &from->items->as.array.items[i], true);
}

struct ls_value *ls_issue_error(const struct ls_issue_list *list) {
  struct ls_value *error = list->failed ? NULL : ls_value_new(list->a, LS_VALUE_OBJECT);
  bool ok =
      set(list->a, error, "issues", list->items) && set_string(list->a, error, "name", LS_SPAN("ZodError"));
  return ok ? error : NULL;
}
