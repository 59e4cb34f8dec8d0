/* SPDX-License-Identifier: MIT */
#include "codec.h"

#include "word.h"

enum {
  LINE = 76,    /* RFC 2045 6.7 */
  TAIL = 25,    /* a soft line break looks for a word's end in this many last octets of a line */
  WINDOW = 1024 /* octets of encoded text at hand: many lines, and no more than a stack gives freely */
};

/* Lines depend on the encoded text: it passes through a window, octets encoded at its end and lines cut off
 * at its front. In there, line ends are those of the source, but for a bare CR, which is CRLF; they all
 * become CRLF on the way out. */
struct quoter {
  struct ls_span text; /* what is not yet encoded */
  size_t from, to;     /* what of the window is in use */
  char window[WINDOW];
};

static bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x7f && c != '=';
}

static bool all_plain(uint64_t word) {
  uint64_t other = ls_word_from(word ^ LS_WORD_FILL('='), 1);
  return (ls_word_from(word, 0x20) & ~ls_word_from(word, 0x7f) & other & ~word) == LS_WORD_HIGH;
}

/* Octets at the start of s that stand for themselves, if no line end follows. */
static size_t plain_run(struct ls_span s) {
  size_t i = 0;
  while (s.n - i >= LS_WORD && all_plain(ls_word_load(s.p + i)))
    i += LS_WORD;
  while (i < s.n && is_plain((unsigned char)s.p[i]))
    i++;
  return i;
}

static bool ends_line(struct ls_span rest) {
  return rest.n == 0 || rest.p[0] == '\r' || rest.p[0] == '\n';
}

/* Encodes the first octet of rest, which is not plain, in at most three. */
static char *put_special(char *p, struct ls_span rest) {
  char c = rest.p[0];
  struct ls_span behind = ls_span(rest.p + 1, rest.n - 1);
  if (c == '\n' || (c == '\t' && !ends_line(behind))) {
    *p++ = c;
  } else if (c == '\r') {
    *p++ = '\r';
    if (behind.n == 0 || behind.p[0] != '\n')
      *p++ = '\n';
  } else {
    p = ls_ascii_escape(p, '=', (unsigned char)c);
  }
  return p;
}

/* Moves what is in use to the front of the window and encodes until the window is full or the text ends. */
static void refill(struct quoter *q) {
  char *p = q->window + (q->to - q->from);
  const char *end = q->window + WINDOW;
  struct ls_span rest = q->text;
  memmove(q->window, q->window + q->from, q->to - q->from);
  while (rest.n && end - p >= 3) {
    size_t run = plain_run(ls_span_sub(rest, 0, (size_t)(end - p) - 2));
    memcpy(p, rest.p, run);
    p += run;
    rest = ls_span(rest.p + run, rest.n - run);
    if (run && p[-1] == ' ' && ends_line(rest))
      p = ls_ascii_escape(p - 1, '=', ' ');
    if (rest.n && end - p >= 3 && !is_plain((unsigned char)rest.p[0])) {
      p = put_special(p, rest);
      rest = ls_span(rest.p + 1, rest.n - 1);
    }
  }
  q->text = rest;
  q->from = 0;
  q->to = (size_t)(p - q->window);
}

static bool ends_in_escape(struct ls_span line) {
  return line.n >= 3 && line.p[line.n - 3] == '=';
}

/* A line that ends inside an escape, or inside a character, gives that up to the next one; left: octets from
 * its start to the end of the text. */
static size_t cut_escape(struct ls_span line, size_t left) {
  if (line.n >= 1 && line.p[line.n - 1] == '=')
    line.n -= 1;
  else if (line.n >= 2 && line.p[line.n - 2] == '=')
    line.n -= 2;
  while (line.n > 12 && line.n < left && ends_in_escape(line)) {
    char high = line.p[line.n - 2];
    if (high < '8')
      break;
    line.n -= 3;
    if (high >= 'C')
      break;
  }
  return line.n;
}

static size_t after_word(struct ls_span line) {
  for (size_t i = line.n; i > 0 && i + TAIL > line.n; i--) {
    char c = line.p[i - 1];
    if (c == ' ' || c == '\t' || c == '.' || c == ',' || c == '!' || c == '?')
      return i;
  }
  return 0;
}

/* Where a line end of the source ends the line, a window of 76 whose first LF is at index lf; 0: nowhere. A
 * CRLF does anywhere, an LF within the tail. */
static size_t after_line_end(struct ls_span line, size_t lf) {
  for (size_t i = lf; i < line.n;) {
    if (i && line.p[i - 1] == '\r')
      return i + 1;
    i += 1 + ls_span_index(ls_span(line.p + i + 1, line.n - i - 1), '\n');
  }
  for (size_t i = line.n; i > 0 && i + TAIL > line.n && line.p[i - 1] != '\r'; i--)
    if (line.p[i - 1] == '\n')
      return i;
  return 0;
}

/* Octets of the next line of text, which starts at text.p and is all there is or longer than a line; *soft:
 * it ends in a soft line break. Without a line end of the source, the line ends behind the last white space
 * or punctuation of its tail, else at its last whole character. */
static size_t next_line(struct ls_span text, bool *soft) {
  struct ls_span line = ls_span_sub(text, 0, LINE);
  size_t lf = ls_span_index(line, '\n');
  size_t ended = lf < line.n ? after_line_end(line, lf) : 0;
  *soft = false;
  if (ended)
    return ended;
  size_t word = line.n > LINE - TAIL ? after_word(line) : 0;
  if (word)
    line.n = word;
  else if (memchr(line.p + (line.n > 3 ? line.n - 3 : 0), '=', line.n > 3 ? 3 : line.n))
    line.n = cut_escape(line, text.n);
  if (line.n == text.n)
    return line.n;
  *soft = true;
  if (line.n == LINE)
    return line.n - (ends_in_escape(line) ? 3 : 1);
  return line.n;
}

/* At most twice its octets, and three. */
static void add_line(struct ls_buf *out, struct ls_span line, bool soft) {
  char *start = ls_buf_room(out, 2 * line.n + 3);
  char *to = start;
  if (!start)
    return;
  for (size_t at = 0; at < line.n;) {
    size_t lf = at + ls_span_index(ls_span(line.p + at, line.n - at), '\n');
    memcpy(to, line.p + at, lf - at);
    to += lf - at;
    if (lf < line.n) {
      if (lf == 0 || line.p[lf - 1] != '\r')
        *to++ = '\r';
      *to++ = '\n';
    }
    at = lf + 1;
  }
  if (soft) {
    memcpy(to, "=\r\n", 3);
    to += 3;
  }
  ls_buf_grew(out, (size_t)(to - start));
}

void ls_codec_quoted(struct ls_buf *out, struct ls_span text) {
  struct quoter q;
  q.text = text;
  q.from = q.to = 0;
  if (!text.n || !ls_buf_room(out, text.n)) /* it takes no less, and grows by doubling from there */
    return;
  refill(&q);
  bool single = !q.text.n && q.to <= LINE;
  while (q.from < q.to && out->status == LS_OK) {
    struct ls_span rest = ls_span(q.window + q.from, q.to - q.from);
    bool soft = false;
    size_t line = single ? rest.n : next_line(rest, &soft);
    add_line(out, ls_span(rest.p, line), soft);
    q.from += line;
    if (q.text.n && q.to - q.from <= LINE)
      refill(&q);
  }
  ls_wipe(q.window, sizeof q.window);
}
