/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <stdint.h>
#include <string.h>

/* in[from..] searched for c up to limit; limit when there is none */
static size_t find(struct ls_span in, size_t from, size_t limit, char c) {
  return from + ls_span_index(ls_span_sub(in, from, limit), c);
}

void ls_content_init(struct ls_content *c, struct ls_span in, bool data) {
  *c = (struct ls_content){.in = in, .data = data, .line_start = true};
  c->lf = find(in, 0, in.n, '\n');
}

/* Moves behind the line at c->at. True when the line ended in CRLF or at the end of the input; false when
 * it ended in a bare CR or LF, at *stop.
 * The next LF is remembered: looking for it anew from each bare CR would take quadratic time. */
static bool pass_line(struct ls_content *c, size_t *stop) {
  if (c->lf < c->at)
    c->lf = find(c->in, c->at, c->in.n, '\n');
  size_t cr = find(c->in, c->at, c->lf, '\r');
  if (cr == c->in.n) {
    c->at = c->in.n;
    c->line_start = false;
    return true;
  }
  c->line_start = true;
  if (cr < c->lf && cr + 1 == c->lf && c->lf < c->in.n) {
    c->at = c->lf + 1;
    return true;
  }
  *stop = cr; /* a CR before the LF, or the LF itself */
  c->at = cr + 1;
  return false;
}

static int give(struct ls_span *out, struct ls_span s) {
  *out = s;
  return 1;
}

static int end(struct ls_content *c, struct ls_span *out) {
  if (!c->line_start) {
    c->line_start = true;
    return give(out, LS_SPAN("\r\n"));
  }
  if (!c->data || c->ended)
    return 0;
  c->ended = true;
  return give(out, LS_SPAN(".\r\n"));
}

int ls_content_next(struct ls_content *c, struct ls_span *out) {
  if (c->literal.n) {
    *out = c->literal;
    c->literal = ls_span(NULL, 0);
    return 1;
  }
  size_t from = c->at;
  while (c->at < c->in.n) {
    if (c->data && c->line_start && c->in.p[c->at] == '.') {
      /* this run ends with the dot and the next starts with it: doubled without a copy */
      c->line_start = false;
      return give(out, ls_span_sub(c->in, from, c->at + 1));
    }
    size_t stop;
    if (pass_line(c, &stop))
      continue;
    if (stop == from)
      return give(out, LS_SPAN("\r\n"));
    c->literal = LS_SPAN("\r\n");
    return give(out, ls_span_sub(c->in, from, stop));
  }
  return c->at > from ? give(out, ls_span_sub(c->in, from, c->at)) : end(c, out);
}

size_t ls_content_size(struct ls_span in) {
  struct ls_content c;
  struct ls_span s;
  size_t n = 0;
  ls_content_init(&c, in, false);
  while (ls_content_next(&c, &s))
    n += s.n;
  return n;
}

enum { COMMAND_LINE_MAX = 500 }; /* RFC 5321 4.5.3.1.4 lets a command have 512 octets */

/* Four letters, which every verb has at least. */
#define KEY(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* Those that send mail count also as the beginning of a word: some servers look at four letters only. All
 * others can do no more than to be answered by something else than a refusal. */
static const struct {
  uint32_t key;
  const char *rest; /* of the verb; NULL: whatever follows */
} commands[] = {
    {KEY('M', 'A', 'I', 'L'), NULL},   {KEY('R', 'C', 'P', 'T'), NULL},   {KEY('D', 'A', 'T', 'A'), NULL},
    {KEY('B', 'D', 'A', 'T'), NULL},   {KEY('B', 'U', 'R', 'L'), NULL},   {KEY('S', 'E', 'N', 'D'), ""},
    {KEY('S', 'O', 'M', 'L'), ""},     {KEY('S', 'A', 'M', 'L'), ""},     {KEY('H', 'E', 'L', 'O'), ""},
    {KEY('E', 'H', 'L', 'O'), ""},     {KEY('L', 'H', 'L', 'O'), ""},     {KEY('R', 'S', 'E', 'T'), ""},
    {KEY('N', 'O', 'O', 'P'), ""},     {KEY('Q', 'U', 'I', 'T'), ""},     {KEY('V', 'R', 'F', 'Y'), ""},
    {KEY('E', 'X', 'P', 'N'), ""},     {KEY('H', 'E', 'L', 'P'), ""},     {KEY('T', 'U', 'R', 'N'), ""},
    {KEY('E', 'T', 'R', 'N'), ""},     {KEY('A', 'T', 'R', 'N'), ""},     {KEY('A', 'U', 'T', 'H'), ""},
    {KEY('V', 'E', 'R', 'B'), ""},     {KEY('O', 'N', 'E', 'X'), ""},     {KEY('T', 'I', 'C', 'K'), ""},
    {KEY('X', 'U', 'S', 'R'), ""},     {KEY('S', 'T', 'A', 'R'), "TTLS"}, {KEY('X', 'C', 'L', 'I'), "ENT"},
    {KEY('X', 'F', 'O', 'R'), "WARD"},
};

static uint32_t key_of(const char *p) {
  uint32_t key = 0;
  for (size_t i = 0; i < 4; i++)
    key = key << 8 | (unsigned char)ls_ascii_upper(p[i]);
  return key;
}

static bool is_verb_end(struct ls_span s, size_t at) {
  return at >= s.n || !(ls_ascii_is_alnum(s.p[at]) || s.p[at] == '-');
}

static bool is_command(struct ls_span s) {
  uint32_t key = s.n < 4 ? 0 : key_of(s.p);
  size_t i = 0, count = sizeof commands / sizeof *commands;
  while (i < count && commands[i].key != key)
    i++;
  if (i == count || !commands[i].rest)
    return i < count;
  struct ls_span rest = ls_span_cstr(commands[i].rest);
  return ls_span_ieq(ls_span_sub(s, 4, 4 + rest.n), rest) && is_verb_end(s, 4 + rest.n);
}

/* Controls end a line here: who knows at which of them a server does. */
static bool ends_line(char c) {
  return (unsigned char)c < ' ' && c != '\t';
}

static size_t skip_to_word(struct ls_span in, size_t at) {
  while (at < in.n && !ls_ascii_is_alnum(in.p[at]))
    at++;
  return at;
}

/* To where the line ends; by eight octets at a time while there is no control among them. */
static size_t skip_line(struct ls_span in, size_t at) {
  const uint64_t ones = UINT64_MAX / 255;
  for (uint64_t w; in.n - at >= sizeof w; at += sizeof w) {
    memcpy(&w, in.p + at, sizeof w);
    if ((w - ones * ' ') & ~w & (ones * 128))
      break;
  }
  while (at < in.n && !ends_line(in.p[at]))
    at++;
  return at;
}

bool ls_content_may_command(struct ls_span in) {
  if (is_command(ls_span_sub(in, 1, in.n)))
    return true;
  for (size_t at = skip_to_word(in, 0), from = 0; at < in.n; at = skip_to_word(in, from)) {
    size_t end = skip_line(in, at);
    if (is_command(ls_span_sub(in, at, in.n)) || end - from > COMMAND_LINE_MAX)
      return true;
    from = end;
  }
  return false;
}
