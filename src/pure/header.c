/* SPDX-License-Identifier: MIT */
#include "header.h"

#include <stdint.h>

#include "utf8.h"

enum {
  FOLD = 76, /* characters; a line of as many is folded, where it can be */
  LINE_MAX_OCTETS = 998
};

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool is_space(char c) {
  return is_blank(c) || c == '\r' || c == '\n';
}

static struct ls_span trim(struct ls_span s) {
  while (s.n && is_space(s.p[s.n - 1]))
    s.n--;
  while (s.n && is_space(s.p[0]))
    s = ls_span(s.p + 1, s.n - 1);
  return s;
}

/* Octets at p[at] that are written in capitals as a whole, or 0; at is the start, or a '-'. */
static size_t capitals(struct ls_span name, size_t at) {
  static const char first[][5] = {"mime", "dkim", "arc", "bimi"};
  static const char last[][5] = {"-spf", "-fbl", "-id", "-md5"};
  struct ls_span rest = ls_span_sub(name, at, name.n);
  if (at == 0 && ls_span_eq(name, LS_SPAN("x-smtpapi")))
    return name.n;
  for (size_t i = 0; i < 4; i++) {
    size_t n = strlen(first[i]);
    if (at == 0 && ls_span_starts(name, ls_span(first[i], n)) &&
        (name.n == n || !(ls_ascii_is_alnum(name.p[n]) || name.p[n] == '_')))
      return n;
    if (ls_span_eq(rest, ls_span_cstr(last[i])))
      return rest.n;
  }
  if (at == 0)
    return 1;
  return rest.p[0] == '-' && rest.n > 1 && ls_ascii_is_alpha(rest.p[1]) ? 2 : 0;
}

enum ls_status ls_header_name(struct ls_span raw, struct ls_arena *a, struct ls_span *out) {
  raw = trim(raw);
  for (size_t i = 0; i < raw.n; i++)
    if (raw.p[i] <= ' ' || raw.p[i] > '~' || raw.p[i] == ':')
      return LS_EMESSAGE;
  if (!raw.n || raw.n >= LINE_MAX_OCTETS - 2)
    return LS_EMESSAGE;
  char *name = ls_arena_alloc(a, raw.n);
  if (!name)
    return LS_ENOMEM;
  for (size_t i = 0; i < raw.n; i++)
    name[i] = ls_ascii_lower(raw.p[i]);
  *out = ls_span(name, raw.n);
  for (size_t at = 0; at < raw.n;) {
    size_t n = capitals(*out, at);
    for (size_t i = 0; i < n; i++)
      name[at + i] = ls_ascii_upper(name[at + i]);
    at += n ? n : 1;
  }
  return LS_OK;
}

/* Where a window of FOLD characters from at on ends; n when there are fewer. *full: there were as many. */
static size_t window(struct ls_span s, size_t at, bool ascii, bool *full) {
  if (ascii) {
    *full = s.n - at >= FOLD;
    return *full ? at + FOLD : s.n;
  }
  size_t units = 0; /* UTF-16 units, as the original counts */
  while (at < s.n && units < FOLD)
    units += ls_utf8_next(s, &at) > 0xffff ? 2 : 1;
  *full = units >= FOLD;
  return at;
}

/* Octets of the line that starts at from; all that is left when it need not, or cannot, be folded. A line
 * never ends before white space that only the end of the field follows, and is never white space alone. */
static size_t line_end(struct ls_span s, size_t from, bool ascii) {
  bool full;
  size_t end = window(s, from, ascii, &full);
  if (!full)
    return s.n;
  size_t word = end;
  while (word > from && !is_blank(s.p[word - 1]))
    word--;
  size_t gap = word;
  while (gap > from && is_blank(s.p[gap - 1]))
    gap--;
  if (gap == from) {
    while (end < s.n && is_blank(s.p[end]) && end == word)
      end = ++word;
    while (end < s.n && !is_blank(s.p[end]))
      end++;
    gap = end;
  }
  size_t next = gap;
  while (next < s.n && is_blank(s.p[next]))
    next++;
  return next == s.n ? s.n : gap;
}

/* Folds what is behind from, and ends it with CRLF. False: a line would be too long; then out is cut to from.
 * The text is moved to the end of a larger room and comes back line by line, so no second buffer is needed:
 * two folded lines in a row are FOLD characters at least. */
static bool fold(struct ls_buf *out, size_t from) {
  size_t n = out->n - from;
  bool ascii = ls_span_is_ascii(ls_span(out->p + from, n));
  size_t gap = n / 8 + 16;
  if (!ls_buf_room(out, gap))
    return true;
  char *to = out->p + from;
  memmove(to + gap, to, n);
  struct ls_span s = ls_span(to + gap, n);
  for (size_t at = 0; at < n;) {
    size_t end = line_end(s, at, ascii);
    if (end - at > LINE_MAX_OCTETS) {
      ls_buf_cut(out, from);
      return false;
    }
    memmove(to, s.p + at, end - at);
    to += end - at;
    memcpy(to, "\r\n", 2);
    to += 2;
    at = end;
  }
  out->n = (size_t)(to - out->p);
  return true;
}

size_t ls_header_begin(struct ls_buf *out, struct ls_span name) {
  size_t from = out->n;
  ls_buf_add(out, name);
  ls_buf_adds(out, ": ");
  return from;
}

/* Ends the field; a short line needs no second look. */
static enum ls_status finish(struct ls_buf *out, size_t from) {
  if (out->status != LS_OK)
    return out->status;
  if (out->n - from < FOLD) {
    ls_buf_adds(out, "\r\n");
    return out->status;
  }
  bool fits = fold(out, from);
  return out->status != LS_OK ? out->status : fits ? LS_OK : LS_EMESSAGE;
}

enum ls_status ls_header_end(struct ls_buf *out, size_t from) {
  if (out->status != LS_OK)
    return out->status;
  for (size_t i = from; i < out->n; i++)
    if ((unsigned char)out->p[i] < 0x20 || out->p[i] == 0x7f)
      out->p[i] = ' ';
  size_t value = from + ls_span_index(ls_span(out->p + from, out->n - from), ':') + 1;
  if (!trim(ls_span_sub(ls_buf_span(out), value, out->n)).n) {
    ls_buf_cut(out, from);
    return LS_OK;
  }
  return finish(out, from);
}

/* The value with each line end as one space; spans into value where there is none, else into scratch. */
static struct ls_span one_line(struct ls_span value, struct ls_buf *scratch) {
  if (ls_span_index(value, '\r') == value.n && ls_span_index(value, '\n') == value.n)
    return value;
  for (size_t i = 0; i < value.n; i++) {
    char c = value.p[i];
    if (c == '\r' && i + 1 < value.n && value.p[i + 1] == '\n')
      i++;
    ls_buf_addc(scratch, c == '\r' || c == '\n' ? ' ' : c);
  }
  return ls_buf_span(scratch);
}

enum ls_status ls_header_text(struct ls_buf *out, struct ls_span name, struct ls_span value,
                              enum ls_codec_choice choice) {
  if (!trim(value).n)
    return out->status;
  struct ls_buf scratch;
  ls_buf_init(&scratch, SIZE_MAX);
  value = one_line(value, &scratch);
  enum ls_status status = scratch.status;
  size_t from = ls_header_begin(out, name);
  bool words = ls_codec_needs_words(value);
  if (status == LS_OK && !words) {
    ls_buf_add(out, value);
    status = finish(out, from);
    words = status == LS_EMESSAGE; /* a word too long for a line can still be cut when it is encoded */
    if (words)
      ls_header_begin(out, name);
  }
  if (words && (status == LS_OK || status == LS_EMESSAGE)) {
    ls_codec_words(out, value, choice);
    status = finish(out, from);
  }
  ls_buf_deinit(&scratch);
  return status;
}

/* An id may hold UTF-8 where SMTPUTF8 carries it (RFC 6532 3.2), but no control. */
static void add_clean(struct ls_buf *out, struct ls_span s) {
  for (size_t at = 0; at < s.n;) {
    size_t start = at;
    int32_t c = ls_utf8_next(s, &at);
    char utf8[LS_UTF8_MAX];
    if (c == '\r' && at < s.n && s.p[at] == '\n')
      at++;
    if (c == '\r' || c == '\n')
      ls_buf_addc(out, ' ');
    else if (c == LS_UTF8_REPLACEMENT)
      ls_buf_add(out, ls_span(utf8, ls_utf8_encode(c, utf8)));
    else if (c >= 0x20 && c != 0x7f)
      ls_buf_add(out, ls_span_sub(s, start, at));
  }
}

void ls_header_add_id(struct ls_buf *out, struct ls_span value) {
  value = trim(value);
  if (!value.n)
    return;
  if (value.p[0] != '<')
    ls_buf_addc(out, '<');
  add_clean(out, value);
  if (value.p[value.n - 1] != '>')
    ls_buf_addc(out, '>');
}

enum ls_status ls_header_id(struct ls_buf *out, struct ls_span name, struct ls_span value) {
  size_t from = ls_header_begin(out, name);
  ls_header_add_id(out, value);
  return ls_header_end(out, from);
}

/* White space inside angle brackets belongs to the id and is dropped; outside it separates ids. closed: where
 * the last '>' is, so that a '<' nothing closes opens nothing. */
static size_t add_next_id(struct ls_buf *out, struct ls_span value, size_t at, size_t closed) {
  while (at < value.n && is_space(value.p[at]))
    at++;
  if (at == value.n)
    return at;
  bool open = false;
  size_t from = out->n;
  ls_buf_adds(out, value.p[at] == '<' ? " " : " <");
  for (; at < value.n && (open || !is_space(value.p[at])); at++) {
    char c = value.p[at];
    if (c == '<')
      open = at < closed;
    if (c == '>')
      open = false;
    if (!is_space(c) && ((unsigned char)c >= 0x20 && c != 0x7f))
      ls_buf_addc(out, c);
  }
  if (out->status == LS_OK && out->n > from && out->p[out->n - 1] != '>')
    ls_buf_addc(out, '>');
  return at;
}

enum ls_status ls_header_ids(struct ls_buf *out, struct ls_span name, struct ls_span value) {
  struct ls_buf valid;
  ls_buf_init(&valid, SIZE_MAX);
  ls_utf8_add_valid(&valid, value);
  enum ls_status status = valid.status;
  if (status == LS_OK) {
    size_t from = ls_header_begin(out, name);
    if (out->status == LS_OK)
      ls_buf_cut(out, out->n - 1); /* each id brings the space before it */
    size_t closed = valid.n;
    while (closed && valid.p[closed - 1] != '>')
      closed--;
    for (size_t at = 0; at < valid.n;)
      at = add_next_id(out, ls_buf_span(&valid), at, closed);
    status = ls_header_end(out, from);
  }
  ls_buf_deinit(&valid);
  return status;
}
