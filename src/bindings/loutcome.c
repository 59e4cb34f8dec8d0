/* SPDX-License-Identifier: MIT */
#include "loutcome.h"

#include "box.h"
#include "lerror.h"
#include "lresult.h"
#include "protect.h"

enum { INFO = 1, ERROR, SEEN, KINDS = SEEN }; /* the tables of a spare; false: used */

static const char flag[] = "incomplete";

static void push_list(lua_State *L, const char *name) {
  lua_newtable(L);
  lua_setfield(L, -2, name);
}

void ls_loutcome_reserve(lua_State *L, int index, int n) {
  ls_box_get_value(L, index, n);
  if (!lua_isnil(L, -1)) {
    lua_pushnil(L);
    ls_box_set_value(L, index, n);
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, KINDS, 0);
  lua_createtable(L, 0, 16);
  push_list(L, "accepted");
  push_list(L, "rejected");
  ls_set_boolean(L, flag, true);
  lua_rawseti(L, -2, INFO);
  ls_lerror_push_blank(L);
  ls_set_boolean(L, flag, true);
  lua_rawseti(L, -2, ERROR);
  lua_createtable(L, 0, 8);
  push_list(L, "times");
  ls_set_boolean(L, flag, true);
  lua_rawseti(L, -2, SEEN);
}

void ls_loutcome_keep(lua_State *L, int spare, int index, int n) {
  bool whole = true;
  for (int kind = INFO; kind <= KINDS; kind++) {
    lua_rawgeti(L, spare, kind);
    whole = whole && lua_istable(L, -1);
    lua_pop(L, 1);
  }
  if (!whole)
    return;
  lua_pushvalue(L, spare);
  ls_box_set_value(L, index, n);
}

static void take(lua_State *L, int spare, int kind) {
  lua_rawgeti(L, spare, kind);
  lua_pushboolean(L, false);
  lua_rawseti(L, spare, kind);
}

struct part {
  const struct ls_result *r;
  size_t i;
};

static int set_part(lua_State *L, void *arg) {
  const struct part *p = arg;
  ls_lresult_set_part(L, p->r, p->i);
  return 0;
}

static int clear_flag(lua_State *L, void *arg) {
  (void)arg;
  lua_pushnil(L);
  lua_setfield(L, -2, flag);
  return 0;
}

/* Writes into the table on top what can be. */
static void fill(lua_State *L, const struct ls_result *r) {
  bool whole = true;
  for (struct part p = {.r = r}; p.i < ls_lresult_part_count(r); p.i++) {
    lua_pushvalue(L, -1);
    whole = ls_protect(L, set_part, &p, 1, 0) && whole;
  }
  lua_pushvalue(L, -1);
  if (whole)
    ls_protect(L, clear_flag, NULL, 1, 0);
  else
    lua_pop(L, 1);
}

static int push_result(lua_State *L, void *arg) {
  ls_lresult_push(L, arg);
  return 1;
}

int ls_loutcome_push(lua_State *L, int spare, const struct ls_result *r) {
  bool fine = r->error.status == LS_OK;
  if (!fine)
    lua_pushnil(L);
  if (!ls_protect(L, push_result, (void *)r, 0, 1)) {
    take(L, spare, fine ? INFO : ERROR);
    if (!fine)
      ls_lerror_note(L, &r->error);
    fill(L, r);
  }
  return fine ? 1 : 2;
}

static int push_verification(lua_State *L, void *arg) {
  ls_lresult_push_verification(L, arg);
  return 1;
}

int ls_loutcome_push_verification(lua_State *L, int spare, const struct ls_verification *v) {
  bool fine = v->error.status == LS_OK;
  if (!fine)
    ls_loutcome_push(L, spare, &(const struct ls_result){.error = v->error});
  if (!ls_protect(L, push_verification, (void *)v, 0, 1))
    take(L, spare, SEEN);
  return fine ? 1 : 3;
}
