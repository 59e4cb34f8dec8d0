/* SPDX-License-Identifier: MIT
 * loption: the table of options for Lua. */
#ifndef LS_LOPTION_H
#define LS_LOPTION_H

#include "compat.h"

/* Sets options in the table on top. */
void ls_loption_open(lua_State *L);

#endif
