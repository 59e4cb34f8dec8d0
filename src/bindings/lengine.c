/* SPDX-License-Identifier: MIT */
#include "lengine.h"

#include "../pure/guard.h"
#include "../transport/engine.h"
#include "box.h"
#include "lerror.h"
#include "llog.h"
#include "lresult.h"
#include "lvalue.h"

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

/* What one call may own. */
struct work_box {
  struct ls_arena arena;
  struct ls_engine_batch batch;
  struct ls_engine_result result;
  struct ls_error error;
};

static void release_engine(void *box) {
  struct engine_box *b = box;
  ls_engine_free(b->engine);
  b->engine = NULL;
}

static void release_work(void *box) {
  struct work_box *b = box;
  ls_arena_deinit(&b->arena);
  ls_engine_batch_deinit(&b->batch);
  ls_engine_result_deinit(&b->result);
  ls_error_deinit(&b->error);
}

static const struct ls_box_type engine_type;
static const struct ls_box_type work_type = {"logto_smtp.work", sizeof(struct work_box), release_work, NULL,
                                             NULL};

/* A box that __close has emptied has no engine to ask. */
static struct ls_engine *check_engine(lua_State *L) {
  struct engine_box *b = ls_box_check(L, 1, &engine_type);
  if (!b->engine)
    luaL_error(L, "the engine is closed");
  return b->engine;
}

static struct work_box *push_work_box(lua_State *L) {
  struct work_box *b = ls_box_push(L, &work_type);
  ls_arena_init(&b->arena, MAIL_MAX);
  return b;
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
  struct ls_engine *e = check_engine(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  char why[LS_LVALUE_WHY];
  struct ls_value *config = ls_lvalue_read(L, 2, &w->arena, why);
  if (!config) {
    lua_pushnil(L);
    ls_lresult_push_issues(L, why, false);
    return 2;
  }
  struct ls_value *checked = NULL;
  uint64_t handle = 0;
  enum ls_status status = ls_guard_check(config, LS_GUARD_TRANSPORT, &w->arena, &checked);
  if (status == LS_ECONFIG) {
    lua_pushnil(L);
    ls_lvalue_push(L, checked);
    return 2;
  }
  if (status == LS_OK)
    status = ls_engine_configure(e, config, &handle, &w->error);
  if (status == LS_ENOMEM)
    return luaL_error(L, "not enough memory");
  if (status != LS_OK)
    return ls_lerror_return(L, &w->error);
  release_work(w);
  ls_push_number(L, (double)handle);
  return 1;
}

/* engine:submit(handle, mail) -> id | nil, err */
static int engine_submit(lua_State *L) {
  struct ls_engine *e = check_engine(L);
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
  if (!owned || ls_engine_submit(e, handle, mail, &w->arena, &id, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  ls_push_number(L, (double)id);
  return 1;
}

/* engine:verify(handle) -> id | nil, err */
static int engine_verify(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  uint64_t handle = check_handle(L);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  uint64_t id = 0;
  if (ls_engine_verify(e, handle, &id, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  ls_push_number(L, (double)id);
  return 1;
}

static int done(lua_State *L, enum ls_status status, struct work_box *w) {
  if (status != LS_OK)
    return ls_lerror_return(L, &w->error);
  lua_pushboolean(L, true);
  return 1;
}

/* engine:forget(handle) -> true | nil, err */
static int engine_forget(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  uint64_t handle = check_handle(L);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  return done(L, ls_engine_forget(e, handle, &w->error), w);
}

/* engine:setLogging(on) -> true | nil, err */
static int engine_set_logging(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  return done(L, ls_engine_set_logging(e, lua_toboolean(L, 2), &w->error), w);
}

/* Sets err in the table on top, and for a verification what was seen until then. */
static void set_error(lua_State *L, const struct ls_engine_result *r) {
  if (r->kind == LS_ENGINE_VERIFICATION) {
    ls_lresult_push_verification(L, &r->verification);
    lua_setfield(L, -2, "seen");
    ls_lerror_push_table(L, &r->verification.error);
  } else {
    ls_lresult_push_failure(L, &r->result);
  }
  if (r->issue) {
    ls_lresult_push_issues(L, r->issue, r->issue_named);
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
    ls_lresult_push_info(L, &r->result);
    lua_setfield(L, -2, "info");
  }
}

/* Takes what the engine has done, and pushes results and records. */
static int push_batch(lua_State *L, struct ls_engine *e, struct work_box *w) {
  if (ls_engine_take(e, &w->batch, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  lua_newtable(L);
  for (int n = 1; ls_engine_batch_next(&w->batch, &w->result); n++) {
    push_result(L, &w->result);
    ls_engine_result_deinit(&w->result);
    lua_rawseti(L, -2, n);
  }
  lua_newtable(L);
  const struct ls_log_record *r;
  for (int n = 1; (r = ls_log_peek(&w->batch.log)) != NULL; n++) {
    ls_llog_push(L, r);
    ls_log_drop(&w->batch.log);
    lua_rawseti(L, -2, n);
  }
  return 2;
}

/* engine:take() -> results, records | nil, err */
static int engine_take(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  ls_check_arity(L, 1);
  return push_batch(L, e, push_work_box(L));
}

/* engine:path() -> of the socket | nil, err */
static int engine_path(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  ls_check_arity(L, 1);
  struct work_box *w = push_work_box(L);
  if (ls_engine_usable(e, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  lua_pushstring(L, ls_engine_path(e));
  return 1;
}

/* engine:pending() -> how many are submitted and not yet taken */
static int engine_pending(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  ls_check_arity(L, 1);
  ls_push_number(L, (double)ls_engine_pending(e));
  return 1;
}

/* engine:stats() -> counters of all its clients | nil, err */
static int engine_stats(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  ls_check_arity(L, 1);
  struct ls_client_stats s;
  struct work_box *w = push_work_box(L);
  if (ls_engine_usable(e, &w->error) == LS_ECONNECTION)
    return ls_lerror_return(L, &w->error);
  ls_engine_stats(e, &s);
  ls_lresult_push_stats(L, &s);
  return 1;
}

/* engine:close([seconds]) -> results, records | nil, err. Safe twice. */
static int engine_close(lua_State *L) {
  struct ls_engine *e = check_engine(L);
  double seconds = luaL_optnumber(L, 2, 0);
  const double longest_s = 1e9;
  luaL_argcheck(L, seconds >= 0, 2, "seconds expected");
  ls_check_arity(L, 2);
  struct work_box *w = push_work_box(L);
  int64_t wait_ms = (int64_t)((seconds < longest_s ? seconds : longest_s) * 1000);
  if (ls_engine_close(e, wait_ms, &w->error) != LS_OK)
    return ls_lerror_return(L, &w->error);
  return push_batch(L, e, w);
}

static int engine_tostring(lua_State *L) {
  struct engine_box *b = ls_box_check(L, 1, &engine_type);
  struct ls_error why = {0};
  bool open = b->engine && ls_engine_usable(b->engine, &why) == LS_OK;
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

static const struct ls_box_type engine_type = {"logto_smtp.engine", sizeof(struct engine_box), release_engine,
                                               engine_methods, engine_tostring};

void ls_lengine_open(lua_State *L) {
  ls_box_register(L, &engine_type);
  ls_box_register(L, &work_type);
  lua_pushcfunction(L, new_engine);
  lua_setfield(L, -2, "engine");
}
