/* SPDX-License-Identifier: MIT
 * config_size: how long the texts of a config may be. The rooms that use them have ceilings above these, so
 * that none is met there: who gave too much is told which option it is. */
#ifndef LS_CONFIG_SIZE_H
#define LS_CONFIG_SIZE_H

#include "issue.h"

enum {
  LS_CONFIG_TEXT_MAX = 64 * 1024 - 1,  /* octets of an option, unless it says otherwise */
  LS_CONFIG_TOKEN_MAX = 32 * 1024 - 1, /* of an access token or a refresh token */
  LS_CONFIG_FILE_MAX = 4 * 1024 * 1024 /* of one of the texts of tls: certificates, keys, a revocation list */
};

/* Adds an issue of code "custom" for each text that is too long, or else for each object that has too many.
 */
void ls_config_size_check(const struct ls_value *config, struct ls_issue_list *list);

#endif
