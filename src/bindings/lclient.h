/* SPDX-License-Identifier: MIT
 * lclient: clients for Lua. */
#ifndef LS_LCLIENT_H
#define LS_LCLIENT_H

#include "compat.h"

/* Registers the boxes and adds `client` to the table on top of the stack. */
void ls_lclient_open(lua_State *L);

#endif
