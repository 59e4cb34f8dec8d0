/* SPDX-License-Identifier: MIT */
#include "lengine.h"

#include "../pure/guard.h"
#include "../transport/engine.h"
#include "box.h"
#include "lconfig.h"
#include "lerror.h"
#include "llog.h"
#include "lresult.h"
#include "lvalue.h"
#include "protect.h"

enum {
  MAX_QUEUE = 10000,
  MAX_OCTETS = 256 * 1024 * 1024,
  MAX_CLIENTS = 16,
  TREE_MAX = 64 * 1024 * 1024,         /* octets of one value tree, its strings included */
  MAIL_MAX = TREE_MAX + LS_MESSAGE_MAX /* what composing takes lies in the same arena */
};

struct engine_box {
  struct ls_engine *engine; /* NULL in a box whose engine could not be made */
};

/* What one call may own. Nothing in Lua can reach it. */
struct work_box {
  struct ls_arena arena;
  struct ls_arena config; /* on its way into a client */
  struct ls_error why;    /* or why there is none */
  struct ls_engine_batch batch;
  struct ls_error error;
  int results, records; /* how many of the batch the lists have */
};

static void release_engine(void *box) {
  struct engine_box *b = box;
  ls_engine_free(b->engine);
  b->engine = NULL;
}

static void release_work(void *box) {
  struct work_box *b = box;
  ls_arena_deinit(&b->arena);
  ls_arena_deinit(&b->config);
  ls_error_deinit(&b->why);
  ls_engine_batch_deinit(&b->batch);
  ls_error_deinit(&b->error);
}

static const struct ls_box_type engine_type;
static const struct ls_box_type work_type = {
    .name = "logto_smtp.work", .size = sizeof(struct work_box), .release = release_work};

/* The engine of the method that runs, for the C code it calls next; NULL: __close has taken it. */
static struct ls_engine *engine_now(lua_State *L) {
  const struct engine_box *b = ls_box_at(L, 1);
  return b ? b->engine : NULL;
}

/* Raises where there is no engine to ask. */
static void check_engine(lua_State *L) {
  ls_box_check(L, 1, &engine_type);
  if (!engine_now(L))
    luaL_error(L, "the engine is closed");
}

static struct work_box *push_work_box(lua_State *L) {
  struct work_box *b = ls_box_push(L, &work_type);
  ls_arena_init(&b->arena, MAIL_MAX);
  ls_arena_init(&b->config, TREE_MAX);
  return b;
}

/* The same engine, once Lua has run; *err says that there is none. */
static struct ls_engine *still_open(lua_State *L, struct ls_error *err) {
  struct ls_engine *e = engine_now(L);
  if (!e)
    ls_error_set(err, LS_ECLOSED, "API", "The engine is closed");
  return e;
}

static uint64_t check_handle(lua_State *L) {
  lua_Number handle = luaL_checknumber(L, 2);
  const lua_Number exact = 9007199254740992.0;
  luaL_argcheck(L, handle >= 1 && handle < exact && handle == (lua_Number)(uint64_t)handle, 2,
                "a handle of engine:configure() expected");
  return (uint64_t)handle;
}

/* The option as a size; fallback where it is not set. */
static size_t check_size(lua_State *L, const char *name, size_t fallback) {
  lua_getfield(L, 1, name);
  lua_Number number = lua_isnil(L, -1) ? (lua_Number)fallback : lua_tonumber(L, -1);
  bool fits = lua_isnil(L, -1) || lua_type(L, -1) == LUA_TNUMBER;
  lua_pop(L, 1);
  if (!fits || !(number >= 1 && number <= 1e15) || number != (lua_Number)(size_t)number)
    luaL_error(L, "bad argument #1 to 'engine': %s must be a whole number above 0", name);
  return (size_t)number;
}

static void read_options(lua_State *L, struct ls_engine_options *o) {
  static const char *const names[] = {"maxQueue", "maxOctets", "maxClients", "directory", NULL};
  ls_check_names(L, 1, names, "engine");
  o->max_queue = check_size(L, "maxQueue", MAX_QUEUE);
  o->max_octets = check_size(L, "maxOctets", MAX_OCTETS);
  o->max_clients = check_size(L, "maxClients", MAX_CLIENTS);
  lua_getfield(L, 1, "directory"); /* stays on the stack while it is used */
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "bad argument #1 to 'engine': directory must be a string");
  o->directory = lua_tostring(L, -1);
}

/* engine([options]) -> engine | nil, err */
static int new_engine(lua_State *L) {
  struct ls_engine_options options;
  ls_check_arity(L, 1);
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  read_options(L, &options);
  struct engine_box *b = ls_box_push(L, &engine_type);
  struct work_box *w = push_work_box(L);
  if (ls_engine_new(&options, &b->engine, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  lua_pop(L, 1);
  return 1;
}

/* engine:configure(config) -> handle | nil, issues */
static int engine_configure(lua_State *L) {
  check_engine(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  struct ls_value *config = ls_lconfig_read(L, 2, &w->arena);
  if (!config)
    return 2;
  struct ls_value *issues;
  struct ls_config read;
  uint64_t handle = 0;
  ls_guard_read(config, LS_GUARD_TRANSPORT, &w->arena, &w->config, &read, &issues, NULL, &w->why);
  if (issues) {
    ls_lconfig_push_refusal(L, issues, &w->arena, NULL);
    return 2;
  }
  if (w->why.status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  struct ls_engine *e = still_open(L, &w->error);
  enum ls_status status =
      e ? ls_engine_configure(e, &read, &w->config, &w->why, &handle, &w->error) : w->error.status;
  if (status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  if (status != LS_OK)
    return ls_lerror_return(L, &w->error);
  ls_box_free(L, 3);
  ls_push_number(L, (double)handle);
  return 1;
}

/* engine:submit(handle, mail) -> id | nil, err */
static int engine_submit(lua_State *L) {
  check_engine(L);
  uint64_t handle = check_handle(L);
  luaL_checktype(L, 3, LUA_TTABLE);
  ls_check_arity(L, 3);
  struct work_box *w = push_work_box(L);
  char why[LS_LVALUE_WHY] = "the mail is too large";
  struct ls_value *mail = ls_lvalue_read(L, 3, &w->arena, why);
  uint64_t id = 0;
  bool owned = mail && ls_value_own(&w->arena, mail);
  if (!owned && mail && !w->arena.full)
    return luaL_error(L, "not enough memory");
  if (!owned)
    ls_error_set(&w->error, LS_EMESSAGE, "API", "%s", why);
  struct ls_engine *e = still_open(L, &w->error);
  if (!owned || !e || ls_engine_submit(e, handle, mail, &w->arena, &id, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  ls_box_free(L, 4);
  ls_push_number(L, (double)id);
  return 1;
}

/* engine:verify(handle) -> id | nil, err */
static int engine_verify(lua_State *L) {
  check_engine(L);
  uint64_t handle = check_handle(L);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  struct ls_engine *e = still_open(L, &w->error);
  uint64_t id = 0;
  if (!e || ls_engine_verify(e, handle, &id, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  ls_push_number(L, (double)id);
  return 1;
}

static int done(lua_State *L, struct work_box *w) {
  if (w->error.status != LS_OK)
    return ls_lerror_return(L, &w->error);
  lua_pushboolean(L, true);
  return 1;
}

/* engine:forget(handle) -> true | nil, err */
static int engine_forget(lua_State *L) {
  check_engine(L);
  uint64_t handle = check_handle(L);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  struct ls_engine *e = still_open(L, &w->error);
  if (e)
    ls_engine_forget(e, handle, &w->error);
  return done(L, w);
}

/* engine:setLogging(on) -> true | nil, err */
static int engine_set_logging(lua_State *L) {
  check_engine(L);
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  struct ls_engine *e = still_open(L, &w->error);
  if (e)
    ls_engine_set_logging(e, lua_toboolean(L, 2), &w->error);
  return done(L, w);
}

/* Sets err in the table on top, and for a verification what was seen until then. */
static void set_error(lua_State *L, const struct ls_engine_result *r) {
  if (r->kind == LS_ENGINE_VERIFICATION) {
    ls_lresult_push_verification(L, &r->verification);
    lua_setfield(L, -2, "seen");
    ls_lerror_push_table(L, &r->verification.error);
  } else {
    ls_lresult_push(L, &r->result);
  }
  if (r->issue.status != LS_OK) {
    ls_lconfig_push_issues(L, &r->issue);
    lua_setfield(L, -2, "issues");
  }
  lua_setfield(L, -2, "err");
}

/* Pushes {id =, info =}, {id =, verification =}, {id =, err =} or {id =, err =, seen =}. */
static void push_result(lua_State *L, const struct ls_engine_result *r) {
  lua_createtable(L, 0, 2);
  ls_set_number(L, "id", (double)r->id);
  if (r->result.error.status != LS_OK || r->verification.error.status != LS_OK) {
    set_error(L, r);
  } else if (r->kind == LS_ENGINE_VERIFICATION) {
    ls_lresult_push_verification(L, &r->verification);
    lua_setfield(L, -2, "verification");
  } else {
    ls_lresult_push(L, &r->result);
    lua_setfield(L, -2, "info");
  }
}

/* Moves the batch into the lists of results, at 1, and records, at 2. */
static int push_batch(lua_State *L, void *arg) {
  struct work_box *w = arg;
  struct ls_engine_result r;
  while (ls_engine_batch_peek(&w->batch, &r)) {
    push_result(L, &r);
    lua_rawseti(L, 1, w->results + 1);
    w->results++;
    ls_engine_batch_next(&w->batch, &r);
    ls_engine_result_deinit(&r);
  }
  for (const struct ls_log_record *record; (record = ls_log_peek(&w->batch.log)) != NULL;) {
    ls_llog_push(L, record);
    lua_rawseti(L, 2, w->records + 1);
    w->records++;
    ls_log_drop(&w->batch.log);
  }
  return 0;
}

/* Takes what the engine has done, and pushes results and records; w is on top of the stack. What Lua has no
 * memory for goes back. */
static int take(lua_State *L, struct work_box *w, bool close, int64_t wait_ms) {
  lua_newtable(L);
  lua_newtable(L);
  struct ls_engine *e = still_open(L, &w->error);
  if (e && close)
    ls_engine_close(e, wait_ms, &w->error);
  if (!e || w->error.status != LS_OK || ls_engine_take(e, &w->batch, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  bool all = ls_protect(L, push_batch, w, 2, 0);
  e = engine_now(L);
  if (!all && e)
    ls_engine_give_back(e, &w->batch);
  if (!all && w->results + w->records == 0)
    return luaL_error(L, "not enough memory");
  ls_box_free(L, -3);
  return 2;
}

/* engine:take() -> results, records | nil, err */
static int engine_take(lua_State *L) {
  check_engine(L);
  ls_check_arity(L, 1);
  return take(L, push_work_box(L), false, 0);
}

/* engine:path() -> of the socket | nil, err */
static int engine_path(lua_State *L) {
  check_engine(L);
  ls_check_arity(L, 1);
  struct work_box *w = push_work_box(L);
  struct ls_engine *e = still_open(L, &w->error);
  if (!e || ls_engine_usable(e, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  struct ls_span path = ls_arena_copy(&w->arena, ls_span_cstr(ls_engine_path(e)));
  if (!path.p)
    return luaL_error(L, "not enough memory");
  ls_push_span(L, path);
  return 1;
}

/* engine:pending() -> how many are submitted and not yet taken */
static int engine_pending(lua_State *L) {
  check_engine(L);
  ls_check_arity(L, 1);
  ls_push_number(L, (double)ls_engine_pending(engine_now(L)));
  return 1;
}

/* engine:stats() -> counters of all its clients | nil, err */
static int engine_stats(lua_State *L) {
  check_engine(L);
  ls_check_arity(L, 1);
  struct ls_client_stats s;
  struct work_box *w = push_work_box(L);
  struct ls_engine *e = still_open(L, &w->error);
  if (!e || ls_engine_usable(e, &w->error) == LS_ECONNECTION)
    return ls_lerror_return(L, &w->error);
  ls_engine_stats(e, &s);
  ls_lresult_push_stats(L, &s);
  return 1;
}

/* engine:close([seconds]) -> results, records | nil, err. Safe twice. */
static int engine_close(lua_State *L) {
  check_engine(L);
  double seconds = luaL_optnumber(L, 2, 0);
  const double longest_s = 1e9;
  luaL_argcheck(L, seconds >= 0, 2, "seconds expected");
  ls_check_arity(L, 2);
  return take(L, push_work_box(L), true, (int64_t)((seconds < longest_s ? seconds : longest_s) * 1000));
}

static int engine_tostring(lua_State *L) {
  ls_box_check(L, 1, &engine_type);
  struct ls_engine *e = engine_now(L);
  struct ls_error why = {0};
  bool open = e && ls_engine_usable(e, &why) == LS_OK;
  ls_error_deinit(&why);
  lua_pushfstring(L, "logto_smtp.engine (%s)", open ? "open" : "closed");
  return 1;
}

static const luaL_Reg engine_methods[] = {
    {"configure", engine_configure},
    {"submit", engine_submit},
    {"verify", engine_verify},
    {"forget", engine_forget},
    {"take", engine_take},
    {"setLogging", engine_set_logging},
    {"path", engine_path},
    {"pending", engine_pending},
    {"stats", engine_stats},
    {"close", engine_close},
    {NULL, NULL},
};

static const struct ls_box_type engine_type = {.name = "logto_smtp.engine",
                                               .size = sizeof(struct engine_box),
                                               .release = release_engine,
                                               .methods = engine_methods,
                                               .tostring = engine_tostring};

void ls_lengine_open(lua_State *L) {
  ls_box_register(L, &engine_type);
  ls_box_register(L, &work_type);
  lua_pushcfunction(L, new_engine);
  lua_setfield(L, -2, "engine");
}
