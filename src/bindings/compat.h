/* SPDX-License-Identifier: MIT
 * compat: Lua 5.1 and LuaJIT to 5.4 under one set of names, the newest ones. */
#ifndef LS_COMPAT_H
#define LS_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "../pure/span.h"

#if LUA_VERSION_NUM < 502
#define lua_rawlen lua_objlen
#define LS_LUA_51 1
#else
#define LS_LUA_51 0
#endif

/* Raises when there are more than max arguments: a misplaced one is a mistake worth hearing about. */
void ls_check_arity(lua_State *L, int max);

/* Raises when the table of options at index has a key that is none of names, which end with NULL: a misspelt
 * one must not vanish in silence. call: what it was passed to. */
void ls_check_names(lua_State *L, int index, const char *const *names, const char *call);

/* Pushes a number as JavaScript would print it: an integer of Lua 5.3 and later where it is one. */
void ls_push_number(lua_State *L, double number);

void ls_push_span(lua_State *L, struct ls_span s);

/* The string at index, which is Lua's own; raises `bad argument` when it is none. */
struct ls_span ls_check_span(lua_State *L, int index);

/* Registers functions in the table on top of the stack. */
void ls_set_functions(lua_State *L, const luaL_Reg *functions);

/* table[name] = value for the table on top of the stack; NULL and empty text set nothing. */
void ls_set_text(lua_State *L, const char *name, const char *text);
void ls_set_number(lua_State *L, const char *name, double number);
void ls_set_boolean(lua_State *L, const char *name, bool boolean);
/* An array of count NUL-terminated texts. */
void ls_set_texts(lua_State *L, const char *name, char *const *texts, size_t count);

#endif
