/* SPDX-License-Identifier: MIT
 * message_state: what the files of the message room share, and nobody else knows. */
#ifndef LS_MESSAGE_STATE_H
#define LS_MESSAGE_STATE_H

#include "header.h"
#include "label.h"
#include "message.h"
#include "mime.h"

enum ls_field_kind {
  LS_FIELD_TEXT,      /* unstructured */
  LS_FIELD_ID,        /* one id */
  LS_FIELD_IDS,       /* ids */
  LS_FIELD_MAILBOXES, /* addresses */
  LS_FIELD_BUILT      /* value is ready but for folding: printable ASCII */
};

/* Who set a field. Of fields of one name, those of a lower rank give way where only one may stay. */
enum ls_field_rank {
  LS_RANK_DEFAULT, /* a place for what writing makes up */
  LS_RANK_PART,    /* headers of the attachment that is the whole mail */
  LS_RANK_HEADER,  /* headers of the mail */
  LS_RANK_OWN      /* an option of the mail: nothing else of that name stays */
};

struct ls_field {
  struct ls_span name; /* as ls_header_name makes it */
  enum ls_field_rank rank;
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
  size_t max_recipients; /* 0: no limit */
  bool require_tls;      /* REQUIRETLS */
  struct ls_span ret;    /* the four of struct ls_envelope and struct ls_recipient */
  struct ls_span envid;
  struct ls_span notify;
  struct ls_span orcpt;
};

/* What every step of reading needs. */
struct ls_message_reader {
  struct ls_message *m;
  struct ls_arena *a;
  struct ls_error *err;
  const char *option; /* the one being read, for an error that is about none of its parts */
};

/* "LABEL must be WANTED, got TYPE"; answers LS_EMESSAGE. */
enum ls_status ls_message_wrong(struct ls_message_reader *r, const struct ls_label *label, const char *wanted,
                                const struct ls_value *got);

/* The tables whose options message_option.def lists. */
enum ls_message_place {
  LS_MESSAGE_MAIL,
  LS_MESSAGE_ATTACHMENT,
  LS_MESSAGE_ADDRESS,
  LS_MESSAGE_HEADER, /* {key =, value =} */
  LS_MESSAGE_VALUE,  /* a header's {value =} */
  LS_MESSAGE_ENTRY,  /* {url =, comment =} of list */
  LS_MESSAGE_ENVELOPE,
  LS_MESSAGE_DSN,
  LS_MESSAGE_DKIM
};

/* LS_OK; LS_EMESSAGE: v, if it is a table with names, has one that is no option of its place, or a refused
 * one that is not empty. label: where v stands, NULL for the mail itself. */
enum ls_status ls_message_read_options(struct ls_message_reader *r, const struct ls_value *v,
                                       enum ls_message_place place, const struct ls_label *label);

/* A string; nothing gives an empty one. */
enum ls_status ls_message_read_string(struct ls_message_reader *r, const struct ls_value *v,
                                      const struct ls_label *label, struct ls_span *out);

/* Moves built text into the arena and lets go of the buffer. */
enum ls_status ls_message_keep(struct ls_message_reader *r, struct ls_buf *b, struct ls_span *out);

/* The parts of message_parts.c, message_fields.c, message_headers.c, message_images.c and message_dsn.c. */
enum ls_status ls_message_read_parts(struct ls_message_reader *r, const struct ls_value *mail);
enum ls_status ls_message_read_fields(struct ls_message_reader *r, const struct ls_value *mail);
/* Takes the images that are data URLs out of *html; *images: a list of parts, settled, linked by next. */
enum ls_status ls_message_read_images(struct ls_message_reader *r, struct ls_span *html,
                                      struct ls_mime_part **images);
/* label: where it stands. */
enum ls_status ls_message_read_dsn(struct ls_message_reader *r, const struct ls_value *dsn,
                                   const char *label);
enum ls_status ls_message_read_list(struct ls_message_reader *r, const struct ls_value *list);
enum ls_status ls_message_read_mailboxes(struct ls_message_reader *r, const struct ls_value *v,
                                         const struct ls_label *label, struct ls_mailbox_list *out);

/* The option headers of the mail, and of a part: an object of strings, numbers, or arrays of both, by the
 * names in their order, case aside; or {key =, value =}; or an array of these, in its order. */
enum ls_status ls_message_read_headers(struct ls_message_reader *r, const struct ls_value *v);
enum ls_status ls_message_read_part_headers(struct ls_message_reader *r, const struct ls_value *v,
                                            const struct ls_label *label, struct ls_mime_part *part);

/* The members of an object by name, case aside; *out lives in the arena, in any other order. */
enum ls_status ls_message_sorted(struct ls_message_reader *r, const struct ls_value *object,
                                 struct ls_member **out);

/* A header value: strings and numbers; *out may be empty. */
enum ls_status ls_message_read_header_value(struct ls_message_reader *r, const struct ls_value *v,
                                            const struct ls_label *label, struct ls_span *out);

/* A date as text, to one as RFC 5322 has it; blank text becomes none. */
enum ls_status ls_message_read_date_text(struct ls_message_reader *r, const struct ls_label *label,
                                         struct ls_span *text);

/* Ids, or one, to these in angle brackets with a space between; blank text becomes none. LS_EMESSAGE: what is
 * there is no id, or more than one. */
enum ls_status ls_message_read_ids_text(struct ls_message_reader *r, const struct ls_label *label, bool one,
                                        struct ls_span *text);

/* Fields are appended as they are read, whoever sets them; then, once, each name is settled: what may be
 * there once is (RFC 5322 3.6, RFC 2369), and what is an option of the mail stands alone. */
enum ls_status ls_message_append(struct ls_message_reader *r, const struct ls_field *field);
enum ls_status ls_message_settle_fields(struct ls_message_reader *r);

#endif
