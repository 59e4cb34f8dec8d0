/* SPDX-License-Identifier: MIT
 * canon: the relaxed forms of header fields and bodies that DKIM signs (RFC 6376 3.4.2, 3.4.4). Every
 * function appends to out and does nothing more once out has failed. */
#ifndef LS_CANON_H
#define LS_CANON_H

#include "buf.h"

/* One header field, folds included, with or without its last line end: lower-cased name, ':', the value in
 * one line with single spaces. No line end behind. A field without a colon is all name. */
void ls_canon_header(struct ls_buf *out, struct ls_span field);

/* A body in any cut; start with zeroes. CRLF, a bare LF and a bare CR are line ends, as on the wire, where
 * each leaves as CRLF. What has been seen and is not written yet (line ends, white space) is kept as counts,
 * so that memory does not grow with it. */
struct ls_canon_body {
  size_t line_ends; /* seen since the last octet of content */
  bool space;       /* white space seen since then, on the present line */
  bool cr;          /* the last octet was a CR */
  bool content;     /* something was written */
};
void ls_canon_body_feed(struct ls_canon_body *c, struct ls_span in, struct ls_buf *out);

/* The body is whole: ends it in one CRLF, or leaves it empty when it had no content. Zeroes *c. */
void ls_canon_body_end(struct ls_canon_body *c, struct ls_buf *out);

#endif
