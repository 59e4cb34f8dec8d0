/* SPDX-License-Identifier: MIT
 * lmessage: validate, render, compose and addresses for Lua. */
#ifndef LS_LMESSAGE_H
#define LS_LMESSAGE_H

#include "compat.h"

/* Registers the boxes and adds the functions to the table on top of the stack. */
void ls_lmessage_open(lua_State *L);

#endif
