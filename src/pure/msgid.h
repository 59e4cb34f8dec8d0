/* SPDX-License-Identifier: MIT
 * msgid: the ids of messages and of their parts (RFC 5322 3.6.4, RFC 2045 7), without comments, folding and
 * the obsolete forms: what readers compare octet by octet has one spelling. */
#ifndef LS_MSGID_H
#define LS_MSGID_H

#include "buf.h"

/* Whether s, without angle brackets, is id-left "@" id-right. UTF-8 is as good as atext (RFC 6532 3.3). */
bool ls_msgid_is(struct ls_span s);

/* The same, or id-left alone in ASCII: the id of a part, which an html names behind "cid:". */
bool ls_msgid_is_part(struct ls_span s);

/* Appends the ids of text, each in angle brackets, with a space between; text may leave the brackets out, and
 * has white space, commas or nothing but brackets between ids. *count: how many there are. Answers the first
 * word that is no id, or an empty span. */
struct ls_span ls_msgid_list(struct ls_span text, struct ls_buf *out, size_t *count);

#endif
