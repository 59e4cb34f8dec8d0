/* SPDX-License-Identifier: MIT
 * span: octets somebody else owns, compared and trimmed without regard to a locale. */
#ifndef LS_SPAN_H
#define LS_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "ascii.h"
#include "word.h"

struct ls_span {
  const char *p; /* may be NULL when n is 0 */
  size_t n;      /* octets */
};

/* A span over a string literal. */
#define LS_SPAN(literal) ((struct ls_span){(literal), sizeof(literal) - 1})

static inline struct ls_span ls_span(const char *p, size_t n) {
  return (struct ls_span){p, n};
}

/* A span over a NUL-terminated string; NULL gives an empty span. */
static inline struct ls_span ls_span_cstr(const char *s) {
  return (struct ls_span){s, s ? strlen(s) : 0};
}

/* Octets from..to (to excluded), cut to what is there. */
static inline struct ls_span ls_span_sub(struct ls_span s, size_t from, size_t to) {
  if (to > s.n)
    to = s.n;
  if (from >= to)
    return (struct ls_span){NULL, 0};
  return (struct ls_span){s.p + from, to - from};
}

static inline bool ls_span_eq(struct ls_span a, struct ls_span b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equal but for the case of ASCII letters. */
static inline bool ls_span_ieq(struct ls_span a, struct ls_span b) {
  if (a.n != b.n)
    return false;
  for (size_t i = 0; i < a.n; i++)
    if (ls_ascii_lower(a.p[i]) != ls_ascii_lower(b.p[i]))
      return false;
  return true;
}

static inline bool ls_span_starts(struct ls_span s, struct ls_span prefix) {
  return s.n >= prefix.n && ls_span_eq(ls_span(s.p, prefix.n), prefix);
}

/* True when every octet is below 0x80. */
static inline bool ls_span_is_ascii(struct ls_span s) {
  for (size_t i = ls_word_ascii(s.p, s.n); i < s.n; i++)
    if ((unsigned char)s.p[i] >= 0x80)
      return false;
  return true;
}

/* Without the spaces and line ends around it. */
static inline struct ls_span ls_span_trim(struct ls_span s) {
  while (s.n && ls_ascii_is_space(s.p[s.n - 1]))
    s.n--;
  while (s.n && ls_ascii_is_space(s.p[0]))
    s = ls_span(s.p + 1, s.n - 1);
  return s;
}

/* Index of the first c, or s.n when there is none. */
static inline size_t ls_span_index(struct ls_span s, char c) {
  const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
  return hit ? (size_t)(hit - s.p) : s.n;
}

#endif
