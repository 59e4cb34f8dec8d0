/* SPDX-License-Identifier: MIT */
#include "config_option.h"

#include <stdio.h>

#include "jstext.h"

void ls_config_reader_open(struct ls_config_reader *r, const struct ls_value *config) {
  r->config = config;
  r->holders[LS_PLACE_CONFIG] = config;
  r->holders[LS_PLACE_AUTH] = ls_value_get(config, ls_option_name(LS_OPTION_CONFIG_auth));
  r->holders[LS_PLACE_AUTH_TLS] = ls_value_get(r->holders[LS_PLACE_AUTH], ls_option_name(LS_OPTION_AUTH_tls));
  r->holders[LS_PLACE_TLS] = ls_value_get(config, ls_option_name(LS_OPTION_CONFIG_tls));
  r->holders[LS_PLACE_DKIM] = ls_value_get(config, ls_option_name(LS_OPTION_CONFIG_dkim));
}

enum ls_status ls_config_option_pass(const struct ls_config_reader *r, const struct ls_error *why) {
  if (!why->option || !why->message)
    return ls_config_option_no_memory(r);
  if (r->list)
    ls_issue_add_option(r->list, (enum ls_option_id)(why->option - ls_options), why->item,
                        ls_span_cstr(why->message));
  else if (r->err && r->err->status == LS_OK && ls_error_copy(r->err, why) != LS_OK)
    return ls_config_option_no_memory(r);
  return why->status;
}

enum ls_status ls_config_option_refuse(const struct ls_config_reader *r, enum ls_option_id id, int item,
                                       enum ls_status status, const char *format, ...) {
  struct ls_error why = {0};
  va_list args;
  va_start(args, format);
  ls_option_verror(&why, status, id, item, format, args);
  va_end(args);
  status = ls_config_option_pass(r, &why);
  ls_error_deinit(&why);
  return status;
}

enum ls_status ls_config_option_refuse_client(const struct ls_config_reader *r, enum ls_option_id id,
                                              const char *text) {
  ls_option_error(r->err, LS_ECONFIG, id, LS_ITEM_NONE, "%s", text);
  return r->err && !r->list ? LS_ECONFIG : LS_OK;
}

enum ls_status ls_config_option_no_memory(const struct ls_config_reader *r) {
  if (r->list)
    r->list->failed = true;
  return ls_error_no_memory(r->err, NULL);
}

static void note_secret(const struct ls_config_reader *r, struct ls_span octets) {
  struct ls_config_secret *secret = ls_arena_alloc(r->a, sizeof *secret);
  struct ls_span text = ls_arena_copy(r->a, octets);
  if (!secret || !text.p) {
    ls_config_option_no_memory(r);
    return;
  }
  *secret = (struct ls_config_secret){r->out->secrets, text};
  r->out->secrets = secret;
}

/* Each entry names its option and its length, so that no two configs have the same octets by chance. */
void ls_config_option_note(const struct ls_config_reader *r, enum ls_option_id id, int item,
                           struct ls_span octets) {
  if (ls_options[id].secret && octets.n)
    note_secret(r, octets);
  if (!r->identity)
    return;
  char head[4 + sizeof octets.n] = {(char)(id & 0xff), (char)(id >> 8), (char)(item & 0xff)};
  memcpy(head + 4, &octets.n, sizeof octets.n);
  ls_buf_add(r->identity, ls_span(head, sizeof head));
  ls_buf_add(r->identity, octets);
}

static void note_number(const struct ls_config_reader *r, enum ls_option_id id, int64_t number) {
  ls_config_option_note(r, id, LS_ITEM_NONE, ls_span((const char *)&number, sizeof number));
}

static void *field_of(const struct ls_config_reader *r, enum ls_option_id id) {
  return (char *)r->out + ls_options[id].field - 1;
}

enum ls_status ls_config_option_flag(const struct ls_config_reader *r, enum ls_option_id id,
                                     const struct ls_value *v, bool *out) {
  const struct ls_option *o = &ls_options[id];
  bool given = ls_value_is(v, LS_VALUE_BOOLEAN);
  bool otherwise = o->number != 0;
  *out = given ? v->as.boolean : otherwise;
  if (*out != otherwise)
    note_number(r, id, *out);
  if (o->strict && !given && !ls_value_is_nothing(v))
    return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "must be true or false");
  return LS_OK;
}

/* Of what the guard's own schema has, it has checked the type alone: more is for a client to say. */
static enum ls_status refuse_number(const struct ls_config_reader *r, enum ls_option_id id,
                                    const char *what) {
  const struct ls_option *o = &ls_options[id];
  char text[200];
  if (o->fallback)
    snprintf(text, sizeof text, "must be a number %s, or be left out for %s", what, o->fallback);
  else
    snprintf(text, sizeof text, "must be a number %s, or be left out for %.0f", what, o->number);
  return o->guard ? ls_config_option_refuse_client(r, id, text)
                  : ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "%s", text);
}

/* 24 days, or what a 32-bit long can hold. */
static double bounded(double number) {
  return number < INT32_MAX ? number : INT32_MAX;
}

/* Half a millisecond is a limit too, not none. */
static enum ls_status read_ms(const struct ls_config_reader *r, enum ls_option_id id,
                              const struct ls_value *v) {
  const struct ls_option *o = &ls_options[id];
  int64_t *out = field_of(r, id);
  *out = (int64_t)o->number;
  if (!ls_jstext_is_truthy(v))
    return LS_OK;
  if (v->kind != LS_VALUE_NUMBER || v->as.number < 0)
    return refuse_number(r, id, "of milliseconds above 0");
  double ms = bounded(v->as.number);
  *out = (int64_t)ms;
  if ((double)*out < ms)
    ++*out;
  if (*out != (int64_t)o->number)
    note_number(r, id, *out);
  return LS_OK;
}

/* Half a message is none. 0 means the default, where it is below the least. */
static enum ls_status read_count(const struct ls_config_reader *r, enum ls_option_id id,
                                 const struct ls_value *v) {
  const struct ls_option *o = &ls_options[id];
  size_t *out = field_of(r, id);
  char what[40];
  *out = (size_t)o->number;
  bool zero_counts = o->least <= 0 && ls_value_is(v, LS_VALUE_NUMBER) && v->as.number <= 0;
  if (!zero_counts && !ls_jstext_is_truthy(v))
    return LS_OK;
  if (v->kind != LS_VALUE_NUMBER || !(v->as.number >= o->least)) {
    snprintf(what, sizeof what, "from %.0f", o->least);
    return refuse_number(r, id, what);
  }
  *out = (size_t)bounded(v->as.number);
  if (*out != (size_t)o->number)
    note_number(r, id, (int64_t)*out);
  return LS_OK;
}

enum ls_status ls_config_option_read(const struct ls_config_reader *r, enum ls_option_id id) {
  const struct ls_value *v = ls_config_option_value(r, id);
  switch (ls_options[id].type) {
  case LS_TYPE_FLAG:
    return ls_config_option_flag(r, id, v, field_of(r, id));
  case LS_TYPE_MS:
    return read_ms(r, id, v);
  case LS_TYPE_COUNT:
    return read_count(r, id, v);
  case LS_TYPE_TEXT:
    return ls_config_option_text(r, id, v, field_of(r, id));
  default:
    return LS_OK;
  }
}

enum ls_status ls_config_option_text(const struct ls_config_reader *r, enum ls_option_id id,
                                     const struct ls_value *v, const char **out) {
  if (ls_value_is_nothing(v))
    return LS_OK;
  if (v->kind != LS_VALUE_STRING)
    return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "must be a string");
  if (ls_span_index(v->as.string, '\0') < v->as.string.n)
    return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "holds a NUL octet; remove it");
  if (v->as.string.n == 0)
    return LS_OK;
  if (!ls_span_eq(v->as.string, ls_span_cstr(ls_options[id].string)))
    ls_config_option_note(r, id, LS_ITEM_NONE, v->as.string);
  *out = ls_arena_copy(r->a, v->as.string).p;
  return *out ? LS_OK : ls_config_option_no_memory(r);
}

enum ls_status ls_config_option_word(const struct ls_config_reader *r, enum ls_option_id id, size_t *out) {
  const struct ls_option *o = &ls_options[id];
  const struct ls_value *v = ls_config_option_value(r, id);
  if (!ls_jstext_is_truthy(v))
    return LS_OK;
  size_t found = ls_words_find(o->words, ls_value_string(v), o->any_case);
  if (found < o->words->count) {
    note_number(r, id, (int64_t)found);
    *out = found;
    return LS_OK;
  }
  struct ls_buf list;
  ls_buf_init(&list, 1024);
  for (size_t i = 0; i < o->words->count; i++) {
    ls_buf_adds(&list, i == 0 ? "" : i + 1 < o->words->count ? ", " : " or ");
    ls_buf_adds(&list, o->words->at[i]);
  }
  enum ls_status status = list.status == LS_OK ? ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG,
                                                                         "must be %.*s", (int)list.n, list.p)
                                               : ls_config_option_no_memory(r);
  ls_buf_deinit(&list);
  return status;
}

enum ls_status ls_config_option_number(const struct ls_config_reader *r, enum ls_option_id id, int64_t *out) {
  const struct ls_option *o = &ls_options[id];
  const struct ls_value *v = ls_config_option_value(r, id);
  double number = ls_value_is(v, LS_VALUE_NUMBER) ? v->as.number : 0;
  bool fits = ls_value_is_nothing(v) || ls_value_is(v, LS_VALUE_NUMBER) || ls_value_string(v).n == 0 ||
              ls_schema_read_digits(ls_value_string(v), &number);
  if (!fits || (!ls_value_is_nothing(v) && v->kind != LS_VALUE_NUMBER && v->kind != LS_VALUE_STRING))
    return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_ECONFIG, "must be a number");
  *out = (int64_t)(!(number > 0) ? 0 : number > o->most ? o->most : number);
  if (!*out)
    *out = (int64_t)o->number;
  if (*out != (int64_t)o->number)
    note_number(r, id, *out);
  return LS_OK;
}

enum ls_status ls_config_option_key(const struct ls_config_reader *r, enum ls_option_id id, int item,
                                    const struct ls_value *v, enum ls_status status,
                                    struct ls_config_key *out) {
  struct ls_span passphrase = {0};
  if (ls_value_is_object(v)) {
    passphrase = ls_value_string(ls_value_get(v, LS_SPAN("passphrase")));
    v = ls_value_get(v, LS_SPAN("key"));
  }
  if (!ls_value_is_nothing(v) && !ls_value_is(v, LS_VALUE_STRING))
    return ls_config_option_refuse(r, id, item, status,
                                   "must be a string, a private key in PEM, or { key, passphrase }");
  ls_config_option_note(r, id, item, ls_value_string(v));
  ls_config_option_note(r, id, item, passphrase);
  out->pem = ls_arena_copy(r->a, ls_value_string(v));
  out->passphrase = ls_arena_copy(r->a, passphrase);
  return out->pem.p && out->passphrase.p ? LS_OK : ls_config_option_no_memory(r);
}
