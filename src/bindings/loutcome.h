/* SPDX-License-Identifier: MIT
 * loutcome: what became of a message, told in every case. Once a server has been spoken to, a raise would
 * hide whether the mail is there. So the tables that must be there in the end are made before. */
#ifndef LS_LOUTCOME_H
#define LS_LOUTCOME_H

#include "../transport/result.h"
#include "compat.h"

/* Pushes the spare that one outcome may need: the one that is the value n of the box at index, or a new one.
 * Raises when there is no memory; nothing has happened then. */
void ls_loutcome_reserve(lua_State *L, int index, int n);

/* Pushes info, or nil and an error; answers how many. spare: where it is on the stack. Never raises. Where
 * Lua has no memory, `incomplete` is true in the table: it says that the message was accepted, or why not,
 * and of all else only what there was room for. */
int ls_loutcome_push(lua_State *L, int spare, const struct ls_result *r);

/* Pushes what was seen, or nil, an error and what was seen; in the same way. */
int ls_loutcome_push_verification(lua_State *L, int spare, const struct ls_verification *v);

/* Gives an outcome that was not needed back to the box. */
void ls_loutcome_keep(lua_State *L, int spare, int index, int n);

#endif
