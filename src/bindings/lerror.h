/* SPDX-License-Identifier: MIT
 * lerror: the only maker of error tables. */
#ifndef LS_LERROR_H
#define LS_LERROR_H

#include "../pure/error.h"
#include "compat.h"

/* Makes the metatable of errors (tostring gives the message). Call once in luaopen. */
void ls_lerror_register(lua_State *L);

void ls_lerror_open(lua_State *L); /* errors() into the table on top: every reason and code there is */

/* Pushes {code, reason, message, command, response, responseCode, enhancedCode, permanent, delivery}. */
void ls_lerror_push_table(lua_State *L, const struct ls_error *e);

/* Pushes nil and the table; answers 2. Raises `not enough memory` for LS_ENOMEM: for what has done nothing
 * that could be lost with it. */
int ls_lerror_return(lua_State *L, const struct ls_error *e);

/* Pushes the table of an error that is yet to come. */
void ls_lerror_push_blank(lua_State *L);
/* Writes the most important of e into a blank one on top of the stack: code, reason and its sentence as
 * the message, responseCode, permanent, delivery. Needs no memory, never raises. */
void ls_lerror_note(lua_State *L, const struct ls_error *e);
/* Writes all of e into the table on top. */
void ls_lerror_fill(lua_State *L, const struct ls_error *e);

#endif
