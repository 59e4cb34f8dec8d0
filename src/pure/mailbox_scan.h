/* SPDX-License-Identifier: MIT
 * mailbox_scan: an address list cut into tokens (RFC 5322 3.2). Comments, quoted strings and domain literals
 * are one token each, so that nothing in them is taken for an operator. Knows no grammar beyond that. */
#ifndef LS_MAILBOX_SCAN_H
#define LS_MAILBOX_SCAN_H

#include "buf.h"

enum ls_token_kind {
  LS_TOKEN_END,
  LS_TOKEN_ATOM,    /* anything that is none of the others, not only atext: names are written with more */
  LS_TOKEN_QUOTED,  /* with its quotes */
  LS_TOKEN_LITERAL, /* with its brackets; only behind an '@' */
  LS_TOKEN_COMMENT, /* with its parentheses and the comments in it */
  LS_TOKEN_DOT,
  LS_TOKEN_AT,
  LS_TOKEN_OPEN,  /* '<' */
  LS_TOKEN_CLOSE, /* '>' */
  LS_TOKEN_COMMA,
  LS_TOKEN_SEMICOLON,
  LS_TOKEN_COLON
};

/* What stands between a token and the one before: the greater includes the lesser. */
enum ls_token_gap { LS_TOKEN_TOUCHES, LS_TOKEN_SPACED, LS_TOKEN_COMMENTED };

struct ls_token {
  enum ls_token_kind kind;
  enum ls_token_gap gap;
  struct ls_span raw; /* as it stands in the text */
};

struct ls_scan {
  struct ls_span text;
  size_t at;     /* behind the last token */
  bool after_at; /* the last token but comments is '@': a '[' opens a literal */
};

/* The next token; END at the end. NULL, or what never ends: the token then reaches to the end of the text. */
const char *ls_scan_next(struct ls_scan *s, struct ls_token *out);

/* Whether the character at *at may stand in an address without quotes; steps behind it. White space of other
 * scripts is text in a name and would be taken for the end of an address. */
bool ls_scan_atext(struct ls_span s, size_t *at);

/* What a quoted string or a comment says: without its delimiters, backslash and folds, other octets as they
 * are. A literal: without white space. Anything else: itself. */
void ls_token_add_value(struct ls_buf *out, const struct ls_token *token);

#endif
