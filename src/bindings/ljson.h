/* SPDX-License-Identifier: MIT
 * ljson: JSON of strangers and of files, read by the letter (RFC 8259). */
#ifndef LS_LJSON_H
#define LS_LJSON_H

#include "compat.h"

void ls_ljson_open(lua_State *L); /* puts fromJson into the table on top */

#endif
