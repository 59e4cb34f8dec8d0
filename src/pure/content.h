/* SPDX-License-Identifier: MIT
 * content: a message's octets as they go on the wire: every line ends in CRLF (RFC 5321 2.3.8), and for DATA
 * dots are doubled at the start of a line and the end mark stands behind (4.5.2). A bare CR or LF becomes
 * CRLF, so that no server can see an end mark, or a line, that another does not see. */
#ifndef LS_CONTENT_H
#define LS_CONTENT_H

#include "span.h"

struct ls_content {
  struct ls_span in;
  size_t at;              /* octets of in behind us */
  size_t lf;              /* where the next LF is, at or behind at; in.n: none */
  struct ls_span literal; /* to give next */
  bool data;              /* dot transparency and the end mark */
  bool line_start;        /* what comes next starts a line */
  bool ended;             /* the end mark was given */
};

/* data: true for DATA, false for BDAT. in is borrowed as long as the spans below are used. */
void ls_content_init(struct ls_content *c, struct ls_span in, bool data);

/* 1: *out are the next octets for the wire (part of in, or static storage; n > 0). 0: there are no more.
 * Clean content comes as one span, followed by the end mark for DATA. */
int ls_content_next(struct ls_content *c, struct ls_span *out);

/* Octets of the message as SIZE (RFC 1870) and BDAT (RFC 3030) count them: CRLF line ends, no doubled dots,
 * no end mark. */
size_t ls_content_size(struct ls_span in);

/* Whether a server that takes these octets for commands, all of them or those behind the first, could find
 * one among them: a line that begins with the verb of one, whatever is no letter or digit in front of it, or
 * a line so long that a server may cut it into several. Octets of which that is false are at worst refused
 * line by line. */
bool ls_content_may_command(struct ls_span in);

#endif
