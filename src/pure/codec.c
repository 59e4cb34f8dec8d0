/* SPDX-License-Identifier: MIT */
#include "codec.h"

#include <stdint.h>

#include "utf8.h"

enum {
  WORD_MAX = 75, /* RFC 2047 2 */
  WORD_Q = 40,   /* octets of Q text in a word of 52: "=?UTF-8?Q?" and "?=" take twelve */
  WORD_B = 30,   /* octets whose base64 fills those 40 */
  LINE = 76,     /* RFC 2045 6.7 and 6.8 */
  TAIL = 25,     /* a soft line break looks for a word's end in this many last octets of a line */
  PARAM = 50,    /* octets of one section of a parameter */
  PARAM_MAX = 75,
  BLANKS = 32 /* a longer run of spaces is encoded, or folding would leave lines of nothing else */
};

static const char hex[] = "0123456789ABCDEF";

/* Per octet: the share in the choice between Q and B (low bits, biased by 2), and what else it is. */
enum { WEIGHT = 7, HIGH = 8, CONTROL = 16, BREAK = 32, NUL = 64 };

#define X(w) ((w) + 2)
#define C (X(-1) | CONTROL)
#define N X(0)
#define L X(1)
#define U X(0) | HIGH
#define D (X(-1) | HIGH)
#define F (X(-2) | HIGH)
#define TIMES4(v) v, v, v, v
#define TIMES16(v) TIMES4(v), TIMES4(v), TIMES4(v), TIMES4(v)
static const unsigned char kinds[256] = {
    C | NUL,    C,          C,          C,          C,          C,          C,          C,
    C,          N,          N | BREAK,  C,          C,          N | BREAK,  C,          C,
    TIMES16(C), TIMES16(N), TIMES4(N),  TIMES4(N),  TIMES4(N),  TIMES4(N),  N,          L,
    L,          L,          TIMES4(L),  TIMES4(L),  TIMES4(L),  TIMES4(L),  TIMES4(L),  L,
    L,          L,          N,          N,          N,          N,          N,          N,
    L,          L,          L,          TIMES4(L),  TIMES4(L),  TIMES4(L),  TIMES4(L),  TIMES4(L),
    L,          L,          L,          N,          N,          N,          N,          N,
    TIMES16(U), TIMES16(U), TIMES16(U), TIMES16(U), TIMES16(D), TIMES16(D), TIMES16(D), TIMES16(F)};
#undef X
#undef C
#undef N
#undef L
#undef U
#undef D
#undef F

struct ls_codec_facts ls_codec_examine(struct ls_span text) {
  const unsigned char *p = (const unsigned char *)text.p;
  unsigned seen = 0;
  uint64_t weight = 0;
  size_t longest = 0;
  size_t line = 0; /* where the current one starts */
  for (size_t i = 0; i < text.n; i++) {
    unsigned kind = kinds[p[i]];
    seen |= kind;
    weight += kind & WEIGHT;
    if (kind & BREAK) {
      if (i - line > longest)
        longest = i - line;
      line = i + 1;
    }
  }
  if (text.n - line > longest)
    longest = text.n - line;
  return (struct ls_codec_facts){.ascii = !(seen & HIGH),
                                 .control = seen & CONTROL,
                                 .nul = seen & NUL,
                                 .longest = longest,
                                 .choice = weight > (uint64_t)text.n * 2 ? LS_CODEC_Q : LS_CODEC_B};
}

static bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t word_end(struct ls_span s, size_t at) {
  while (at < s.n && !is_white(s.p[at]))
    at++;
  return at;
}

/* The end of "=?charset?Q?text?=" that starts at at, spaces allowed as readers allow them; 0: there is none.
 * *strict: charset and text are as RFC 2047 2 wants them. */
static size_t encoded_word(struct ls_span s, size_t at, bool *strict) {
  size_t charset = at + 2;
  size_t mark = charset + ls_span_index(ls_span_sub(s, charset, s.n), '?');
  if (mark + 2 >= s.n || !memchr("BbQq", s.p[mark + 1], 4) || s.p[mark + 2] != '?')
    return 0;
  size_t text = mark + 3;
  size_t end = text + ls_span_index(ls_span_sub(s, text, s.n), '?');
  if (end + 1 >= s.n || s.p[end + 1] != '=')
    return 0;
  *strict = mark > charset && end > text && word_end(ls_span_sub(s, 0, end), text) == end;
  for (size_t i = charset; *strict && i < mark; i++)
    *strict = s.p[i] > ' ' && s.p[i] < 0x7f && !memchr("()<>@,;:\"/[]?.=", s.p[i], 15);
  return end + 2;
}

/* A valid encoded-word that stands by itself is what its author wanted; anything that readers might take for
 * one is not. at: where "=?" is. */
static bool is_look_alike(struct ls_span s, size_t at) {
  bool strict = false;
  bool starts = at == 0 || is_white(s.p[at - 1]);
  size_t end = encoded_word(s, at, &strict);
  if (end)
    return !(strict && starts && end - at <= WORD_MAX && (end == s.n || is_white(s.p[end])));
  if (!starts)
    return false;
  end = word_end(s, at);
  return end - at >= 4 && s.p[end - 2] == '?' && s.p[end - 1] == '=';
}

bool ls_codec_needs_words(struct ls_span text) {
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    if (c >= 0x7f || c == '"' || (c < 0x20 && c != '\t'))
      return true;
    if (c == '=' && i + 1 < text.n && text.p[i + 1] == '?' && is_look_alike(text, i))
      return true;
  }
  return false;
}

static bool is_q_safe(unsigned char c) {
  return ls_ascii_is_alnum((char)c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

static char *put_hex(char *p, char mark, unsigned char c) {
  p[0] = mark;
  p[1] = hex[c >> 4];
  p[2] = hex[c & 15];
  return p + 3;
}

/* One character in Q (RFC 2047 4.2); a space at the very end would be lost as "_" in some readers. */
static size_t q_character(char *to, const char *from, size_t n, bool last) {
  char *p = to;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)from[i];
    if (is_q_safe(c))
      *p++ = (char)c;
    else if (c == ' ' && !last)
      *p++ = '_';
    else
      p = put_hex(p, '=', c);
  }
  return (size_t)(p - to);
}

/* Both write the characters from at on that fit one word and answer where the next word starts. */
static size_t q_word(struct ls_buf *out, struct ls_span text, size_t at) {
  size_t used = 0;
  while (at < text.n) {
    char utf8[LS_UTF8_MAX];
    char coded[LS_UTF8_MAX * 3];
    size_t next = at;
    size_t n = ls_utf8_encode(ls_utf8_next(text, &next), utf8);
    size_t m = q_character(coded, utf8, n, next == text.n);
    if (used + m > WORD_Q)
      break;
    ls_buf_add(out, ls_span(coded, m));
    used += m;
    at = next;
  }
  return at;
}

static size_t b_word(struct ls_buf *out, struct ls_span text, size_t at) {
  char octets[WORD_B];
  size_t used = 0;
  while (at < text.n) {
    char utf8[LS_UTF8_MAX];
    size_t next = at;
    size_t n = ls_utf8_encode(ls_utf8_next(text, &next), utf8);
    if (used + n > WORD_B)
      break;
    memcpy(octets + used, utf8, n);
    used += n;
    at = next;
  }
  ls_codec_base64(out, ls_span(octets, used));
  return at;
}

void ls_codec_words(struct ls_buf *out, struct ls_span text, enum ls_codec_choice choice) {
  if (choice == LS_CODEC_AUTO)
    choice = ls_codec_examine(text).choice;
  for (size_t at = 0; at < text.n;) {
    if (at)
      ls_buf_addc(out, ' ');
    ls_buf_adds(out, choice == LS_CODEC_Q ? "=?UTF-8?Q?" : "=?UTF-8?B?");
    at = choice == LS_CODEC_Q ? q_word(out, text, at) : b_word(out, text, at);
    ls_buf_adds(out, "?=");
  }
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* n octets to 4 * ((n + 2) / 3) at to; answers what is behind them. */
static char *put_base64(char *to, const unsigned char *p, size_t n) {
  for (; n >= 3; n -= 3, p += 3) {
    unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
    *to++ = base64[v >> 18];
    *to++ = base64[v >> 12 & 63];
    *to++ = base64[v >> 6 & 63];
    *to++ = base64[v & 63];
  }
  if (n) {
    unsigned v = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0);
    *to++ = base64[v >> 18];
    *to++ = base64[v >> 12 & 63];
    *to++ = n > 1 ? base64[v >> 6 & 63] : '=';
    *to++ = '=';
  }
  return to;
}

/* Sums that a span in memory cannot overflow on a 64-bit machine, but a hostile length must not wrap on
 * another: too much is refused as a whole. */
static char *room_for(struct ls_buf *out, size_t n, size_t factor) {
  if (n > SIZE_MAX / (2 * factor)) {
    out->status = out->status == LS_OK ? LS_ETOOBIG : out->status;
    return NULL;
  }
  return ls_buf_room(out, n * factor);
}

void ls_codec_base64(struct ls_buf *out, struct ls_span octets) {
  char *to = octets.n ? room_for(out, (octets.n + 2) / 3, 4) : NULL;
  if (to)
    ls_buf_grew(out, (size_t)(put_base64(to, (const unsigned char *)octets.p, octets.n) - to));
}

void ls_codec_base64_lines(struct ls_buf *out, struct ls_span octets) {
  const size_t step = LINE / 4 * 3;
  char *start = octets.n ? room_for(out, (octets.n + step - 1) / step, LINE + 2) : NULL;
  if (!start)
    return;
  char *to = start;
  for (size_t at = 0; at < octets.n; at += step) {
    if (at) {
      *to++ = '\r';
      *to++ = '\n';
    }
    size_t left = octets.n - at;
    to = put_base64(to, (const unsigned char *)octets.p + at, left < step ? left : step);
  }
  ls_buf_grew(out, (size_t)(to - start));
}

static int sextet(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (ls_ascii_is_digit(c))
    return c - '0' + 52;
  if (c == '+' || c == '-')
    return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

bool ls_codec_unbase64(struct ls_span text, char *out, size_t *n) {
  char *to = out;
  uint32_t bits = 0;
  unsigned have = 0; /* sextets in bits */
  for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
    char c = text.p[i];
    int v = sextet(c);
    if (v < 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
      return false;
    if (v < 0)
      continue;
    bits = bits << 6 | (unsigned)v;
    if (++have < 4)
      continue;
    *to++ = (char)(bits >> 16 & 255);
    *to++ = (char)(bits >> 8 & 255);
    *to++ = (char)(bits & 255);
    have = 0;
  }
  if (have == 1)
    return false;
  if (have)
    *to++ = (char)((have == 2 ? bits >> 4 : bits >> 10) & 255);
  if (have == 3)
    *to++ = (char)(bits >> 2 & 255);
  *n = (size_t)(to - out);
  return true;
}

void ls_codec_lines(struct ls_buf *out, struct ls_span text) {
  size_t breaks = 0;
  for (size_t i = 0; i < text.n; i++)
    breaks += text.p[i] == '\n' || text.p[i] == '\r';
  char *start = text.n < SIZE_MAX / 2 ? ls_buf_room(out, text.n + breaks) : room_for(out, text.n, 2);
  if (!start || !text.n)
    return;
  char *to = start;
  for (size_t at = 0; at < text.n;) {
    size_t end = at;
    while (end < text.n && text.p[end] != '\n' && text.p[end] != '\r')
      end++;
    memcpy(to, text.p + at, end - at);
    to += end - at;
    at = end;
    if (at == text.n)
      break;
    at += text.p[at] == '\r' && at + 1 < text.n && text.p[at + 1] == '\n' ? 2 : 1;
    *to++ = '\r';
    *to++ = '\n';
  }
  ls_buf_grew(out, (size_t)(to - start));
}

/* Quoted-printable goes in two steps, as the lines depend on the encoded text: first all octets are encoded,
 * with the line ends of the source (a bare CR as CRLF), then lines are cut and their ends become CRLF. */
static size_t quoted_size(struct ls_span text) {
  size_t n = 0;
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    n += c > 0x7e || c == '=' || c <= 0x20 ? 3 : 1;
  }
  return n;
}

static bool ends_line(struct ls_span text, size_t at) {
  return at >= text.n || text.p[at] == '\r' || text.p[at] == '\n';
}

static size_t quoted_encode(char *to, struct ls_span text) {
  char *p = to;
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    if (c > 0x20 && c < 0x7f && c != '=') {
      *p++ = (char)c;
    } else if (c == ' ' || c == '\t') {
      if (ends_line(text, i + 1))
        p = put_hex(p, '=', c);
      else
        *p++ = (char)c;
    } else if (c == '\n') {
      *p++ = '\n';
    } else if (c == '\r') {
      *p++ = '\r';
      if (i + 1 == text.n || text.p[i + 1] != '\n')
        *p++ = '\n';
    } else {
      p = put_hex(p, '=', c);
    }
  }
  return (size_t)(p - to);
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
  for (size_t i = line.n; i > 0 && i + TAIL > line.n; i--)
    if (memchr(" \t.,!?", line.p[i - 1], 6))
      return i;
  return 0;
}

/* Octets of the next line of text, which starts at text.p; *soft: it ends in a soft line break. The rule for
 * the window of 76: a CRLF in it ends the line; so does an LF within its tail; else the line ends behind the
 * last white space or punctuation of the tail, else at the last whole character. */
static size_t next_line(struct ls_span text, bool *soft) {
  struct ls_span line = ls_span_sub(text, 0, LINE);
  *soft = false;
  for (size_t i = ls_span_index(line, '\n'); i < line.n;) {
    if (i && line.p[i - 1] == '\r')
      return i + 1;
    const char *next = memchr(line.p + i + 1, '\n', line.n - i - 1);
    i = next ? (size_t)(next - line.p) : line.n;
  }
  for (size_t i = line.n; i > 0 && i + TAIL > line.n && line.p[i - 1] != '\r'; i--)
    if (line.p[i - 1] == '\n')
      return i;
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

static char *put_lines(char *to, struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
      *to++ = '\r';
    *to++ = s.p[i];
  }
  return to;
}

void ls_codec_quoted(struct ls_buf *out, struct ls_span text) {
  size_t coded = quoted_size(text);
  /* encoded at the end of the room, cut into lines towards its front: each line adds at most three octets
   * for a soft break to its fifty or more, and each LF one, which counted as three above */
  char *start = text.n ? room_for(out, coded / 8 + 8 + coded, 1) : NULL;
  if (!start)
    return;
  char *from = start + coded / 8 + 8;
  size_t n = quoted_encode(from, text);
  memmove(start + coded / 8 + 8 + (coded - n), from, n);
  from = start + coded / 8 + 8 + (coded - n);
  char *to = start;
  for (size_t at = 0; at < n;) {
    bool soft = false;
    size_t line = n <= LINE ? n : next_line(ls_span(from + at, n - at), &soft);
    to = put_lines(to, ls_span(from + at, line));
    at += line;
    if (soft) {
      memcpy(to, "=\r\n", 3);
      to += 3;
    }
  }
  ls_buf_grew(out, (size_t)(to - start));
}

void ls_codec_quote(struct ls_buf *out, struct ls_span value) {
  ls_buf_addc(out, '"');
  for (size_t i = 0; i < value.n; i++) {
    char c = value.p[i];
    if (c == '"' || c == '\\')
      ls_buf_addc(out, '\\');
    ls_buf_addc(out, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
  }
  ls_buf_addc(out, '"');
}

static bool has_blank_run(struct ls_span s) {
  size_t run = 0;
  for (size_t i = 0; i < s.n; i++) {
    run = s.p[i] == ' ' ? run + 1 : 0;
    if (run > BLANKS)
      return true;
  }
  return false;
}

/* RFC 2045 token, less the quote that some readers trip over. */
static bool is_token(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] == ' ' || memchr("'\"\\;:/=(),<>@[]?", s.p[i], 17))
      return false;
  return s.n > 0 && s.p[0] != '-';
}

static void add_value(struct ls_buf *out, struct ls_span value) {
  if (is_token(value))
    ls_buf_add(out, value);
  else
    ls_codec_quote(out, value);
}

static void add_section(struct ls_buf *out, struct ls_span name, size_t number) {
  ls_buf_adds(out, "; ");
  ls_buf_add(out, name);
  ls_buf_addc(out, '*');
  ls_buf_addu(out, number);
}

static void add_cut(struct ls_buf *out, struct ls_span name, struct ls_span value) {
  for (size_t at = 0; at < value.n; at += PARAM) {
    add_section(out, name, at / PARAM);
    ls_buf_addc(out, '=');
    add_value(out, ls_span_sub(value, at, at + PARAM));
  }
}

static bool is_attribute_char(unsigned char c) {
  return ls_ascii_is_alnum((char)c) || (c && memchr("-_.!~", c, 5));
}

/* Sections are cut between characters, so that a reader may decode each by itself. */
static void add_percent(struct ls_buf *out, struct ls_span name, struct ls_span value) {
  size_t number = 0;
  size_t used = PARAM;
  for (size_t at = 0; at < value.n;) {
    char utf8[LS_UTF8_MAX];
    char coded[LS_UTF8_MAX * 3];
    char *p = coded;
    size_t n = ls_utf8_encode(ls_utf8_next(value, &at), utf8);
    for (size_t i = 0; i < n; i++)
      if (is_attribute_char((unsigned char)utf8[i]))
        *p++ = utf8[i];
      else
        p = put_hex(p, '%', (unsigned char)utf8[i]);
    n = (size_t)(p - coded);
    if (used + n >= PARAM) {
      add_section(out, name, number);
      ls_buf_adds(out, number ? "*=" : "*=utf-8''");
      used = number++ ? 0 : 7;
    }
    ls_buf_add(out, ls_span(coded, n));
    used += n;
  }
}

/* A parameter may hold no encoded-word, but many readers decode one all the same. */
static bool has_encoded_word(struct ls_span s) {
  for (size_t i = 0; i + 1 < s.n; i++) {
    bool strict = false;
    if (s.p[i] == '=' && s.p[i + 1] == '?' && encoded_word(s, i, &strict))
      return true;
  }
  return false;
}

void ls_codec_param(struct ls_buf *out, struct ls_span name, struct ls_span value) {
  size_t tab = ls_span_index(value, '\t');
  if (tab < value.n || has_blank_run(value) || has_encoded_word(value) || ls_codec_needs_words(value)) {
    add_percent(out, name, value);
  } else if (value.n >= PARAM_MAX) {
    add_cut(out, name, value);
  } else {
    ls_buf_adds(out, "; ");
    ls_buf_add(out, name);
    ls_buf_addc(out, '=');
    add_value(out, value);
  }
}
