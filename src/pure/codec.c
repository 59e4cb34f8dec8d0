/* SPDX-License-Identifier: MIT */
#include "codec.h"

#include <stdint.h>

#include "utf8.h"
#include "word.h"

enum {
  WORD_MAX = 75, /* RFC 2047 2 */
  WORD_Q = 40,   /* octets of Q text in a word of 52: "=?UTF-8?Q?" and "?=" take twelve */
  WORD_B = 30,   /* octets whose base64 fills those 40 */
  LINE = 76,     /* RFC 2045 6.8 */
  PARAM = 50,    /* octets of one section of a parameter */
  PARAM_MAX = 75,
  BLANKS = 32 /* a longer run of spaces is encoded, or folding would leave lines of nothing else */
};

/* What examine gathers. Q is the better choice where letters outnumber the rest: controls, and the UTF-16
 * units of characters above 127, of which a lead octet tells one and that of four octets two. */
struct look {
  uint64_t high;    /* lanes of all octets above 127 */
  uint64_t letters; /* per lane: ASCII letters of this stretch */
  uint64_t units;   /* per lane: UTF-16 units above 127 of this stretch */
  size_t controls;  /* other than TAB, LF, CR */
  bool nul;
  size_t longest;
  size_t line; /* where the current one starts */
};

enum { STRETCH = 127 }; /* words whose units, two at most, a lane can count */

/* The sum of eight lanes of up to 254. */
static size_t lane_sum(uint64_t lanes) {
  uint64_t pairs = (lanes & UINT64_C(0x00ff00ff00ff00ff)) + (lanes >> 8 & UINT64_C(0x00ff00ff00ff00ff));
  return pairs * UINT64_C(0x0001000100010001) >> 48;
}

/* The octets at from to to, some of which are below the space. */
static void look_at_controls(struct look *look, const unsigned char *p, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (p[i] == '\n' || p[i] == '\r') {
      if (i - look->line > look->longest)
        look->longest = i - look->line;
      look->line = i + 1;
    } else if (p[i] < 0x20 && p[i] != '\t') {
      look->controls++;
      look->nul = look->nul || p[i] == 0;
    }
  }
}

static void look_at_word(struct look *look, uint64_t word) {
  uint64_t folded = word | LS_WORD_FILL(0x20);
  uint64_t letters = ls_word_from(folded, 'a') & ~ls_word_from(folded, 'z' + 1) & ~word;
  look->letters += (letters & LS_WORD_HIGH) >> 7;
  if (word & LS_WORD_HIGH) {
    uint64_t lead = word & word << 1 & LS_WORD_HIGH;
    look->high |= word & LS_WORD_HIGH;
    look->units += (lead >> 7) + ((lead & word << 2 & word << 3) >> 7);
  }
}

struct ls_codec_facts ls_codec_examine(struct ls_span text) {
  const unsigned char *p = (const unsigned char *)text.p;
  struct look look = {0};
  size_t letters = 0;
  size_t units = 0;
  for (size_t i = 0; i < text.n;) {
    for (size_t k = 0; k < STRETCH && i < text.n; k++) {
      size_t n = text.n - i < LS_WORD ? text.n - i : LS_WORD;
      uint64_t word = LS_WORD_FILL(' ');
      if (n == LS_WORD)
        word = ls_word_load(p + i);
      else
        memcpy(&word, p + i, n);
      if (~(ls_word_from(word, ' ') | word) & LS_WORD_HIGH)
        look_at_controls(&look, p, i, i + n);
      look_at_word(&look, word);
      i += n;
    }
    letters += lane_sum(look.letters);
    units += lane_sum(look.units);
    look.letters = look.units = 0;
  }
  if (text.n - look.line > look.longest)
    look.longest = text.n - look.line;
  return (struct ls_codec_facts){.ascii = !look.high,
                                 .control = look.controls > 0,
                                 .nul = look.nul,
                                 .longest = look.longest,
                                 .choice = letters > look.controls + units ? LS_CODEC_Q : LS_CODEC_B};
}

static size_t word_end(struct ls_span s, size_t at) {
  while (at < s.n && !ls_ascii_is_space(s.p[at]))
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
  bool starts = at == 0 || ls_ascii_is_space(s.p[at - 1]);
  size_t end = encoded_word(s, at, &strict);
  if (end)
    return !(strict && starts && end - at <= WORD_MAX && (end == s.n || ls_ascii_is_space(s.p[end])));
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
      p = ls_ascii_escape(p, '=', c);
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

/* Two letters for each twelve bits. */
#define ROW(h)                                                                                               \
  {h, 'A'}, {h, 'B'}, {h, 'C'}, {h, 'D'}, {h, 'E'}, {h, 'F'}, {h, 'G'}, {h, 'H'}, {h, 'I'}, {h, 'J'},        \
      {h, 'K'}, {h, 'L'}, {h, 'M'}, {h, 'N'}, {h, 'O'}, {h, 'P'}, {h, 'Q'}, {h, 'R'}, {h, 'S'}, {h, 'T'},    \
      {h, 'U'}, {h, 'V'}, {h, 'W'}, {h, 'X'}, {h, 'Y'}, {h, 'Z'}, {h, 'a'}, {h, 'b'}, {h, 'c'}, {h, 'd'},    \
      {h, 'e'}, {h, 'f'}, {h, 'g'}, {h, 'h'}, {h, 'i'}, {h, 'j'}, {h, 'k'}, {h, 'l'}, {h, 'm'}, {h, 'n'},    \
      {h, 'o'}, {h, 'p'}, {h, 'q'}, {h, 'r'}, {h, 's'}, {h, 't'}, {h, 'u'}, {h, 'v'}, {h, 'w'}, {h, 'x'},    \
      {h, 'y'}, {h, 'z'}, {h, '0'}, {h, '1'}, {h, '2'}, {h, '3'}, {h, '4'}, {h, '5'}, {h, '6'}, {h, '7'},    \
      {h, '8'}, {h, '9'}, {h, '+'}, {                                                                        \
    h, '/'                                                                                                   \
  }
static const char base64[64 * 64][2] = {
    ROW('A'), ROW('B'), ROW('C'), ROW('D'), ROW('E'), ROW('F'), ROW('G'), ROW('H'), ROW('I'), ROW('J'),
    ROW('K'), ROW('L'), ROW('M'), ROW('N'), ROW('O'), ROW('P'), ROW('Q'), ROW('R'), ROW('S'), ROW('T'),
    ROW('U'), ROW('V'), ROW('W'), ROW('X'), ROW('Y'), ROW('Z'), ROW('a'), ROW('b'), ROW('c'), ROW('d'),
    ROW('e'), ROW('f'), ROW('g'), ROW('h'), ROW('i'), ROW('j'), ROW('k'), ROW('l'), ROW('m'), ROW('n'),
    ROW('o'), ROW('p'), ROW('q'), ROW('r'), ROW('s'), ROW('t'), ROW('u'), ROW('v'), ROW('w'), ROW('x'),
    ROW('y'), ROW('z'), ROW('0'), ROW('1'), ROW('2'), ROW('3'), ROW('4'), ROW('5'), ROW('6'), ROW('7'),
    ROW('8'), ROW('9'), ROW('+'), ROW('/')};
#undef ROW

static char *put_pair(char *to, uint64_t bits) {
  memcpy(to, base64[bits & 0xfff], 2);
  return to + 2;
}

/* n octets to 4 * ((n + 2) / 3) at to; answers what is behind them. */
static char *put_base64(char *to, const unsigned char *p, size_t n) {
  for (; n >= LS_WORD; n -= 6, p += 6) { /* reads eight, as one load, and takes six */
    uint64_t v = (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
                 (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | p[7];
    to = put_pair(put_pair(put_pair(put_pair(to, v >> 52), v >> 40), v >> 28), v >> 16);
  }
  for (; n >= 3; n -= 3, p += 3) {
    unsigned v = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
    to = put_pair(put_pair(to, v >> 12), v);
  }
  if (n) {
    unsigned v = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0);
    to = put_pair(put_pair(to, v >> 12), v);
    to[-1] = '=';
    if (n == 1)
      to[-2] = '=';
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

bool ls_codec_unhex(struct ls_span text, char *out, size_t *n) {
  int high = -1;
  *n = 0;
  for (size_t i = 0; i < text.n; i++) {
    int digit = ls_ascii_hex_value(text.p[i]);
    if (digit < 0 && !ls_ascii_is_space(text.p[i]))
      return false;
    if (digit < 0)
      continue;
    if (high >= 0)
      out[(*n)++] = (char)(high * 16 + digit);
    high = high < 0 ? digit : -1;
  }
  return high < 0;
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

/* RFC 2045 token, less what some readers trip over: the marks of RFC 2231, and a dash in front. */
static bool is_token(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (!ls_ascii_is_token(s.p[i]) || memchr("*%'", s.p[i], 3))
      return false;
  return s.n > 0 && s.p[0] != '-';
}

void ls_codec_token(struct ls_buf *out, struct ls_span value) {
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
    ls_codec_token(out, ls_span_sub(value, at, at + PARAM));
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
        p = ls_ascii_escape(p, '%', (unsigned char)utf8[i]);
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
    ls_codec_token(out, value);
  }
}
