/* SPDX-License-Identifier: MIT
 * lresult: what became of a message, a verification or a config, as Lua tables. */
#ifndef LS_LRESULT_H
#define LS_LRESULT_H

#include "../transport/client.h"
#include "compat.h"

/* Pushes the info of a message that was accepted. */
void ls_lresult_push_info(lua_State *L, const struct ls_result *r);

/* Pushes the error of one that was not, with accepted, rejected and rejectedErrors where recipients were
 * refused. Where memory had run out for the message, it says so: the results of others must not be lost. */
void ls_lresult_push_failure(lua_State *L, const struct ls_result *r);

/* Pushes {ehlo, greeting, mechanism, address, tls, chain, times}, as far as it got. */
void ls_lresult_push_verification(lua_State *L, const struct ls_verification *v);

/* Pushes issues as the guard makes them, for what only the making of a client can find. named: the text
 * begins with an option of the config ("dkim.keys[1].privateKey is ..."). */
void ls_lresult_push_issues(lua_State *L, const char *text, bool named);

/* Pushes {sent, failed, ...}. */
void ls_lresult_push_stats(lua_State *L, const struct ls_client_stats *s);

#endif
