/* SPDX-License-Identifier: MIT
 * lengine: the engine for Lua. */
#ifndef LS_LENGINE_H
#define LS_LENGINE_H

#include "compat.h"

/* Registers the boxes and adds `engine` to the table on top of the stack. */
void ls_lengine_open(lua_State *L);

#endif
