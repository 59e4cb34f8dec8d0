/* SPDX-License-Identifier: MIT */
#include "ljson.h"

#include "../transport/json.h"
#include "box.h"
#include "lvalue.h"

enum { TREE_MAX = 64 * 1024 * 1024 /* octets of one value tree */ };

struct json_box {
  struct ls_arena arena;
};

static void release(void *box) {
  struct json_box *b = box;
  ls_arena_deinit(&b->arena);
}

static const struct ls_box_type json_type = {
    .name = "logto_smtp.json", .size = sizeof(struct json_box), .release = release};

/* fromJson(text[, depth]) -> value | nil, octet[, the name that an object has twice] */
static int from_json(lua_State *L) {
  struct ls_value *v = NULL;
  struct ls_json_fault fault;
  struct ls_span text = ls_check_span(L, 1);
  lua_Integer depth = luaL_optinteger(L, 2, LS_LVALUE_DEPTH);
  luaL_argcheck(L, depth >= 1 && depth <= LS_LVALUE_DEPTH, 2, "depth must be from 1 to 100");
  ls_check_arity(L, 2);
  struct json_box *b = ls_box_push(L, &json_type);
  ls_arena_init(&b->arena, TREE_MAX);
  enum ls_status status = ls_json_read(text, (size_t)depth, &b->arena, &v, &fault);
  if (status == LS_ENOMEM && !b->arena.full)
    return luaL_error(L, "not enough memory");
  if (status != LS_OK) {
    lua_pushnil(L);
    ls_push_number(L, (double)fault.at);
    if (!fault.twin.p)
      return 2;
    ls_push_span(L, fault.twin);
    return 3;
  }
  ls_lvalue_push(L, v, &b->arena);
  ls_box_free(L, -2);
  return 1;
}

void ls_ljson_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"fromJson", from_json}, {NULL, NULL}};
  ls_box_register(L, &json_type);
  ls_set_functions(L, functions);
}
