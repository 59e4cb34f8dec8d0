/* SPDX-License-Identifier: MIT
 * envelope: who a message is from and to on the wire (RFC 5321), apart from what its headers say. */
#ifndef LS_ENVELOPE_H
#define LS_ENVELOPE_H

#include "span.h"

struct ls_recipient {
  struct ls_span address; /* local-part@domain without angle brackets, checked: no CR, LF, NUL, '<', '>',
                             space outside quotes */
  struct ls_span notify;  /* DSN NOTIFY value (RFC 3461), empty: none */
  struct ls_span orcpt;   /* DSN ORCPT value, xtext already, empty: none */
};

struct ls_envelope {
  struct ls_span from;     /* empty: the null reverse-path, MAIL FROM:<> */
  struct ls_recipient *to; /* without doubles, in the order of the message */
  size_t count;
  bool smtputf8;        /* an address, or a header, is not ASCII (RFC 6531) */
  bool body_8bit;       /* the content has octets above 127: BODY=8BITMIME where offered (RFC 6152) */
  bool require_tls;     /* REQUIRETLS, or an error (RFC 8689) */
  struct ls_span ret;   /* DSN RET: "FULL", "HDRS" or empty */
  struct ls_span envid; /* DSN ENVID, xtext already, or empty */
  bool probe;           /* no message: RSET goes out in place of the content, so that nobody gets anything */
};

#endif
