/* SPDX-License-Identifier: MIT
 * config_option: reads options one at a time, as their rows in option.def say, and complains of those that
 * cannot be used: to the guard as an issue, to a client as an error. */
#ifndef LS_CONFIG_OPTION_H
#define LS_CONFIG_OPTION_H

#include "config.h"
#include "issue.h"
#include "option.h"

struct ls_config_reader {
  const struct ls_value *config;                  /* with its service's values in it, once they are applied */
  const struct ls_value *holders[LS_PLACE_COUNT]; /* the object of each place; NULL: none, or many */
  struct ls_arena *a;
  struct ls_config *out;
  struct ls_issue_list *list; /* complaints go here; NULL: to err, which takes the first one */
  struct ls_error *err;       /* also takes what only a client can complain of; NULL: nobody wants to know */
  struct ls_buf *identity;    /* gets the octets of all that is read and no default; NULL: nobody asks */
};

/* Makes config the one that is read. */
void ls_config_reader_open(struct ls_config_reader *r, const struct ls_value *config);

/* The value of an option, in the object of its place. */
static inline const struct ls_value *ls_config_option_value(const struct ls_config_reader *r,
                                                            enum ls_option_id id) {
  return ls_value_get(r->holders[ls_options[id].place], ls_option_name(id));
}

/* Complains "LABEL text" of an option; item as for ls_option_path. Answers status. */
enum ls_status ls_config_option_refuse(const struct ls_config_reader *r, enum ls_option_id id, int item,
                                       enum ls_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

/* The same, to err alone, of what the guard lets pass, as the original's does. LS_OK where there is a list,
 * or nobody wants to know. */
enum ls_status ls_config_option_refuse_client(const struct ls_config_reader *r, enum ls_option_id id,
                                              const char *text);

/* Passes a complaint on that was written by ls_option_error. Answers its status. */
enum ls_status ls_config_option_pass(const struct ls_config_reader *r, const struct ls_error *why);

/* Complains that there is no memory. Always LS_ENOMEM. */
enum ls_status ls_config_option_no_memory(const struct ls_config_reader *r);

/* Notes what was read of an option: for the identity, and among the secrets where it is one. */
void ls_config_option_note(const struct ls_config_reader *r, enum ls_option_id id, int item,
                           struct ls_span octets);

/* Reads an option that has a field; what cannot be used leaves the default there. LS_OK; LS_ECONFIG. */
enum ls_status ls_config_option_read(const struct ls_config_reader *r, enum ls_option_id id);

/* A copy of the string v in *out; absent, null and "" leave *out as it is. LS_OK; LS_ECONFIG: v is no string,
 * or holds a NUL octet; LS_ENOMEM. */
enum ls_status ls_config_option_text(const struct ls_config_reader *r, enum ls_option_id id,
                                     const struct ls_value *v, const char **out);

/* true where v is not the boolean false, or false where it is not true, as the row's default is. */
enum ls_status ls_config_option_flag(const struct ls_config_reader *r, enum ls_option_id id,
                                     const struct ls_value *v, bool *out);

/* The place in the row's words; falsy leaves *out as it is. */
enum ls_status ls_config_option_word(const struct ls_config_reader *r, enum ls_option_id id, size_t *out);

/* A NUMBER, or digits in a string, between 0 and the row's most; the default when absent. */
enum ls_status ls_config_option_number(const struct ls_config_reader *r, enum ls_option_id id, int64_t *out);

/* A KEY, which may be an object that brings its passphrase. LS_OK also where there is none. */
enum ls_status ls_config_option_key(const struct ls_config_reader *r, enum ls_option_id id, int item,
                                    const struct ls_value *v, enum ls_status status,
                                    struct ls_config_key *out);

#endif
