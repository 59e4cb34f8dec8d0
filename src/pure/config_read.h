/* SPDX-License-Identifier: MIT
 * config_read: a checked config as the struct of config.h. */
#ifndef LS_CONFIG_READ_H
#define LS_CONFIG_READ_H

#include "config.h"
#include "error.h"
#include "value.h"

/* Reads a config that ls_guard_check accepted (the raw one: options the guard's schema does not know are
 * read too). Copies what it keeps into a. LS_OK; LS_ECONFIG, LS_EAUTH (half of a login, or an unknown
 * auth.method), LS_EOAUTH2, LS_EDKIM: err says which option and what to do; LS_ENOMEM. */
enum ls_status ls_config_read(const struct ls_value *config, struct ls_arena *a, struct ls_config *out,
                              struct ls_error *err);

/* Reads what an option dkim says, of a config or of a mail; absent or false gives no key. Statuses as
 * above. */
enum ls_status ls_config_dkim_read(const struct ls_value *dkim, struct ls_arena *a,
                                   struct ls_config_dkim *out, struct ls_error *err);

#endif
