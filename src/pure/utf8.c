/* SPDX-License-Identifier: MIT */
#include "utf8.h"

#include "word.h"

struct lead {
  size_t n; /* octets of the whole sequence, 0: no lead octet */
  unsigned char low,
      high;              /* range of the second octet: it alone excludes overlongs, surrogates, > U+10FFFF */
  unsigned char payload; /* mask of the lead's own bits */
};

static struct lead lead_of(unsigned char c) {
  if (c < 0x80)
    return (struct lead){1, 0, 0, 0x7f};
  if (c < 0xc2)
    return (struct lead){0, 0, 0, 0};
  if (c < 0xe0)
    return (struct lead){2, 0x80, 0xbf, 0x1f};
  if (c < 0xf0)
    return (struct lead){3, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf, 0x0f};
  if (c < 0xf5)
    return (struct lead){4, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf, 0x07};
  return (struct lead){0, 0, 0, 0};
}

size_t ls_utf8_decode(struct ls_span s, size_t at, int32_t *code_point) {
  int32_t ignored = 0;
  int32_t *result = code_point ? code_point : &ignored;
  *result = LS_UTF8_INVALID;
  if (at >= s.n)
    return 0;
  const unsigned char *p = (const unsigned char *)s.p + at;
  struct lead lead = lead_of(p[0]);
  if (lead.n == 0)
    return 1;
  int32_t value = p[0] & lead.payload;
  for (size_t i = 1; i < lead.n; i++) {
    unsigned char low = i == 1 ? lead.low : 0x80;
    unsigned char high = i == 1 ? lead.high : 0xbf;
    if (i >= s.n - at || p[i] < low || p[i] > high)
      return i;
    value = value << 6 | (p[i] & 0x3f);
  }
  *result = value;
  return lead.n;
}

int32_t ls_utf8_next(struct ls_span s, size_t *at) {
  int32_t value;
  *at += ls_utf8_decode(s, *at, &value);
  return value == LS_UTF8_INVALID ? LS_UTF8_REPLACEMENT : value;
}

static bool continues(unsigned char c) {
  return (c & 0xc0) == 0x80;
}

/* Octets of the character at p, of which left are there; 0: none. */
static size_t character(const unsigned char *p, size_t left) {
  unsigned char c = p[0];
  if (c < 0x80)
    return 1;
  if (c < 0xe0)
    return c >= 0xc2 && left > 1 && continues(p[1]) ? 2 : 0;
  struct lead lead = lead_of(c);
  if (left < lead.n || lead.n == 0 || p[1] < lead.low || p[1] > lead.high || !continues(p[2]))
    return 0;
  return lead.n == 3 || continues(p[3]) ? lead.n : 0;
}

bool ls_utf8_valid(struct ls_span s) {
  const unsigned char *p = (const unsigned char *)s.p;
  for (size_t at = 0; at < s.n;) {
    if (p[at] < 0x80)
      at += ls_word_ascii(p + at, s.n - at);
    if (at == s.n)
      break;
    size_t n = character(p + at, s.n - at);
    if (n == 0)
      return false;
    at += n;
  }
  return true;
}

static size_t put(char *out, int32_t value, size_t n, unsigned char marker) {
  for (size_t i = n - 1; i > 0; i--) {
    out[i] = (char)(0x80 | (value & 0x3f));
    value >>= 6;
  }
  out[0] = (char)(marker | value);
  return n;
}

size_t ls_utf8_encode(int32_t code_point, char out[LS_UTF8_MAX]) {
  if (code_point < 0 || code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
    code_point = LS_UTF8_REPLACEMENT;
  if (code_point < 0x80)
    return put(out, code_point, 1, 0);
  if (code_point < 0x800)
    return put(out, code_point, 2, 0xc0);
  if (code_point < 0x10000)
    return put(out, code_point, 3, 0xe0);
  return put(out, code_point, 4, 0xf0);
}

void ls_utf8_add_valid(struct ls_buf *out, struct ls_span s) {
  size_t from = 0;
  int32_t value;
  for (size_t at = 0; at < s.n;) {
    size_t n = ls_utf8_decode(s, at, &value);
    if (value == LS_UTF8_INVALID) {
      ls_buf_add(out, ls_span_sub(s, from, at));
      ls_buf_add(out, LS_SPAN("\xef\xbf\xbd"));
      from = at + n;
    }
    at += n;
  }
  ls_buf_add(out, ls_span_sub(s, from, s.n));
}

/* Backs up over at most three continuation octets to the lead, and keeps it only when its sequence fits. */
struct ls_span ls_utf8_cut(struct ls_span s, size_t n) {
  if (n >= s.n)
    return s;
  for (size_t back = 1; back <= LS_UTF8_MAX && back <= n; back++) {
    size_t at = n - back;
    if (((unsigned char)s.p[at] & 0xc0) == 0x80)
      continue;
    return ls_span(s.p, at + ls_utf8_decode(s, at, NULL) > n ? at : n);
  }
  return ls_span(s.p, n);
}

bool ls_utf8_is_space(int32_t c) {
  if (c < 0xa0)
    return c == 0x20 || (c >= 0x09 && c <= 0x0d);
  return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff;
}

struct ls_span ls_utf8_trim_start(struct ls_span s) {
  size_t from = 0;
  int32_t c;
  for (size_t at = 0; at < s.n; from = at) {
    at += ls_utf8_decode(s, at, &c);
    if (!ls_utf8_is_space(c))
      break;
  }
  return ls_span_sub(s, from, s.n);
}

struct ls_span ls_utf8_trim_end(struct ls_span s) {
  int32_t c;
  while (s.n) {
    size_t at = s.n - 1;
    while (at > 0 && s.n - at < LS_UTF8_MAX && ((unsigned char)s.p[at] & 0xc0) == 0x80)
      at--;
    if (ls_utf8_decode(s, at, &c) != s.n - at || !ls_utf8_is_space(c))
      break;
    s.n = at;
  }
  return s;
}

struct ls_span ls_utf8_trim(struct ls_span s) {
  return ls_utf8_trim_end(ls_utf8_trim_start(s));
}
