/* SPDX-License-Identifier: MIT
 * guard: a config against the schema. Answers the normalised config, or the issues in zod's shape. */
#ifndef LS_GUARD_H
#define LS_GUARD_H

#include "status.h"
#include "value.h"

enum ls_guard_scope {
  LS_GUARD_CONNECTOR, /* the whole config, as the connector needs it */
  LS_GUARD_TRANSPORT  /* what a client needs: fromEmail and templates may be missing, auth too */
};

/* LS_OK: *out is the normalised config (defaults filled in, unknown keys dropped).
 * LS_ECONFIG: *out is an array of issues, in schema order, each an object with zod's fields in zod's order.
 * LS_ENOMEM. Results live in a and borrow strings from config. */
enum ls_status ls_guard_check(const struct ls_value *config, enum ls_guard_scope scope, struct ls_arena *a,
                              struct ls_value **out);

#endif
