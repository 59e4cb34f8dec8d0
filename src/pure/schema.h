/* SPDX-License-Identifier: MIT
 * schema: the shapes of Logto's own guard as data: which options of option.def stand together in which
 * object, in its order, and what each must be. guard interprets them; nothing here runs but the reading of a
 * port. */
#ifndef LS_SCHEMA_H
#define LS_SCHEMA_H

#include "option.h"
#include "value.h"

enum ls_schema_kind {
  LS_SCHEMA_STRING,
  LS_SCHEMA_NUMBER,
  LS_SCHEMA_PORT, /* a number; a string of digits becomes one */
  LS_SCHEMA_BOOLEAN,
  LS_SCHEMA_ENUM,        /* one of words */
  LS_SCHEMA_NATIVE_ENUM, /* the same, but a number is told it is the wrong word rather than the wrong type */
  LS_SCHEMA_OBJECT,      /* fields; what else there is goes by unknown */
  LS_SCHEMA_ARRAY,       /* each item is item; words: what the member cover of the items must cover */
  LS_SCHEMA_RECORD,      /* any names, each value is item */
  LS_SCHEMA_UNION        /* the first of options that fits */
};

enum ls_schema_unknown {
  LS_SCHEMA_DROP,   /* unknown names are accepted and left out */
  LS_SCHEMA_KEEP,   /* accepted and kept */
  LS_SCHEMA_REFUSE, /* an issue */
};

struct ls_schema {
  enum ls_schema_kind kind;
  enum ls_schema_unknown unknown;
  const struct ls_schema_field *fields; /* OBJECT: in the order of checks and of the result */
  size_t field_count;
  const struct ls_words *words;
  const char *cover;
  const struct ls_schema *item;
  const struct ls_schema *const *options;
  size_t option_count;
};

/* A member of an object. Its default, where need is DEFAULT, is in the row of its option. */
struct ls_schema_field {
  const char *name;
  size_t name_n;
  enum ls_option_id option; /* LS_OPTION_COUNT: a part of one */
  enum ls_need need;
  const struct ls_schema *schema;
};

extern const struct ls_schema ls_schema_config;

/* A port written as digits. False: s is empty or holds anything else. Far too many digits give a number that
 * is no port either. */
bool ls_schema_read_digits(struct ls_span s, double *number);

#endif
