/* SPDX-License-Identifier: MIT
 * protect: what has been done must be told, also where Lua has no memory to tell it, or a finalizer raises
 * (Lua 5.1 to 5.3 let that out of whatever allocates). */
#ifndef LS_PROTECT_H
#define LS_PROTECT_H

#include "compat.h"

/* Registers what ls_protect calls with. Call once in luaopen. */
void ls_protect_register(lua_State *L);

/* Calls f(L, arg) with the `args` values on top of the stack as its own. True: they gave way to its `results`
 * values. False: they are gone, there was no memory for it. Never raises, and needs no memory of Lua's for
 * itself. A call that fails is made once more behind a full collection, without the collector: f must bear
 * that, and must not run code of the user's. */
bool ls_protect(lua_State *L, int (*f)(lua_State *L, void *arg), void *arg, int args, int results);

#endif
