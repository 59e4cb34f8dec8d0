/* SPDX-License-Identifier: MIT */
#include "canon.h"

static bool is_line_end(char c) {
  return c == '\r' || c == '\n';
}

/* Octets from at on up to the next white space or line end. */
static size_t plain_run(struct ls_span s, size_t at) {
  size_t end = at;
  while (end < s.n && !ls_ascii_is_blank(s.p[end]) && !is_line_end(s.p[end]))
    end++;
  return end - at;
}

void ls_canon_header(struct ls_buf *out, struct ls_span field) {
  size_t colon = ls_span_index(field, ':');
  size_t name = colon;
  while (name > 0 && (ls_ascii_is_blank(field.p[name - 1]) || is_line_end(field.p[name - 1])))
    name--;
  for (size_t i = 0; i < name; i++)
    ls_buf_addc(out, ls_ascii_lower(field.p[i]));
  ls_buf_addc(out, ':');
  bool space = false, any = false;
  for (size_t at = colon + 1; at < field.n;) {
    size_t n = plain_run(field, at);
    if (!n) {
      /* unfolding drops the line ends only; the white space behind one is what stays */
      space = space || ls_ascii_is_blank(field.p[at]);
      at++;
      continue;
    }
    if (space && any)
      ls_buf_addc(out, ' ');
    ls_buf_add(out, ls_span(field.p + at, n));
    space = false;
    any = true;
    at += n;
  }
}

void ls_canon_body_feed(struct ls_canon_body *c, struct ls_span in, struct ls_buf *out) {
  for (size_t at = 0; at < in.n;) {
    char octet = in.p[at];
    if (ls_ascii_is_blank(octet)) {
      c->space = true;
      c->cr = false;
      at++;
    } else if (is_line_end(octet)) {
      if (octet == '\r' || !c->cr)
        c->line_ends++;
      c->cr = octet == '\r';
      c->space = false;
      at++;
    } else {
      size_t n = plain_run(in, at);
      for (; c->line_ends && out->status == LS_OK; c->line_ends--)
        ls_buf_add(out, LS_SPAN("\r\n"));
      if (c->space)
        ls_buf_addc(out, ' ');
      ls_buf_add(out, ls_span(in.p + at, n));
      *c = (struct ls_canon_body){.content = true};
      at += n;
    }
  }
}

void ls_canon_body_end(struct ls_canon_body *c, struct ls_buf *out) {
  if (c->content)
    ls_buf_add(out, LS_SPAN("\r\n"));
  *c = (struct ls_canon_body){0};
}
