/* SPDX-License-Identifier: MIT
 * lresult: what became of a message or a verification, as Lua tables. */
#ifndef LS_LRESULT_H
#define LS_LRESULT_H

#include "../transport/result.h"
#include "compat.h"

/* Pushes the info of a message that was accepted; or the error of one that was not, with accepted, rejected
 * and rejectedErrors where recipients were refused. */
void ls_lresult_push(lua_State *L, const struct ls_result *r);

/* The same in parts, the most important first: sets one in the table on top. */
size_t ls_lresult_part_count(const struct ls_result *r);
void ls_lresult_set_part(lua_State *L, const struct ls_result *r, size_t i);

/* Pushes {ehlo, greeting, mechanism, address, tls, chain, times}, as far as it got. */
void ls_lresult_push_verification(lua_State *L, const struct ls_verification *v);

/* Pushes {sent, failed, ...}. */
void ls_lresult_push_stats(lua_State *L, const struct ls_client_stats *s);

#endif
