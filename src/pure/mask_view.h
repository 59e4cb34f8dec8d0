/* SPDX-License-Identifier: MIT
 * mask_view: text as it reads once an encoding is undone, with the place each octet came from. */
#ifndef LS_MASK_VIEW_H
#define LS_MASK_VIEW_H

#include <stdint.h>

#include "span.h"

struct ls_mask_view {
  unsigned char *p;
  uint32_t *from, *to; /* octet i stands for the octets from[i]..to[i] (excluded) of the first text */
  size_t n;
};

/* What a text has that may be an encoding of something. */
struct ls_mask_signs {
  unsigned marks;             /* LS_MASK_... below */
  size_t hex_run, base64_run; /* the longest runs of their digits */
};

struct ls_mask_signs ls_mask_signs(const unsigned char *p, size_t n);

enum { LS_MASK_DECODERS = 16 };

/* Whether the decoder with that number may find a secret of at least shortest octets behind such signs. */
bool ls_mask_decoder_applies(size_t decoder, const struct ls_mask_signs *signs, size_t shortest);

/* Whether the decoder is for the text as it came alone: lines of a reply are no encoding that others wrap. */
bool ls_mask_is_outermost(size_t decoder);

/* Whether the decoder shows the digits of a text and nothing else, without what stands between them: the
 * first digit of each run has LS_MASK_RUN set, and what is neither digit nor separator is one NUL. */
bool ls_mask_shows_digits(size_t decoder);

enum { LS_MASK_RUN = 0x80 };

/* The digit at `at`, of ASCII or full-width (U+FF10 to FF19), with in *n how many octets it takes; -1:
 * none. */
int ls_mask_digit_at(const unsigned char *p, size_t n_p, size_t at, size_t *n);

/* Octets of a separator of groups of digits at `at`: a space, TAB, dash or one of ".,:/_()", also
 * U+00A0, 2009, 202F, 3000, 2011, 2013, FF0D and FF0E. 0: none. */
size_t ls_mask_separator_at(const unsigned char *p, size_t n_p, size_t at);

/* Fills out, which has room for in->n octets. False: there was nothing to undo. */
bool ls_mask_decode(size_t decoder, const struct ls_mask_view *in, struct ls_mask_view *out);

#endif
