/* SPDX-License-Identifier: MIT
 * message: nodemailer's mail fields (from, to, subject, text, html, ...) to an envelope and RFC 5322 octets,
 * in three steps because domain names need IDNA, which is no business of a pure room: read, (convert
 * domains), write. */
#ifndef LS_MESSAGE_H
#define LS_MESSAGE_H

#include <stdint.h>

#include "buf.h"
#include "envelope.h"
#include "error.h"
#include "mailbox.h"
#include "value.h"

struct ls_message; /* lives in the arena it was read into */

/* Reads and checks the fields. mail must outlive the message (strings are borrowed).
 * LS_OK; LS_EENVELOPE: no recipient, an address that cannot be sent; LS_EMESSAGE: a field of the wrong type;
 * LS_ENOMEM. */
enum ls_status ls_message_read(const struct ls_value *mail, struct ls_arena *a, struct ls_message **out,
                               struct ls_error *err);

/* Every mailbox in the message and its envelope whose domain must be converted before writing: the i-th, or
 * NULL past the end. The converter stores the wanted form in mailbox->domain (ASCII when the local part is
 * ASCII, else Unicode). */
struct ls_mailbox *ls_message_idn(struct ls_message *m, size_t i);

/* What a pure room may not find out by itself. */
struct ls_message_context {
  int64_t now_s;            /* seconds since 1970 UTC, for Date */
  unsigned char random[32]; /* for Message-ID and boundaries */
};

struct ls_composed {
  struct ls_envelope envelope; /* spans into the arena */
  struct ls_buf content;       /* CRLF line ends, ends in CRLF, no dot transparency */
  struct ls_span message_id;   /* with <>, in the arena */
};

/* LS_OK; LS_EMESSAGE; LS_EENVELOPE; LS_ENOMEM; LS_ETOOBIG. out is deinit-able in every case. */
enum ls_status ls_message_write(struct ls_message *m, const struct ls_message_context *context,
                                struct ls_arena *a, struct ls_composed *out, struct ls_error *err);

#endif
