/* SPDX-License-Identifier: MIT
 * core: what `require "logto_smtp.core"` gives. */
#include "../pure/netaddr.h"
#include "../transport/client.h"
#include "compat.h"
#include "lclient.h"
#include "lengine.h"
#include "lerror.h"
#include "ljson.h"
#include "lmessage.h"
#include "loption.h"
#include "lprocess.h"
#include "lwords.h"
#include "protect.h"

#define LS_VERSION "0.1.0"

/* version() -> {module, libcurl, tls, features} */
static int version(lua_State *L) {
  ls_check_arity(L, 0);
  struct ls_library_version v;
  ls_client_library_version(&v);
  lua_createtable(L, 0, 4);
  ls_set_text(L, "module", LS_VERSION);
  ls_set_text(L, "libcurl", v.curl);
  ls_set_text(L, "tls", v.tls);
  ls_set_text(L, "features", v.features);
  return 1;
}

/* forgetServer(host, port): another server is at this address from now on */
static int forget_server(lua_State *L) {
  ls_check_arity(L, 2);
  const char *host = luaL_checkstring(L, 1);
  lua_Number port = luaL_checknumber(L, 2);
  luaL_argcheck(L, port >= 1 && port <= UINT16_MAX, 2, "a port expected");
  ls_client_forget_server(host, (uint16_t)port);
  return 0;
}

/* isLoopback(host) -> whether it names this machine, by the rule that lets a password go in clear */
static int is_loopback(lua_State *L) {
  ls_check_arity(L, 1);
  lua_pushboolean(L, ls_netaddr_is_loopback(ls_check_span(L, 1)));
  return 1;
}

__attribute__((visibility("default"))) int luaopen_logto_smtp_core(lua_State *L);

/* cppcheck-suppress unusedFunction ; Lua finds it by its name */
int luaopen_logto_smtp_core(lua_State *L) {
  if (ls_client_library_init() != LS_OK)
    return luaL_error(L, "libcurl could not be started");
  ls_protect_register(L);
  ls_lerror_register(L);
  lua_createtable(L, 0, 24);
  ls_lmessage_open(L);
  ls_lclient_open(L);
  ls_lengine_open(L);
  ls_loption_open(L);
  ls_lprocess_open(L);
  ls_lwords_open(L);
  ls_lerror_open(L);
  ls_ljson_open(L);
  lua_pushcfunction(L, version);
  lua_setfield(L, -2, "version");
  lua_pushcfunction(L, is_loopback);
  lua_setfield(L, -2, "isLoopback");
  lua_pushcfunction(L, forget_server);
  lua_setfield(L, -2, "forgetServer");
  return 1;
}
