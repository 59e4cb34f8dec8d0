/* SPDX-License-Identifier: MIT */
#include "lvalue.h"

#include <stdlib.h>

static void read_into(lua_State *L, int index, struct ls_arena *a, struct ls_value *v, int depth);

static void *must(lua_State *L, void *p) {
  if (!p)
    luaL_error(L, "not enough memory");
  return p;
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

/* The text of the key at -2. A number's text belongs to no table, so it is copied. */
static struct ls_span read_name(lua_State *L, struct ls_arena *a) {
  struct ls_span name = {0};
  if (lua_type(L, -2) == LUA_TSTRING) {
    name.p = lua_tolstring(L, -2, &name.n);
    return name;
  }
  if (lua_type(L, -2) != LUA_TNUMBER)
    luaL_error(L, "table keys must be strings or numbers, got %s", luaL_typename(L, -2));
  lua_pushvalue(L, -2); /* converting the key in place would confuse lua_next */
  name.p = lua_tolstring(L, -1, &name.n);
  name = ls_arena_copy(a, name);
  must(L, (void *)name.p);
  lua_pop(L, 1);
  return name;
}

/* How many pairs the table has; *array tells whether their keys are just 1..n. */
static size_t measure(lua_State *L, int index, bool *array) {
  size_t length = lua_rawlen(L, index);
  size_t count = 0;
  bool sequence = length > 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    count++;
    if (sequence) {
      lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
      sequence = key >= 1 && key <= (lua_Number)length && key == (lua_Number)(size_t)key;
    }
  }
  *array = sequence && count == length;
  return count;
}

static void read_array(lua_State *L, int index, struct ls_arena *a, struct ls_value *v, int depth) {
  v->kind = LS_VALUE_ARRAY;
  struct ls_value *items = must(L, ls_arena_array(a, v->as.array.count, sizeof *items));
  v->as.array.items = items;
  for (size_t i = 0; i < v->as.array.count; i++) {
    lua_rawgeti(L, index, (int)i + 1);
    read_into(L, lua_gettop(L), a, &items[i], depth);
    lua_pop(L, 1);
  }
}

static void read_object(lua_State *L, int index, struct ls_arena *a, struct ls_value *v, int depth) {
  size_t cap = v->as.object.cap;
  v->kind = LS_VALUE_OBJECT;
  v->as.object.members = must(L, ls_arena_array(a, cap, sizeof *v->as.object.members));
  struct ls_value *values = must(L, ls_arena_array(a, cap, sizeof *values));
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    v->as.object.members[count] = (struct ls_member){read_name(L, a), &values[count]};
    read_into(L, lua_gettop(L), a, &values[count], depth);
    count++;
  }
  v->as.object.count = count;
  v->as.object.sorted = true;
  /* Lua's tables have no order, so we give them one: results must not change from run to run */
  sort(v->as.object.members, count);
}

static void read_table(lua_State *L, int index, struct ls_arena *a, struct ls_value *v, int depth) {
  if (depth >= LS_LVALUE_DEPTH)
    luaL_error(L, "tables are nested too deeply (%d levels at most)", LS_LVALUE_DEPTH);
  luaL_checkstack(L, 6, "tables are nested too deeply");
  bool array = false;
  size_t count = measure(L, index, &array);
  if (count == 0) {
    v->kind = LS_VALUE_EMPTY;
  } else if (array) {
    v->as.array.count = count;
    read_array(L, index, a, v, depth + 1);
  } else {
    v->as.object.cap = count;
    read_object(L, index, a, v, depth + 1);
  }
}

static void read_into(lua_State *L, int index, struct ls_arena *a, struct ls_value *v, int depth) {
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
    read_table(L, index, a, v, depth);
    break;
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
}

struct ls_value *ls_lvalue_read(lua_State *L, int index, struct ls_arena *a) {
  struct ls_value *v = must(L, ls_value_new(a, LS_VALUE_UNDEFINED));
  read_into(L, index < 0 ? lua_gettop(L) + index + 1 : index, a, v, 0);
  return v;
}

static void push_array(lua_State *L, const struct ls_value *v) {
  lua_createtable(L, (int)v->as.array.count, 0);
  for (size_t i = 0; i < v->as.array.count; i++) {
    ls_lvalue_push(L, &v->as.array.items[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

static void push_object(lua_State *L, const struct ls_value *v) {
  lua_createtable(L, 0, (int)v->as.object.count);
  for (size_t i = 0; i < v->as.object.count; i++) {
    ls_push_span(L, v->as.object.members[i].name);
    ls_lvalue_push(L, v->as.object.members[i].value);
    lua_rawset(L, -3);
  }
}

void ls_lvalue_push(lua_State *L, const struct ls_value *v) {
  luaL_checkstack(L, 4, "value is nested too deeply");
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
    push_array(L, v);
    break;
  case LS_VALUE_OBJECT:
    push_object(L, v);
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
