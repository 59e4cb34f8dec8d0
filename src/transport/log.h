/* SPDX-License-Identifier: MIT
 * log: what happens on the connections, as records that wait until somebody takes them. Never a password, a
 * token, a challenge's answer or a message's content: commands of the login are masked where they are noted,
 * and content is only counted. Nothing is made while the log is off. Bounded: what does not fit is lost, and
 * how much of it is told. */
#ifndef LS_LOG_H
#define LS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "../pure/buf.h"
#include "../pure/error.h"

enum ls_log_level { LS_LOG_DEBUG, LS_LOG_INFO, LS_LOG_WARN, LS_LOG_ERROR };

struct ls_log_record {
  struct ls_log_record *next;
  int64_t time_ms; /* since 1970 UTC */
  enum ls_log_level level;
  const char *event; /* static: "connect", "accepted", ... */
  char sid[32];      /* of the connection, unique to the client and hard to guess; "": none */
  uint64_t id;       /* of the message, as submit answers it; 0: none */
  uint64_t handle;   /* of the client, within an engine; 0: none */
  const char *code;  /* static, of an error: "EAUTH"; or NULL */
  int response_code; /* 0: none */
  char *message_id;  /* or NULL */
  char *text;        /* one line */
};

struct ls_log {
  bool on;
  bool debug; /* the transcript too */
  char prefix[9];
  uint64_t handle;      /* goes into every record */
  uint64_t connections; /* numbered so far */
  struct ls_log_record *head, *tail;
  size_t count, dropped;
};

void ls_log_init(struct ls_log *l, bool on, bool debug);
void ls_log_deinit(struct ls_log *l); /* safe twice, safe on zeroes */

/* The number of a new connection. */
uint64_t ls_log_connection(struct ls_log *l);

/* What a record is about, besides its text. */
struct ls_log_subject {
  uint64_t connection; /* 0: none */
  uint64_t id;
  const char *message_id;       /* copied */
  const struct ls_error *error; /* gives code and response_code */
};

/* Adds a record with a printf-formatted text; does nothing while the log is off. event: static. */
void ls_log_add(struct ls_log *l, enum ls_log_level level, const char *event,
                const struct ls_log_subject *about, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

/* Adds a record for each line of a transcript and empties it. */
void ls_log_add_transcript(struct ls_log *l, uint64_t connection, struct ls_buf *transcript);

/* Notes a command that libcurl sends, in a transcript; all but the verb is masked where it may be secret. */
void ls_log_command(struct ls_buf *transcript, struct ls_span command);
/* Notes a reply, lines joined by LF. challenge: its text is left out. */
void ls_log_reply(struct ls_buf *transcript, struct ls_span reply, bool challenge);

/* The oldest record, borrowed until drop; NULL: none. */
const struct ls_log_record *ls_log_peek(struct ls_log *l);
void ls_log_drop(struct ls_log *l);

/* Moves all records, and the count of lost ones, behind those of another log. What does not fit stays. */
void ls_log_move(struct ls_log *from, struct ls_log *to);

const char *ls_log_level_name(enum ls_log_level level); /* "debug", "info", "warn", "error" */

/* Appends "2024-01-31T12:00:00.000Z INFO [sid] text" and LF. */
void ls_log_line(const struct ls_log_record *r, struct ls_buf *out);

#endif
