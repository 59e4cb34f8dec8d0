/* SPDX-License-Identifier: MIT
 * label: where in a mail something stands: "attachments[2].content". A chain on the stack of those who read;
 * it becomes text only when an error is told. */
#ifndef LS_LABEL_H
#define LS_LABEL_H

#include "span.h"

struct ls_label {
  const struct ls_label *up; /* what it is a part of; NULL: of the mail itself */
  struct ls_span name;       /* of a member */
  size_t index;              /* of an item, from 0 */
  bool is_item;
};

static inline struct ls_label ls_label_make(const char *field) {
  return (struct ls_label){.name = ls_span_cstr(field)};
}

static inline struct ls_label ls_label_item(const struct ls_label *of, size_t index) {
  return (struct ls_label){.up = of, .index = index, .is_item = true};
}

/* of NULL: a field of the mail. name may come from a user. */
static inline struct ls_label ls_label_member(const struct ls_label *of, struct ls_span name) {
  return (struct ls_label){.up = of, .name = name};
}

enum { LS_LABEL = 64 };

struct ls_label_text {
  char text[LS_LABEL];
};

/* For an error. Longer ones end early; items count from 1, as in Lua. */
struct ls_label_text ls_label_text(const struct ls_label *label);

/* Octets of a user in an error: at most 40, what is not printable ASCII as '?'. */
struct ls_label_text ls_label_octets(struct ls_span octets);

#endif
