/* SPDX-License-Identifier: MIT */
#include "lwords.h"

#include "../pure/config_secret.h"
#include "../pure/nearest.h"
#include "../pure/visible.h"
#include "../transport/charset.h"
#include "box.h"
#include "lvalue.h"

enum { TREE_MAX = 64 * 1024 * 1024 /* octets of one value tree */ };

struct words_box {
  struct ls_arena arena;
  struct ls_mask *mask;
  struct ls_buf text;
};

static void release(void *box) {
  struct words_box *b = box;
  ls_mask_free(b->mask);
  b->mask = NULL;
  ls_arena_deinit(&b->arena);
  ls_buf_deinit(&b->text);
}

static const struct ls_box_type words_type = {
    .name = "logto_smtp.words", .size = sizeof(struct words_box), .release = release};

static struct words_box *push_words_box(lua_State *L) {
  struct words_box *b = ls_box_push(L, &words_type);
  ls_buf_init(&b->text, SIZE_MAX);
  ls_arena_init(&b->arena, TREE_MAX);
  return b;
}

/* The box is on top of the stack. */
static int push_text(lua_State *L, struct words_box *b) {
  if (b->text.status != LS_OK)
    return luaL_error(L, "not enough memory");
  ls_push_span(L, ls_buf_span(&b->text));
  ls_box_free(L, -2);
  return 1;
}

/* visible(text[, "lines" | "line"]) -> text that acts on no terminal and no log */
static int visible(lua_State *L) {
  static const char *const forms[] = {"lines", "line", NULL};
  struct ls_span text = ls_check_span(L, 1);
  enum ls_visible_form form = luaL_checkoption(L, 2, "lines", forms) ? LS_VISIBLE_LINE : LS_VISIBLE_LINES;
  ls_check_arity(L, 2);
  struct words_box *b = push_words_box(L);
  ls_visible_add(&b->text, text, form);
  return push_text(L, b);
}

/* mask(text, secrets[, config]) -> text without these and the config's, in whatever encoding */
static int mask(lua_State *L) {
  struct ls_span text = ls_check_span(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_arity(L, 3);
  lua_settop(L, 3);
  struct words_box *b = push_words_box(L);
  b->mask = ls_mask_new();
  if (!b->mask)
    return luaL_error(L, "not enough memory");
  if (lua_istable(L, 3)) {
    char why[LS_LVALUE_WHY];
    struct ls_value *config = ls_lvalue_read(L, 3, &b->arena, why);
    if (!config) /* and no word of it is told, rather than one too many */
      return luaL_error(L, "%s", why);
    ls_config_secret_add(config, b->mask);
  }
  size_t count = lua_rawlen(L, 2);
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, 2, (int)i);
    if (lua_type(L, -1) != LUA_TSTRING)
      return luaL_error(L, "bad argument #2 to 'mask' (a list of strings expected)");
    ls_mask_add(b->mask, NULL, ls_check_span(L, -1));
    lua_pop(L, 1);
  }
  ls_buf_add(&b->text, text);
  ls_mask_buf(b->mask, &b->text);
  return push_text(L, b);
}

/* decode(octets, charset) -> text in UTF-8 | nil, why */
static int decode(lua_State *L) {
  struct ls_span octets = ls_check_span(L, 1);
  const char *charset = luaL_checkstring(L, 2);
  ls_check_arity(L, 2);
  struct words_box *b = push_words_box(L);
  switch (ls_charset_decode(charset, octets, &b->text)) {
  case LS_OK:
    return push_text(L, b);
  case LS_ENOMEM:
    return luaL_error(L, "not enough memory");
  case LS_EARGUMENT:
    lua_pushnil(L);
    lua_pushfstring(L, "no encoding is named %s", charset);
    return 2;
  default:
    lua_pushnil(L);
    lua_pushfstring(L, "this is no text of %s", charset);
    return 2;
  }
}

/* Whether the string at the top comes before the one at index, as octets. */
static bool is_before(lua_State *L, int index) {
  struct ls_span a = ls_check_span(L, -1), b = ls_check_span(L, index);
  int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
  return order ? order < 0 : a.n < b.n;
}

/* nearest(name, names) -> of the names (keys of a table) the one that somebody meant who wrote name | nil */
static int nearest(lua_State *L) {
  struct ls_span name = ls_check_span(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  ls_check_arity(L, 2);
  size_t best = ls_nearest_reach(name) + 1;
  lua_pushnil(L); /* the nearest so far, at 3 */
  for (lua_pushnil(L); lua_next(L, 2);) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      continue;
    size_t away = ls_nearest_distance(name, ls_check_span(L, -1));
    if (away > best || (away == best && (lua_isnil(L, 3) || !is_before(L, 3))))
      continue;
    best = away;
    lua_pushvalue(L, -1);
    lua_replace(L, 3);
  }
  return 1;
}

void ls_lwords_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"visible", visible}, {"mask", mask}, {"decode", decode}, {"nearest", nearest}, {NULL, NULL}};
  ls_box_register(L, &words_type);
  ls_set_functions(L, functions);
}
