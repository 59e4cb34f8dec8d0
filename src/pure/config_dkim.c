/* SPDX-License-Identifier: MIT
 * What dkim says: the keys that sign, and what they sign. Whether a key is one is for the transport to see.
 */
#include "config_parts.h"
#include "config_read.h"
#include "dkim.h"
#include "jstext.h"

#define DKIM(name) LS_OPTION_DKIM_##name

/* A string that must be there. */
static enum ls_status read_string(const struct ls_config_reader *r, const struct ls_value *key, int item,
                                  enum ls_option_id id, struct ls_span *out) {
  const struct ls_value *v = ls_value_get(key, ls_option_name(id));
  struct ls_span text = ls_value_string(v);
  if (ls_value_is_nothing(v) || (ls_value_is(v, LS_VALUE_STRING) && !text.n))
    return ls_config_option_refuse(r, id, item, LS_EDKIM,
                                   "is missing; DKIM needs domainName, keySelector and privateKey");
  if (!ls_value_is(v, LS_VALUE_STRING))
    return ls_config_option_refuse(r, id, item, LS_EDKIM, "must be a string");
  ls_config_option_note(r, id, item, text);
  *out = ls_arena_copy(r->a, text);
  return out->p ? LS_OK : ls_config_option_no_memory(r);
}

static enum ls_status read_key(const struct ls_config_reader *r, const struct ls_value *key, int item,
                               struct ls_config_dkim_key *out) {
  *out = (struct ls_config_dkim_key){.item = item};
  if (!ls_value_is_object(key))
    return ls_config_option_refuse(r, DKIM(keys), item, LS_EDKIM,
                                   "must be an object with domainName, keySelector and privateKey");
  enum ls_status st = read_string(r, key, item, DKIM(domainName), &out->domain);
  if (st == LS_OK)
    st = read_string(r, key, item, DKIM(keySelector), &out->selector);
  if (st == LS_OK && !ls_dkim_is_domain(out->selector))
    st = ls_config_option_refuse(r, DKIM(keySelector), item, LS_EDKIM,
                                 "is no selector; give the part before ._domainkey of the key's DNS record");
  if (st == LS_OK)
    st = ls_config_option_key(r, DKIM(privateKey), item, ls_value_get(key, LS_SPAN("privateKey")), LS_EDKIM,
                              &out->key);
  return st;
}

static enum ls_status read_keys(const struct ls_config_reader *r, const struct ls_value *dkim) {
  const int most = (int)ls_options[DKIM(keys)].most;
  const struct ls_value *keys = ls_value_get(dkim, LS_SPAN("keys"));
  bool several = ls_value_is_array(keys);
  size_t count = !several ? 1 : keys->kind == LS_VALUE_ARRAY ? keys->as.array.count : 0;
  if (count == 0 || count > (size_t)most)
    return ls_config_option_refuse(r, DKIM(keys), LS_ITEM_NONE, LS_EDKIM,
                                   "must hold 1 to %d keys, it holds %zu", most, count);
  struct ls_config_dkim_key *out = ls_arena_array(r->a, count, sizeof *out);
  if (!out)
    return ls_config_option_no_memory(r);
  r->out->dkim.keys = out;
  r->out->dkim.count = count;
  if (!several)
    return ls_value_is_nothing(keys) ? read_key(r, dkim, LS_ITEM_NONE, out)
                                     : read_key(r, keys, LS_ITEM_ALONE, out);
  enum ls_status st = LS_OK;
  for (size_t i = 0; i < count && st == LS_OK; i++)
    st = read_key(r, &keys->as.array.items[i], (int)i, &out[i]);
  return st;
}

static enum ls_status read_names(const struct ls_config_reader *r, const struct ls_value *dkim,
                                 enum ls_option_id id, struct ls_span *out) {
  const struct ls_value *v = ls_value_get(dkim, ls_option_name(id));
  if (!ls_value_is_nothing(v) && !ls_value_is(v, LS_VALUE_STRING))
    return ls_config_option_refuse(r, id, LS_ITEM_NONE, LS_EDKIM,
                                   "must be a string of header field names with colons between");
  ls_config_option_note(r, id, LS_ITEM_NONE, ls_value_string(v));
  *out = ls_arena_copy(r->a, ls_value_string(v));
  return out->p ? LS_OK : ls_config_option_no_memory(r);
}

static enum ls_status check_hash(const struct ls_config_reader *r, const struct ls_value *dkim) {
  const struct ls_value *v = ls_value_get(dkim, LS_SPAN("hashAlgo"));
  struct ls_span name = ls_value_string(v);
  if (ls_value_is_nothing(v) || (ls_value_is(v, LS_VALUE_STRING) && !name.n) ||
      ls_words_find(&ls_words_hashes, name, true) < ls_words_hashes.count)
    return LS_OK;
  return ls_config_option_refuse(
      r, DKIM(hashAlgo), LS_ITEM_NONE, LS_EDKIM, "%s",
      ls_span_ieq(name, LS_SPAN("sha1"))
          ? "\"sha1\": receivers ignore SHA-1 signatures (RFC 8301); leave hashAlgo out"
          : "must be \"sha256\"; leave it out");
}

static enum ls_status read_dkim(const struct ls_config_reader *r, const struct ls_value *dkim) {
  if (ls_value_is_nothing(dkim) || (ls_value_is(dkim, LS_VALUE_BOOLEAN) && !dkim->as.boolean))
    return LS_OK;
  if (!ls_value_is_object(dkim))
    return ls_config_option_refuse(
        r, LS_OPTION_CONFIG_dkim, LS_ITEM_NONE, LS_EDKIM,
        "must be an object with domainName, keySelector and privateKey, or with keys");
  enum ls_status st = check_hash(r, dkim);
  if (st == LS_OK)
    st = read_names(r, dkim, DKIM(headerFieldNames), &r->out->dkim.names);
  if (st == LS_OK)
    st = read_names(r, dkim, DKIM(skipFields), &r->out->dkim.skip);
  return st == LS_OK ? read_keys(r, dkim) : st;
}

enum ls_status ls_config_read_dkim(const struct ls_config_reader *r) {
  return read_dkim(r, ls_config_option_value(r, LS_OPTION_CONFIG_dkim));
}

enum ls_status ls_config_dkim_read(const struct ls_value *dkim, struct ls_arena *a,
                                   struct ls_config_dkim *out, struct ls_error *err) {
  struct ls_config config = {0};
  const struct ls_config_reader r = {.a = a, .out = &config, .err = err};
  enum ls_status st = read_dkim(&r, dkim);
  *out = config.dkim;
  return st;
}
