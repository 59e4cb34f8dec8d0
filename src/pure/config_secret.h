/* SPDX-License-Identifier: MIT
 * config_secret: the secrets of a config, by the rows of option.def that say so. */
#ifndef LS_CONFIG_SECRET_H
#define LS_CONFIG_SECRET_H

#include "config.h"
#include "mask.h"

/* Adds the values of every secret option to m, and what is secret of its URLs (`proxy`,
 * `auth.accessUrl`: login and query), of any config. */
void ls_config_secret_add(const struct ls_value *config, struct ls_mask *m);

/* Adds the secrets of a config that was read. */
void ls_config_secret_add_read(const struct ls_config *config, struct ls_mask *m);

#endif
