/* SPDX-License-Identifier: MIT
 * lerror: the only maker of error tables. */
#ifndef LS_LERROR_H
#define LS_LERROR_H

#include "../pure/error.h"
#include "compat.h"

/* Makes the metatable of errors (tostring gives the message). Call once in luaopen. */
void ls_lerror_register(lua_State *L);

/* Pushes {code, message, command, response, responseCode, enhancedCode, permanent, delivery}. Raises
 * `not enough memory` for LS_ENOMEM: no table could help there. */
void ls_lerror_push(lua_State *L, const struct ls_error *e);

/* The same without a raise for LS_ENOMEM: for one result among others, which must not be lost with it. */
void ls_lerror_push_table(lua_State *L, const struct ls_error *e);

/* Pushes nil and the table; answers 2. */
int ls_lerror_return(lua_State *L, const struct ls_error *e);

#endif
