/* SPDX-License-Identifier: MIT */
#include "lerror.h"

static const char metatable[] = "logto_smtp.error";

/* What the table of an error may hold that needs no memory then: kept in the metatable, by number. */
enum { CODE = 1, REASON, MESSAGE, RESPONSE_CODE, PERMANENT, DELIVERY, NOT_SENT, UNKNOWN, LAST };
static const char *const words[] = {
    [CODE] = "code",           [REASON] = "reason",
    [MESSAGE] = "message",     [RESPONSE_CODE] = "responseCode",
    [PERMANENT] = "permanent", [DELIVERY] = "delivery",
    [NOT_SENT] = "not_sent",   [UNKNOWN] = "unknown",
};

static int to_string(lua_State *L) {
  lua_getfield(L, 1, "message");
  return 1;
}

/* Where the public code of a status stands, the word of a reason and its sentence. */
static int at_code(int status) {
  return LAST - 1 - status;
}

static int at_reason(int reason) {
  return LAST + LS_STATUS_COUNT + 2 * reason;
}

/* Adds the words to the metatable on top. */
static void add_words(lua_State *L) {
  for (int i = CODE; i < LAST; i++) {
    lua_pushstring(L, words[i]);
    lua_rawseti(L, -2, i);
  }
  for (int status = -1; status >= -LS_STATUS_COUNT; status--) {
    lua_pushstring(L, ls_status_code((enum ls_status)status));
    lua_rawseti(L, -2, at_code(status));
  }
  for (int i = 0; i < LS_REASON_COUNT; i++) {
    lua_pushstring(L, ls_reason_word((enum ls_reason)i));
    lua_rawseti(L, -2, at_reason(i));
    lua_pushstring(L, ls_reason_text((enum ls_reason)i));
    lua_rawseti(L, -2, at_reason(i) + 1);
  }
}

void ls_lerror_register(lua_State *L) {
  luaL_newmetatable(L, metatable);
  lua_pushcfunction(L, to_string);
  lua_setfield(L, -2, "__tostring");
  lua_pushstring(L, metatable);
  lua_setfield(L, -2, "__name");
  add_words(L);
  lua_pop(L, 1);
}

static const char *delivery_of(const struct ls_error *e) {
  return words[e->delivery == LS_DELIVERY_UNKNOWN ? UNKNOWN : NOT_SENT];
}

void ls_lerror_fill(lua_State *L, const struct ls_error *e) {
  ls_set_text(L, "code", ls_status_code(e->status));
  ls_set_text(L, "reason", ls_reason_word(e->reason));
  ls_set_text(L, "message", ls_error_text(e));
  ls_set_text(L, "command", e->command);
  ls_set_text(L, "response", e->response);
  if (e->response_code)
    ls_set_number(L, "responseCode", e->response_code);
  ls_set_text(L, "enhancedCode", e->enhanced);
  ls_set_boolean(L, "permanent", ls_error_permanent(e));
  ls_set_text(L, "delivery", delivery_of(e));
}

void ls_lerror_push_table(lua_State *L, const struct ls_error *e) {
  lua_createtable(L, 0, 12);
  ls_lerror_fill(L, e);
  luaL_getmetatable(L, metatable);
  lua_setmetatable(L, -2);
}

void ls_lerror_push_blank(lua_State *L) {
  lua_createtable(L, 0, 16);
  for (int i = CODE; i <= DELIVERY; i++)
    ls_set_boolean(L, words[i], false);
  luaL_getmetatable(L, metatable);
  lua_setmetatable(L, -2);
}

/* blank[word] = the value on top, which it pops. */
static void put(lua_State *L, int word) {
  lua_rawgeti(L, -2, word);
  lua_insert(L, -2);
  lua_rawset(L, -4);
}

void ls_lerror_note(lua_State *L, const struct ls_error *e) {
  lua_getmetatable(L, -1);
  lua_rawgeti(L, -1, at_code((int)e->status));
  put(L, CODE);
  lua_rawgeti(L, -1, at_reason((int)e->reason));
  put(L, REASON);
  lua_rawgeti(L, -1, at_reason((int)e->reason) + 1);
  put(L, MESSAGE);
  if (e->response_code)
    ls_push_number(L, e->response_code);
  else
    lua_pushnil(L);
  put(L, RESPONSE_CODE);
  lua_pushboolean(L, ls_error_permanent(e));
  put(L, PERMANENT);
  lua_rawgeti(L, -1, e->delivery == LS_DELIVERY_UNKNOWN ? UNKNOWN : NOT_SENT);
  put(L, DELIVERY);
  lua_pop(L, 1);
}

int ls_lerror_return(lua_State *L, const struct ls_error *e) {
  if (e->status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  lua_pushnil(L);
  ls_lerror_push_table(L, e);
  return 2;
}

/* errors() -> a list of { reason, code, means, permanent }; no code: a reply tells it of any error */
static int errors(lua_State *L) {
  ls_check_arity(L, 0);
  lua_createtable(L, LS_REASON_COUNT - 1, 0);
  for (int i = LS_REASON_NONE + 1; i < LS_REASON_COUNT; i++) {
    lua_createtable(L, 0, 4);
    ls_set_text(L, "reason", ls_reason_word((enum ls_reason)i));
    ls_set_text(L, "code", ls_status_code(ls_reason_status((enum ls_reason)i)));
    ls_set_text(L, "means", ls_reason_text((enum ls_reason)i));
    ls_set_boolean(L, "permanent", ls_reason_is_lasting((enum ls_reason)i));
    lua_rawseti(L, -2, i);
  }
  return 1;
}

/* reasonOf(reason, responseCode, enhancedCode, response) -> the reason of a refusal, else this one */
static int reason_of(lua_State *L) {
  const char *word = luaL_checkstring(L, 1);
  int code = (int)luaL_checkinteger(L, 2);
  const char *enhanced = luaL_checkstring(L, 3);
  struct ls_span text = ls_check_span(L, 4);
  ls_check_arity(L, 4);
  enum ls_reason reason = ls_reason_find(word);
  luaL_argcheck(L, reason != LS_REASON_NONE, 1, "no reason there is");
  lua_pushstring(L, ls_reason_word(ls_reason_of_reply(reason, code, enhanced, text)));
  return 1;
}

void ls_lerror_open(lua_State *L) {
  lua_pushcfunction(L, reason_of);
  lua_setfield(L, -2, "reasonOf");
  lua_pushcfunction(L, errors);
  lua_setfield(L, -2, "errors");
}
