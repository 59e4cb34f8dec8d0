/* SPDX-License-Identifier: MIT
 * llog: records of a client's log as Lua tables, or as lines on stderr. */
#ifndef LS_LLOG_H
#define LS_LLOG_H

#include "../transport/log.h"
#include "compat.h"

/* Pushes {level, event, sid, id, message, messageId, code, responseCode, time}, and handle for one of an
 * engine's. */
void ls_llog_push(lua_State *L, const struct ls_log_record *r);

void ls_llog_print(const struct ls_log_record *r); /* one line to stderr */

#endif
