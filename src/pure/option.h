/* SPDX-License-Identifier: MIT
 * option: the table of options (option.def) as data, and where in a config an option stands, so that whoever
 * complains of one names it by its row and never by a text. */
#ifndef LS_OPTION_H
#define LS_OPTION_H

#include "error.h"

enum ls_option_id {
#define LS_ZOD(name, ...) LS_OPTION_CONFIG_##name,
#define LS_OPTION(place, name, ...) LS_OPTION_##place##_##name,
#include "option.def"
  LS_OPTION_COUNT
};

/* The object that holds an option. */
enum ls_place {
  LS_PLACE_CONFIG,
  LS_PLACE_AUTH,
  LS_PLACE_AUTH_TLS,
  LS_PLACE_TLS,
  LS_PLACE_DKIM, /* its key too, and each of dkim.keys */
  LS_PLACE_TEMPLATE,
  LS_PLACE_COUNT
};

enum ls_option_type {
  LS_TYPE_ANY,
  LS_TYPE_FLAG,   /* true or false */
  LS_TYPE_MS,     /* milliseconds above 0; a part of one is one; falsy: not given */
  LS_TYPE_COUNT,  /* a number of things from least; what is behind its point does not count */
  LS_TYPE_NUMBER, /* of what unit says; digits in a string too */
  LS_TYPE_PORT,   /* likewise */
  LS_TYPE_TEXT,
  LS_TYPE_WORD, /* one of words */
  LS_TYPE_URL,
  LS_TYPE_TEXTS,     /* an array of strings */
  LS_TYPE_PEM,       /* a text in PEM, or the name of a file */
  LS_TYPE_PEMS,      /* or an array of them */
  LS_TYPE_PEM_TEXT,  /* a text in PEM */
  LS_TYPE_PEM_TEXTS, /* or an array of them */
  LS_TYPE_PFX,       /* PKCS #12 in base64, or the name of a file */
  LS_TYPE_KEY,       /* a private key in PEM, or { key, passphrase } */
  LS_TYPE_HEADERS,   /* an object of strings or arrays of strings */
  LS_TYPE_PAIRS,     /* an object of strings, whole numbers or booleans */
  LS_TYPE_AUTH,      /* objects, each of its place */
  LS_TYPE_AUTH_TLS,
  LS_TYPE_TLS,
  LS_TYPE_DKIM,
  LS_TYPE_KEYS,     /* an array of keys of DKIM, or one */
  LS_TYPE_TEMPLATES /* an array */
};

enum ls_need {
  LS_NEED_OPTIONAL,
  LS_NEED_REQUIRED,
  LS_NEED_CONNECTOR, /* required of a connector's config, optional in a client's */
  LS_NEED_DEFAULT,   /* optional, and the guard fills the default in */
  LS_NEED_ROW        /* of a field of a schema: as the row of the option says */
};

enum ls_effect {
  LS_EFFECT_SOME,
  LS_EFFECT_NONE,   /* taken without effect; text says why */
  LS_EFFECT_REFUSED /* text says why, and what to do */
};

/* What belongs together for a reader; in the order of the docs. */
enum ls_group {
  LS_GROUP_SERVER,
  LS_GROUP_LOGIN,
  LS_GROUP_MAIL,
  LS_GROUP_TLS,
  LS_GROUP_NETWORK,
  LS_GROUP_TIME,
  LS_GROUP_POOL,
  LS_GROUP_LOG
};

struct ls_words {
  const char *const *at;
  size_t count;
};

struct ls_option {
  const char *name;
  size_t name_n; /* its octets */
  enum ls_place place;
  enum ls_option_type type;
  const char *text; /* one sentence for people */
  enum ls_effect effect;
  enum ls_need need;
  enum ls_group group; /* of an option of the config itself */
  bool guard;          /* the schema of Logto's own guard has it */
  bool mail;           /* about the mail: two configs that differ in it share a client */
  bool oauth;          /* of OAuth 2.0 */
  bool secret;         /* no error and no record repeats what it holds */
  bool strict;         /* FLAG: nothing but true, false and nothing is taken */
  bool any_case;       /* WORD */
  size_t field;  /* where in struct ls_config a FLAG, MS, COUNT or TEXT goes, plus 1; 0: its reader knows */
  double number; /* the default of a number; of a FLAG 1: true; of a WORD its place in words */
  double least, most;   /* of a number; most 0: as much as the type holds. KEYS: how many */
  const char *string;   /* the default of a text */
  const char *fallback; /* the default in words, where it is no constant */
  const char *unit;     /* of a NUMBER */
  const struct ls_words *words;
};

extern const struct ls_option ls_options[LS_OPTION_COUNT];
static inline struct ls_span ls_option_name(enum ls_option_id id) {
  return ls_span(ls_options[id].name, ls_options[id].name_n);
}
extern const struct ls_words ls_words_auth_types, /* of a login, then of OAuth 2.0, which are these two: */
    ls_words_login_types, ls_words_oauth_types, ls_words_content_types, ls_words_hashes, ls_words_mechanisms,
    ls_words_proxies, ls_words_tls_versions, ls_words_usage_types;

/* The option of this name; LS_OPTION_COUNT: there is none. */
enum ls_option_id ls_option_find(enum ls_place place, struct ls_span name);

/* The place of a word among words, case aside where any_case; words->count: it is none of them. */
size_t ls_words_find(const struct ls_words *words, struct ls_span word, bool any_case);

/* Of an option of DKIM: which of dkim.keys it is in. */
enum { LS_ITEM_NONE = -1, LS_ITEM_ALONE = -2 /* dkim.keys is one key, not an array */ };

/* The way to an option, from the config itself: a name, or where that is NULL an index from 0. */
struct ls_option_step {
  const char *name;
  size_t index;
};
enum { LS_OPTION_STEPS = 4 };
size_t ls_option_path(enum ls_option_id id, int item, struct ls_option_step steps[LS_OPTION_STEPS]);

/* The same as people write it: "dkim.keys[1].privateKey". */
enum { LS_OPTION_LABEL = 64 };
void ls_option_label(enum ls_option_id id, int item, char label[LS_OPTION_LABEL]);

/* As ls_error_set, of an option: the message is its label, a blank (none before a colon), and the text; err
 * remembers which option it is. */
enum ls_status ls_option_error(struct ls_error *err, enum ls_status status, enum ls_option_id id, int item,
                               const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;
/* The same of a complaint that a room without knowledge of options has written, with the label in front. */
void ls_option_blame(struct ls_error *err, enum ls_option_id id, int item);
enum ls_status ls_option_verror(struct ls_error *err, enum ls_status status, enum ls_option_id id, int item,
                                const char *format, va_list args);

#endif
