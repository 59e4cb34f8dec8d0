/* SPDX-License-Identifier: MIT
 * allocator: lets allocations of the Lua state fail. For specs, and for one state of a process. */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

static struct {
  lua_Alloc allocate;
  void *data;
  lua_Number count, from, until; /* allocations since fail(); which of them fail */
  bool on;
} our;

static void *allocate(void *data, void *p, size_t old, size_t new) {
  (void)data;
  bool grows = new > (p ? old : 0);
  if (our.on && grows) {
    our.count++;
    if (our.count >= our.from && our.count < our.until)
      return NULL;
  }
  return our.allocate(our.data, p, old, new);
}

/* fail(n, times): from now on the n-th allocation fails, and as many as times in all one after another */
static int fail(lua_State *L) {
  our.from = luaL_checknumber(L, 1);
  our.until = our.from + luaL_checknumber(L, 2);
  our.count = 0;
  our.on = true;
  return 0;
}

/* stop() -> how many there have been */
static int stop(lua_State *L) {
  our.on = false;
  lua_pushnumber(L, our.count);
  return 1;
}

int luaopen_spec_allocator(lua_State *L);

int luaopen_spec_allocator(lua_State *L) {
  if (!our.allocate) {
    our.allocate = lua_getallocf(L, &our.data);
    lua_setallocf(L, allocate, NULL);
  }
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, fail);
  lua_setfield(L, -2, "fail");
  lua_pushcfunction(L, stop);
  lua_setfield(L, -2, "stop");
  return 1;
}
