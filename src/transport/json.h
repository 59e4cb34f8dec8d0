/* SPDX-License-Identifier: MIT
 * json: RFC 8259 text to and from value trees, by jansson; bindings may use it. No words of the text get into
 * errors: it may be secret. */
#ifndef LS_JSON_H
#define LS_JSON_H

#include "../pure/buf.h"
#include "../pure/value.h"

enum { LS_JSON_DEPTH = 64 }; /* arrays and objects inside each other, at most, where nobody says */

/* Parses what a server says whole into a tree in a; nothing of it points into text. Of equal names the last
 * one counts. LS_OK; LS_EARGUMENT: text is no JSON in UTF-8 (*at, unless NULL: octets to the place) or nested
 * too deep (*at: 0); LS_ENOMEM (a's ceiling too). */
enum ls_status ls_json_parse(struct ls_span text, struct ls_arena *a, struct ls_value **out, size_t *at);

struct ls_json_fault {
  size_t at;           /* octets to the place; 0: nested too deep */
  struct ls_span twin; /* a name that one object has twice, in a; p is NULL: none */
};

/* Parses what a person wrote: the same, but equal names in an object are LS_EARGUMENT, because readers differ
 * in which of the two they take. depth: arrays and objects inside each other at most, which this and others
 * recurse over. */
enum ls_status ls_json_read(struct ls_span text, size_t depth, struct ls_arena *a, struct ls_value **out,
                            struct ls_json_fault *fault);

/* Appends v without white space; undefined and OTHER members are left out, elsewhere they are null. Integers
 * up to 2^53 print as such. LS_OK; LS_EARGUMENT: a string is no UTF-8, or v is nested too deep; LS_ENOMEM,
 * LS_ETOOBIG (out's). */
enum ls_status ls_json_write(const struct ls_value *v, struct ls_buf *out);

#endif
