/* SPDX-License-Identifier: MIT
 * lconfig: configs from Lua, and what is wrong with them as issues. */
#ifndef LS_LCONFIG_H
#define LS_LCONFIG_H

#include "../pure/error.h"
#include "../pure/value.h"
#include "compat.h"

/* Reads the config at index into a, on the terms of ls_lvalue_read. NULL: it cannot be read, and nil and the
 * issues that say so were pushed. */
struct ls_value *ls_lconfig_read(lua_State *L, int index, struct ls_arena *a);

/* Pushes nil and what is wrong with a config: issues, whose tree is in a; NULL: the one that why is. */
void ls_lconfig_push_refusal(lua_State *L, struct ls_value *issues, struct ls_arena *a,
                             const struct ls_error *why);

/* Pushes issues as the guard makes them, of what only the making of a client can find. */
void ls_lconfig_push_issues(lua_State *L, const struct ls_error *why);

#endif
