/* SPDX-License-Identifier: MIT
 * config_secret: which options of a config are secret. */
#ifndef LS_CONFIG_SECRET_H
#define LS_CONFIG_SECRET_H

#include "mask.h"
#include "value.h"

/* Adds the values of every secret option to m, of any config. The password in `proxy` is known to who has
 * read that. */
void ls_config_secret_add(const struct ls_value *config, struct ls_mask *m);

#endif
