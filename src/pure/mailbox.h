/* SPDX-License-Identifier: MIT
 * mailbox: addresses as people and programs write them, read into mailboxes and written back (RFC 5322 3.4,
 * RFC 6531). Reading takes what people write where it can mean one thing only, refuses the rest, and takes
 * time linear in the text. */
#ifndef LS_MAILBOX_H
#define LS_MAILBOX_H

#include "buf.h"
#include "codec.h"
#include "error.h"
#include "label.h"
#include "value.h"

struct ls_mailbox {
  struct ls_span name;   /* display name, unquoted; may be empty */
  struct ls_span local;  /* local part as it goes on the wire: in quotes where RFC 5321 4.1.2 wants them, and
                            only there, so that equal ones are equal as text */
  struct ls_span domain; /* without '@': a name, or a literal in brackets; what IDNA makes of it is stored
                            here before writing */
  bool is_group;         /* name is a group's, members hold its mailboxes; local and domain are empty */
  struct ls_mailbox *members; /* never groups themselves: nested ones are flattened */
  size_t count;
};

struct ls_mailbox_list {
  struct ls_mailbox *items;
  size_t count;
  struct ls_span left_out; /* the first name that no address follows ("Jane" of "Jane, a@b.c"); n = 0: none */
  bool loose; /* more than "a@b.c" or "Name <a@b.c>": a separator, group, comment, route, '@' in a name, or
                 white space in an address */
};

/* Reads a list: "A <a@b.c>, d@e.f; Group: x@y.z;". The grammar is RFC 5322's with RFC 6532's characters; ';'
 * separates as ',' does, a name may have any character but '<', and "Doe, Jane <a@b.c>" is one mailbox. Where
 * an address could be taken for another one, or would be lost, the text is refused.
 * where: what the text is, for an error, or NULL.
 * LS_OK (an empty list where nothing is an address; see left_out); LS_EENVELOPE: err tells what cannot be
 * read; LS_ENOMEM. Spans point into a or into text. */
enum ls_status ls_mailbox_parse(struct ls_span text, const struct ls_label *where, struct ls_arena *a,
                                struct ls_mailbox_list *out, struct ls_error *err);

/* A mailbox from a name and an address given apart ({name, address}): the address is one addr-spec and
 * nothing else. LS_OK (where the address is blank, out has none, and names who is left out); LS_EENVELOPE;
 * LS_ENOMEM. */
enum ls_status ls_mailbox_set(struct ls_mailbox_list *out, struct ls_span name, struct ls_span address,
                              const struct ls_label *where, struct ls_arena *a, struct ls_error *err);

/* Stores a local part given as its octets: in quotes where it needs them. LS_OK or LS_ENOMEM. */
enum ls_status ls_mailbox_set_local(struct ls_mailbox *m, struct ls_span octets, struct ls_arena *a);

/* A display name as it is kept: a line end is a space, other controls but TAB are gone, what is no UTF-8 is
 * U+FFFD, no white space at the ends. Copied into a only when something changes. LS_OK or LS_ENOMEM. */
enum ls_status ls_mailbox_clean_name(struct ls_span *name, struct ls_arena *a);

/* True when there is no address: neither a mailbox nor a group. */
bool ls_mailbox_is_empty(const struct ls_mailbox *m);

/* Whether the address may go on the wire: local part and domain are there, UTF-8, without control characters;
 * the domain is a name, or a literal of RFC 5321 4.1.3; nothing would let a line pass 998 octets. Length
 * limits that servers apply (64 octets of local part, 255 of domain) are left to them. Call it after the
 * domain was converted. Groups: every member. LS_OK or LS_EENVELOPE (err names the address and the reason;
 * command is "API"). */
enum ls_status ls_mailbox_check(const struct ls_mailbox *m, struct ls_error *err);

/* True when the address is not ASCII, and so needs SMTPUTF8. Groups: any member. */
bool ls_mailbox_needs_utf8(const struct ls_mailbox *m);

/* Whether IDNA makes another domain of it: beyond ASCII, or not in lower case, or an A-label where the local
 * part wants U-labels. Of one mailbox, no group. */
bool ls_mailbox_needs_idna(const struct ls_mailbox *m);

/* Appends a text of a user for an error: at most n octets, valid UTF-8, controls as '?'. */
void ls_mailbox_show(struct ls_buf *out, struct ls_span text, size_t n);

/* The address as the envelope has it: local part, '@', domain. No angle brackets; nothing for a group. */
void ls_mailbox_write_address(struct ls_buf *out, const struct ls_mailbox *m);

/* The same of a mailbox that is no group, in a; p NULL: no memory. */
struct ls_span ls_mailbox_address(const struct ls_mailbox *m, struct ls_arena *a);

/* The mailbox or group as a header has it, without folding: a@b.c, Name <a@b.c>, "Na, me" <a@b.c>,
 * =?UTF-8?..?= <a@b.c>, Group:a@b.c, d@e.f;. Only an address may be other than printable ASCII, and no run
 * without a space is longer than 930 octets when ls_mailbox_check takes the address. choice: for
 * names that need encoding. */
void ls_mailbox_write(struct ls_buf *out, const struct ls_mailbox *m, enum ls_codec_choice choice);

/* The list as a header has it, without folding: its items with ", " between. */
void ls_mailbox_write_list(struct ls_buf *out, const struct ls_mailbox_list *list,
                           enum ls_codec_choice choice);

/* The items of count lists in one, and the first that one of them left out. LS_OK or LS_ENOMEM. */
enum ls_status ls_mailbox_join(const struct ls_mailbox_list *lists, size_t count, struct ls_arena *a,
                               struct ls_mailbox_list *out);

/* The first mailbox, groups opened; NULL when there is none. */
const struct ls_mailbox *ls_mailbox_first(const struct ls_mailbox_list *list);

/* The addresses of count lists for an envelope: groups opened, in order, each text once (letter by letter:
 * "A@b.c" and "a@b.c" are two). *items lives in a. LS_OK or LS_ENOMEM. */
enum ls_status ls_mailbox_addresses(const struct ls_mailbox_list *lists, size_t count, struct ls_arena *a,
                                    struct ls_span **items, size_t *n);

#endif
