/* SPDX-License-Identifier: MIT
 * word: eight octets looked at in one step. A lane is an octet's place in a word; masks have a lane's highest
 * bit set where the answer is yes. Nothing here depends on the machine's octet order. */
#ifndef LS_WORD_H
#define LS_WORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LS_WORD = 8 };

/* c in each lane. */
#define LS_WORD_FILL(c) (UINT64_C(0x0101010101010101) * (c))
#define LS_WORD_HIGH LS_WORD_FILL(0x80)

/* The eight octets at p, which need not be aligned. */
static inline uint64_t ls_word_load(const void *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/* Lanes whose low seven bits are at least c (1 to 128). */
static inline uint64_t ls_word_from(uint64_t word, unsigned c) {
  return ((word & ~LS_WORD_HIGH) + LS_WORD_FILL(0x80 - c)) & LS_WORD_HIGH;
}

/* How many of the n octets at p come before the first one above 127, rounded down to whole words. */
static inline size_t ls_word_ascii(const void *p, size_t n) {
  size_t i = 0;
  while (n - i >= LS_WORD && !(ls_word_load((const char *)p + i) & LS_WORD_HIGH))
    i += LS_WORD;
  return i;
}

#endif
