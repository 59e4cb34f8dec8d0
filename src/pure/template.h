/* SPDX-License-Identifier: MIT
 * template: `{{ path.to.value }}` filled in from a payload, with the text JavaScript's String() gives each
 * value. */
#ifndef LS_TEMPLATE_H
#define LS_TEMPLATE_H

#include "buf.h"
#include "value.h"

enum ls_template_escape {
  LS_TEMPLATE_RAW,
  LS_TEMPLATE_HTML /* & < > " ' in inserted values, never in the template */
};

/* Renders text into out (appended). A placeholder whose first name is no own key of payload stays as it is.
 * payload NULL or not an object: has no keys. LS_OK, LS_ENOMEM, LS_ETOOBIG (out's ceiling). */
enum ls_status ls_template_render(struct ls_span text, const struct ls_value *payload,
                                  enum ls_template_escape escape, struct ls_buf *out);

#endif
