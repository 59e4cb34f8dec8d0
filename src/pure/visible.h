/* SPDX-License-Identifier: MIT
 * visible: words of others (a server's, a proxy's, those in a certificate, the name of a file) as text
 * that acts on no terminal, log or reader. What would is shown instead: a control as \x1B, a character
 * that reorders or hides text as \u202E, an octet that is no UTF-8 as \xFF. A backslash stays as it is:
 * the form is for reading, not for going back. Text that is shown once does not change when it is shown
 * again. */
#ifndef LS_VISIBLE_H
#define LS_VISIBLE_H

#include "buf.h"

enum ls_visible_form {
  LS_VISIBLE_LINES, /* LF and TAB stay, CRLF becomes LF */
  LS_VISIBLE_LINE   /* one line: each line end and TAB becomes a space */
};

/* Appends text in that form. */
void ls_visible_add(struct ls_buf *out, struct ls_span text, enum ls_visible_form form);

/* text with its lines, NUL behind it, yours to free; NULL: no memory. */
char *ls_visible_copy(struct ls_span text);

#endif
