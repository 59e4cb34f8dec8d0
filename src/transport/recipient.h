/* SPDX-License-Identifier: MIT
 * recipient: one address to send to, and the one form by which two spellings of an address are the same.
 * Whoever compares addresses, counts by them or sorts them out asks here. Knows no socket. */
#ifndef LS_RECIPIENT_H
#define LS_RECIPIENT_H

#include "../pure/mailbox.h"

/* In what way a text is not one recipient. */
enum ls_recipient_fault {
  LS_RECIPIENT_NONE,    /* nothing in it is an address */
  LS_RECIPIENT_SEVERAL, /* it names, or seems to name, more than one */
  LS_RECIPIENT_UNCLEAR  /* anything else but "a@b.c" or "Name <a@b.c>" */
};

/* Reads exactly one plain mailbox: "a@b.c" or "Name <a@b.c>" with an address that no reader could take for
 * another or for two. Stricter than ls_mailbox_parse: no comment, no '@', ',' or other operator in a quoted
 * local part, at most 1000 octets. The domain of *out is the one on the wire. LS_OK; LS_EENVELOPE (*fault is
 * set); LS_ENOMEM. */
enum ls_status ls_recipient_read(struct ls_span text, struct ls_arena *a, struct ls_mailbox *out,
                                 enum ls_recipient_fault *fault);

/* The form of an address by which it is compared: without its name, ASCII letters in lower case, the domain
 * in A-labels, a literal in one spelling, quotes only where needed. Addresses that become one RCPT have one.
 * A text that is no single mailbox is compared as it is, but for the case of ASCII letters and white space at
 * its ends. LS_OK or LS_ENOMEM; *out lives in a. */
enum ls_status ls_recipient_key(struct ls_span text, struct ls_arena *a, struct ls_span *out);

/* The same of a mailbox that was read. */
enum ls_status ls_recipient_key_of(const struct ls_mailbox *m, struct ls_arena *a, struct ls_span *out);

#endif
