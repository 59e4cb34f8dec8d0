/* SPDX-License-Identifier: MIT
 * mailbox: addresses as people and programs write them, read into mailboxes and written back (RFC 5322 3.4,
 * RFC 6531). Reading is lenient as mail programs are, and takes time linear in the text; writing is not:
 * no control character, '<' or '>' ever comes out inside an address. */
#ifndef LS_MAILBOX_H
#define LS_MAILBOX_H

#include "buf.h"
#include "error.h"
#include "value.h"

struct ls_mailbox {
  struct ls_span name;   /* display name, unquoted; may be empty */
  struct ls_span local;  /* local part, in quotes where it has a space */
  struct ls_span domain; /* without '@', as written; what IDNA makes of it is stored here before writing */
  bool bare;             /* there is no '@' at all ("App", as against "App@"); domain is empty */
  bool is_group;         /* name is a group's, members hold its mailboxes; local and domain are empty */
  struct ls_mailbox *members; /* never groups themselves: nested ones are flattened */
  size_t count;
};

struct ls_mailbox_list {
  struct ls_mailbox *items;
  size_t count;
};

/* Reads a list ("A <a@b.c>, d@e.f; Group: x@y.z;"); ',' and ';' separate. Names without an address are left
 * out, except that "Doe, Jane <a@b.c>" is one mailbox. Octets that are no UTF-8 become U+FFFD.
 * LS_OK (an empty list where nothing is an address) or LS_ENOMEM. Spans point into a or into text. */
enum ls_status ls_mailbox_parse(struct ls_span text, struct ls_arena *a, struct ls_mailbox_list *out);

/* A mailbox from a name and an address given apart ({name, address}): nothing is parsed, but control
 * characters, '<' and '>' in address become spaces. The name is borrowed. LS_OK (see ls_mailbox_is_empty) or
 * LS_ENOMEM. */
enum ls_status ls_mailbox_set(struct ls_mailbox *m, struct ls_span name, struct ls_span address,
                              struct ls_arena *a);

/* True when there is no address: neither a mailbox nor a group. */
bool ls_mailbox_is_empty(const struct ls_mailbox *m);

/* Whether the address may go on the wire: not empty, UTF-8, no control character, '<', '>', no space outside
 * quotes, quotes that end, nothing that would let a line pass 998 octets. Length limits that servers apply
 * (64 octets of local part, 255 of domain) are left to them. Call it after the domain was converted. Groups:
 * every member. LS_OK or LS_EENVELOPE (err names the address and the reason; command is "API"). */
enum ls_status ls_mailbox_check(const struct ls_mailbox *m, struct ls_error *err);

/* True when the address is not ASCII, and so needs SMTPUTF8. Groups: any member. */
bool ls_mailbox_needs_utf8(const struct ls_mailbox *m);

/* The address as the envelope has it: local part, '@', domain. No angle brackets; nothing for a group. */
void ls_mailbox_write_address(struct ls_buf *out, const struct ls_mailbox *m);

/* The mailbox or group as a header has it, without folding: a@b.c, Name <a@b.c>, "Na, me" <a@b.c>,
 * =?UTF-8?..?= <a@b.c>, Group:a@b.c, d@e.f;. Only an address may be other than printable ASCII, and no run
 * without a space is longer than 930 octets when ls_mailbox_check takes the address. */
void ls_mailbox_write(struct ls_buf *out, const struct ls_mailbox *m);

/* The list as a header has it, without folding: its items with ", " between. */
void ls_mailbox_write_list(struct ls_buf *out, const struct ls_mailbox_list *list);

/* The first mailbox, groups opened; NULL when there is none. */
const struct ls_mailbox *ls_mailbox_first(const struct ls_mailbox_list *list);

/* The addresses of count lists for an envelope: groups opened, in order, each text once (letter by letter:
 * "A@b.c" and "a@b.c" are two). *items lives in a. LS_OK or LS_ENOMEM. */
enum ls_status ls_mailbox_addresses(const struct ls_mailbox_list *lists, size_t count, struct ls_arena *a,
                                    struct ls_span **items, size_t *n);

#endif
