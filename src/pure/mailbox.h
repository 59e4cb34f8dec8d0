/* SPDX-License-Identifier: MIT
 * mailbox: addresses as people and programs write them, read into mailboxes and written back (RFC 5322 3.4,
 * RFC 6531). */
#ifndef LS_MAILBOX_H
#define LS_MAILBOX_H

#include "buf.h"
#include "value.h"

struct ls_mailbox {
  struct ls_span name;   /* display name, unquoted; may be empty */
  struct ls_span local;  /* local part; quoted where it needs quotes */
  struct ls_span domain; /* without '@'; empty when the address has no '@' */
  bool is_group;         /* name is a group's, members hold its mailboxes; local and domain are empty */
  struct ls_mailbox *members;
  size_t count;
};

struct ls_mailbox_list {
  struct ls_mailbox *items;
  size_t count;
};

/* Reads a list ("A <a@b.c>, d@e.f; Group: x@y.z;").
 * LS_OK (an empty list where nothing is an address) or LS_ENOMEM. Spans point into a or into text. */
enum ls_status ls_mailbox_parse(struct ls_span text, struct ls_arena *a, struct ls_mailbox_list *out);

#endif
