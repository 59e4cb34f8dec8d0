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

/* Reads and checks the fields. mail must outlive the message (strings are borrowed). Names in errors are
 * those of mail, and items of a list count from 1, as in Lua: "attachments[2].content".
 *
 *   from, sender, to, cc, bcc, replyTo   a string (a list of addresses), {name =, address =}, or an array of
 *                                        both; bcc is in the envelope alone
 *   subject, text, html, xMailer, inReplyTo, messageId     strings
 *   references        a string or an array of strings
 *   date              a string, or ms since 1970
 *   priority          "high", "normal" or "low"
 *   headers           an object of strings, numbers, or arrays of both, written in the order of the names
 *                     (case aside); or an array of {key =, value =}, written in its own order
 *   list              an object of strings, {url =, comment =}, or arrays of both: List-<name> fields
 *   attachments       an array of {filename =, content =, encoding = "base64", contentType =, cid =,
 *                     contentDisposition =, contentTransferEncoding =, headers =}
 *   attachDataUrls    true: images that are data URLs in html become parts of the mail
 *   encoding          "base64" or "quoted-printable" for text and html
 *   textEncoding      "Q" or "B" where encoding is left to the writer
 *   envelope          {from =, to =, cc =, bcc =} instead of the addresses of the header
 *   secrets           an array of strings; not read here, see the composer
 *   dsn               {id =, return =, notify =, recipient =} (RFC 3461)
 *
 * LS_OK; LS_EENVELOPE: no recipient, a DSN request that cannot be made; LS_EMESSAGE: a field of the wrong
 * type, one that would let somebody write another, or one too large for the arena (the option is named);
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

enum { LS_MESSAGE_MAX = 512 * 1024 * 1024 }; /* octets of content */

struct ls_composed {
  struct ls_envelope envelope; /* spans into the arena */
  struct ls_buf content; /* CRLF line ends, ends in CRLF, no dot transparency, lines of at most 998 octets */
  size_t head_n;         /* octets of content before the empty line; fields may be put before them */
  struct ls_span message_id; /* with <>, in the arena */
  struct ls_span *secrets;   /* what of the content nobody is told who did not get the mail; in the arena */
  size_t secret_count;
};

/* LS_OK; LS_EMESSAGE; LS_EENVELOPE: an address that cannot be sent to; LS_ENOMEM; LS_ETOOBIG. out
 * comes as zeroes, or with a content that is empty and brings memory; it is deinit-able in every case
 * (ls_buf_deinit on its content). */
enum ls_status ls_message_write(struct ls_message *m, const struct ls_message_context *context,
                                struct ls_arena *a, struct ls_composed *out, struct ls_error *err);

#endif
