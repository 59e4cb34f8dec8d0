/* SPDX-License-Identifier: MIT
 * config_option: one option of a config at a time: its text, and what is wrong with it, told to the guard as
 * an issue or to a client as an error. */
#ifndef LS_CONFIG_OPTION_H
#define LS_CONFIG_OPTION_H

#include "config.h"
#include "issue.h"

struct ls_config_reader {
  const struct ls_value *config;
  struct ls_arena *a;
  struct ls_config *out;
  struct ls_issue_list *list; /* complaints go here, or, where it is NULL, to err */
  struct ls_error *err;
};

/* Names an option: group is the object that holds it, NULL: the config itself. */
struct ls_config_option {
  const char *group;
  const char *name;
};

const struct ls_value *ls_config_option_value(const struct ls_config_reader *r, struct ls_config_option o);

/* Complains "group.name text". Always LS_ECONFIG. */
enum ls_status ls_config_option_refuse(const struct ls_config_reader *r, struct ls_config_option o,
                                       const char *text);

/* Complains that there is no memory. Always LS_ENOMEM. */
enum ls_status ls_config_option_no_memory(const struct ls_config_reader *r);

/* A copy of the string v in *out; absent, null and "" leave *out as it is. LS_OK; LS_ECONFIG: v is no string,
 * or holds a NUL octet; LS_ENOMEM. */
enum ls_status ls_config_option_text(const struct ls_config_reader *r, struct ls_config_option o,
                                     const struct ls_value *v, const char **out);

#endif
