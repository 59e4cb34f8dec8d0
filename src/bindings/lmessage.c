/* SPDX-License-Identifier: MIT */
#include "lmessage.h"

#include "../pure/guard.h"
#include "../pure/mailbox.h"
#include "../pure/template.h"
#include "../transport/composer.h"
#include "../transport/identity.h"
#include "../transport/recipient.h"
#include "box.h"
#include "lconfig.h"
#include "lerror.h"
#include "lvalue.h"

enum {
  KEEP = 64 * 1024,              /* octets that a scratch keeps for the next call */
  TREE_MAX = 64 * 1024 * 1024,   /* octets of one value tree */
  RENDER_MAX = 256 * 1024 * 1024 /* octets of one rendered template */
};

/* Everything one call may own. Each function keeps one in its upvalue and takes it out while it works, so
 * that a finalizer that calls the same function in between gets another. A call that raises leaves its own to
 * the collector. */
struct scratch {
  int at; /* where the call has it on the stack */
  struct ls_arena arena;
  struct ls_buf text;
  struct ls_composed composed;
  struct ls_error error;
};

static void release(void *box) {
  struct scratch *s = box;
  ls_arena_deinit(&s->arena);
  ls_buf_deinit(&s->text);
  ls_buf_deinit(&s->composed.content);
  ls_error_deinit(&s->error);
}

static const struct ls_box_type scratch_type = {
    .name = "logto_smtp.scratch", .size = sizeof(struct scratch), .release = release};

static struct scratch *begin(lua_State *L) {
  struct scratch *s = ls_box_at(L, lua_upvalueindex(1));
  if (s) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushnil(L);
    lua_replace(L, lua_upvalueindex(1));
  } else {
    s = ls_box_push(L, &scratch_type);
    ls_arena_init(&s->arena, TREE_MAX);
    ls_buf_init(&s->text, RENDER_MAX);
  }
  s->at = lua_gettop(L);
  return s;
}

/* Wipes, and keeps a little memory for the next call. What was pushed stays on the stack. */
static void finish(lua_State *L, struct scratch *s) {
  ls_arena_reset(&s->arena, KEEP);
  ls_buf_reset(&s->text, KEEP);
  ls_buf_reset(&s->composed.content, KEEP);
  ls_error_deinit(&s->error);
  lua_pushvalue(L, s->at);
  lua_replace(L, lua_upvalueindex(1));
}

static int no_memory(lua_State *L) {
  return luaL_error(L, "not enough memory");
}

/* validate(config) -> config | nil, issues */
static int validate(lua_State *L) {
  luaL_checkany(L, 1);
  ls_check_arity(L, 1);
  struct scratch *s = begin(L);
  struct ls_value *config = ls_lconfig_read(L, 1, &s->arena);
  if (!config) {
    finish(L, s);
    return 2;
  }
  struct ls_value *out = NULL;
  enum ls_status status = ls_guard_check(config, LS_GUARD_CONNECTOR, &s->arena, &out);
  if (status == LS_ENOMEM)
    return no_memory(L);
  if (status != LS_OK)
    lua_pushnil(L);
  ls_lvalue_push_from(L, out, &s->arena, 1);
  finish(L, s);
  return status == LS_OK ? 1 : 2;
}

/* Pushes what a client of the config is told apart by. */
static void push_identity(lua_State *L, struct scratch *s) {
  unsigned char digest[LS_IDENTITY_N];
  if (!ls_identity_digest(ls_buf_span(&s->text), digest))
    no_memory(L);
  lua_pushlstring(L, (const char *)digest, sizeof digest);
}

/* check(config[, keyed]) -> true[, key] | nil, issues: as validate, without the result. keyed: asks for
 * what the config's client is told apart by, the same for configs that can share one; nil where there can
 * be none. */
static int check(lua_State *L) {
  luaL_checkany(L, 1);
  ls_check_arity(L, 2);
  bool keyed = lua_toboolean(L, 2);
  struct scratch *s = begin(L);
  struct ls_value *config = ls_lconfig_read(L, 1, &s->arena);
  if (!config) {
    finish(L, s);
    return 2;
  }
  struct ls_value *issues = NULL;
  struct ls_config read;
  enum ls_status status = keyed ? ls_guard_read(config, LS_GUARD_CONNECTOR, &s->arena, &s->arena, &read,
                                                &issues, &s->text, &s->error)
                                : ls_guard_find(config, LS_GUARD_CONNECTOR, &s->arena, &issues);
  if (status == LS_ENOMEM)
    return no_memory(L);
  if (issues) {
    lua_pushnil(L);
    ls_lvalue_push_from(L, issues, &s->arena, 1);
  } else {
    lua_pushboolean(L, true);
    if (keyed && status == LS_OK)
      push_identity(L, s);
    else
      lua_pushnil(L);
  }
  finish(L, s);
  return 2;
}

/* identity(config) -> key | nil, issues: as check, of a config for a client alone */
static int identity(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  ls_check_arity(L, 1);
  struct scratch *s = begin(L);
  struct ls_value *config = ls_lconfig_read(L, 1, &s->arena);
  if (!config) {
    finish(L, s);
    return 2;
  }
  struct ls_value *issues;
  struct ls_config read;
  enum ls_status status =
      ls_guard_read(config, LS_GUARD_TRANSPORT, &s->arena, &s->arena, &read, &issues, &s->text, &s->error);
  if (status == LS_ENOMEM)
    return no_memory(L);
  if (status == LS_OK) {
    push_identity(L, s);
    finish(L, s);
    return 1;
  }
  ls_lconfig_push_refusal(L, issues, &s->arena, &s->error);
  finish(L, s);
  return 2;
}

static enum ls_template_escape check_escape(lua_State *L, int index) {
  static const char *const names[] = {"none", "html", NULL};
  static const char *const options[] = {"escape", NULL};
  if (lua_isnoneornil(L, index))
    return LS_TEMPLATE_RAW;
  luaL_checktype(L, index, LUA_TTABLE);
  ls_check_names(L, index, options, "render");
  lua_getfield(L, index, "escape");
  enum ls_template_escape escape =
      lua_isnil(L, -1) || luaL_checkoption(L, -1, NULL, names) == 0 ? LS_TEMPLATE_RAW : LS_TEMPLATE_HTML;
  lua_pop(L, 1);
  return escape;
}

/* render(template, payload[, {escape = "html"}]) -> string */
static int render(lua_State *L) {
  struct ls_span text = ls_check_span(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  enum ls_template_escape escape = check_escape(L, 3);
  ls_check_arity(L, 3);
  struct scratch *s = begin(L);
  char why[LS_LVALUE_WHY];
  struct ls_value *payload = ls_lvalue_read(L, 2, &s->arena, why);
  if (!payload)
    return luaL_error(L, "%s", why);
  enum ls_status status = ls_template_render(text, payload, escape, &s->text);
  if (status == LS_ETOOBIG)
    return luaL_error(L, "the rendered template is over %d octets", RENDER_MAX);
  if (status != LS_OK)
    return no_memory(L);
  ls_push_span(L, ls_buf_span(&s->text));
  finish(L, s);
  return 1;
}

static void push_envelope(lua_State *L, const struct ls_envelope *e) {
  lua_createtable(L, 0, 2);
  ls_push_span(L, e->from);
  lua_setfield(L, -2, "from");
  lua_createtable(L, (int)e->count, 0);
  for (size_t i = 0; i < e->count; i++) {
    ls_push_span(L, e->to[i].address);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "to");
}

/* compose(mail) -> octets, {from =, to =}, messageId | nil, err */
static int compose(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  ls_check_arity(L, 1);
  struct scratch *s = begin(L);
  char why[LS_LVALUE_WHY];
  struct ls_value *mail = ls_lvalue_read(L, 1, &s->arena, why);
  if (!mail)
    ls_error_set(&s->error, LS_EMESSAGE, "API", "%s", why);
  if (!mail || ls_composer_compose(mail, &s->arena, &s->composed, &s->error) != LS_OK)
    return ls_lerror_return(L, &s->error);
  ls_push_span(L, ls_buf_span(&s->composed.content));
  push_envelope(L, &s->composed.envelope);
  ls_push_span(L, s->composed.message_id);
  finish(L, s);
  return 3;
}

/* Pushes {name =, address =}, name only where there is one. */
static void push_mailbox(lua_State *L, const struct ls_mailbox *m, struct ls_arena *a) {
  struct ls_span address = ls_mailbox_address(m, a);
  if (!address.p)
    no_memory(L);
  lua_createtable(L, 0, 3);
  ls_push_span(L, address);
  lua_setfield(L, -2, "address");
  if (m->name.n) {
    ls_push_span(L, m->name);
    lua_setfield(L, -2, "name");
  }
}

static void push_group(lua_State *L, const struct ls_mailbox *m, struct ls_arena *a) {
  lua_createtable(L, 0, 2);
  ls_push_span(L, m->name);
  lua_setfield(L, -2, "name");
  lua_createtable(L, (int)m->count, 0);
  for (size_t i = 0; i < m->count; i++) {
    push_mailbox(L, &m->members[i], a);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "group");
}

/* addresses(text) -> {{address =, name =} | {name =, group = {...}}, ...} | nil, err: an address list as it
 * is read: domains are not converted. Names without an address are left out. */
static int addresses(lua_State *L) {
  struct ls_span text = ls_check_span(L, 1);
  ls_check_arity(L, 1);
  struct scratch *s = begin(L);
  struct ls_mailbox_list list = {0};
  enum ls_status status = ls_mailbox_parse(text, NULL, &s->arena, &list, &s->error);
  if (status == LS_EENVELOPE)
    return ls_lerror_return(L, &s->error);
  if (status != LS_OK)
    return no_memory(L);
  lua_createtable(L, (int)list.count, 0);
  for (size_t i = 0; i < list.count; i++) {
    if (list.items[i].is_group)
      push_group(L, &list.items[i], &s->arena);
    else
      push_mailbox(L, &list.items[i], &s->arena);
    lua_rawseti(L, -2, (int)i + 1);
  }
  finish(L, s);
  return 1;
}

/* recipient(text) -> {address =, name =, key =} | nil, "none" | "several" | "unclear": one plain mailbox */
static int recipient(lua_State *L) {
  static const char *const faults[] = {"none", "several", "unclear"};
  struct ls_span text = ls_check_span(L, 1);
  ls_check_arity(L, 1);
  struct scratch *s = begin(L);
  struct ls_mailbox m;
  struct ls_span key;
  enum ls_recipient_fault fault = LS_RECIPIENT_UNCLEAR;
  enum ls_status status = ls_recipient_read(text, &s->arena, &m, &fault);
  if (status == LS_OK)
    status = ls_recipient_key_of(&m, &s->arena, &key);
  if (status == LS_ENOMEM)
    return no_memory(L);
  if (status == LS_OK) {
    push_mailbox(L, &m, &s->arena);
    ls_push_span(L, key);
    lua_setfield(L, -2, "key");
  } else {
    lua_pushnil(L);
    lua_pushstring(L, faults[fault]);
  }
  finish(L, s);
  return status == LS_OK ? 1 : 2;
}

/* addressKey(text) -> string: equal for all spellings of one address */
static int address_key(lua_State *L) {
  struct ls_span text = ls_check_span(L, 1);
  ls_check_arity(L, 1);
  struct scratch *s = begin(L);
  struct ls_span key;
  if (ls_recipient_key(text, &s->arena, &key) != LS_OK)
    return no_memory(L);
  ls_push_span(L, key);
  finish(L, s);
  return 1;
}

void ls_lmessage_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"validate", validate},
                                       {"check", check},
                                       {"identity", identity},
                                       {"render", render},
                                       {"compose", compose},
                                       {"addresses", addresses},
                                       {"recipient", recipient},
                                       {"addressKey", address_key},
                                       {NULL, NULL}};
  ls_box_register(L, &scratch_type);
  for (const luaL_Reg *f = functions; f->name; f++) {
    lua_pushnil(L);
    lua_pushcclosure(L, f->func, 1);
    lua_setfield(L, -2, f->name);
  }
}
