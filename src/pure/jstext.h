/* SPDX-License-Identifier: MIT
 * jstext: a value as JavaScript's String() prints it (ECMA-262 6.1.6.1.20 Number::toString, 23.1.3.18 join).
 */
#ifndef LS_JSTEXT_H
#define LS_JSTEXT_H

#include "buf.h"
#include "value.h"

/* Appends the shortest decimal that reads back as the same number; "NaN", "Infinity", "-Infinity". */
void ls_jstext_number(double number, struct ls_buf *out);

/* Appends the text of v. NULL, undefined and null give nothing: as in an array, and as in a template. An
 * array is its items joined by ",", an empty table is "", an object or anything that has no text in JSON is
 * "[object Object]". Recursion is as deep as the tree, which its reader bounds. */
void ls_jstext_add(const struct ls_value *v, struct ls_buf *out);

/* False for NULL, undefined, null, false, 0, NaN and "", true for the rest (ECMA-262 7.1.2 ToBoolean). */
bool ls_jstext_is_truthy(const struct ls_value *v);

#endif
