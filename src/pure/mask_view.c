/* SPDX-License-Identifier: MIT */
#include "mask_view.h"

#include "utf8.h"

enum sign {
  PERCENT = 1,
  EQUALS = 2,
  PLUS = 4,
  BACKSLASH = 8,
  AMPERSAND = 16,
  HEX = 32,
  BASE64 = 64,
  DIGIT = 128,
  LINES = 256
};

enum { GAP = 4 }; /* separators between two groups of digits, at most */

/* Of both alphabets (RFC 4648 4 and 5). */
static int sextet_of(unsigned char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static unsigned sign_of(unsigned char c) {
  switch (c) {
  case '%':
    return PERCENT;
  case '=':
    return EQUALS;
  case '+':
    return PLUS;
  case '\\':
    return BACKSLASH;
  case '&':
    return AMPERSAND;
  case '\n':
    return LINES;
  default: /* 0xef: the first octet of a full-width digit */
    return ls_ascii_is_digit((char)c) || c == 0xef ? DIGIT : 0;
  }
}

struct ls_mask_signs ls_mask_signs(const unsigned char *p, size_t n) {
  struct ls_mask_signs s = {0};
  size_t hex = 0, base64 = 0;
  for (size_t i = 0; i < n; i++) {
    s.marks |= sign_of(p[i]);
    hex = ls_ascii_hex_value((char)p[i]) >= 0 ? hex + 1 : 0;
    base64 = sextet_of(p[i]) >= 0 ? base64 + 1 : 0;
    s.hex_run = hex > s.hex_run ? hex : s.hex_run;
    s.base64_run = base64 > s.base64_run ? base64 : s.base64_run;
  }
  return s;
}

/* Adds an octet that stands for in's octets first..last. */
static void put(struct ls_mask_view *out, unsigned char c, const struct ls_mask_view *in, size_t first,
                size_t last) {
  out->p[out->n] = c;
  out->from[out->n] = in->from[first];
  out->to[out->n] = in->to[last];
  out->n++;
}

/* Adds a character that stands for in's octets first..last; it takes no more octets than they are. */
static void put_character(struct ls_mask_view *out, int32_t c, const struct ls_mask_view *in, size_t first,
                          size_t last) {
  char octets[LS_UTF8_MAX];
  size_t n = ls_utf8_encode(c, octets);
  for (size_t i = 0; i < n && i <= last - first; i++)
    put(out, (unsigned char)octets[i], in, first, last);
}

/* The number that count digits of base 8 or 16 at `at` write; -1: they are none. */
static int32_t number_at(const struct ls_mask_view *in, size_t at, size_t count, int base) {
  int32_t value = 0;
  if (count > in->n || at > in->n - count)
    return -1;
  for (size_t i = at; i < at + count; i++) {
    int digit = ls_ascii_hex_value((char)in->p[i]);
    if (digit < 0 || digit >= base)
      return -1;
    value = value * base + digit;
  }
  return value;
}

/* Octets of a soft line break of quoted-printable at the '=' (RFC 2045 6.7); 0: none. */
static size_t soft_break(const struct ls_mask_view *in, size_t at) {
  size_t i = at + 1;
  while (i < in->n && (in->p[i] == ' ' || in->p[i] == '\t' || in->p[i] == '\r'))
    i++;
  return i < in->n && in->p[i] == '\n' ? i + 1 - at : 0;
}

/* A lead and two hex digits are an octet: '%' of URLs, '=' of quoted-printable, '+' of xtext (RFC 3461 4). */
static bool undo_lead(const struct ls_mask_view *in, struct ls_mask_view *out, unsigned char lead,
                      bool spaces) {
  bool found = false;
  for (size_t i = 0; i < in->n;) {
    int32_t octet = in->p[i] == lead ? number_at(in, i + 1, 2, 16) : -1;
    size_t skip = lead == '=' && in->p[i] == '=' && octet < 0 ? soft_break(in, i) : 0;
    if (octet >= 0)
      put(out, (unsigned char)octet, in, i, i + 2);
    else if (spaces && in->p[i] == '+')
      put(out, ' ', in, i, i);
    else if (!skip)
      put(out, in->p[i], in, i, i);
    found = found || octet >= 0 || skip || (spaces && in->p[i] == '+');
    i += octet >= 0 ? 3 : skip ? skip : 1;
  }
  return found;
}

/* \uXXXX at the backslash, with its other half where it is a surrogate. Answers how many octets it takes. */
static size_t unicode_escape(const struct ls_mask_view *in, size_t at, int32_t *c) {
  *c = number_at(in, at + 2, 4, 16);
  if (*c < 0)
    return 0;
  bool pair = *c >= 0xd800 && *c < 0xdc00 && in->n - at > 7 && in->p[at + 6] == '\\' && in->p[at + 7] == 'u';
  int32_t low = pair ? number_at(in, at + 8, 4, 16) : -1;
  if (low < 0xdc00 || low > 0xdfff)
    return 6;
  *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
  return 12;
}

/* JSON's escapes and C's. */
static bool undo_backslash(const struct ls_mask_view *in, struct ls_mask_view *out) {
  static const char letters[] = "nrtbfv", controls[] = "\n\r\t\b\f\v";
  bool found = false;
  for (size_t i = 0; i < in->n;) {
    size_t n = 0;
    int32_t c = -1;
    if (in->p[i] == '\\' && i + 1 < in->n) {
      unsigned char next = in->p[i + 1];
      const char *letter = next ? strchr(letters, next) : NULL;
      found = true;
      if (next == 'u' && (n = unicode_escape(in, i, &c)) > 0)
        put_character(out, c, in, i, i + n - 1);
      else if (next == 'x' && (c = number_at(in, i + 2, 2, 16)) >= 0)
        put(out, (unsigned char)c, in, i, i + (n = 4) - 1);
      else if ((c = number_at(in, i + 1, 3, 8)) >= 0 && c < 256)
        put(out, (unsigned char)c, in, i, i + (n = 4) - 1);
      else
        put(out, letter ? (unsigned char)controls[letter - letters] : next, in, i, i + (n = 2) - 1);
    } else {
      put(out, in->p[i], in, i, i);
      n = 1;
    }
    i += n;
  }
  return found;
}

static const struct {
  const char *name;
  int32_t c;
} entities[] = {{"nbsp;", 0xa0}, {"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};

/* What stands behind '&' at `at`: its character, and in *n how many octets it takes. -1: no entity. */
static int32_t entity_at(const struct ls_mask_view *in, size_t at, size_t *n) {
  struct ls_span rest = ls_span((const char *)in->p + at + 1, in->n - at - 1);
  for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
    if (ls_span_starts(rest, ls_span_cstr(entities[i].name))) {
      *n = strlen(entities[i].name) + 1;
      return entities[i].c;
    }
  if (!rest.n || rest.p[0] != '#')
    return -1;
  int base = rest.n > 1 && (rest.p[1] | 0x20) == 'x' ? 16 : 10;
  int32_t c = 0;
  size_t i = base == 16 ? 2 : 1, first = i;
  for (; i < rest.n && c <= 0x10ffff && ls_ascii_hex_value(rest.p[i]) >= 0; i++) {
    int digit = ls_ascii_hex_value(rest.p[i]);
    if (digit >= base)
      return -1;
    c = c * base + digit;
  }
  if (i == first || i >= rest.n || rest.p[i] != ';')
    return -1;
  *n = i + 2;
  return c;
}

static bool undo_entities(const struct ls_mask_view *in, struct ls_mask_view *out) {
  bool found = false;
  for (size_t i = 0, n; i < in->n; i += n) {
    n = 1;
    int32_t c = in->p[i] == '&' ? entity_at(in, i, &n) : -1;
    if (c >= 0)
      put_character(out, c, in, i, i + n - 1);
    else
      put(out, in->p[i], in, i, i);
    found = found || c >= 0;
  }
  return found;
}

/* Between two runs stands a NUL, so that nothing is found across them. */
static void part(struct ls_mask_view *out, const struct ls_mask_view *in, size_t at) {
  if (out->n && at < in->n)
    put(out, '\0', in, at, at);
}

/* Runs of digits of which every `group` make octets, begun `phase` digits later. */
static bool undo_runs(const struct ls_mask_view *in, struct ls_mask_view *out, bool base64, size_t phase) {
  size_t group = base64 ? 4 : 2, shortest = 4;
  for (size_t i = 0; i < in->n;) {
    size_t end = i;
    while (end < in->n && (base64 ? sextet_of(in->p[end]) : ls_ascii_hex_value((char)in->p[end])) >= 0)
      end++;
    if (end - i >= shortest + phase)
      part(out, in, i);
    for (size_t at = i + phase; end - i >= shortest + phase && at + 1 < end; at += group) {
      if (!base64) {
        put(out,
            (unsigned char)(ls_ascii_hex_value((char)in->p[at]) << 4 |
                            ls_ascii_hex_value((char)in->p[at + 1])),
            in, at, at + 1);
        continue;
      }
      for (size_t k = 0; k < 3 && at + k + 1 < end; k++) {
        int pair = sextet_of(in->p[at + k]) << 6 | sextet_of(in->p[at + k + 1]);
        put(out, (unsigned char)(pair >> (4 - 2 * k)), in, at + k, at + k + 1);
      }
    }
    i = end + 1;
  }
  return out->n > 0;
}

int ls_mask_digit_at(const unsigned char *p, size_t n_p, size_t at, size_t *n) {
  *n = 1;
  if (ls_ascii_is_digit((char)p[at]))
    return p[at] - '0';
  if (n_p - at < 3 || p[at] != 0xef || p[at + 1] != 0xbc || p[at + 2] < 0x90 || p[at + 2] > 0x99)
    return -1;
  *n = 3;
  return p[at + 2] - 0x90;
}

size_t ls_mask_separator_at(const unsigned char *p, size_t n_p, size_t at) {
  static const struct ls_span wide[] = {{"\xc2\xa0", 2},     {"\xe2\x80\x89", 3}, {"\xe2\x80\x91", 3},
                                        {"\xe2\x80\x93", 3}, {"\xe2\x80\xaf", 3}, {"\xe3\x80\x80", 3},
                                        {"\xef\xbc\x8d", 3}, {"\xef\xbc\x8e", 3}};
  if (p[at] < 0x80)
    return p[at] && strchr(" \t-.,:/_()", p[at]) ? 1 : 0;
  struct ls_span rest = ls_span((const char *)p + at, n_p - at);
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
    if (ls_span_starts(rest, wide[i]))
      return wide[i].n;
  return 0;
}

/* Digits at `at`, most of them at most. */
static size_t digits_at(const struct ls_mask_view *in, size_t at, size_t most) {
  size_t n = 0;
  while (n < most && at + n < in->n && ls_ascii_is_digit((char)in->p[at + n]))
    n++;
  return n;
}

/* What stands at the beginning of a line and is none of the digits of a code. */
enum line { BARE, CODE, ENHANCED };

/* Where the text of a line of a reply begins that begins at `at`: behind "554-" or "554-5.7.1 ". at: it is
 * none. "5.7.1" may be digits of a code, too. */
static size_t behind_code(const struct ls_mask_view *in, size_t at, enum line line) {
  size_t i = at + 3;
  if (line == BARE || digits_at(in, at, 4) != 3 || in->p[at] < '2' || in->p[at] > '5' || i >= in->n ||
      (in->p[i] != '-' && in->p[i] != ' '))
    return at;
  size_t text = ++i;
  if (line == CODE || i >= in->n || !memchr("245", in->p[i], 3))
    return text;
  for (size_t part = 0; part < 3; part++) {
    size_t n = digits_at(in, i, 4);
    i += n;
    if (n == 0 || n > 3 || i >= in->n || in->p[i] != (part < 2 ? '.' : ' '))
      return text;
    i++;
  }
  return i;
}

/* Octets of a line end at `at`, soft or not, and of the code of a reply behind it; 0: none is there. */
static size_t joint_at(const struct ls_mask_view *in, size_t at, enum line line) {
  size_t i = at;
  i += in->p[i] == '=';
  i += i < in->n && in->p[i] == '\r';
  if (i >= in->n || in->p[i] != '\n')
    return 0;
  return behind_code(in, i + 1, line) - at;
}

/* What may stand between two groups of digits. */
static size_t between_at(const struct ls_mask_view *in, size_t at, enum line line) {
  size_t n = ls_mask_separator_at(in->p, in->n, at);
  return n ? n : joint_at(in, at, line);
}

static bool behind_digit(const struct ls_mask_view *out) {
  return out->n && out->p[out->n - 1];
}

static bool undo_groups(const struct ls_mask_view *in, struct ls_mask_view *out, enum line line) {
  bool found = false;
  size_t gap = 0;
  unsigned char run = LS_MASK_RUN;
  for (size_t i = 0, n; i < in->n; i += n) {
    int digit = ls_mask_digit_at(in->p, in->n, i, &n);
    if (digit >= 0) {
      found = found || n > 1 || (gap > 0 && behind_digit(out));
      put(out, (unsigned char)('0' + digit) | run, in, i, i + n - 1);
      gap = 0;
      run = 0;
      continue;
    }
    n = between_at(in, i, line);
    run = LS_MASK_RUN;
    if (n && gap++ < GAP)
      continue;
    if (behind_digit(out))
      put(out, '\0', in, i, i);
    n = n ? n : 1;
  }
  return found;
}

/* Lines without their ends and the codes of a reply: what a peer broke over them is whole again. */
static bool undo_lines(const struct ls_mask_view *in, struct ls_mask_view *out, enum line line) {
  bool found = false;
  for (size_t i = 0, n; i < in->n; i += n) {
    n = joint_at(in, i, line);
    found = found || n > 0;
    if (n)
      continue;
    put(out, in->p[i], in, i, i);
    n = 1;
  }
  return found;
}

enum method { LEAD, BACKSLASHES, ENTITIES, RUNS, GROUPS, JOINTS };

static const struct {
  enum method method;
  unsigned sign;
  unsigned char lead; /* LEAD: what stands before the digits; RUNS: where their first group begins;
                         GROUPS, JOINTS: an enum line */
  bool spaces;        /* LEAD: + is a space */
} decoders[LS_MASK_DECODERS] = {
    {LEAD, PERCENT, '%', false},
    {LEAD, PLUS, '%', true},
    {LEAD, EQUALS, '=', false},
    {LEAD, PLUS, '+', false},
    {BACKSLASHES, BACKSLASH, 0, false},
    {ENTITIES, AMPERSAND, 0, false},
    {RUNS, HEX, 0, false},
    {RUNS, HEX, 1, false},
    {RUNS, BASE64, 0, false},
    {RUNS, BASE64, 1, false},
    {RUNS, BASE64, 2, false},
    {RUNS, BASE64, 3, false},
    {GROUPS, DIGIT, BARE, false},
    {GROUPS, LINES, CODE, false},
    {GROUPS, LINES, ENHANCED, false},
    {JOINTS, LINES, ENHANCED, false},
};

bool ls_mask_decoder_applies(size_t decoder, const struct ls_mask_signs *signs, size_t shortest) {
  unsigned sign = decoders[decoder].sign;
  if (sign == HEX)
    return signs->hex_run >= 2 * shortest;
  if (sign == BASE64)
    return signs->base64_run >= (4 * shortest + 2) / 3;
  return (signs->marks & sign) != 0;
}

bool ls_mask_decode(size_t decoder, const struct ls_mask_view *in, struct ls_mask_view *out) {
  out->n = 0;
  switch (decoders[decoder].method) {
  case LEAD:
    return undo_lead(in, out, decoders[decoder].lead, decoders[decoder].spaces);
  case BACKSLASHES:
    return undo_backslash(in, out);
  case ENTITIES:
    return undo_entities(in, out);
  case RUNS:
    return undo_runs(in, out, decoders[decoder].sign == BASE64, decoders[decoder].lead);
  case GROUPS:
    return undo_groups(in, out, (enum line)decoders[decoder].lead);
  case JOINTS:
    return undo_lines(in, out, (enum line)decoders[decoder].lead);
  }
  return false;
}

bool ls_mask_shows_digits(size_t decoder) {
  return decoders[decoder].method == GROUPS;
}

bool ls_mask_is_outermost(size_t decoder) {
  return decoders[decoder].method == JOINTS;
}
