/* SPDX-License-Identifier: MIT */
#include "lerror.h"

static const char metatable[] = "logto_smtp.error";

static int to_string(lua_State *L) {
  lua_getfield(L, 1, "message");
  return 1;
}

void ls_lerror_register(lua_State *L) {
  luaL_newmetatable(L, metatable);
  lua_pushcfunction(L, to_string);
  lua_setfield(L, -2, "__tostring");
  lua_pushstring(L, metatable);
  lua_setfield(L, -2, "__name");
  lua_pop(L, 1);
}

void ls_lerror_push(lua_State *L, const struct ls_error *e) {
  if (e->status == LS_ENOMEM)
    luaL_error(L, "not enough memory");
  ls_lerror_push_table(L, e);
}

void ls_lerror_push_table(lua_State *L, const struct ls_error *e) {
  lua_createtable(L, 0, 10);
  ls_set_text(L, "code", ls_status_code(e->status));
  ls_set_text(L, "message", ls_error_text(e));
  ls_set_text(L, "command", e->command);
  ls_set_text(L, "response", e->response);
  if (e->response_code)
    ls_set_number(L, "responseCode", e->response_code);
  ls_set_text(L, "enhancedCode", e->enhanced);
  ls_set_boolean(L, "permanent", ls_error_permanent(e));
  ls_set_text(L, "delivery", e->delivery == LS_DELIVERY_UNKNOWN ? "unknown" : "not_sent");
  luaL_getmetatable(L, metatable);
  lua_setmetatable(L, -2);
}

int ls_lerror_return(lua_State *L, const struct ls_error *e) {
  lua_pushnil(L);
  ls_lerror_push(L, e);
  return 2;
}
