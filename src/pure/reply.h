/* SPDX-License-Identifier: MIT
 * reply: one server reply after another (RFC 5321 4.2), from octets in any cut. */
#ifndef LS_REPLY_H
#define LS_REPLY_H

#include "mask.h"

struct ls_reply {
  int code;          /* 200 to 599 */
  char enhanced[16]; /* "2.1.0" from the last line (RFC 2034), or "" */
  struct ls_buf
      text; /* the whole reply as it came: "250-a\n250 b", lines joined by LF, CR and LF of the wire gone */
  size_t lines;
  size_t octets;         /* octets of the wire in this reply so far, blank lines before it included */
  size_t line_from;      /* where the line being read starts in text */
  bool complete;         /* the fields above are those of a whole reply; the next feed starts another */
  bool mixed;            /* its lines have different codes; code is the greatest */
  bool shortened;        /* see ls_reply_cut */
  enum ls_status status; /* a failed parser stays failed */
};

enum { LS_REPLY_MAX = 64 * 1024 }; /* octets in one reply, all lines (RFC 5321 4.5.3.1.5 allows 512 a line) */

void ls_reply_init(struct ls_reply *r);

/* Read liberally: lines may end in LF alone; blank lines between replies are passed over; the text may be
 * missing. Not so: a code with anything but space, "-" or the line's end behind its three digits, another
 * code in a later line, a code outside 200 to 599, NUL.
 * Takes octets; *used says how many. LS_OK: a whole reply is in *r, feed again with the rest for the next
 * one. LS_AGAIN: all were taken, more are needed. LS_EPROTOCOL: no reply (the text so far is in r->text), or
 * a whole one whose lines have different codes; LS_ETOOBIG; LS_ENOMEM. */
enum ls_status ls_reply_feed(struct ls_reply *r, struct ls_span in, size_t *used);

/* The server has closed. True: in the middle of a reply, and what came of it is in *r as a whole one would
 * be; code is 0 where not even that can be read. It is for telling: whether the server meant it nobody knows.
 */
bool ls_reply_cut(struct ls_reply *r);

/* Takes the secrets out of a whole reply, or of the line that made feed fail. Once for each. */
void ls_reply_mask(struct ls_reply *r, const struct ls_mask *m);

/* The first line of a whole reply, or the line that made feed fail, cut to a length fit for an error message.
 * Borrowed until the next feed. */
struct ls_span ls_reply_excerpt(const struct ls_reply *r);

void ls_reply_deinit(struct ls_reply *r);

#endif
