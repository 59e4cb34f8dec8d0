/* SPDX-License-Identifier: MIT */
#include "config_option.h"

const struct ls_value *ls_config_option_value(const struct ls_config_reader *r, struct ls_config_option o) {
  const struct ls_value *holder = o.group ? ls_value_get(r->config, ls_span_cstr(o.group)) : r->config;
  return ls_value_get(holder, ls_span_cstr(o.name));
}

enum ls_status ls_config_option_refuse(const struct ls_config_reader *r, struct ls_config_option o,
                                       const char *text) {
  if (!r->list)
    return ls_error_set(r->err, LS_ECONFIG, "API", "%s%s%s %s", o.group ? o.group : "", o.group ? "." : "",
                        o.name, text);
  const struct ls_issue_path parent = {.name = ls_span_cstr(o.group)};
  const struct ls_issue_path at = {.up = o.group ? &parent : NULL, .name = ls_span_cstr(o.name)};
  const struct ls_span parts[] = {parent.name, o.group ? LS_SPAN(".") : LS_SPAN(""), at.name, LS_SPAN(" "),
                                  ls_span_cstr(text)};
  ls_issue_add_custom(r->list, parts, 5, &at);
  return LS_ECONFIG;
}

enum ls_status ls_config_option_no_memory(const struct ls_config_reader *r) {
  if (r->list)
    r->list->failed = true;
  return ls_error_set(r->err, LS_ENOMEM, NULL, "not enough memory to read the config");
}

enum ls_status ls_config_option_text(const struct ls_config_reader *r, struct ls_config_option o,
                                     const struct ls_value *v, const char **out) {
  if (ls_value_is_nothing(v))
    return LS_OK;
  if (v->kind != LS_VALUE_STRING)
    return ls_config_option_refuse(r, o, "must be a string");
  if (ls_span_index(v->as.string, '\0') < v->as.string.n)
    return ls_config_option_refuse(r, o, "holds a NUL octet; remove it");
  if (v->as.string.n == 0)
    return LS_OK;
  *out = ls_arena_copy(r->a, v->as.string).p;
  return *out ? LS_OK : ls_config_option_no_memory(r);
}
