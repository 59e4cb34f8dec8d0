/* SPDX-License-Identifier: MIT
 * failure: a libcurl result, seen at a step of the dialogue, as the error a person can act on. */
#ifndef LS_FAILURE_H
#define LS_FAILURE_H

#include "dialogue.h"

/* Writes d->error, unless the dialogue has written it. Answers its status. */
enum ls_status ls_failure_explain(const struct ls_dialogue_end *f, struct ls_dialogue *d);

#endif
