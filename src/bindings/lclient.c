/* SPDX-License-Identifier: MIT */
#include "lclient.h"

#include <stdio.h>
#include <stdlib.h>

#include "../pure/guard.h"
#include "../pure/service.h"
#include "../pure/visible.h"
#include "../transport/client.h"
#include "box.h"
#include "lconfig.h"
#include "lerror.h"
#include "llog.h"
#include "loutcome.h"
#include "lresult.h"
#include "lvalue.h"
#include "protect.h"

enum {
  TREE_MAX = 64 * 1024 * 1024 /* octets of one value tree */
};

enum { LOGGER = 1, SPARE, VALUES = SPARE }; /* the values of a client's box */

/* A finished message whose result has not been handed over. */
struct finished {
  struct finished *next;
  struct ls_result result;
};

struct client_box {
  struct ls_client *client;  /* NULL once closed */
  struct finished *finished; /* for which a poll had no memory: the next one has them first */
  size_t behind;             /* finished ones that the last poll had to leave in the client */
  bool telling;              /* the logger is running: what it does here is told when it is back */
  bool complained;           /* about a logger that raises */
};

/* One mail or config on its way in, and what is on its way out. Nothing in Lua can reach it. */
struct mail_box {
  struct ls_arena arena;
  struct ls_arena config; /* on its way into a client */
  struct ls_composed composed;
  struct ls_result result;
  struct ls_verification verification;
  struct ls_error error;
  struct finished *finished;
  int given; /* how many of them the list has */
  struct ls_log records;
};

static void free_first(struct finished **list) {
  struct finished *f = *list;
  *list = f->next;
  ls_result_deinit(&f->result);
  free(f);
}

static void release_client(void *box) {
  struct client_box *b = box;
  ls_client_free(b->client);
  b->client = NULL;
  while (b->finished)
    free_first(&b->finished);
}

static void release_mail(void *box) {
  struct mail_box *b = box;
  ls_arena_deinit(&b->arena);
  ls_arena_deinit(&b->config);
  ls_buf_deinit(&b->composed.content);
  ls_result_deinit(&b->result);
  ls_verification_deinit(&b->verification);
  ls_error_deinit(&b->error);
  while (b->finished)
    free_first(&b->finished);
  ls_log_deinit(&b->records);
}

static const struct ls_box_type client_type;
static const struct ls_box_type mail_type = {
    .name = "logto_smtp.mail", .size = sizeof(struct mail_box), .release = release_mail};

/* The client of the method that runs, for the C code it calls next; NULL: it is closed. */
static struct ls_client *client_now(lua_State *L) {
  const struct client_box *b = ls_box_at(L, 1);
  return b ? b->client : NULL;
}

static void check_open(lua_State *L) {
  ls_box_check(L, 1, &client_type);
  if (!client_now(L))
    luaL_error(L, "the client is closed");
}

/* What a logger raises is no failure of the message: one line on stderr says so, once. */
static void call_logger(lua_State *L) {
  struct client_box *b = ls_box_at(L, 1);
  if (b)
    b->telling = true;
  int status = lua_pcall(L, 1, 0, 0);
  b = ls_box_at(L, 1);
  if (b)
    b->telling = false;
  if (status == 0)
    return;
  if (b && !b->complained) {
    const char *raised = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
    char *shown = ls_visible_copy(ls_span_cstr(raised));
    fprintf(stderr, "logto_smtp: the logger raised: %s\n", shown ? shown : "");
    free(shown);
  }
  if (b)
    b->complained = true;
  lua_pop(L, 1);
}

static int push_record(lua_State *L, void *arg) {
  ls_llog_push(L, arg);
  return 1;
}

/* A record that no logger takes any more is for stderr where the config has `logger`, and else for nobody. */
static void print_if_asked(struct ls_client *c, const struct ls_log_record *r) {
  if (c && ls_client_log(c)->on)
    ls_llog_print(r);
}

/* Hands the records of the client at index 1 to its logger, or prints them. The logger may use the client,
 * close it, or have itself replaced. Never raises. */
static void tell(lua_State *L, struct mail_box *b) {
  const struct client_box *box = ls_box_at(L, 1);
  if (!box || !box->client || box->telling)
    return;
  size_t lost = 0;
  ls_log_move(ls_client_log(box->client), &b->records);
  for (const struct ls_log_record *r; (r = ls_log_peek(&b->records)) != NULL; ls_log_drop(&b->records)) {
    ls_box_get_value(L, 1, LOGGER);
    if (!lua_isfunction(L, -1)) {
      lua_pop(L, 1);
      print_if_asked(client_now(L), r);
    } else if (ls_protect(L, push_record, (void *)r, 0, 1)) {
      call_logger(L);
    } else {
      lua_pop(L, 1);
      lost++;
    }
  }
  struct ls_client *c = client_now(L);
  if (c)
    ls_client_log(c)->dropped += lost; /* which the next record says */
}

/* client:setLogger([function]): takes the records from now on; nil: as the config says, to stderr */
static int client_set_logger(lua_State *L) {
  check_open(L);
  ls_check_arity(L, 2);
  if (!lua_isnoneornil(L, 2))
    luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  ls_client_set_log(client_now(L), !lua_isnil(L, 2));
  ls_box_set_value(L, 1, LOGGER);
  return 0;
}

static struct mail_box *push_mail_box(lua_State *L) {
  struct mail_box *b = ls_box_push(L, &mail_type);
  ls_arena_init(&b->arena, TREE_MAX);
  ls_arena_init(&b->config, TREE_MAX);
  return b;
}

/* Leaves config, options and their logger on the stack. */
static void check_options(lua_State *L) {
  static const char *const names[] = {"logger", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  ls_check_arity(L, 2);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_pushnil(L);
    return;
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_names(L, 2, names, "client");
  lua_getfield(L, 2, "logger");
  luaL_argcheck(L, lua_isnil(L, -1) || lua_isfunction(L, -1), 2, "logger must be a function");
}

/* client(config[, {logger = function}]) -> client | nil, issues | nil, err */
static int new_client(lua_State *L) {
  check_options(L);
  struct client_box *b = ls_box_push(L, &client_type);
  struct mail_box *scratch = push_mail_box(L);
  struct ls_value *config = ls_lconfig_read(L, 1, &scratch->arena);
  if (!config)
    return 2;
  struct ls_value *issues;
  struct ls_config read;
  enum ls_status status = ls_guard_read(config, LS_GUARD_TRANSPORT, &scratch->arena, &scratch->config, &read,
                                        &issues, NULL, &scratch->error);
  if (status == LS_OK)
    status = ls_client_new(&read, &scratch->config, NULL, &b->client, &scratch->error);
  if (status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  if (status != LS_OK && !ls_client_blames_config(status))
    return ls_lerror_return(L, &scratch->error);
  if (status != LS_OK) {
    ls_lconfig_push_refusal(L, issues, &scratch->arena, &scratch->error);
    return 2;
  }
  ls_client_set_log(b->client, !lua_isnil(L, 3));
  ls_box_free(L, 5);
  lua_pushvalue(L, 3);
  ls_box_set_value(L, 4, LOGGER);
  lua_settop(L, 4);
  return 1;
}

static enum ls_status closed(struct ls_error *err) {
  return ls_error_set(err, LS_ECLOSED, "API", "The client is closed");
}

/* Reads the mail at index 2. NULL: b->error says why. */
static const struct ls_value *read_mail(lua_State *L, struct mail_box *b) {
  char why[LS_LVALUE_WHY];
  const struct ls_value *mail = ls_lvalue_read(L, 2, &b->arena, why);
  if (!mail)
    ls_error_set(&b->error, LS_EMESSAGE, "API", "%s", why);
  return mail;
}

static enum ls_status compose(struct ls_client *c, const struct ls_value *mail, struct mail_box *b) {
  if (!mail)
    return b->error.status;
  return c ? ls_client_compose(c, mail, &b->arena, &b->composed, &b->error) : closed(&b->error);
}

static void send_mail(struct ls_client *c, const struct ls_value *mail, bool probe, struct mail_box *b) {
  if (compose(c, mail, b) != LS_OK) {
    b->result.error = b->error;
    b->error = (struct ls_error){0};
    return;
  }
  b->composed.envelope.probe = probe;
  ls_client_send(c, &b->composed, &b->arena, &b->result);
}

static int send_or_probe(lua_State *L, bool probe) {
  enum { SELF = 1, MAIL, OUTCOME, BOX };
  check_open(L);
  luaL_checktype(L, MAIL, LUA_TTABLE);
  ls_check_arity(L, MAIL);
  ls_loutcome_reserve(L, SELF, SPARE);
  struct mail_box *b = push_mail_box(L);
  const struct ls_value *mail = read_mail(L, b);
  send_mail(client_now(L), mail, probe, b);
  int answers = ls_loutcome_push(L, OUTCOME, &b->result);
  ls_loutcome_keep(L, OUTCOME, SELF, SPARE);
  tell(L, b);
  ls_box_free(L, BOX);
  return answers;
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
  check_open(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_arity(L, 2);
  struct mail_box *b = push_mail_box(L);
  const struct ls_value *mail = read_mail(L, b);
  struct ls_client *c = client_now(L);
  uint64_t id = 0;
  if (compose(c, mail, b) != LS_OK || ls_client_submit(c, &b->composed, &b->arena, &id, &b->error) != LS_OK)
    return ls_lerror_return(L, &b->error);
  ls_box_free(L, 3);
  ls_push_number(L, (double)id);
  return 1;
}

/* Moves what is finished into a list of the caller's; behind is what there was no memory for. */
static void take_finished(struct client_box *box, int64_t wait_ms, struct mail_box *b) {
  struct finished **end = &b->finished;
  for (*end = box->finished; *end;)
    end = &(*end)->next;
  box->finished = NULL;
  box->behind = box->client ? ls_client_poll(box->client, b->finished || box->behind ? 0 : wait_ms) : 0;
  struct finished *f;
  for (; box->behind && (f = calloc(1, sizeof *f)) != NULL; box->behind--) {
    ls_client_next(box->client, &f->result);
    *end = f;
    end = &f->next;
  }
}

static void give_back(struct client_box *box, struct mail_box *b) {
  struct finished **end = &b->finished;
  while (*end)
    end = &(*end)->next;
  *end = box->finished;
  box->finished = b->finished;
  b->finished = NULL;
}

/* Adds {id =, info =} or {id =, err =} to the list at 1 for each. */
static int push_finished(lua_State *L, void *arg) {
  struct mail_box *b = arg;
  for (; b->finished; free_first(&b->finished)) {
    const struct ls_result *r = &b->finished->result;
    lua_createtable(L, 0, 2);
    ls_set_number(L, "id", (double)r->id);
    ls_lresult_push(L, r);
    lua_setfield(L, -2, r->error.status == LS_OK ? "info" : "err");
    lua_rawseti(L, 1, b->given + 1);
    b->given++;
  }
  return 0;
}

/* client:poll([seconds]) -> {{id =, info =} | {id =, err =}, ...} */
static int client_poll(lua_State *L) {
  enum { SELF = 1, SECONDS, LIST, BOX };
  struct client_box *box = ls_box_check(L, SELF, &client_type);
  if (!box || !box->finished)
    check_open(L);
  double seconds = luaL_optnumber(L, SECONDS, -1);
  luaL_argcheck(L, seconds == seconds, SECONDS, "seconds expected, got nan");
  ls_check_arity(L, SECONDS);
  lua_settop(L, SECONDS);
  const double longest_s = 1e9;
  int64_t wait_ms = seconds < 0 ? -1 : (int64_t)((seconds < longest_s ? seconds : longest_s) * 1000);
  lua_newtable(L);
  struct mail_box *b = push_mail_box(L);
  box = ls_box_at(L, SELF);
  if (box)
    take_finished(box, wait_ms, b);
  lua_pushvalue(L, LIST);
  ls_protect(L, push_finished, b, 1, 0);
  box = ls_box_at(L, SELF);
  bool left = box && (b->finished || box->behind);
  if (box)
    give_back(box, b);
  tell(L, b);
  if (left && b->given == 0)
    return luaL_error(L, "not enough memory");
  ls_box_free(L, BOX);
  lua_settop(L, LIST);
  return 1;
}

/* client:pending() -> how many submitted messages are not finished, or had no memory when they were polled */
static int client_pending(lua_State *L) {
  check_open(L);
  const struct client_box *box = ls_box_at(L, 1);
  size_t count = ls_client_pending(box->client) + box->behind;
  for (const struct finished *f = box->finished; f; f = f->next)
    count++;
  ls_push_number(L, (double)count);
  return 1;
}

/* client:verify() -> seen | nil, err, seen, seen as far as it got: {ehlo, greeting, mechanism, address, tls,
 * chain, times} */
static int client_verify(lua_State *L) {
  enum { SELF = 1, OUTCOME, BOX };
  check_open(L);
  ls_check_arity(L, SELF);
  ls_loutcome_reserve(L, SELF, SPARE);
  struct mail_box *b = push_mail_box(L);
  struct ls_client *c = client_now(L);
  ls_verification_init(&b->verification);
  if (c)
    ls_client_verify(c, &b->verification);
  else
    closed(&b->verification.error);
  int answers = ls_loutcome_push_verification(L, OUTCOME, &b->verification);
  ls_loutcome_keep(L, OUTCOME, SELF, SPARE);
  tell(L, b);
  ls_box_free(L, BOX);
  return answers;
}

/* client:stats() -> counters */
static int client_stats(lua_State *L) {
  struct ls_client_stats s;
  check_open(L);
  ls_client_stats(client_now(L), &s);
  ls_lresult_push_stats(L, &s);
  return 1;
}

static int push_teller(lua_State *L, void *arg) {
  (void)arg;
  push_mail_box(L);
  return 1;
}

/* client:close(): ends the connections; what is pending is lost. Safe twice; never raises. */
static int client_close(lua_State *L) {
  ls_box_check(L, 1, &client_type);
  lua_settop(L, 1);
  struct ls_client *c = client_now(L);
  if (c)
    ls_client_close(c);
  if (c && ls_protect(L, push_teller, NULL, 0, 1)) {
    tell(L, ls_box_at(L, 2));
    ls_box_free(L, 2);
  }
  struct client_box *box = ls_box_at(L, 1);
  if (box) {
    ls_client_free(box->client);
    box->client = NULL;
  }
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
  ls_box_check(L, 1, &client_type);
  lua_pushfstring(L, "logto_smtp.client (%s)", client_now(L) ? "open" : "closed");
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

static const struct ls_box_type client_type = {.name = "logto_smtp.client",
                                               .size = sizeof(struct client_box),
                                               .values = VALUES,
                                               .release = release_client,
                                               .methods = client_methods,
                                               .tostring = client_tostring};

void ls_lclient_open(lua_State *L) {
  ls_box_register(L, &client_type);
  ls_box_register(L, &mail_type);
  lua_pushcfunction(L, new_client);
  lua_setfield(L, -2, "client");
  lua_pushcfunction(L, service);
  lua_setfield(L, -2, "service");
}
