/* SPDX-License-Identifier: MIT */
#include "loption.h"

#include "../pure/option.h"

static const char *const types[] = {
    [LS_TYPE_ANY] = "any",
    [LS_TYPE_FLAG] = "flag",
    [LS_TYPE_MS] = "ms",
    [LS_TYPE_COUNT] = "count",
    [LS_TYPE_NUMBER] = "number",
    [LS_TYPE_PORT] = "port",
    [LS_TYPE_TEXT] = "text",
    [LS_TYPE_WORD] = "word",
    [LS_TYPE_URL] = "url",
    [LS_TYPE_TEXTS] = "texts",
    [LS_TYPE_PEM] = "pem",
    [LS_TYPE_PEMS] = "pems",
    [LS_TYPE_PEM_TEXT] = "pemText",
    [LS_TYPE_PEM_TEXTS] = "pemTexts",
    [LS_TYPE_PFX] = "pfx",
    [LS_TYPE_KEY] = "key",
    [LS_TYPE_HEADERS] = "headers",
    [LS_TYPE_PAIRS] = "pairs",
    [LS_TYPE_AUTH] = "auth",
    [LS_TYPE_AUTH_TLS] = "auth.tls",
    [LS_TYPE_TLS] = "tls",
    [LS_TYPE_DKIM] = "dkim",
    [LS_TYPE_KEYS] = "keys",
    [LS_TYPE_TEMPLATES] = "templates",
};

static const char *const places[LS_PLACE_COUNT] = {
    [LS_PLACE_CONFIG] = "", [LS_PLACE_AUTH] = "auth", [LS_PLACE_AUTH_TLS] = "auth.tls",
    [LS_PLACE_TLS] = "tls", [LS_PLACE_DKIM] = "dkim", [LS_PLACE_TEMPLATE] = "templates",
};

/* Sets default in the table on top, where it is a constant. */
static void set_default(lua_State *L, const struct ls_option *o) {
  if (o->effect != LS_EFFECT_SOME || o->fallback)
    return;
  if (o->type == LS_TYPE_FLAG)
    ls_set_boolean(L, "default", o->number != 0);
  else if (o->number > 0)
    ls_set_number(L, "default", o->number);
  else
    ls_set_text(L, "default", o->string);
}

static void set_words(lua_State *L, const struct ls_words *words) {
  lua_createtable(L, (int)words->count, 0);
  for (size_t i = 0; i < words->count; i++) {
    lua_pushstring(L, words->at[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "words");
}

static void push_option(lua_State *L, const struct ls_option *o) {
  static const char *const effects[] = {[LS_EFFECT_NONE] = "none", [LS_EFFECT_REFUSED] = "refused"};
  static const char *const needs[] = {[LS_NEED_REQUIRED] = "always", [LS_NEED_CONNECTOR] = "connector"};
  lua_createtable(L, 0, 12);
  ls_set_text(L, "name", o->name);
  lua_pushstring(L, places[o->place]);
  lua_setfield(L, -2, "place");
  ls_set_text(L, "type", types[o->type]);
  ls_set_text(L, "text", o->text);
  ls_set_text(L, "effect", effects[o->effect]);
  if (o->need == LS_NEED_REQUIRED || o->need == LS_NEED_CONNECTOR)
    ls_set_text(L, "required", needs[o->need]);
  ls_set_number(L, "group", o->group);
  ls_set_boolean(L, "guard", o->guard);
  ls_set_boolean(L, "mail", o->mail);
  ls_set_boolean(L, "oauth", o->oauth);
  ls_set_boolean(L, "secret", o->secret);
  ls_set_boolean(L, "anyCase", o->any_case);
  set_default(L, o);
  ls_set_text(L, "fallback", o->fallback);
  ls_set_text(L, "unit", o->unit);
  if (o->least > 0)
    ls_set_number(L, "least", o->least);
  if (o->most > 0)
    ls_set_number(L, "most", o->most);
  if (o->words)
    set_words(L, o->words);
}

/* options() -> {{name =, place =, type =, text =, ...}, ...}: the table of options, in its order */
static int options(lua_State *L) {
  ls_check_arity(L, 0);
  lua_createtable(L, LS_OPTION_COUNT, 0);
  for (int id = 0; id < LS_OPTION_COUNT; id++) {
    push_option(L, &ls_options[id]);
    lua_rawseti(L, -2, id + 1);
  }
  return 1;
}

void ls_loption_open(lua_State *L) {
  lua_pushcfunction(L, options);
  lua_setfield(L, -2, "options");
}
