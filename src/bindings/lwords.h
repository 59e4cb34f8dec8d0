/* SPDX-License-Identifier: MIT
 * lwords: words of others, as Lua may tell them. */
#ifndef LS_LWORDS_H
#define LS_LWORDS_H

#include "compat.h"

/* Adds visible and mask to the table on top. */
void ls_lwords_open(lua_State *L);

#endif
