/* SPDX-License-Identifier: MIT
 * message_state: what the files of the message room share, and nobody else knows. */
#ifndef LS_MESSAGE_STATE_H
#define LS_MESSAGE_STATE_H

#include "header.h"
#include "message.h"
#include "mime.h"

enum ls_field_kind {
  LS_FIELD_TEXT,      /* unstructured */
  LS_FIELD_ID,        /* one id */
  LS_FIELD_IDS,       /* ids */
  LS_FIELD_MAILBOXES, /* addresses */
  LS_FIELD_BUILT      /* value is ready but for folding: printable ASCII */
};

struct ls_field {
  struct ls_span name; /* as ls_header_name makes it */
  enum ls_field_kind kind;
  struct ls_span value;
  struct ls_mailbox_list list; /* of MAILBOXES */
};

struct ls_message {
  struct ls_field *fields; /* in the order they are written; Bcc is among them and is not written */
  size_t count;
  size_t cap;
  struct ls_mime_part *root;
  enum ls_codec_choice choice; /* textEncoding */
  bool has_envelope;           /* the two below stand instead of the fields */
  struct ls_mailbox_list envelope_from;
  struct ls_mailbox_list envelope_to;
  struct ls_mailbox **idn;
  size_t idn_count;
  struct ls_span ret; /* the four of struct ls_envelope and struct ls_recipient */
  struct ls_span envid;
  struct ls_span notify;
  struct ls_span orcpt;
};

/* What every step of reading needs. */
struct ls_reader {
  struct ls_message *m;
  struct ls_arena *a;
  struct ls_error *err;
};

enum { LS_LABEL = 64 };

/* Where in mail something stands: "attachments[2].content". Longer ones end early. */
struct ls_label {
  char text[LS_LABEL];
};

struct ls_label ls_label_make(const char *field);
struct ls_label ls_label_item(const struct ls_label *of, size_t index); /* index counts from 0 */
struct ls_label ls_label_member(const struct ls_label *of, const char *name);
/* Octets of a user in an error: at most 40, what is not printable ASCII as '?'. */
struct ls_label ls_label_octets(struct ls_span octets);

/* "LABEL must be WANTED, got TYPE"; answers LS_EMESSAGE. */
enum ls_status ls_reader_wrong(struct ls_reader *r, const struct ls_label *label, const char *wanted,
                               const struct ls_value *got);

/* A string; nothing gives an empty one. */
enum ls_status ls_reader_string(struct ls_reader *r, const struct ls_value *v, const struct ls_label *label,
                                struct ls_span *out);

/* The parts of message_fields.c, message_parts.c, message_images.c and message_dsn.c. */
enum ls_status ls_reader_fields(struct ls_reader *r, const struct ls_value *mail);
enum ls_status ls_reader_parts(struct ls_reader *r, const struct ls_value *mail);
/* Takes the images that are data URLs out of *html; *images: a list of parts, settled, linked by next. */
enum ls_status ls_reader_images(struct ls_reader *r, struct ls_span *html, struct ls_mime_part **images);
enum ls_status ls_reader_dsn(struct ls_reader *r, const struct ls_value *mail);
enum ls_status ls_reader_list(struct ls_reader *r, const struct ls_value *list);
enum ls_status ls_reader_mailboxes(struct ls_reader *r, const struct ls_value *v,
                                   const struct ls_label *label, struct ls_mailbox_list *out);

/* The members of an object by name, case aside; *out lives in the arena, in any other order. */
enum ls_status ls_reader_sorted(struct ls_reader *r, const struct ls_value *object, struct ls_member **out);

/* A header value: strings and numbers; *out may be empty. */
enum ls_status ls_reader_header_value(struct ls_reader *r, const struct ls_value *v,
                                      const struct ls_label *label, struct ls_span *out);

/* Sets a field: the first of that name takes the value in its place, the others go; else it is appended. */
enum ls_status ls_reader_set(struct ls_reader *r, const struct ls_field *field);
enum ls_status ls_reader_append(struct ls_reader *r, const struct ls_field *field);

#endif
