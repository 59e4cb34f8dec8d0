/* SPDX-License-Identifier: MIT */
#include "content.h"

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

/* Those that send mail count also as the beginning of a word: some servers look at four letters only. All
 * others can do no more than to be answered by something else than a refusal. */
static const struct {
  const char *verb;
  bool sends;
} commands[] = {
    {"MAIL", true},      {"RCPT", true},     {"DATA", true},     {"BDAT", true},  {"BURL", true},
    {"SEND", false},     {"SOML", false},    {"SAML", false},    {"HELO", false}, {"EHLO", false},
    {"LHLO", false},     {"RSET", false},    {"NOOP", false},    {"QUIT", false}, {"VRFY", false},
    {"EXPN", false},     {"HELP", false},    {"TURN", false},    {"ETRN", false}, {"ATRN", false},
    {"AUTH", false},     {"VERB", false},    {"ONEX", false},    {"TICK", false}, {"XUSR", false},
    {"STARTTLS", false}, {"XCLIENT", false}, {"XFORWARD", false}};

static bool goes_on(struct ls_span s, size_t at) {
  return at < s.n && (ls_ascii_is_alnum(s.p[at]) || s.p[at] == '-');
}

static bool is_command(struct ls_span s) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    struct ls_span verb = ls_span_cstr(commands[i].verb);
    if (ls_span_ieq(ls_span_sub(s, 0, verb.n), verb) && (commands[i].sends || !goes_on(s, verb.n)))
      return true;
  }
  return false;
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

bool ls_content_may_command(struct ls_span in) {
  if (is_command(ls_span_sub(in, 1, in.n)))
    return true;
  for (size_t at = skip_to_word(in, 0), from = 0; at < in.n; at = skip_to_word(in, from)) {
    if (is_command(ls_span_sub(in, at, in.n)))
      return true;
    while (at < in.n && !ends_line(in.p[at]))
      at++;
    if (at - from > COMMAND_LINE_MAX)
      return true;
    from = at;
  }
  return false;
}
