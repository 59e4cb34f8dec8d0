/* SPDX-License-Identifier: MIT */
#include "compat.h"

void ls_check_arity(lua_State *L, int max) {
  if (lua_gettop(L) > max)
    luaL_error(L, "too many arguments (%d at most, got %d)", max, lua_gettop(L));
}

static bool is_among(const char *name, const char *const *names) {
  for (; *names; names++) {
    if (!strcmp(name, *names))
      return true;
  }
  return false;
}

void ls_check_names(lua_State *L, int index, const char *const *names, const char *call) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2);
    if (is_among(name, names))
      continue;
    luaL_Buffer known;
    lua_pushstring(L, name);
    luaL_buffinit(L, &known);
    for (size_t i = 0; names[i]; i++) {
      luaL_addstring(&known, i ? ", " : "");
      luaL_addstring(&known, names[i]);
    }
    luaL_pushresult(&known);
    luaL_error(L, "bad argument #%d to '%s' (no option is named `%s`; there are %s)", index, call,
               lua_tostring(L, -2), lua_tostring(L, -1));
  }
}

void ls_push_number(lua_State *L, double number) {
#if LUA_VERSION_NUM >= 503
  const double exact = 9007199254740992.0; /* 2^53: beyond it a double no longer names one integer */
  if (number >= -exact && number <= exact && number == (double)(lua_Integer)number) {
    lua_pushinteger(L, (lua_Integer)number);
    return;
  }
#endif
  lua_pushnumber(L, number);
}

void ls_push_span(lua_State *L, struct ls_span s) {
  lua_pushlstring(L, s.p ? s.p : "", s.n);
}

struct ls_span ls_check_span(lua_State *L, int index) {
  struct ls_span s;
  s.p = luaL_checklstring(L, index, &s.n);
  return s;
}

void ls_set_functions(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

void ls_set_text(lua_State *L, const char *name, const char *text) {
  if (!text || !*text)
    return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

void ls_set_number(lua_State *L, const char *name, double number) {
  ls_push_number(L, number);
  lua_setfield(L, -2, name);
}

void ls_set_boolean(lua_State *L, const char *name, bool boolean) {
  lua_pushboolean(L, boolean);
  lua_setfield(L, -2, name);
}

void ls_set_texts(lua_State *L, const char *name, char *const *texts, size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(L, texts[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, name);
}
