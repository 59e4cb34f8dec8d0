/* SPDX-License-Identifier: MIT
 * config_pool: the options of the pool (how many connections, how many messages on each, how fast, for how
 * long): their checks for the guard and their values for the transport, from one table. */
#ifndef LS_CONFIG_POOL_H
#define LS_CONFIG_POOL_H

#include "config.h"
#include "issue.h"

/* Adds an issue of code "custom" for each option of the pool that cannot be used as it is. */
void ls_config_pool_check(const struct ls_value *config, struct ls_issue_list *list);

/* Fills max_connections, max_messages, max_requeues, rate_limit, rate_delta, max_idle, max_age and
 * check_idle.
 * LS_OK; LS_ECONFIG: err names the option. */
enum ls_status ls_config_pool_read(const struct ls_value *config, struct ls_config *out,
                                   struct ls_error *err);

#endif
