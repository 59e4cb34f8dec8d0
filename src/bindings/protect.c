/* SPDX-License-Identifier: MIT */
#include "protect.h"

struct call {
  int (*f)(lua_State *L, void *arg);
  void *arg;
};

static const char key; /* of `run` in the registry: its address is a name that needs no memory */

static int run(lua_State *L) {
  const struct call *c = lua_touserdata(L, 1);
  lua_remove(L, 1);
  return c->f(L, c->arg);
}

/* Lua 5.1 allocates to push a function, so there is one that calls every other. */
void ls_protect_register(lua_State *L) {
  lua_pushlightuserdata(L, (void *)&key);
  lua_pushcfunction(L, run);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

/* Leaves the arguments where they are; above them are the results, or nothing. */
static int attempt(lua_State *L, struct call c, int args, int results) {
  int first = lua_gettop(L) - args + 1;
  lua_pushlightuserdata(L, (void *)&key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  lua_pushlightuserdata(L, &c);
  for (int i = 0; i < args; i++)
    lua_pushvalue(L, first + i);
  int status = lua_pcall(L, args + 1, results, 0);
  if (status != 0)
    lua_pop(L, 1);
  return status;
}

static int collect(lua_State *L, void *arg) {
  (void)arg;
  lua_gc(L, LUA_GCCOLLECT, 0);
  return 0;
}

/* Lua 5.1 cannot be asked: but where something else than memory failed, that was a finalizer. */
static bool collects(lua_State *L, int status) {
#ifdef LUA_GCISRUNNING
  (void)status;
  return lua_gc(L, LUA_GCISRUNNING, 0) > 0;
#else
  (void)L;
  return status != LUA_ERRMEM;
#endif
}

bool ls_protect(lua_State *L, int (*f)(lua_State *L, void *arg), void *arg, int args, int results) {
  const struct call c = {f, arg};
  int first = lua_gettop(L) - args + 1;
  int status = attempt(L, c, args, results);
  if (status != 0) {
    attempt(L, (struct call){collect, NULL}, 0, 0);
    bool running = collects(L, status);
    if (running)
      lua_gc(L, LUA_GCSTOP, 0);
    status = attempt(L, c, args, results);
    if (running)
      lua_gc(L, LUA_GCRESTART, 0);
  }
  if (status == 0)
    for (int i = 0; i < args; i++)
      lua_remove(L, first);
  else
    lua_settop(L, first - 1);
  return status == 0;
}
