/* SPDX-License-Identifier: MIT */
#include "box.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A finalizer is a call, and Lua may have no memory for one: the userdata then goes without. Hence what a box
 * holds lies beside it, in a list of the state's, and whatever is left in there ends with the state. */
struct content {
  struct content *next, **link;
  const struct ls_box_type *type;
  _Alignas(max_align_t) char data[];
};

/* Made before any box, so that its finalizer runs behind theirs. Lives in the registry. */
struct home {
  struct content *first;
  bool over; /* the state is closing: boxes that are still there have lost their content */
};

struct box {
  struct home *home; /* NULL: made when it was over */
  struct content *content;
};

static const char home_key[] = "logto_smtp.boxes";

static void free_content(struct content *c) {
  c->type->release(c->data);
  if (c->next)
    c->next->link = c->link;
  *c->link = c->next;
  free(c);
}

static int end_home(lua_State *L) {
  struct home *h = lua_touserdata(L, 1);
  while (h && !h->over && h->first)
    free_content(h->first);
  if (h)
    h->over = true;
  return 0;
}

static void register_home(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, home_key);
  if (lua_isnil(L, -1)) {
    struct home *h = lua_newuserdata(L, sizeof *h);
    *h = (struct home){0};
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, end_home);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, home_key);
  }
  lua_pop(L, 1);
}

static void *data_of(const struct box *b) {
  bool gone = !b || !b->content || (b->home && b->home->over);
  return gone ? NULL : b->content->data;
}

/* The metatable's upvalue holds the type, so that one function serves every box. */
static struct box *check(lua_State *L) {
  const struct ls_box_type *type = lua_touserdata(L, lua_upvalueindex(1));
  return luaL_checkudata(L, 1, type->name);
}

static int on_close(lua_State *L) {
  struct box *b = check(L);
  if (data_of(b))
    b->content->type->release(b->content->data);
  return 0;
}

static void empty(struct box *b) {
  if (data_of(b))
    free_content(b->content);
  b->content = NULL;
}

static int on_gc(lua_State *L) {
  empty(check(L));
  return 0;
}

static void set_event(lua_State *L, const struct ls_box_type *type, const char *event, lua_CFunction f) {
  lua_pushlightuserdata(L, (void *)type);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, event);
}

void ls_box_register(lua_State *L, const struct ls_box_type *type) {
  register_home(L);
  luaL_newmetatable(L, type->name);
  set_event(L, type, "__gc", on_gc);
  set_event(L, type, "__close", on_close);
  lua_pushstring(L, type->name);
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
  lua_getfield(L, LUA_REGISTRYINDEX, home_key);
  lua_rawseti(L, -2, 1);
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

/* Gives the box on top a table for its values: that is the one form all versions have, and one which nothing
 * need be allocated for later. */
static void add_values(lua_State *L, int count) {
  if (count == 0)
    return;
  lua_createtable(L, count, 0);
#if LS_LUA_51
  lua_setfenv(L, -2);
#elif LUA_VERSION_NUM >= 504
  lua_setiuservalue(L, -2, 1);
#else
  lua_setuservalue(L, -2);
#endif
}

static void push_values(lua_State *L, int index) {
#if LS_LUA_51
  lua_getfenv(L, index);
#elif LUA_VERSION_NUM >= 504
  lua_getiuservalue(L, index, 1);
#else
  lua_getuservalue(L, index);
#endif
}

void *ls_box_push(lua_State *L, const struct ls_box_type *type) {
#if LUA_VERSION_NUM >= 504
  struct box *b = lua_newuserdatauv(L, sizeof *b, type->values ? 1 : 0);
#else
  struct box *b = lua_newuserdata(L, sizeof *b);
#endif
  *b = (struct box){0};
  add_values(L, type->values);
  luaL_getmetatable(L, type->name);
  lua_rawgeti(L, -1, 1);
  struct home *h = lua_touserdata(L, -1);
  lua_pop(L, 1);
  lua_setmetatable(L, -2);
  struct content *c = calloc(1, sizeof *c + type->size);
  if (!c) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  c->type = type;
  c->next = h->first;
  c->link = &h->first;
  if (c->next)
    c->next->link = &c->next;
  h->first = c;
  b->home = h->over ? NULL : h;
  b->content = c;
  return c->data;
}

void *ls_box_check(lua_State *L, int index, const struct ls_box_type *type) {
  return data_of(luaL_checkudata(L, index, type->name));
}

void *ls_box_at(lua_State *L, int index) {
  return data_of(lua_touserdata(L, index));
}

void ls_box_free(lua_State *L, int index) {
  empty(lua_touserdata(L, index));
}

void ls_box_set_value(lua_State *L, int index, int n) {
  push_values(L, index);
  lua_insert(L, -2);
  lua_rawseti(L, -2, n);
  lua_pop(L, 1);
}

void ls_box_get_value(lua_State *L, int index, int n) {
  push_values(L, index);
  lua_rawgeti(L, -1, n);
  lua_remove(L, -2);
}
