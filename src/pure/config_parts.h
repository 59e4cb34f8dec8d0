/* SPDX-License-Identifier: MIT
 * config_parts: the rooms that a config is read by, each its part. All take the reader that config and guard
 * set up, complain to it, and answer LS_OK or the status of their complaint. */
#ifndef LS_CONFIG_PARTS_H
#define LS_CONFIG_PARTS_H

#include "config_option.h"

/* Applies the service, and reads what Logto's own guard does not check; complaints are issues where the
 * reader has a list. Zeroes out first. With issues in the list beforehand, options whose sense hangs on
 * others are left alone. */
enum ls_status ls_config_read_ours(struct ls_config_reader *r);

/* Reads all the rest, of a config that ls_config_read_ours found nothing wrong with. */
enum ls_status ls_config_read_rest(const struct ls_config_reader *r);

/* tls: whom to trust, who we are, what to offer; servername where it is given. */
enum ls_status ls_config_read_tls(const struct ls_config_reader *r);

/* proxy; takes loopback back where the proxy is not on this machine. */
enum ls_status ls_config_read_proxy(const struct ls_config_reader *r);

/* auth: user, pass, oauth2 and auth_method; with OAuth 2.0 the rest by ls_config_read_oauth. LS_EAUTH too. */
enum ls_status ls_config_read_auth(const struct ls_config_reader *r);
enum ls_status ls_config_read_oauth(const struct ls_config_reader *r); /* LS_EOAUTH2 too */

/* dkim. LS_EDKIM too. */
enum ls_status ls_config_read_dkim(const struct ls_config_reader *r);

#endif
