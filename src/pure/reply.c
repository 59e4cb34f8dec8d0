/* SPDX-License-Identifier: MIT */
#include "reply.h"

enum { EXCERPT_MAX = 200 };

void ls_reply_init(struct ls_reply *r) {
  *r = (struct ls_reply){0};
  ls_buf_init(&r->text, LS_REPLY_MAX);
}

static void start(struct ls_reply *r) {
  ls_buf_cut(&r->text, 0);
  r->code = 0;
  r->enhanced[0] = '\0';
  r->lines = 0;
  r->octets = 0;
  r->line_from = 0;
  r->complete = r->mixed = false;
}

static bool is_blank(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
      return false;
  return true;
}

/* The code at the start of a line, or 0: three digits, and no more (RFC 5321 4.2). */
static int read_code(struct ls_span line) {
  if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5')
    return 0;
  if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
    return 0;
  if (!ls_ascii_is_digit(line.p[1]) || !ls_ascii_is_digit(line.p[2]))
    return 0;
  return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
}

/* Where the digits that start at from end, at most three of them. */
static size_t pass_digits(struct ls_span s, size_t from) {
  size_t to = from;
  while (to < s.n && to < from + 3 && ls_ascii_is_digit(s.p[to]))
    to++;
  return to;
}

/* Of several codes the one that refuses counts: it is the greatest. */
static void add_code(struct ls_reply *r, int code) {
  r->mixed |= r->lines > 0 && code != r->code;
  if (code > r->code)
    r->code = code;
  r->lines++;
}

/* class "." subject "." detail, and then a space or nothing (RFC 2034 3, RFC 3463 2) */
static void read_enhanced(struct ls_reply *r, struct ls_span text) {
  if (text.n < 5 || (text.p[0] != '2' && text.p[0] != '4' && text.p[0] != '5') || text.p[1] != '.')
    return;
  if (r->mixed && text.p[0] - '0' != r->code / 100)
    return;
  size_t subject = pass_digits(text, 2);
  if (subject == 2 || subject >= text.n || text.p[subject] != '.')
    return;
  size_t detail = pass_digits(text, subject + 1);
  if (detail == subject + 1 || (detail < text.n && text.p[detail] != ' '))
    return;
  memcpy(r->enhanced, text.p, detail);
  r->enhanced[detail] = '\0';
}

/* One line is whole, its LF taken off. LS_AGAIN: the reply goes on. */
static enum ls_status end_line(struct ls_reply *r) {
  if (r->text.n > r->line_from && r->text.p[r->text.n - 1] == '\r')
    ls_buf_cut(&r->text, r->text.n - 1);
  struct ls_span line = ls_span_sub(ls_buf_span(&r->text), r->line_from, r->text.n);
  if (r->lines == 0 && is_blank(line)) {
    ls_buf_cut(&r->text, 0);
    return LS_AGAIN;
  }
  if (read_code(line) == 0 || ls_span_index(line, '\0') < line.n)
    return LS_EPROTOCOL;
  add_code(r, read_code(line));
  if (line.n > 3 && line.p[3] == '-') {
    ls_buf_addc(&r->text, '\n');
    r->line_from = r->text.n;
    return r->text.status == LS_OK ? LS_AGAIN : r->text.status;
  }
  read_enhanced(r, ls_span_sub(line, 4, line.n));
  r->complete = true;
  return r->mixed ? LS_EPROTOCOL : LS_OK;
}

enum ls_status ls_reply_feed(struct ls_reply *r, struct ls_span in, size_t *used) {
  enum ls_status st = LS_AGAIN;
  *used = 0;
  if (r->status != LS_OK)
    return r->status;
  if (r->complete)
    start(r);
  while (st == LS_AGAIN && *used < in.n) {
    struct ls_span rest = ls_span_sub(in, *used, in.n);
    size_t n = ls_span_index(rest, '\n');
    bool whole = n < rest.n;
    if (n + whole > LS_REPLY_MAX - r->octets)
      return r->status = LS_ETOOBIG;
    ls_buf_add(&r->text, ls_span_sub(rest, 0, n));
    if (r->text.status != LS_OK)
      return r->status = r->text.status;
    *used += n + whole;
    r->octets += n + whole;
    if (whole)
      st = end_line(r);
  }
  if (st < 0)
    r->status = st;
  return st;
}

bool ls_reply_cut(struct ls_reply *r) {
  struct ls_buf *t = &r->text;
  if (r->complete || r->status != LS_OK || is_blank(ls_buf_span(t)))
    return false;
  while (t->p[t->n - 1] == '\r' || t->p[t->n - 1] == '\n')
    ls_buf_cut(t, t->n - 1);
  struct ls_span line = ls_span_sub(ls_buf_span(t), r->line_from, t->n);
  if (read_code(line)) {
    add_code(r, read_code(line));
    read_enhanced(r, ls_span_sub(line, 4, line.n));
  }
  r->complete = r->shortened = true;
  r->status = LS_EPROTOCOL;
  return true;
}

void ls_reply_mask(struct ls_reply *r, const struct ls_mask *m) {
  size_t from = r->complete ? 0 : r->line_from;
  if (from < r->text.n)
    r->text.n = from + ls_mask_apply(m, r->text.p + from, r->text.n - from);
  if (r->shortened)
    r->text.n = ls_mask_apply_tail(m, r->text.p, r->text.n);
}

struct ls_span ls_reply_excerpt(const struct ls_reply *r) {
  size_t from = r->complete ? 0 : r->line_from;
  struct ls_span s = ls_span_sub(ls_buf_span(&r->text), from, from + EXCERPT_MAX);
  return ls_span_sub(s, 0, ls_span_index(s, '\n'));
}

void ls_reply_deinit(struct ls_reply *r) {
  ls_buf_deinit(&r->text);
  ls_reply_init(r);
}
