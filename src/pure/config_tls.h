/* SPDX-License-Identifier: MIT
 * config_tls: what a config says about TLS: when to use it, whom to trust, who we are. Texts only: whether a
 * certificate is one, and whether a file is there, is for the transport to see. */
#ifndef LS_CONFIG_TLS_H
#define LS_CONFIG_TLS_H

#include "config.h"
#include "issue.h"

/* Adds an issue of code "custom" for the first option that cannot be used as it is. */
void ls_config_tls_check(const struct ls_value *config, struct ls_issue_list *list);

/* Fills ignore_tls, require_tls, opportunistic_tls, verify_peer, servername (host, which must be there
 * before, where nothing else is said), min_version, max_version and tls. LS_OK; LS_ECONFIG: err names the
 * option; LS_ENOMEM. */
enum ls_status ls_config_tls_read(const struct ls_value *config, struct ls_arena *a, struct ls_config *out,
                                  struct ls_error *err);

#endif
