/* SPDX-License-Identifier: MIT
 * schema: the config's rules as data. guard interprets them; nothing here runs but the reading of a port. */
#ifndef LS_SCHEMA_H
#define LS_SCHEMA_H

#include "value.h"

enum ls_schema_kind {
  LS_SCHEMA_STRING,
  LS_SCHEMA_NUMBER,
  LS_SCHEMA_PORT, /* a number; a string of digits becomes one */
  LS_SCHEMA_BOOLEAN,
  LS_SCHEMA_ENUM,        /* one of words */
  LS_SCHEMA_NATIVE_ENUM, /* the same, but a number is told it is the wrong word rather than the wrong type */
  LS_SCHEMA_OBJECT,      /* fields; what else there is goes by unknown */
  LS_SCHEMA_ARRAY,       /* each item is item; words: what the member `key` of the items must cover */
  LS_SCHEMA_RECORD,      /* any names, each value is item */
  LS_SCHEMA_UNION        /* the first of options that fits */
};

enum ls_schema_unknown {
  LS_SCHEMA_DROP,   /* unknown names are accepted and left out */
  LS_SCHEMA_KEEP,   /* accepted and kept */
  LS_SCHEMA_REFUSE, /* an issue */
};

enum ls_schema_need {
  LS_SCHEMA_REQUIRED,
  LS_SCHEMA_OPTIONAL,
  LS_SCHEMA_DEFAULT,  /* fallback takes its place */
  LS_SCHEMA_CONNECTOR /* required of a connector's config, optional in a client's */
};

struct ls_schema {
  enum ls_schema_kind kind;
  enum ls_schema_unknown unknown;
  const struct ls_schema_field *fields; /* OBJECT: in the order of checks and of the result */
  size_t field_count;
  const char *const *words;
  size_t word_count;
  const char *key;
  const struct ls_schema *item;
  const struct ls_schema *const *options;
  size_t option_count;
};

struct ls_schema_field {
  const char *name;
  const struct ls_schema *schema;
  enum ls_schema_need need;
  struct ls_value fallback; /* DEFAULT only */
};

extern const struct ls_schema ls_schema_config;

/* A port written as digits. False: s is empty or holds anything else. Far too many digits give a number that
 * is no port either. */
bool ls_schema_read_digits(struct ls_span s, double *number);

#endif
