/* SPDX-License-Identifier: MIT */
#include "box.h"

#include <string.h>

/* The metatable's upvalue holds the type, so that one function serves every box. */
static int release(lua_State *L) {
  const struct ls_box_type *type = lua_touserdata(L, lua_upvalueindex(1));
  type->release(luaL_checkudata(L, 1, type->name));
  return 0;
}

static void set_release(lua_State *L, const struct ls_box_type *type, const char *event) {
  lua_pushlightuserdata(L, (void *)type);
  lua_pushcclosure(L, release, 1);
  lua_setfield(L, -2, event);
}

void ls_box_register(lua_State *L, const struct ls_box_type *type) {
  luaL_newmetatable(L, type->name);
  set_release(L, type, "__gc");
  set_release(L, type, "__close");
  lua_pushstring(L, type->name);
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
  if (type->tostring) {
    lua_pushcfunction(L, type->tostring);
    lua_setfield(L, -2, "__tostring");
  }
  if (type->methods) {
    lua_newtable(L);
    ls_set_functions(L, type->methods);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}

void *ls_box_push(lua_State *L, const struct ls_box_type *type) {
#if LUA_VERSION_NUM >= 504
  void *box = lua_newuserdatauv(L, type->size, 1);
#else
  void *box = lua_newuserdata(L, type->size);
#endif
  memset(box, 0, type->size);
  luaL_getmetatable(L, type->name);
  lua_setmetatable(L, -2);
  return box;
}

/* Lua 5.1 has an environment in the place of the value, which must be a table. */
void ls_box_set_value(lua_State *L, int index) {
#if LS_LUA_51
  lua_createtable(L, 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  lua_setfenv(L, index);
#elif LUA_VERSION_NUM >= 504
  lua_setiuservalue(L, index, 1);
#else
  lua_setuservalue(L, index);
#endif
}

void ls_box_get_value(lua_State *L, int index) {
#if LS_LUA_51
  lua_getfenv(L, index);
  lua_rawgeti(L, -1, 1);
  lua_remove(L, -2);
#elif LUA_VERSION_NUM >= 504
  lua_getiuservalue(L, index, 1);
#else
  lua_getuservalue(L, index);
#endif
}

void *ls_box_check(lua_State *L, int index, const struct ls_box_type *type) {
  return luaL_checkudata(L, index, type->name);
}
