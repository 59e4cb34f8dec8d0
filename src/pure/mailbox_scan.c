/* SPDX-License-Identifier: MIT */
#include "mailbox_scan.h"

#include "utf8.h"

static enum ls_token_kind kind_of(char c, bool after_at) {
  switch (c) {
  case '"':
    return LS_TOKEN_QUOTED;
  case '(':
    return LS_TOKEN_COMMENT;
  case '[':
    return after_at ? LS_TOKEN_LITERAL : LS_TOKEN_ATOM;
  case '.':
    return LS_TOKEN_DOT;
  case '@':
    return LS_TOKEN_AT;
  case '<':
    return LS_TOKEN_OPEN;
  case '>':
    return LS_TOKEN_CLOSE;
  case ',':
    return LS_TOKEN_COMMA;
  case ';':
    return LS_TOKEN_SEMICOLON;
  case ':':
    return LS_TOKEN_COLON;
  default:
    return LS_TOKEN_ATOM;
  }
}

static bool continues_atom(char c) {
  return ls_ascii_is_alnum(c) || (!ls_ascii_is_space(c) && kind_of(c, false) == LS_TOKEN_ATOM);
}

/* Behind the quoted string, comment or literal that opens at `at`; 0: it does not end. */
static size_t end_of(struct ls_span s, size_t at, enum ls_token_kind kind) {
  size_t depth = 1;
  for (size_t i = at + 1; i < s.n; i++) {
    char c = s.p[i];
    if (c == '\\' && kind != LS_TOKEN_LITERAL)
      i++;
    else if (kind == LS_TOKEN_COMMENT && c == '(')
      depth++;
    else if (c == (kind == LS_TOKEN_QUOTED ? '"' : kind == LS_TOKEN_COMMENT ? ')' : ']') && --depth == 0)
      return i + 1;
  }
  return 0;
}

static const char *unended(enum ls_token_kind kind) {
  return kind == LS_TOKEN_QUOTED    ? "a quote in it does not end"
         : kind == LS_TOKEN_COMMENT ? "a comment in it does not end"
                                    : "a '[' in it does not end";
}

const char *ls_scan_next(struct ls_scan *s, struct ls_token *out) {
  struct ls_span text = s->text;
  size_t from = s->at;
  while (from < text.n && ls_ascii_is_space(text.p[from]))
    from++;
  *out = (struct ls_token){LS_TOKEN_END, from > s->at ? LS_TOKEN_SPACED : LS_TOKEN_TOUCHES,
                           ls_span_sub(text, from, from)};
  s->at = from;
  if (from == text.n)
    return NULL;
  out->kind = kind_of(text.p[from], s->after_at);
  size_t to = from + 1;
  const char *fault = NULL;
  if (out->kind == LS_TOKEN_ATOM) {
    while (to < text.n && continues_atom(text.p[to]))
      to++;
  } else if (out->kind == LS_TOKEN_QUOTED || out->kind == LS_TOKEN_COMMENT || out->kind == LS_TOKEN_LITERAL) {
    to = end_of(text, from, out->kind);
    if (!to) {
      to = text.n;
      fault = unended(out->kind);
    }
  }
  out->raw = ls_span_sub(text, from, to);
  s->at = to;
  if (out->kind != LS_TOKEN_COMMENT)
    s->after_at = out->kind == LS_TOKEN_AT;
  return fault;
}

bool ls_scan_atext(struct ls_span s, size_t *at) {
  if ((unsigned char)s.p[*at] < 0x80)
    return ls_ascii_is_atext(s.p[(*at)++]);
  return !ls_utf8_is_space(ls_utf8_next(s, at));
}

/* A line break before white space is a fold and says nothing (RFC 5322 2.2.3). Octets of it, or 0. */
static size_t fold_at(struct ls_span s, size_t at) {
  size_t n = s.p[at] == '\r' && at + 1 < s.n && s.p[at + 1] == '\n' ? 2 : s.p[at] == '\n' ? 1 : 0;
  return n && at + n < s.n && (s.p[at + n] == ' ' || s.p[at + n] == '\t') ? n : 0;
}

void ls_token_add_value(struct ls_buf *out, const struct ls_token *token) {
  struct ls_span s = token->raw;
  bool escapes = token->kind == LS_TOKEN_QUOTED || token->kind == LS_TOKEN_COMMENT;
  if (escapes)
    s = ls_span_sub(s, 1, s.n - 1);
  if (!escapes && token->kind != LS_TOKEN_LITERAL) {
    ls_buf_add(out, s);
    return;
  }
  for (size_t i = 0; i < s.n; i++) {
    if (token->kind == LS_TOKEN_LITERAL && ls_ascii_is_space(s.p[i]))
      continue;
    size_t fold = fold_at(s, i);
    if (fold) {
      i += fold - 1;
      continue;
    }
    if (escapes && s.p[i] == '\\' && i + 1 < s.n)
      i++;
    ls_buf_addc(out, s.p[i]);
  }
}
