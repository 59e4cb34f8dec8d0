/* SPDX-License-Identifier: MIT
 * header: the gate. Every octet of a message's header leaves through these functions, and none lets a value
 * end its field: CR and LF become spaces, other controls are encoded or dropped, no line is longer than 998
 * octets (RFC 5322 2.1.1) and none is blank. Lines are folded where white space is, at 76 characters.
 *
 * Writers append to out and answer LS_OK, LS_ENOMEM, LS_ETOOBIG (out's ceiling), or LS_EMESSAGE: the field
 * cannot be written within the limit; out is then as before. A field whose value is blank is left out. */
#ifndef LS_HEADER_H
#define LS_HEADER_H

#include "arena.h"
#include "codec.h"

/* The name as it is written: trimmed, lower case with capitals at the start of each word, but for those
 * that are capitals throughout (MIME-Version, X-Upper-ID, X-SMTPAPI, Content-MD5). *out lives in a.
 * LS_OK; LS_EMESSAGE: no field name (RFC 5322 3.6.8: printable ASCII without ':' and space); LS_ENOMEM. */
enum ls_status ls_header_name(struct ls_span raw, struct ls_arena *a, struct ls_span *out);

/* An unstructured field (Subject, X-Anything): encoded-words where the value needs them. */
enum ls_status ls_header_text(struct ls_buf *out, struct ls_span name, struct ls_span value,
                              enum ls_codec_choice choice);

/* A field with one id in angle brackets (Message-ID, Content-ID); they are added where missing. It is not
 * folded: many readers and filters look for the id behind the colon. LS_EMESSAGE also where there are two. */
enum ls_status ls_header_id(struct ls_buf *out, struct ls_span name, struct ls_span value);

/* A field of ids separated by white space (References, In-Reply-To), folded between them. */
enum ls_status ls_header_ids(struct ls_buf *out, struct ls_span name, struct ls_span value);

/* A structured field in two steps: begin writes the name, the caller appends a value made of mailboxes
 * (ls_mailbox_write_list), parameters and quoted strings (codec), end folds it. from: what begin answered.
 * Controls that got there all the same are spaces afterwards. */
size_t ls_header_begin(struct ls_buf *out, struct ls_span name);
enum ls_status ls_header_end(struct ls_buf *out, size_t from);

#endif
