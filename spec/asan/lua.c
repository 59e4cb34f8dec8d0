/* SPDX-License-Identifier: MIT
 * A Lua interpreter to be built with sanitizers: lua SCRIPT [ARG...] or lua -e CODE, with `arg` as the standalone
 * interpreter sets it. Programs it starts are not affected, as they would be by preloading the sanitizer. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int traceback(lua_State *L) {
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s SCRIPT [ARG...]\n", argv[0]);
    return 64;
  }
  lua_State *L = luaL_newstate();
  if (!L)
    return 71;
  luaL_openlibs(L);
  luaL_checkstack(L, argc, "too many arguments");
  lua_createtable(L, argc - 2, 2);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  lua_pushcfunction(L, traceback);
  bool code = argc > 2 && strcmp(argv[1], "-e") == 0;
  int first = code ? 3 : 2;
  int status = code ? luaL_loadstring(L, argv[2]) : luaL_loadfile(L, argv[1]);
  for (int i = first; status == LUA_OK && i < argc; i++)
    lua_pushstring(L, argv[i]);
  if (status == LUA_OK)
    status = lua_pcall(L, argc - first, 0, 1);
  if (status != LUA_OK)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? 0 : 1;
}
