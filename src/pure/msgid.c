/* SPDX-License-Identifier: MIT */
#include "msgid.h"

#include "utf8.h"

static bool is_between(char c) {
  return ls_ascii_is_space(c) || c == ',';
}

/* 1*atext *("." 1*atext) */
static bool is_dot_atom(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (!ls_ascii_is_atext(s.p[i]) && !(s.p[i] == '.' && i && s.p[i - 1] != '.'))
      return false;
  return s.n && s.p[s.n - 1] != '.';
}

/* Between open and close printable octets that end neither this nor an id. */
static bool is_enclosed(struct ls_span s, char open, char close) {
  if (s.n < 3 || s.p[0] != open || s.p[s.n - 1] != close)
    return false;
  for (size_t i = 1; i + 1 < s.n; i++)
    if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || memchr("\"\\<>()[],", s.p[i], 9))
      return false;
  return true;
}

bool ls_msgid_is(struct ls_span s) {
  size_t at = s.n;
  while (at && s.p[at - 1] != '@')
    at--;
  if (!at || !ls_utf8_valid(s))
    return false;
  struct ls_span left = ls_span_sub(s, 0, at - 1);
  struct ls_span right = ls_span_sub(s, at, s.n);
  return (is_dot_atom(left) || is_enclosed(left, '"', '"')) &&
         (is_dot_atom(right) || is_enclosed(right, '[', ']'));
}

bool ls_msgid_is_part(struct ls_span s) {
  return ls_span_is_ascii(s) && (is_dot_atom(s) || ls_msgid_is(s));
}

/* Where the word that begins at `at` ends: behind the bracket that closes it, or in front of what is between
 * ids. */
static size_t word_end(struct ls_span text, size_t at) {
  bool bracket = text.p[at] == '<';
  for (size_t i = at + 1; i < text.n; i++) {
    if (bracket && text.p[i] == '>')
      return i + 1;
    if (!bracket && (is_between(text.p[i]) || text.p[i] == '<'))
      return i;
  }
  return text.n;
}

struct ls_span ls_msgid_list(struct ls_span text, struct ls_buf *out, size_t *count) {
  *count = 0;
  for (size_t at = 0, end; at < text.n; at = end) {
    end = at + 1;
    if (is_between(text.p[at]))
      continue;
    end = word_end(text, at);
    struct ls_span word = ls_span_sub(text, at, end);
    struct ls_span id = word;
    if (word.n > 2 && word.p[0] == '<' && word.p[word.n - 1] == '>')
      id = ls_span_sub(word, 1, word.n - 1);
    if (!ls_msgid_is(id))
      return word;
    ls_buf_adds(out, *count ? " <" : "<");
    ls_buf_add(out, id);
    ls_buf_addc(out, '>');
    ++*count;
  }
  return ls_span(NULL, 0);
}
