/* SPDX-License-Identifier: MIT
 * rule: what a config of the right types may still not say, because it would lose mail, send it to somebody
 * else, run a program or could never work. */
#ifndef LS_RULE_H
#define LS_RULE_H

#include "issue.h"

/* Adds an issue of code "custom" for each rule that config (the raw one, any value) breaks. */
void ls_rule_check(const struct ls_value *config, struct ls_issue_list *list);

#endif
