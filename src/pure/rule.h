/* SPDX-License-Identifier: MIT
 * rule: what a config of the right types may still not say, because it would lose mail, send it to somebody
 * else, run a program or could never work. */
#ifndef LS_RULE_H
#define LS_RULE_H

#include "config_option.h"

/* Complains of each rule that the config (the raw one, any value) breaks; r has a list. */
void ls_rule_check(const struct ls_config_reader *r);

#endif
