/* SPDX-License-Identifier: MIT
 * utf8: code points in octets (RFC 3629). Overlong forms, surrogates and what lies above U+10FFFF are
 * invalid; an invalid sequence is cut into maximal subparts as Unicode and JavaScript's TextDecoder do. */
#ifndef LS_UTF8_H
#define LS_UTF8_H

#include <stdint.h>

#include "buf.h"

enum {
  LS_UTF8_INVALID = -1, /* no code point */
  LS_UTF8_MAX = 4,      /* octets of the longest sequence */
  LS_UTF8_REPLACEMENT = 0xfffd
};

/* Octets of the sequence at s.p[at] (1 to 4, never past the end; 0 when at >= s.n). *code_point, unless NULL:
 * its code point, or LS_UTF8_INVALID when those octets are no character (skip them as one). */
size_t ls_utf8_decode(struct ls_span s, size_t at, int32_t *code_point);

/* The code point at *at, which moves behind it; U+FFFD for an invalid sequence. Only while *at < s.n. */
int32_t ls_utf8_next(struct ls_span s, size_t *at);

bool ls_utf8_valid(struct ls_span s);

/* Octets in the form of code_point (1 to 4) written to out; what is no scalar value is written as U+FFFD. */
size_t ls_utf8_encode(int32_t code_point, char out[LS_UTF8_MAX]);

/* Appends s with each invalid sequence replaced by U+FFFD. */
void ls_utf8_add_valid(struct ls_buf *out, struct ls_span s);

/* The longest prefix of at most n octets that ends where a code point ends. In valid text it is longer than
 * n - 4. */
struct ls_span ls_utf8_cut(struct ls_span s, size_t n);

/* White space as JavaScript's \s and trim() have it: U+0009 to 000D, 0020, 00A0, 1680, 2000 to 200A, 2028,
 * 2029, 202F, 205F, 3000, FEFF. */
bool ls_utf8_is_space(int32_t code_point);

/* Without white space at both ends, or at one. */
struct ls_span ls_utf8_trim(struct ls_span s);
struct ls_span ls_utf8_trim_start(struct ls_span s);
struct ls_span ls_utf8_trim_end(struct ls_span s);

#endif
