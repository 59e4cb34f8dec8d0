/* SPDX-License-Identifier: MIT */
#include "lclient.h"

#include <stdio.h>
#include <stdlib.h>

#include "../pure/guard.h"
#include "../pure/service.h"
#include "../transport/client.h"
#include "box.h"
#include "lerror.h"
#include "llog.h"
#include "lresult.h"
#include "lvalue.h"

enum {
  TREE_MAX = 64 * 1024 * 1024 /* octets of one value tree */
};

struct client_box {
  struct ls_client *client; /* NULL once closed */
  bool telling;             /* the logger is running: what it does here is told when it is back */
  bool complained;          /* about a logger that raises */
};

/* One mail on its way in, and one outcome on its way out. */
struct mail_box {
  struct ls_arena arena;
  struct ls_composed composed;
  struct ls_result result;
  struct ls_verification verification;
  struct ls_error error;
};

static void release_client(void *box) {
  struct client_box *b = box;
  ls_client_free(b->client);
  b->client = NULL;
}

static void release_mail(void *box) {
  struct mail_box *b = box;
  ls_arena_deinit(&b->arena);
  ls_buf_deinit(&b->composed.content);
  ls_result_deinit(&b->result);
  ls_verification_deinit(&b->verification);
  ls_error_deinit(&b->error);
}

static const struct ls_box_type client_type;
static const struct ls_box_type mail_type = {"logto_smtp.mail", sizeof(struct mail_box), release_mail, NULL,
                                             NULL};

static struct ls_client *check_client(lua_State *L) {
  struct client_box *b = ls_box_check(L, 1, &client_type);
  if (!b->client)
    luaL_error(L, "the client is closed");
  return b->client;
}

/* What a logger raises is no failure of the message: one line on stderr says so, once. */
static void call_logger(lua_State *L, struct client_box *b) {
  b->telling = true;
  int status = lua_pcall(L, 1, 0, 0);
  b->telling = false;
  if (status == 0)
    return;
  if (!b->complained)
    fprintf(stderr, "logto_smtp: the logger raised: %s\n",
            lua_isstring(L, -1) ? lua_tostring(L, -1) : luaL_typename(L, -1));
  b->complained = true;
  lua_pop(L, 1);
}

/* Hands the records of the client at index 1 to its logger (the value of the box), or prints them. The logger
 * may use the client, or close it. */
static void tell(lua_State *L) {
  struct client_box *b = ls_box_check(L, 1, &client_type);
  size_t left = b->client && !b->telling ? ls_client_log(b->client)->count + 1 : 0;
  for (const struct ls_log_record *r; left-- && b->client && (r = ls_log_peek(ls_client_log(b->client)));) {
    ls_box_get_value(L, 1);
    bool has_logger = lua_isfunction(L, -1);
    if (has_logger) {
      ls_llog_push(L, r);
    } else {
      lua_pop(L, 1);
      ls_llog_print(r);
    }
    ls_log_drop(ls_client_log(b->client));
    if (has_logger)
      call_logger(L, b);
  }
}

/* client:setLogger([function]): takes the records from now on; nil: as the config says, to stderr */
static int client_set_logger(lua_State *L) {
  struct ls_client *c = check_client(L);
  ls_check_arity(L, 2);
  if (!lua_isnoneornil(L, 2))
    luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  ls_client_set_log(c, !lua_isnil(L, 2));
  ls_box_set_value(L, 1);
  return 0;
}

static struct mail_box *push_mail_box(lua_State *L) {
  struct mail_box *b = ls_box_push(L, &mail_type);
  ls_arena_init(&b->arena, TREE_MAX);
  return b;
}

static void check_options(lua_State *L) {
  ls_check_arity(L, 2);
  lua_settop(L, 2);
  if (lua_isnil(L, 2))
    return;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_getfield(L, 2, "logger");
  luaL_argcheck(L, lua_isnil(L, -1) || lua_isfunction(L, -1), 2, "logger must be a function");
  lua_pop(L, 1);
}

/* Gives the client on top the logger of the options at index 2. */
static void take_options(lua_State *L, struct ls_client *c) {
  if (lua_isnil(L, 2))
    return;
  lua_getfield(L, 2, "logger");
  ls_client_set_log(c, !lua_isnil(L, -1));
  ls_box_set_value(L, lua_gettop(L) - 1);
}

/* client(config[, {logger = function}]) -> client | nil, issues */
static int new_client(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  check_options(L);
  struct client_box *b = ls_box_push(L, &client_type);
  struct mail_box *scratch = push_mail_box(L);
  char why[LS_LVALUE_WHY];
  struct ls_value *config = ls_lvalue_read(L, 1, &scratch->arena, why);
  struct ls_value *checked = NULL;
  if (!config) {
    lua_pushnil(L);
    ls_lresult_push_issues(L, why, false);
    return 2;
  }
  enum ls_status status = ls_guard_check(config, LS_GUARD_TRANSPORT, &scratch->arena, &checked);
  if (status == LS_ECONFIG) {
    lua_pushnil(L);
    ls_lvalue_push(L, checked);
    return 2;
  }
  if (status == LS_OK)
    status = ls_client_new(config, NULL, &b->client, &scratch->error);
  if (status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  if (status != LS_OK) {
    lua_pushnil(L);
    const char *text = ls_error_text(&scratch->error);
    ls_lresult_push_issues(L, text, ls_client_names_option(config, text));
    return 2;
  }
  release_mail(scratch);
  lua_pop(L, 1);
  take_options(L, b->client);
  return 1;
}

/* Reads and composes the mail at index 2. Answers false with nil, err on the stack. */
static bool compose(lua_State *L, const struct ls_client *c, struct mail_box *b) {
  char why[LS_LVALUE_WHY];
  struct ls_value *mail = ls_lvalue_read(L, 2, &b->arena, why);
  if (!mail)
    ls_error_set(&b->error, LS_EMESSAGE, "API", "%s", why);
  else if (ls_client_compose(c, mail, &b->arena, &b->composed, &b->error) == LS_OK)
    return true;
  ls_lerror_return(L, &b->error);
  return false;
}

static int send_or_probe(lua_State *L, bool probe) {
  struct ls_client *c = check_client(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_arity(L, 2);
  struct mail_box *b = push_mail_box(L);
  if (!compose(L, c, b))
    return 2;
  b->composed.envelope.probe = probe;
  if (ls_client_send(c, &b->composed, &b->arena, &b->result) == LS_OK) {
    ls_lresult_push_info(L, &b->result);
    release_mail(b);
    tell(L);
    return 1;
  }
  if (b->result.error.status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  lua_pushnil(L);
  ls_lresult_push_failure(L, &b->result);
  tell(L);
  return 2;
}

/* client:send(mail) -> info | nil, err */
static int client_send(lua_State *L) {
  return send_or_probe(L, false);
}

/* client:probe({from =, to =}) -> info | nil, err: MAIL, RCPT and RSET, so that nobody gets anything */
static int client_probe(lua_State *L) {
  return send_or_probe(L, true);
}

/* client:submit(mail) -> id | nil, err */
static int client_submit(lua_State *L) {
  struct ls_client *c = check_client(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_arity(L, 2);
  struct mail_box *b = push_mail_box(L);
  uint64_t id = 0;
  if (!compose(L, c, b))
    return 2;
  if (ls_client_submit(c, &b->composed, &b->arena, &id, &b->error) != LS_OK)
    return ls_lerror_return(L, &b->error);
  ls_push_number(L, (double)id);
  return 1;
}

/* client:poll([seconds]) -> {{id =, info =} | {id =, err =}, ...} */
static int client_poll(lua_State *L) {
  struct ls_client *c = check_client(L);
  double seconds = luaL_optnumber(L, 2, -1);
  luaL_argcheck(L, seconds == seconds, 2, "seconds expected, got nan");
  ls_check_arity(L, 2);
  const double longest_s = 1e9;
  ls_client_poll(c, seconds < 0 ? -1 : (int64_t)((seconds < longest_s ? seconds : longest_s) * 1000));
  lua_newtable(L);
  struct mail_box *b = push_mail_box(L);
  for (int n = 1; ls_client_next(c, &b->result); n++) {
    lua_createtable(L, 0, 2);
    ls_set_number(L, "id", (double)b->result.id);
    if (b->result.error.status == LS_OK) {
      ls_lresult_push_info(L, &b->result);
      lua_setfield(L, -2, "info");
    } else {
      ls_lresult_push_failure(L, &b->result);
      lua_setfield(L, -2, "err");
    }
    ls_result_deinit(&b->result);
    lua_rawseti(L, -3, n);
  }
  lua_pop(L, 1);
  tell(L);
  return 1;
}

/* client:pending() -> how many submitted messages are not finished */
static int client_pending(lua_State *L) {
  ls_push_number(L, (double)ls_client_pending(check_client(L)));
  return 1;
}

/* client:verify() -> seen | nil, err, seen as far as it got: {ehlo, greeting, mechanism, address, tls, chain,
 * times} */
static int client_verify(lua_State *L) {
  struct ls_client *c = check_client(L);
  ls_check_arity(L, 1);
  struct mail_box *b = push_mail_box(L);
  bool fine = ls_client_verify(c, &b->verification) == LS_OK;
  tell(L);
  if (!fine)
    ls_lerror_return(L, &b->verification.error);
  ls_lresult_push_verification(L, &b->verification);
  return fine ? 1 : 3;
}

/* client:stats() -> counters */
static int client_stats(lua_State *L) {
  struct ls_client_stats s;
  ls_client_stats(check_client(L), &s);
  ls_lresult_push_stats(L, &s);
  return 1;
}

/* client:close(): ends the connections; what is pending is lost. Safe twice. */
static int client_close(lua_State *L) {
  struct client_box *b = ls_box_check(L, 1, &client_type);
  if (b->client)
    ls_client_close(b->client);
  tell(L);
  release_client(b);
  return 0;
}

static void push_service(lua_State *L, const struct ls_service *s) {
  lua_createtable(L, 0, 7);
  ls_set_text(L, "name", s->name);
  ls_set_text(L, "host", s->host);
  if (s->port) {
    ls_set_number(L, "port", s->port);
    ls_set_boolean(L, "secure", s->secure);
  }
  ls_set_text(L, "authMethod", s->method);
  if (s->tls == LS_SERVICE_REQUIRED)
    ls_set_boolean(L, "requireTLS", true);
  if (s->tls == LS_SERVICE_NEVER)
    ls_set_boolean(L, "ignoreTLS", true);
}

/* service(name) -> what the option `service` with this name sets | nil; service() -> an array of all names */
static int service(lua_State *L) {
  ls_check_arity(L, 1);
  if (lua_isnoneornil(L, 1)) {
    lua_newtable(L);
    for (int i = 0; ls_service_at((size_t)i); i++) {
      lua_pushstring(L, ls_service_at((size_t)i)->name);
      lua_rawseti(L, -2, i + 1);
    }
    return 1;
  }
  size_t n;
  const char *name = luaL_checklstring(L, 1, &n);
  const struct ls_service *s = ls_service_find(ls_span(name, n));
  if (!s)
    lua_pushnil(L);
  else
    push_service(L, s);
  return 1;
}

static int client_tostring(lua_State *L) {
  struct client_box *b = ls_box_check(L, 1, &client_type);
  lua_pushfstring(L, "logto_smtp.client (%s)", b->client ? "open" : "closed");
  return 1;
}

static const luaL_Reg client_methods[] = {
    {"send", client_send},
    {"probe", client_probe},
    {"submit", client_submit},
    {"poll", client_poll},
    {"pending", client_pending},
    {"verify", client_verify},
    {"stats", client_stats},
    {"close", client_close},
    {"setLogger", client_set_logger},
    {NULL, NULL},
};

static const struct ls_box_type client_type = {"logto_smtp.client", sizeof(struct client_box), release_client,
                                               client_methods, client_tostring};

void ls_lclient_open(lua_State *L) {
  ls_box_register(L, &client_type);
  ls_box_register(L, &mail_type);
  lua_pushcfunction(L, new_client);
  lua_setfield(L, -2, "client");
  lua_pushcfunction(L, service);
  lua_setfield(L, -2, "service");
}
