/* SPDX-License-Identifier: MIT */
#include "config_secret.h"

#include "option.h"

static void add_texts(const struct ls_value *v, struct ls_mask *m) {
  if (ls_value_is(v, LS_VALUE_STRING))
    ls_mask_add(m, NULL, v->as.string);
  for (size_t i = 0; ls_value_is(v, LS_VALUE_ARRAY) && i < v->as.array.count; i++)
    add_texts(&v->as.array.items[i], m);
  for (size_t i = 0; ls_value_is(v, LS_VALUE_OBJECT) && i < v->as.object.count; i++)
    add_texts(v->as.object.members[i].value, m);
}

/* Of a list on the way each item, and at the end every text within. */
static void follow(const struct ls_value *v, const struct ls_option_step *steps, size_t count,
                   struct ls_mask *m) {
  if (count == 0) {
    add_texts(v, m);
    return;
  }
  for (size_t i = 0; ls_value_is(v, LS_VALUE_ARRAY) && i < v->as.array.count; i++)
    follow(&v->as.array.items[i], steps, count, m);
  follow(ls_value_get(v, ls_span_cstr(steps->name)), steps + 1, count - 1, m);
}

void ls_config_secret_add(const struct ls_value *config, struct ls_mask *m) {
  struct ls_option_step steps[LS_OPTION_STEPS];
  for (int id = 0; id < LS_OPTION_COUNT; id++) {
    if (!ls_options[id].secret)
      continue;
    follow(config, steps, ls_option_path((enum ls_option_id)id, LS_ITEM_NONE, steps), m);
    if (ls_options[id].place == LS_PLACE_DKIM)
      follow(config, steps, ls_option_path((enum ls_option_id)id, LS_ITEM_ALONE, steps), m);
  }
}

void ls_config_secret_add_read(const struct ls_config *config, struct ls_mask *m) {
  for (const struct ls_config_secret *s = config->secrets; s; s = s->before)
    ls_mask_add(m, NULL, s->text);
  ls_mask_add(m, NULL, ls_span_cstr(config->proxy.pass));
}
