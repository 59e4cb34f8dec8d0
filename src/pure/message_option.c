/* SPDX-License-Identifier: MIT
 * Names of a mail's options: those there are, and which of them somebody meant who wrote another. */
#include "jstext.h"
#include "message_state.h"
#include "nearest.h"

enum verdict { TAKEN, IGNORED, REFUSED };

struct option {
  enum ls_message_place place;
  struct ls_span name;
  enum verdict verdict;
  const char *advice;
};

#define X(place, name, verdict, advice) {LS_MESSAGE_##place, {(name), sizeof(name) - 1}, (verdict), (advice)},
static const struct option options[] = {
#include "message_option.def"
};
#undef X

enum { OPTIONS = sizeof options / sizeof options[0] };

static const struct option *find(enum ls_message_place place, struct ls_span name) {
  for (size_t i = 0; i < OPTIONS; i++)
    if (options[i].place == place && ls_span_eq(options[i].name, name))
      return &options[i];
  return NULL;
}

/* The option that is nearest to name, if it is near enough for a slip; NULL: none. */
static const struct option *nearest(enum ls_message_place place, struct ls_span name) {
  size_t best = ls_nearest_reach(name) + 1;
  const struct option *found = NULL;
  for (size_t i = 0; i < OPTIONS; i++) {
    const struct option *o = &options[i];
    if (o->place != place || o->verdict != TAKEN)
      continue;
    size_t away = ls_nearest_distance(name, o->name);
    if (away < best) {
      best = away;
      found = o;
    }
  }
  return found;
}

static const char *const places[] = {
    "a mail",           "an attachment", "an address", "a header", "a header's value",
    "an entry of list", "an envelope",   "dsn",        "dkim"};

static enum ls_status refuse(struct ls_message_reader *r, enum ls_message_place place,
                             const struct ls_label *at, struct ls_span name) {
  const struct option *near = nearest(place, name);
  struct ls_label_text where = ls_label_text(at);
  if (near)
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s is no option of %s; did you mean %s?", where.text,
                        places[place], near->name.p);
  for (size_t i = 0; i < OPTIONS; i++)
    if (options[i].verdict == TAKEN && ls_span_eq(options[i].name, name))
      return ls_error_set(r->err, LS_EMESSAGE, "API", "%s is no option of %s, but of %s", where.text,
                          places[place], places[options[i].place]);
  return ls_error_set(r->err, LS_EMESSAGE, "API", "%s is no option of %s; remove it", where.text,
                      places[place]);
}

enum ls_status ls_message_read_options(struct ls_message_reader *r, const struct ls_value *v,
                                       enum ls_message_place place, const struct ls_label *label) {
  for (size_t i = 0; ls_value_is(v, LS_VALUE_OBJECT) && i < v->as.object.count; i++) {
    const struct ls_member *m = &v->as.object.members[i];
    const struct option *o = find(place, m->name);
    if (ls_value_is_nothing(m->value) || (o && o->verdict != REFUSED))
      continue;
    struct ls_label at = ls_label_member(label, m->name);
    if (!o)
      return refuse(r, place, &at, m->name);
    if (ls_jstext_is_truthy(m->value))
      return ls_error_set(r->err, LS_EMESSAGE, "API", "%s is not supported; %s", ls_label_text(&at).text,
                          o->advice);
  }
  return LS_OK;
}
