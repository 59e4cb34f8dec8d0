/* SPDX-License-Identifier: MIT
 * config_net: the way to the server: the proxy's URL, taken apart. */
#ifndef LS_CONFIG_NET_H
#define LS_CONFIG_NET_H

#include "config.h"
#include "issue.h"

/* Adds an issue of code "custom" when the proxy cannot be used as it is. No password is in it. */
void ls_config_net_check(const struct ls_value *config, struct ls_issue_list *list);

/* Fills proxy; takes loopback back where the proxy is not on this machine. LS_OK; LS_ECONFIG; LS_ENOMEM. */
enum ls_status ls_config_net_read(const struct ls_value *config, struct ls_arena *a, struct ls_config *out,
                                  struct ls_error *err);

#endif
