/* SPDX-License-Identifier: MIT */
#include "lvalue.h"

#include <stdio.h>
#include <stdlib.h>

#include "../pure/jstext.h"

enum { NUMBER_MAX = 64 /* octets of a number's text */ };

/* One reading. A refusal leaves the stack as it is: ls_lvalue_read sets it right. */
struct reader {
  lua_State *L;
  struct ls_arena *a;
  char *why;
};

static bool read_into(struct reader *r, int index, struct ls_value *v, int depth);

/* p, or a refusal where the ceiling is the reason that there is none. */
static void *have(struct reader *r, void *p) {
  if (p)
    return p;
  if (!r->a->full)
    luaL_error(r->L, "not enough memory");
  snprintf(r->why, LS_LVALUE_WHY, "the table takes more than %zu MiB", r->a->max >> 20);
  return NULL;
}

static int by_name(const void *left, const void *right) {
  const struct ls_member *l = left;
  const struct ls_member *r = right;
  return ls_value_name_order(l->name, r->name);
}

/* Most tables are small, and qsort would allocate. */
static void sort(struct ls_member *m, size_t count) {
  enum { FEW = 24 };
  if (count > FEW) {
    qsort(m, count, sizeof *m, by_name);
    return;
  }
  for (size_t i = 1; i < count; i++) {
    const struct ls_member one = m[i];
    size_t at = i;
    for (; at > 0 && by_name(&m[at - 1], &one) > 0; at--)
      m[at] = m[at - 1];
    m[at] = one;
  }
}

/* The text of the number at -2. Lua's own conversion would allocate a string, and so may run a finalizer. */
static struct ls_span number_name(lua_State *L, struct ls_arena *a) {
  struct ls_buf text;
  ls_buf_init(&text, NUMBER_MAX);
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(L, -2)) {
    lua_Integer i = lua_tointeger(L, -2);
    if (i < 0)
      ls_buf_addc(&text, '-');
    ls_buf_addu(&text, i < 0 ? 0 - (lua_Unsigned)i : (lua_Unsigned)i);
  } else
#endif
    ls_jstext_number((double)lua_tonumber(L, -2), &text);
  struct ls_span name = text.status == LS_OK ? ls_arena_copy(a, ls_buf_span(&text)) : ls_span(NULL, 0);
  ls_buf_deinit(&text);
  return name;
}

/* The text of the key at -2. */
static bool read_name(struct reader *r, struct ls_span *name) {
  lua_State *L = r->L;
  if (lua_type(L, -2) == LUA_TSTRING) {
    name->p = lua_tolstring(L, -2, &name->n);
    return true;
  }
  if (lua_type(L, -2) != LUA_TNUMBER) {
    snprintf(r->why, LS_LVALUE_WHY, "table keys must be strings or numbers, got %s", luaL_typename(L, -2));
    return false;
  }
  *name = number_name(L, r->a);
  return have(r, (void *)name->p) != NULL;
}

/* Whether the keys of a table that is not empty are just 1..n; if so *count is n. */
static bool is_array(lua_State *L, int index, size_t *count) {
  size_t length = lua_rawlen(L, index);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), n++) {
    lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    if (!(key >= 1 && key <= (lua_Number)length && key == (lua_Number)(size_t)key)) {
      lua_pop(L, 2);
      return false;
    }
  }
  if (n == length)
    *count = n;
  return n == length;
}

static size_t count_pairs(lua_State *L, int index) {
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    n++;
  return n;
}

static bool read_array(struct reader *r, int index, struct ls_value *v, int depth) {
  v->kind = LS_VALUE_ARRAY;
  struct ls_value *items = have(r, ls_arena_array(r->a, v->as.array.count, sizeof *items));
  v->as.array.items = items;
  for (size_t i = 0; items && i < v->as.array.count; i++) {
    lua_rawgeti(r->L, index, (int)i + 1);
    if (!read_into(r, -1, &items[i], depth))
      return false;
    lua_pop(r->L, 1);
  }
  return items != NULL;
}

/* Room for more members of the table at index, and for their values, which is the answer. A table that turns
 * out to be large is counted, so that it takes no more than it needs. */
static struct ls_value *grow(struct reader *r, int index, struct ls_value *v) {
  enum { FIRST = 4, LARGE = 64 };
  size_t count = v->as.object.count;
  size_t cap = count == 0 ? FIRST : count < LARGE ? count * 2 : count_pairs(r->L, index);
  struct ls_member *members = have(r, ls_arena_array(r->a, cap, sizeof *members));
  if (!members)
    return NULL;
  if (count)
    memcpy(members, v->as.object.members, count * sizeof *members);
  v->as.object.members = members;
  v->as.object.cap = cap;
  return have(r, ls_arena_array(r->a, cap - count, sizeof(struct ls_value)));
}

/* Reads a table as an object; its first pair is on the stack. */
static bool read_object(struct reader *r, int index, struct ls_value *v, int depth) {
  struct ls_value *values = NULL;
  uint32_t marks = 0;
  v->kind = LS_VALUE_OBJECT;
  do {
    struct ls_member m = {0};
    if (v->as.object.count == v->as.object.cap)
      values = grow(r, index, v);
    if (!values || !read_name(r, &m.name) || !read_into(r, -1, values, depth))
      return false;
    m.value = values++;
    marks |= ls_value_mark(m.name);
    v->as.object.members[v->as.object.count++] = m;
    lua_pop(r->L, 1);
  } while (lua_next(r->L, index));
  /* Lua's tables have no order, so we give them one: results must not change from run to run */
  v->as.object.sorted = true;
  v->as.object.marks = marks;
  sort(v->as.object.members, v->as.object.count);
  return true;
}

static bool read_table(struct reader *r, int index, struct ls_value *v, int depth) {
  lua_State *L = r->L;
  index = index < 0 ? lua_gettop(L) + 1 + index : index;
  if (depth >= LS_LVALUE_DEPTH) {
    snprintf(r->why, LS_LVALUE_WHY, "tables are nested too deeply (%d levels at most)", LS_LVALUE_DEPTH);
    return false;
  }
  luaL_checkstack(L, 8, "tables are nested too deeply");
  lua_pushnil(L);
  if (!lua_next(L, index)) {
    v->kind = LS_VALUE_EMPTY;
    return true;
  }
  if (lua_type(L, -2) != LUA_TNUMBER || !is_array(L, index, &v->as.array.count))
    return read_object(r, index, v, depth + 1);
  lua_pop(L, 2);
  return read_array(r, index, v, depth + 1);
}

static bool read_into(struct reader *r, int index, struct ls_value *v, int depth) {
  lua_State *L = r->L;
  switch (lua_type(L, index)) {
  case LUA_TNONE:
  case LUA_TNIL:
    v->kind = LS_VALUE_UNDEFINED;
    break;
  case LUA_TBOOLEAN:
    v->kind = LS_VALUE_BOOLEAN;
    v->as.boolean = lua_toboolean(L, index);
    break;
  case LUA_TNUMBER:
    v->kind = LS_VALUE_NUMBER;
    v->as.number = (double)lua_tonumber(L, index);
    break;
  case LUA_TSTRING:
    v->kind = LS_VALUE_STRING;
    v->as.string.p = lua_tolstring(L, index, &v->as.string.n);
    break;
  case LUA_TTABLE:
    return read_table(r, index, v, depth);
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(L, index)) {
      v->kind = LS_VALUE_NULL; /* cjson.null and ngx.null */
      break;
    }
    /* fall through */
  default:
    v->kind = LS_VALUE_OTHER;
    v->as.string = ls_span_cstr(luaL_typename(L, index));
  }
  return true;
}

struct ls_value *ls_lvalue_read(lua_State *L, int index, struct ls_arena *a, char why[LS_LVALUE_WHY]) {
  struct reader r = {L, a, why};
  int top = lua_gettop(L);
  struct ls_value *v = have(&r, ls_value_new(a, LS_VALUE_UNDEFINED));
  if (v && read_into(&r, index, v, 0))
    return v;
  lua_settop(L, top);
  return NULL;
}

/* Lua 5.3 and later find a text that was pushed before by its address. */
static void push_name(lua_State *L, struct ls_span name) {
#if LUA_VERSION_NUM >= 503
  if (strlen(name.p) == name.n) {
    lua_pushstring(L, name.p);
    return;
  }
#endif
  ls_push_span(L, name);
}

static void push(lua_State *L, const struct ls_value *v, int source);

/* Whether the string at the top is s. */
static bool is_string(lua_State *L, struct ls_span s) {
  struct ls_span top = {0};
  if (lua_type(L, -1) != LUA_TSTRING)
    return false;
  top.p = lua_tolstring(L, -1, &top.n);
  return ls_span_eq(top, s);
}

/* Pushes v, a part of a value that was read from the table at source; what that table has in this place is on
 * top of the stack, and gives way. A string that is there already need not be made once more. */
static void push_part(lua_State *L, const struct ls_value *v) {
  if (v->kind == LS_VALUE_STRING && is_string(L, v->as.string))
    return;
  push(L, v, lua_type(L, -1) == LUA_TTABLE ? lua_gettop(L) : 0);
  lua_replace(L, -2);
}

static bool is_scalar(const struct ls_value *v) {
  return v->kind != LS_VALUE_STRING && v->kind != LS_VALUE_ARRAY && v->kind != LS_VALUE_OBJECT;
}

static void push_array(lua_State *L, const struct ls_value *v, int source) {
  lua_createtable(L, (int)v->as.array.count, 0);
  for (size_t i = 0; i < v->as.array.count; i++) {
    const struct ls_value *item = &v->as.array.items[i];
    if (source && !is_scalar(item)) {
      lua_rawgeti(L, source, (int)i + 1);
      push_part(L, item);
    } else {
      push(L, item, 0);
    }
    lua_rawseti(L, -2, (int)i + 1);
  }
}

static void push_object(lua_State *L, const struct ls_value *v, int source) {
  lua_createtable(L, 0, (int)v->as.object.count);
  for (size_t i = 0; i < v->as.object.count; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    push_name(L, m->name);
    if (source && !is_scalar(m->value)) {
      lua_pushvalue(L, -1);
      lua_rawget(L, source);
      push_part(L, m->value);
    } else {
      push(L, m->value, 0);
    }
    lua_rawset(L, -3);
  }
}

/* source: where the table is that v was read from, 0: nowhere. */
static void push(lua_State *L, const struct ls_value *v, int source) {
  luaL_checkstack(L, 6, "value is nested too deeply");
  switch (v->kind) {
  case LS_VALUE_NULL:
    lua_pushlightuserdata(L, NULL);
    break;
  case LS_VALUE_BOOLEAN:
    lua_pushboolean(L, v->as.boolean);
    break;
  case LS_VALUE_NUMBER:
    ls_push_number(L, v->as.number);
    break;
  case LS_VALUE_STRING:
    ls_push_span(L, v->as.string);
    break;
  case LS_VALUE_ARRAY:
    push_array(L, v, source);
    break;
  case LS_VALUE_OBJECT:
    push_object(L, v, source);
    break;
  case LS_VALUE_EMPTY:
    lua_newtable(L);
    break;
  case LS_VALUE_UNDEFINED:
  case LS_VALUE_OTHER:
    lua_pushnil(L);
    break;
  }
}

void ls_lvalue_push(lua_State *L, struct ls_value *v, struct ls_arena *a) {
  ls_lvalue_push_from(L, v, a, 0);
}

/* What was borrowed from Lua may go with the first finalizer that runs now. It is there already, so how much
 * it is matters no more. */
void ls_lvalue_push_from(lua_State *L, struct ls_value *v, struct ls_arena *a, int index) {
  const size_t max = a->max;
  a->max = SIZE_MAX;
  bool owned = ls_value_own(a, v);
  a->max = max;
  if (!owned)
    luaL_error(L, "not enough memory");
  push(L, v, index && lua_istable(L, index) ? index : 0);
}
