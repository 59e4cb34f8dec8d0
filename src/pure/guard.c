/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include "config_option.h"
#include "config_parts.h"
#include "config_size.h"
#include "rule.h"

/* What came of a value, as zod has it: a dirty one has issues but is whole, so rules over the whole still run
 * and a union may prefer it; a broken one is not. */
enum verdict { VALID, DIRTY, BROKEN };

enum { LAST_WORD = 4096 /* octets of an arena that is full: for saying so */ };

struct guard {
  struct ls_arena *a;
  enum ls_guard_scope scope;
  bool builds; /* the result is wanted, and not only the issues */
};

static enum verdict check(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                          const struct ls_issue_path *at, struct ls_issue_list *list, struct ls_value **out);

static enum verdict worse(enum verdict a, enum verdict b) {
  return a > b ? a : b;
}

static bool is_absent(const struct ls_value *v) {
  return !v || v->kind == LS_VALUE_UNDEFINED;
}

/* v as part of the result, which nobody changes: the tree of the result shares it. */
static struct ls_value *shared(const struct ls_value *v) {
  return (struct ls_value *)v;
}

static struct ls_value *started(const struct guard *g, enum ls_value_kind kind, struct ls_issue_list *list) {
  struct ls_value *v = ls_value_new(g->a, kind);
  list->failed = list->failed || !v;
  return v;
}

/* An object with room for count members. */
static struct ls_value *started_object(const struct guard *g, size_t count, struct ls_issue_list *list) {
  struct ls_value *v = started(g, LS_VALUE_OBJECT, list);
  if (count && !ls_value_reserve(g->a, v, count))
    list->failed = true;
  return v;
}

static void set(const struct guard *g, struct ls_value *object, struct ls_span name, struct ls_value *value,
                struct ls_issue_list *list) {
  if (!ls_value_set(g->a, object, name, value))
    list->failed = true;
}

static enum verdict wrong_type(const char *expected, const struct ls_value *v, const struct ls_issue_path *at,
                               struct ls_issue_list *list) {
  ls_issue_add_type(list, expected, v, at);
  return BROKEN;
}

static enum verdict check_number(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                                 const struct ls_issue_path *at, struct ls_issue_list *list,
                                 struct ls_value **out) {
  double number;
  if (s->kind == LS_SCHEMA_PORT && ls_value_is(v, LS_VALUE_STRING) &&
      ls_schema_read_digits(v->as.string, &number)) {
    *out = g->builds ? ls_value_new_number(g->a, number) : NULL;
    list->failed = list->failed || (g->builds && !*out);
    return VALID;
  }
  if (!ls_value_is(v, LS_VALUE_NUMBER) || v->as.number != v->as.number)
    return wrong_type("number", v, at, list);
  *out = shared(v);
  return VALID;
}

static enum verdict check_enum(const struct ls_schema *s, const struct ls_value *v,
                               const struct ls_issue_path *at, struct ls_issue_list *list,
                               struct ls_value **out) {
  if (ls_value_is(v, LS_VALUE_STRING) && ls_words_find(s->words, v->as.string, false) < s->words->count) {
    *out = shared(v);
    return VALID;
  }
  ls_issue_add_enum(list, s, v, at);
  return BROKEN;
}

static enum ls_need need_of(const struct ls_schema_field *f) {
  return f->need == LS_NEED_ROW ? ls_options[f->option].need : f->need;
}

static bool may_be_absent(const struct guard *g, enum ls_need need) {
  return need == LS_NEED_OPTIONAL || (need == LS_NEED_CONNECTOR && g->scope == LS_GUARD_TRANSPORT);
}

/* What stands in the place of an option that is not given. */
static struct ls_value default_of(const struct ls_option *o) {
  switch (o->type) {
  case LS_TYPE_FLAG:
    return (struct ls_value){.kind = LS_VALUE_BOOLEAN, .as.boolean = o->number != 0};
  case LS_TYPE_MS:
    return (struct ls_value){.kind = LS_VALUE_NUMBER, .as.number = o->number};
  default:
    return (struct ls_value){.kind = LS_VALUE_OBJECT};
  }
}

static enum verdict check_field(const struct guard *g, const struct ls_schema_field *f,
                                const struct ls_value *object, const struct ls_issue_path *at,
                                struct ls_issue_list *list, struct ls_value *result) {
  struct ls_span name = ls_span(f->name, f->name_n);
  const struct ls_issue_path here = {.up = at, .name = name};
  const struct ls_value *v = ls_value_get(object, name);
  enum ls_need need = is_absent(v) ? need_of(f) : LS_NEED_REQUIRED;
  if (is_absent(v) && may_be_absent(g, need))
    return VALID;
  struct ls_value *part = NULL;
  if (need == LS_NEED_DEFAULT) {
    struct ls_value *given = started(g, LS_VALUE_UNDEFINED, list);
    if (!given)
      return BROKEN;
    *given = default_of(&ls_options[f->option]);
    v = given;
  }
  enum verdict verdict = check(g, f->schema, v, &here, list, &part);
  if (part && g->builds)
    set(g, result, name, part, list);
  return verdict;
}

static bool is_known(const struct ls_schema *s, struct ls_span name) {
  for (size_t i = 0; i < s->field_count; i++)
    if (ls_span_eq(name, ls_span(s->fields[i].name, s->fields[i].name_n)))
      return true;
  return false;
}

/* Deals with the members that the schema does not name. */
static enum verdict check_unknown(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                                  const struct ls_issue_path *at, struct ls_issue_list *list,
                                  struct ls_value *result) {
  bool kept = s->unknown == LS_SCHEMA_KEEP;
  if (s->unknown == LS_SCHEMA_DROP || (kept && !g->builds) || v->kind != LS_VALUE_OBJECT)
    return VALID;
  struct ls_value *names = NULL;
  for (size_t i = 0; i < v->as.object.count && !list->failed; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    const struct ls_value name = {.kind = LS_VALUE_STRING, .as.string = m->name};
    if (is_known(s, m->name) || is_absent(m->value))
      continue;
    if (kept) {
      set(g, result, m->name, m->value, list);
      continue;
    }
    if (!names)
      names = started(g, LS_VALUE_ARRAY, list);
    if (!ls_value_push(g->a, names, &name))
      list->failed = true;
  }
  if (list->failed || !names)
    return VALID;
  ls_issue_add_unknown(list, names, at);
  return DIRTY;
}

static enum verdict check_object(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                                 const struct ls_issue_path *at, struct ls_issue_list *list,
                                 struct ls_value **out) {
  if (!ls_value_is_object(v))
    return wrong_type("object", v, at, list);
  enum verdict verdict = VALID;
  *out = g->builds ? started_object(g, s->field_count, list) : NULL;
  for (size_t i = 0; i < s->field_count; i++)
    verdict = worse(verdict, check_field(g, &s->fields[i], v, at, list, *out));
  return worse(verdict, check_unknown(g, s, v, at, list, *out));
}

static bool covers(struct ls_span name, const struct ls_value *items, struct ls_span word) {
  for (size_t i = 0; items->kind == LS_VALUE_ARRAY && i < items->as.array.count; i++)
    if (ls_span_eq(ls_value_string(ls_value_get(&items->as.array.items[i], name)), word))
      return true;
  return false;
}

/* Every word of the schema must occur among the items. */
static enum verdict check_cover(const struct guard *g, const struct ls_schema *s,
                                const struct ls_value *items, const struct ls_issue_path *at,
                                struct ls_issue_list *list) {
  size_t count = 0;
  struct ls_span *parts = NULL;
  struct ls_span name = ls_span_cstr(s->cover);
  for (size_t i = 0; i < s->words->count; i++) {
    if (covers(name, items, ls_span_cstr(s->words->at[i])))
      continue;
    if (!parts)
      parts = ls_arena_array(g->a, 2 * s->words->count + 2, sizeof *parts);
    if (!parts) {
      list->failed = true;
      return BROKEN;
    }
    parts[count] = count ? LS_SPAN(", ") : LS_SPAN("Template with UsageType (");
    parts[count + 1] = ls_span_cstr(s->words->at[i]);
    count += 2;
  }
  if (count == 0)
    return VALID;
  parts[count++] = LS_SPAN(") should be provided!");
  ls_issue_add_custom(list, parts, count, at);
  return DIRTY;
}

static enum verdict check_array(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                                const struct ls_issue_path *at, struct ls_issue_list *list,
                                struct ls_value **out) {
  if (!ls_value_is_array(v))
    return wrong_type("array", v, at, list);
  size_t count = v->kind == LS_VALUE_ARRAY ? v->as.array.count : 0;
  enum verdict verdict = VALID;
  struct ls_value *items = NULL;
  if (g->builds) {
    *out = started(g, LS_VALUE_ARRAY, list);
    items = ls_arena_array(g->a, count, sizeof *items);
    if (list->failed || !items) {
      list->failed = true;
      return BROKEN;
    }
    (*out)->as.array.items = items;
  }
  for (size_t i = 0; i < count && !list->failed; i++) {
    const struct ls_issue_path here = {.up = at, .index = i, .is_index = true};
    struct ls_value *item = NULL;
    verdict = worse(verdict, check(g, s->item, &v->as.array.items[i], &here, list, &item));
    if (item && items)
      items[(*out)->as.array.count++] = *item;
  }
  if (!s->cover || verdict == BROKEN || list->failed)
    return verdict;
  return worse(verdict, check_cover(g, s, v, at, list));
}

static enum verdict check_record(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                                 const struct ls_issue_path *at, struct ls_issue_list *list,
                                 struct ls_value **out) {
  if (!ls_value_is_object(v))
    return wrong_type("object", v, at, list);
  size_t count = v->kind == LS_VALUE_OBJECT ? v->as.object.count : 0;
  enum verdict verdict = VALID;
  *out = g->builds ? started_object(g, count, list) : NULL;
  for (size_t i = 0; i < count && !list->failed; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    const struct ls_issue_path here = {.up = at, .name = m->name};
    struct ls_value *value = NULL;
    verdict = worse(verdict, check(g, s->item, m->value, &here, list, &value));
    if (value && g->builds)
      set(g, *out, m->name, value, list);
  }
  return verdict;
}

/* The first option that fits, looked for before anybody says what is wrong with those before it; else the
 * best that any came to. */
static enum verdict first_fitting(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                                  const struct ls_issue_path *at, struct ls_issue_list *list,
                                  struct ls_value **out) {
  enum verdict best = BROKEN;
  bool muted = list->muted;
  list->muted = true;
  for (size_t i = 0; i < s->option_count && !list->failed; i++) {
    struct ls_value *result = NULL;
    enum verdict verdict = check(g, s->options[i], v, at, list, &result);
    if (verdict < best) {
      best = verdict;
      *out = result;
    }
    if (verdict == VALID)
      break;
  }
  list->muted = muted;
  return best;
}

/* The first option that fits; else the first dirty one with its issues as they are; else what each said. */
static enum verdict check_union(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                                const struct ls_issue_path *at, struct ls_issue_list *list,
                                struct ls_value **out) {
  struct ls_issue_list dirty = {0};
  struct ls_value *branches = NULL;
  enum verdict best = first_fitting(g, s, v, at, list, out);
  if (best == VALID || list->muted)
    return best;
  *out = NULL;
  for (size_t i = 0; i < s->option_count && !list->failed; i++) {
    struct ls_issue_list own;
    struct ls_value *result = NULL;
    ls_issue_init(&own, g->a);
    enum verdict verdict = check(g, s->options[i], v, at, &own, &result);
    list->failed = own.failed;
    if (verdict == DIRTY && !dirty.items) {
      dirty = own;
      *out = result;
    }
    if (!branches)
      branches = started(g, LS_VALUE_ARRAY, list);
    if (!ls_value_push(g->a, branches, ls_issue_error(&own)))
      list->failed = true;
  }
  if (dirty.items) {
    ls_issue_append(list, &dirty);
    return DIRTY;
  }
  ls_issue_add_union(list, branches, at);
  return BROKEN;
}

static enum verdict check(const struct guard *g, const struct ls_schema *s, const struct ls_value *v,
                          const struct ls_issue_path *at, struct ls_issue_list *list, struct ls_value **out) {
  if (list->failed)
    return BROKEN;
  switch (s->kind) {
  case LS_SCHEMA_STRING:
    if (!ls_value_is(v, LS_VALUE_STRING))
      return wrong_type("string", v, at, list);
    *out = shared(v);
    return VALID;
  case LS_SCHEMA_BOOLEAN:
    if (!ls_value_is(v, LS_VALUE_BOOLEAN))
      return wrong_type("boolean", v, at, list);
    *out = shared(v);
    return VALID;
  case LS_SCHEMA_NUMBER:
  case LS_SCHEMA_PORT:
    return check_number(g, s, v, at, list, out);
  case LS_SCHEMA_ENUM:
  case LS_SCHEMA_NATIVE_ENUM:
    return check_enum(s, v, at, list, out);
  case LS_SCHEMA_OBJECT:
    return check_object(g, s, v, at, list, out);
  case LS_SCHEMA_ARRAY:
    return check_array(g, s, v, at, list, out);
  case LS_SCHEMA_RECORD:
    return check_record(g, s, v, at, list, out);
  case LS_SCHEMA_UNION:
    return check_union(g, s, v, at, list, out);
  }
  return BROKEN;
}

/* The ceiling has been met by what is wrong, or by the config itself. */
static enum ls_status too_many(struct ls_arena *a, struct ls_value **out) {
  struct ls_issue_list list;
  const struct ls_span text =
      LS_SPAN("the config is too large to say what is wrong with it; make it smaller");
  a->max += LAST_WORD;
  a->full = false;
  ls_issue_init(&list, a);
  ls_issue_add_custom(&list, &text, 1, NULL);
  *out = list.items;
  return list.failed ? LS_ENOMEM : LS_ECONFIG;
}

/* Runs the schema, the rules, and what a reader says of the options that the schema does not have. */
static enum ls_status run(const struct guard *g, struct ls_config_reader *r, struct ls_value **out) {
  struct ls_issue_list list;
  ls_issue_init(&list, g->a);
  ls_config_size_check(r->config, &list);
  if (ls_issue_count(&list) == 0) { /* issues quote what they are about */
    check(g, &ls_schema_config, r->config, NULL, &list, out);
    r->list = &list;
    ls_rule_check(r);
    ls_config_read_ours(r);
    r->list = NULL;
  }
  if (list.failed && g->a->full)
    return too_many(g->a, out);
  if (list.failed)
    return LS_ENOMEM;
  if (ls_issue_count(&list) == 0)
    return LS_OK;
  *out = list.items;
  return LS_ECONFIG;
}

static enum ls_status judge(const struct guard *g, const struct ls_value *config, struct ls_value **out) {
  struct ls_config scratch;
  struct ls_config_reader r = {.a = g->a, .out = &scratch};
  ls_config_reader_open(&r, config);
  *out = NULL;
  return run(g, &r, out);
}

enum ls_status ls_guard_check(const struct ls_value *config, enum ls_guard_scope scope, struct ls_arena *a,
                              struct ls_value **out) {
  const struct guard g = {.a = a, .scope = scope, .builds = true};
  return judge(&g, config, out);
}

enum ls_status ls_guard_find(const struct ls_value *config, enum ls_guard_scope scope, struct ls_arena *a,
                             struct ls_value **out) {
  const struct guard g = {.a = a, .scope = scope};
  enum ls_status status = judge(&g, config, out);
  if (status == LS_OK)
    *out = NULL; /* parts of the config itself */
  return status;
}

enum ls_status ls_guard_read(const struct ls_value *config, enum ls_guard_scope scope, struct ls_arena *a,
                             struct ls_arena *keep, struct ls_config *out, struct ls_value **issues,
                             struct ls_buf *identity, struct ls_error *err) {
  const struct guard g = {.a = a, .scope = scope};
  struct ls_config_reader r = {.a = keep, .out = out, .err = err, .identity = identity};
  ls_config_reader_open(&r, config);
  struct ls_value *result = NULL;
  enum ls_status status = run(&g, &r, &result);
  *issues = status == LS_ECONFIG ? result : NULL;
  if (status == LS_OK)
    status = ls_config_read_rest(&r);
  if (status == LS_OK && identity)
    status = identity->status;
  if (status == LS_ENOMEM)
    ls_config_option_no_memory(&r);
  return status;
}
