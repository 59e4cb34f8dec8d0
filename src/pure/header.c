/* SPDX-License-Identifier: MIT */
#include "header.h"

#include <stdint.h>

#include "utf8.h"
#include "word.h"

enum {
  FOLD = 76, /* characters; a line of as many is folded, where it can be */
  LINE_MAX_OCTETS = 998
};

/* Octets at p[at] that are written in capitals as a whole, or 0; at is the start, or a '-'. */
static size_t capitals(struct ls_span name, size_t at) {
  static const struct ls_span first[] = {{"mime", 4}, {"dkim", 4}, {"arc", 3}, {"bimi", 4}};
  static const struct ls_span last[] = {{"-spf", 4}, {"-fbl", 4}, {"-id", 3}, {"-md5", 4}};
  struct ls_span rest = ls_span_sub(name, at, name.n);
  if (at == 0 && ls_span_eq(name, LS_SPAN("x-smtpapi")))
    return name.n;
  for (size_t i = 0; i < 4; i++) {
    size_t n = first[i].n;
    if (at == 0 && ls_span_starts(name, first[i]) &&
        (name.n == n || !(ls_ascii_is_alnum(name.p[n]) || name.p[n] == '_')))
      return n;
    if (ls_span_eq(rest, last[i]))
      return rest.n;
  }
  if (at == 0)
    return 1;
  return rest.p[0] == '-' && rest.n > 1 && ls_ascii_is_alpha(rest.p[1]) ? 2 : 0;
}

enum ls_status ls_header_name(struct ls_span raw, struct ls_arena *a, struct ls_span *out) {
  raw = ls_span_trim(raw);
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
 * never ends before white space that only the end of the field follows, is never white space alone, and never
 * ends in its first hold octets. */
static size_t line_end(struct ls_span s, size_t from, size_t hold, bool ascii) {
  bool full;
  size_t end = window(s, from, ascii, &full);
  if (!full)
    return s.n;
  size_t word = end;
  while (word > from && !ls_ascii_is_blank(s.p[word - 1]))
    word--;
  size_t gap = word;
  while (gap > from && ls_ascii_is_blank(s.p[gap - 1]))
    gap--;
  if (gap <= from + hold) {
    while (end < s.n && ls_ascii_is_blank(s.p[end]) && end == word)
      end = ++word;
    while (end < s.n && !ls_ascii_is_blank(s.p[end]))
      end++;
    gap = end;
  }
  size_t next = gap;
  while (next < s.n && ls_ascii_is_blank(s.p[next]))
    next++;
  return next == s.n ? s.n : gap;
}

/* Folds what is behind from, but for the first hold octets, and ends it with CRLF. False: a line would be too
 * long; then out is cut to from.
 * The text is moved to the end of a larger room and comes back line by line, so no second buffer is needed:
 * two folded lines in a row are FOLD characters at least. */
static bool fold(struct ls_buf *out, size_t from, size_t hold) {
  size_t n = out->n - from;
  bool ascii = ls_span_is_ascii(ls_span(out->p + from, n));
  size_t gap = n / 8 + 16;
  if (!ls_buf_room(out, gap))
    return true;
  char *to = out->p + from;
  memmove(to + gap, to, n);
  struct ls_span s = ls_span(to + gap, n);
  for (size_t at = 0; at < n;) {
    size_t end = line_end(s, at, at ? 0 : hold, ascii);
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

/* Ends the field; a short line needs no second look. hold as for fold. */
static enum ls_status finish(struct ls_buf *out, size_t from, size_t hold) {
  if (out->status != LS_OK)
    return out->status;
  if (out->n - from < FOLD) {
    ls_buf_adds(out, "\r\n");
    return out->status;
  }
  bool fits = fold(out, from, hold);
  return out->status != LS_OK ? out->status : fits ? LS_OK : LS_EMESSAGE;
}

/* Controls as spaces, looked for by the word: there hardly ever is one. */
static void blank_controls(char *p, size_t n) {
  for (size_t i = 0; i < n;) {
    uint64_t word = n - i < LS_WORD ? 0 : ls_word_load(p + i);
    size_t end = n - i < LS_WORD ? n : i + LS_WORD;
    bool plain = !((~ls_word_from(word, ' ') | ls_word_from(word, 0x7f)) & ~word & LS_WORD_HIGH);
    for (; !plain && i < end; i++)
      if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
        p[i] = ' ';
    i = end;
  }
}

/* ids: the first one stands behind the name, however long it is. */
static enum ls_status end(struct ls_buf *out, size_t from, bool ids) {
  if (out->status != LS_OK)
    return out->status;
  blank_controls(out->p + from, out->n - from);
  size_t value = ls_span_index(ls_span(out->p + from, out->n - from), ':') + 1;
  if (!ls_span_trim(ls_span_sub(ls_buf_span(out), from + value, out->n)).n) {
    ls_buf_cut(out, from);
    return LS_OK;
  }
  return finish(out, from, ids ? value : 0);
}

enum ls_status ls_header_end(struct ls_buf *out, size_t from) {
  return end(out, from, false);
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
  if (!ls_span_trim(value).n)
    return out->status;
  struct ls_buf scratch;
  ls_buf_init(&scratch, SIZE_MAX);
  value = one_line(value, &scratch);
  enum ls_status status = scratch.status;
  size_t from = ls_header_begin(out, name);
  bool words = ls_codec_needs_words(value);
  if (status == LS_OK && !words) {
    ls_buf_add(out, value);
    status = finish(out, from, 0);
    words = status == LS_EMESSAGE; /* a word too long for a line can still be cut when it is encoded */
    if (words)
      ls_header_begin(out, name);
  }
  if (words && (status == LS_OK || status == LS_EMESSAGE)) {
    ls_codec_words(out, value, choice);
    status = finish(out, from, 0);
  }
  ls_buf_deinit(&scratch);
  return status;
}

/* A control that is no white space has no place in an id; UTF-8 has, where SMTPUTF8 carries it (RFC 6532
 * 3.2). */
static bool is_control(char c) {
  return ((unsigned char)c < 0x20 && !ls_ascii_is_space(c)) || c == 0x7f;
}

/* The octet of the last '>' in s, or 0: a '<' behind it opens nothing. */
static size_t last_close(struct ls_span s) {
  size_t at = s.n;
  while (at && s.p[at - 1] != '>')
    at--;
  return at;
}

/* The octets of value that belong to an id, in angle brackets. False: a second one begins in it. */
static bool add_id(struct ls_buf *out, struct ls_span value) {
  bool closed = false;
  bool single = true;
  ls_buf_adds(out, value.p[0] == '<' ? "" : "<");
  char *p = ls_buf_room(out, value.n);
  size_t n = 0;
  for (size_t i = 0; p && i < value.n; i++) {
    char c = value.p[i];
    if (ls_ascii_is_space(c) || is_control(c))
      continue;
    single = single && !(c == '<' && closed);
    closed = closed || c == '>';
    p[n++] = c;
  }
  if (!p)
    return true; /* out says why */
  ls_buf_grew(out, n);
  ls_buf_adds(out, n && p[n - 1] == '>' ? "" : ">");
  return single;
}

/* Where the id at s[at] ends: at white space outside angle brackets, or where the next one touches it. */
static size_t id_end(struct ls_span s, size_t at, size_t closed) {
  bool open = false;
  for (; at < s.n && (open || !ls_ascii_is_space(s.p[at])); at++) {
    if (s.p[at] == '<')
      open = at < closed;
    if (s.p[at] == '>')
      open = false;
    if (s.p[at] == '>' && at + 1 < s.n && s.p[at + 1] == '<')
      return at + 1;
  }
  return at;
}

/* value in repaired, where it is no UTF-8. */
static struct ls_span valid(struct ls_span value, struct ls_buf *repaired) {
  ls_buf_init(repaired, SIZE_MAX);
  if (ls_utf8_valid(value))
    return value;
  ls_utf8_add_valid(repaired, value);
  return ls_buf_span(repaired);
}

static bool add_single_id(struct ls_buf *out, struct ls_span value) {
  struct ls_buf repaired;
  size_t from = out->n;
  value = valid(value, &repaired);
  while (value.n && (ls_ascii_is_space(value.p[0]) || is_control(value.p[0])))
    value = ls_span(value.p + 1, value.n - 1);
  if (repaired.status != LS_OK && out->status == LS_OK)
    out->status = repaired.status;
  bool single = !value.n || add_id(out, value);
  ls_buf_deinit(&repaired);
  if (!single)
    ls_buf_cut(out, from);
  return single;
}

enum ls_status ls_header_id(struct ls_buf *out, struct ls_span name, struct ls_span value) {
  size_t from = ls_header_begin(out, name);
  if (!add_single_id(out, value)) {
    ls_buf_cut(out, from);
    return out->status != LS_OK ? out->status : LS_EMESSAGE;
  }
  return end(out, from, true);
}

enum ls_status ls_header_ids(struct ls_buf *out, struct ls_span name, struct ls_span value) {
  struct ls_buf repaired;
  size_t from = ls_header_begin(out, name);
  value = valid(value, &repaired);
  enum ls_status status = repaired.status;
  size_t closed = last_close(value);
  bool first = true;
  for (size_t at = 0, next; at < value.n; at = next) {
    next = at + 1;
    if (ls_ascii_is_space(value.p[at]) || is_control(value.p[at]))
      continue;
    next = id_end(value, at, closed);
    ls_buf_adds(out, first ? "" : " ");
    add_id(out, ls_span_sub(value, at, next));
    first = false;
  }
  ls_buf_deinit(&repaired);
  return status == LS_OK ? end(out, from, true) : status;
}
