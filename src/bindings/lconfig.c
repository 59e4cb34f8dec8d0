/* SPDX-License-Identifier: MIT */
#include "lconfig.h"

#include "../pure/option.h"
#include "lvalue.h"

/* Pushes the way to the option that an error is about; of none, the way to the whole config. */
static void push_path(lua_State *L, const struct ls_error *e) {
  struct ls_option_step steps[LS_OPTION_STEPS];
  size_t count =
      e && e->option ? ls_option_path((enum ls_option_id)(e->option - ls_options), e->item, steps) : 0;
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    if (steps[i].name)
      lua_pushstring(L, steps[i].name);
    else
      ls_push_number(L, (double)steps[i].index);
    lua_rawseti(L, -2, (int)i + 1);
  }
}

/* One issue: text, and why that is, NULL: it is about the whole config. */
static void push_issue(lua_State *L, const char *text, const struct ls_error *why) {
  lua_createtable(L, 1, 0);
  lua_createtable(L, 0, 3);
  ls_set_text(L, "code", "custom");
  ls_set_text(L, "message", text);
  push_path(L, why);
  lua_setfield(L, -2, "path");
  lua_rawseti(L, -2, 1);
}

void ls_lconfig_push_issues(lua_State *L, const struct ls_error *why) {
  push_issue(L, ls_error_text(why), why);
}

struct ls_value *ls_lconfig_read(lua_State *L, int index, struct ls_arena *a) {
  char why[LS_LVALUE_WHY];
  struct ls_value *config = ls_lvalue_read(L, index, a, why);
  if (!config) {
    lua_pushnil(L);
    push_issue(L, why, NULL);
  }
  return config;
}

void ls_lconfig_push_refusal(lua_State *L, struct ls_value *issues, struct ls_arena *a,
                             const struct ls_error *why) {
  lua_pushnil(L);
  if (issues)
    ls_lvalue_push(L, issues, a);
  else
    ls_lconfig_push_issues(L, why);
}
