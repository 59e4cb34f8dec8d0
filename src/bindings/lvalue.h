/* SPDX-License-Identifier: MIT
 * lvalue: Lua values to ls_value trees and back. */
#ifndef LS_LVALUE_H
#define LS_LVALUE_H

#include "../pure/value.h"
#include "compat.h"

enum {
  LS_LVALUE_DEPTH = 100, /* nested tables; deeper is refused (a table that holds itself, say) */
  LS_LVALUE_WHY = 96     /* octets of the longest reason, its NUL included */
};

/* Reads the value at index into a. Runs no Lua code. Strings are borrowed from Lua: they last while the value
 * stays on the stack and no Lua code runs, so whatever may allocate or call in Lua ends them. NULL, and why
 * says it: the tree is too deep, a key is neither string nor number, or a's ceiling is reached; what others
 * wrote may be so, and is no mistake of who hands it on. Raises when memory ends. Either way a holds garbage
 * then, and belongs to a box of the caller's. */
struct ls_value *ls_lvalue_read(lua_State *L, int index, struct ls_arena *a, char why[LS_LVALUE_WHY]);

/* Pushes v, whose tree is in a: arrays as tables from 1, null as cjson.null (a NULL light userdata),
 * undefined as nil. Names in v have a NUL behind them. What v has borrowed from Lua is copied into a first.
 */
void ls_lvalue_push(lua_State *L, struct ls_value *v, struct ls_arena *a);

/* The same for a v made from what was read at index (an absolute one), faster: strings that are in the same
 * place there are taken from there. Tables are new all the same. */
void ls_lvalue_push_from(lua_State *L, struct ls_value *v, struct ls_arena *a, int index);

#endif
