/* SPDX-License-Identifier: MIT
 * issue: what is wrong with a config, as values with zod's fields in zod's order. */
#ifndef LS_ISSUE_H
#define LS_ISSUE_H

#include "option.h"
#include "schema.h"

/* Where in the config. Lives on the stack of those who walk it; the root has no path (NULL). */
struct ls_issue_path {
  const struct ls_issue_path *up;
  struct ls_span name;
  size_t index;  /* from 0 */
  bool is_index; /* index counts, name does not */
};

/* A list of issues under construction. The first failure sticks. */
struct ls_issue_list {
  struct ls_arena *a;
  struct ls_value *items; /* ARRAY; NULL until there is one */
  bool failed;            /* out of memory; items is incomplete */
  bool muted;             /* nobody will read them: nothing is added */
};

void ls_issue_init(struct ls_issue_list *list, struct ls_arena *a);
size_t ls_issue_count(const struct ls_issue_list *list);

/* invalid_type. v may be NULL: undefined. */
void ls_issue_add_type(struct ls_issue_list *list, const char *expected, const struct ls_value *v,
                       const struct ls_issue_path *at);
/* What an enum says of a value that is none of its words: invalid_enum_value, or invalid_type when v is not
 * even of a word's type. */
void ls_issue_add_enum(struct ls_issue_list *list, const struct ls_schema *s, const struct ls_value *v,
                       const struct ls_issue_path *at);
/* unrecognized_keys; names: an ARRAY of strings. */
void ls_issue_add_unknown(struct ls_issue_list *list, const struct ls_value *names,
                          const struct ls_issue_path *at);
/* invalid_union; branches: an ARRAY of what ls_issue_error made. */
void ls_issue_add_union(struct ls_issue_list *list, struct ls_value *branches,
                        const struct ls_issue_path *at);
/* custom; the message is the parts joined. */
void ls_issue_add_custom(struct ls_issue_list *list, const struct ls_span *parts, size_t count,
                         const struct ls_issue_path *at);
/* The same of an option; item as for ls_option_path. */
void ls_issue_add_option(struct ls_issue_list *list, enum ls_option_id id, int item, struct ls_span message);
/* Moves the issues of from behind those of list. */
void ls_issue_append(struct ls_issue_list *list, const struct ls_issue_list *from);

/* {issues = ..., name = "ZodError"}, one branch of a union; NULL: no memory. */
struct ls_value *ls_issue_error(const struct ls_issue_list *list);

#endif
