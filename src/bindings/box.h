/* SPDX-License-Identifier: MIT
 * box: C memory anchored in a userdata, so that a raise frees it. A box starts zeroed; its release function
 * takes a zeroed, a half-filled and an already released box alike.
 *
 * Whatever calls into Lua may run a finalizer, and that may close anything Lua code can reach. So what a box
 * that Lua code can reach holds is asked for anew (ls_box_at) after each such call, and is at work only in
 * functions that are not given the lua_State. */
#ifndef LS_BOX_H
#define LS_BOX_H

#include "compat.h"

struct ls_box_type {
  const char *name;           /* also the key of the metatable in the registry */
  size_t size;                /* octets */
  int values;                 /* Lua values that live as long as the box */
  void (*release)(void *box); /* runs on __close, and on __gc, behind which the box is freed */
  const luaL_Reg *methods;    /* may be NULL */
  lua_CFunction tostring;     /* may be NULL */
};

/* Makes the metatable. Call once for each type in luaopen. */
void ls_box_register(lua_State *L, const struct ls_box_type *type);

/* Pushes a zeroed box. Raises when there is no memory. */
void *ls_box_push(lua_State *L, const struct ls_box_type *type);

/* The box at index; raises `bad argument` when it is something else. NULL: it has been finalized. */
void *ls_box_check(lua_State *L, int index, const struct ls_box_type *type);
/* The same, once it has been checked. Needs no memory and never raises. */
void *ls_box_at(lua_State *L, int index);
/* Releases and frees the box at index, which is nobody else's. */
void ls_box_free(lua_State *L, int index);

/* The box's value with the number n, from 1: set pops it from the top, get pushes it (nil: none). Neither
 * needs memory or raises. */
void ls_box_set_value(lua_State *L, int index, int n);
void ls_box_get_value(lua_State *L, int index, int n);

#endif
