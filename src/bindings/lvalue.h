/* SPDX-License-Identifier: MIT
 * lvalue: Lua values to ls_value trees and back. */
#ifndef LS_LVALUE_H
#define LS_LVALUE_H

#include "../pure/value.h"
#include "compat.h"

enum {
  LS_LVALUE_DEPTH = 100 /* nested tables; deeper (a table that holds itself, say) raises */
};

/* Reads the value at index into a. Strings are borrowed from Lua: they last while the value stays on the
 * stack and no Lua code runs. Raises when the tree is too deep or a key is neither string nor number, and
 * when memory ends; a is then what it was, plus garbage, and belongs to a box of the caller's. */
struct ls_value *ls_lvalue_read(lua_State *L, int index, struct ls_arena *a);

/* Pushes v: arrays as tables from 1, null as cjson.null (a NULL light userdata), undefined as nil. Names
 * in v have a NUL behind them. */
void ls_lvalue_push(lua_State *L, const struct ls_value *v);

/* The same for a v made from what was read at index (an absolute one), faster: strings that are in the same
 * place there are taken from there. Tables are new all the same. */
void ls_lvalue_push_from(lua_State *L, const struct ls_value *v, int index);

#endif
