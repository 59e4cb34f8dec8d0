/* SPDX-License-Identifier: MIT
 * lprocess: the table `process` of the module: what a long-running command needs of its process and Lua's
 * own libraries lack. */
#ifndef LS_LPROCESS_H
#define LS_LPROCESS_H

#include "compat.h"

/* Sets `process` in the table on top of the stack. */
void ls_lprocess_open(lua_State *L);

#endif
