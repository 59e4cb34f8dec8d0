/* SPDX-License-Identifier: MIT
 * buf: octets that grow up to a ceiling named at birth. The first failure sticks and later calls do nothing,
 * so one look at status at the end is enough. */
#ifndef LS_BUF_H
#define LS_BUF_H

#include "span.h"
#include "status.h"

struct ls_buf {
  char *p;               /* NULL until the first octet */
  size_t n;              /* octets in use */
  size_t cap;            /* octets allocated */
  size_t max;            /* ceiling in octets */
  enum ls_status status; /* LS_OK, LS_ENOMEM or LS_ETOOBIG */
#ifdef LS_CHECKED        /* under the address sanitizer, an octet behind the room given last is an error */
  size_t fence;          /* where that room ends */
#endif
};

void ls_buf_init(struct ls_buf *b, size_t max);      /* allocates nothing */
void ls_buf_add(struct ls_buf *b, struct ls_span s); /* copies; s may not lie inside b */
void ls_buf_addc(struct ls_buf *b, char c);
static inline void ls_buf_adds(struct ls_buf *b, const char *s) { /* NUL-terminated */
  ls_buf_add(b, ls_span_cstr(s));
}
void ls_buf_addu(struct ls_buf *b, unsigned long long u); /* decimal */

/* Room for n more octets behind the used ones, or NULL (see status). Fill it, then call ls_buf_grew. */
char *ls_buf_room(struct ls_buf *b, size_t n);
void ls_buf_grew(struct ls_buf *b, size_t n); /* n of the room just given are in use now */

void ls_buf_cut(struct ls_buf *b, size_t n);        /* keeps the first n octets */
struct ls_span ls_buf_span(const struct ls_buf *b); /* borrowed until the next change */
char *ls_buf_take(struct ls_buf *b, size_t *n);     /* yours to free, NUL behind; NULL when status is bad */
/* Wipes the octets in use and starts anew, with the memory kept when it is at most keep octets. */
void ls_buf_reset(struct ls_buf *b, size_t keep);

void ls_buf_deinit(struct ls_buf *b); /* wipes and frees; safe twice, safe on zeroes */

/* Overwrites n octets in a way the compiler keeps. */
void ls_wipe(void *p, size_t n);

#endif
