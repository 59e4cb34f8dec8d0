/* SPDX-License-Identifier: MIT */
#include "label.h"

#include <stdio.h>

struct ls_label_text ls_label_octets(struct ls_span octets) {
  struct ls_label_text t;
  size_t n = octets.n < 40 ? octets.n : 40;
  for (size_t i = 0; i < n; i++)
    t.text[i] = octets.p[i] >= ' ' && octets.p[i] <= '~' ? octets.p[i] : '?';
  t.text[n] = '\0';
  return t;
}

/* Recursion is bounded by the depth of the mail's tables, which their reader bounds. */
struct ls_label_text ls_label_text(const struct ls_label *label) {
  struct ls_label_text name = ls_label_octets(label->name);
  if (!label->up)
    return name;
  struct ls_label_text up = ls_label_text(label->up);
  struct ls_label_text t;
  if (label->is_item)
    snprintf(t.text, sizeof t.text, "%.*s[%zu]", LS_LABEL / 2, up.text, label->index + 1);
  else
    snprintf(t.text, sizeof t.text, "%.*s.%.*s", LS_LABEL / 2, up.text, LS_LABEL / 2 - 3, name.text);
  return t;
}
