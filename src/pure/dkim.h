/* SPDX-License-Identifier: MIT
 * dkim: the octets of a DKIM-Signature field (RFC 6376 3.5, 3.7) and of what it signs. Which fields are
 * signed, in which form, and how the field is folded; hashing and signing are no business of this room. */
#ifndef LS_DKIM_H
#define LS_DKIM_H

#include <stdint.h>

#include "buf.h"
#include "option.h"

/* Field names signed where none are asked for: what a reader sees or a mail program acts on (RFC 6376 5.4.1).
 */
extern const char ls_dkim_default_names[];

/* The names of wanted that skip does not name, both colon-separated lists in any case: lower-cased, single,
 * in the order of wanted, with colons between. Appended to out.
 * LS_OK; LS_EDKIM: a name no header field can have, over a thousand of them, or From is not among them (RFC
 * 6376 5.4); LS_ENOMEM. */
enum ls_status ls_dkim_names(struct ls_span wanted, struct ls_span skip, struct ls_buf *out,
                             struct ls_error *err);

/* Picks the fields of head (a header block, each line with its line end) that names asks for, a list from
 * ls_dkim_names. Where a name occurs several times all of them are signed, the last one first (RFC
 * 6376 5.4.2). fields: appended, the value of h=. data: appended, the fields in relaxed form, each with CRLF.
 * LS_OK; LS_EDKIM: head has no From; LS_ENOMEM. */
enum ls_status ls_dkim_select(struct ls_span head, struct ls_span names, struct ls_buf *fields,
                              struct ls_buf *data, struct ls_error *err);

struct ls_dkim_tags {
  struct ls_span algorithm; /* "rsa-sha256", "ed25519-sha256" (RFC 8463) */
  struct ls_span domain;    /* ASCII */
  struct ls_span selector;
  int64_t time_s;           /* t=, seconds since 1970 UTC; below 0: no tag */
  struct ls_span body_hash; /* base64 */
  struct ls_span fields;    /* the value of h= */
};

/* Appends the field, folded, up to and with "b=". That is the form which is signed, without a line end. */
void ls_dkim_begin(struct ls_buf *out, const struct ls_dkim_tags *tags);

/* Appends the signature, folded, and the CRLF of the field. out ends in what ls_dkim_begin wrote. */
void ls_dkim_finish(struct ls_buf *out, struct ls_span base64);

/* True when s can stand for d= (a domain in ASCII) or for s= (one label or more): RFC 6376 3.5. */
bool ls_dkim_is_domain(struct ls_span s);

#endif
