/* SPDX-License-Identifier: MIT
 * guard: a config against the schema. Answers the normalised config, or the issues in zod's shape. */
#ifndef LS_GUARD_H
#define LS_GUARD_H

#include "buf.h"
#include "config.h"

enum ls_guard_scope {
  LS_GUARD_CONNECTOR, /* the whole config, as the connector needs it */
  LS_GUARD_TRANSPORT  /* what a client needs: fromEmail and templates may be missing, auth too */
};

/* LS_OK: *out is the normalised config (defaults filled in, unknown keys dropped).
 * LS_ECONFIG: *out is an array of issues, in schema order, each an object with zod's fields in zod's order.
 * LS_ENOMEM. Results live in a and borrow strings from config. */
enum ls_status ls_guard_check(const struct ls_value *config, enum ls_guard_scope scope, struct ls_arena *a,
                              struct ls_value **out);

/* The same for who asks for the issues alone: *out is NULL with LS_OK. */
enum ls_status ls_guard_find(const struct ls_value *config, enum ls_guard_scope scope, struct ls_arena *a,
                             struct ls_value **out);

/* Checks a config and reads it in one go. What out holds lies in keep; issues lie in a and borrow strings
 * from config. identity, unless NULL, gets octets that are the same for two configs only when one client
 * can serve both: secret, for they hold the password. LS_OK; LS_ECONFIG with *issues: as ls_guard_check;
 * else *issues is NULL and err says why no client can be made of a config that the guard takes, with the
 * statuses of ls_config_read; or LS_ENOMEM. */
enum ls_status ls_guard_read(const struct ls_value *config, enum ls_guard_scope scope, struct ls_arena *a,
                             struct ls_arena *keep, struct ls_config *out, struct ls_value **issues,
                             struct ls_buf *identity, struct ls_error *err);

#endif
