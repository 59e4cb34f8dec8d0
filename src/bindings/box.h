/* SPDX-License-Identifier: MIT
 * box: C memory anchored in a userdata, so that a raise frees it. A box starts zeroed; its release function
 * takes a zeroed, a half-filled and an already released box alike. */
#ifndef LS_BOX_H
#define LS_BOX_H

#include "compat.h"

struct ls_box_type {
  const char *name;           /* also the key of the metatable in the registry */
  size_t size;                /* octets */
  void (*release)(void *box); /* runs on __gc and __close */
  const luaL_Reg *methods;    /* may be NULL */
  lua_CFunction tostring;     /* may be NULL */
};

/* Makes the metatable. Call once for each type in luaopen. */
void ls_box_register(lua_State *L, const struct ls_box_type *type);

/* Pushes a zeroed box. Raises when there is no memory. */
void *ls_box_push(lua_State *L, const struct ls_box_type *type);

/* A value that lives as long as the box at index: set pops it from the top, get pushes it (or nil). */
void ls_box_set_value(lua_State *L, int index);
void ls_box_get_value(lua_State *L, int index);

/* The box at index; raises `bad argument` when it is something else. */
void *ls_box_check(lua_State *L, int index, const struct ls_box_type *type);

#endif
