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

enum { LS_MASK_DECODERS = 12 };

/* Whether the decoder with that number may find a secret of at least shortest octets behind such signs. */
bool ls_mask_decoder_applies(size_t decoder, const struct ls_mask_signs *signs, size_t shortest);

/* Fills out, which has room for in->n octets. False: there was nothing to undo. */
bool ls_mask_decode(size_t decoder, const struct ls_mask_view *in, struct ls_mask_view *out);

#endif
