/* SPDX-License-Identifier: MIT
 * idn: the domain of an address in the form the wire wants (IDNA2008 with the mapping of UTS #46,
 * non-transitional). Knows no socket. */
#ifndef LS_IDN_H
#define LS_IDN_H

#include "../pure/error.h"
#include "../pure/mailbox.h"

/* Converts m->domain, which points into a afterwards (groups: every member). When the local part is ASCII:
 * lower-cased and in A-labels ("xn--bcher-kva.example"). When it is not, the address needs SMTPUTF8 anyway:
 * lower-cased and in Unicode. Labels that are ASCII already are only lower-cased, whatever they look like;
 * a dot at the end goes; literals stay as they are. Emoji labels, which IDNA2008 refuses but registries sell,
 * are taken.
 * LS_OK; LS_EENVELOPE: no domain name can be made of it (err says of which label); LS_ENOMEM. */
enum ls_status ls_idn_domain(struct ls_mailbox *m, struct ls_arena *a, struct ls_error *err);

#endif
