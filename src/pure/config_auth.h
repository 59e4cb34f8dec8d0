/* SPDX-License-Identifier: MIT
 * config_auth: how to log in: user and password, OAuth 2.0, or a mechanism that needs neither. */
#ifndef LS_CONFIG_AUTH_H
#define LS_CONFIG_AUTH_H

#include "config.h"

/* Fills user, pass, oauth2 and auth_method. Of OAuth 2.0 only the user is read here.
 * LS_OK; LS_ECONFIG, LS_EAUTH: err names the option and what to do; LS_ENOMEM. */
enum ls_status ls_config_auth_read(const struct ls_value *config, struct ls_arena *a, struct ls_config *out,
                                   struct ls_error *err);

#endif
