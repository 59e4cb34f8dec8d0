/* SPDX-License-Identifier: MIT
 * mask: the secrets in hand, and the words of others without them. Servers, proxies and token endpoints
 * repeat what they were sent; whatever they say passes here before it is kept, told or cut.
 *
 * A secret is found as it is, and percent-encoded (also with + for a space), quoted-printable, xtext,
 * behind backslashes (JSON, C), as HTML entities, in hex and in base64 of either alphabet, wherever in a
 * longer base64 it begins, and in any two of these around each other: the words are decoded, not the
 * secrets encoded, so that it does not matter which octets a peer chose to escape. Of a secret of more
 * than 16 octets each piece of 16 is found too, for peers that cut or wrap lines; of a link only pieces of
 * its path and query, which leaves its host readable, and of these parts of 8 to 16 octets by themselves:
 * each value of the query, the last part, and what has a digit or a capital.
 *
 * Of 8 octets and more, a secret is found in any case of its ASCII letters: shorter ones are too often words.
 * A code, which is at least 4 digits and else separators, is found by its digits, each of them ASCII or
 * full-width, with up to 3 separators (space, TAB, '-', '.', a line end, soft or with the code of a reply
 * behind it) between two: "482-913", "4 8 2 9 1 3", "550-482=\n550 913". Digits of a longer number are then
 * no code, so that dates, addresses and enhanced codes mostly stay as they are.
 *
 * Values of less than LS_MASK_MIN octets are no secrets here: whoever wants to can guess them, and
 * replacing each "1" of a reply would take its meaning and protect nothing. */
#ifndef LS_MASK_H
#define LS_MASK_H

#include "buf.h"

enum { LS_MASK_MIN = 4 };

struct ls_mask;
struct ls_mask_secret;

struct ls_mask *ls_mask_new(void);    /* NULL: no memory */
void ls_mask_free(struct ls_mask *m); /* wipes; NULL is fine */

/* Keeps a copy of value, less the white space around it. group: a list that retire ends, NULL at first; NULL
 * instead of its address: for as long as the mask lives. Without memory all words are withheld from now on,
 * except reply codes: what cannot be searched for must not be told. m NULL: does nothing. */
void ls_mask_add(struct ls_mask *m, struct ls_mask_secret **group, struct ls_span value);

/* The secrets of a group are in use no more. They are remembered until some hundreds have been retired behind
 * them: a server may still speak of the message before. Leaves *group NULL. m NULL: does nothing. */
void ls_mask_retire(struct ls_mask *m, struct ls_mask_secret **group);

/* Replaces each secret in the n octets at p by "***" and answers how many octets there are then, never more
 * than n. In time linear in n, however many secrets there are; words that hostile escapes make dear are
 * withheld. m NULL: there are no secrets. */
size_t ls_mask_apply(const struct ls_mask *m, char *p, size_t n);

/* The same for the end of words that were cut off there: the part of a secret that they end with, from
 * LS_MASK_MIN octets on, and unless it is encoded. */
size_t ls_mask_apply_tail(const struct ls_mask *m, char *p, size_t n);

/* The same as ls_mask_apply for the octets of a buf. */
void ls_mask_buf(const struct ls_mask *m, struct ls_buf *b);

#endif
