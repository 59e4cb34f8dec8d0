/* SPDX-License-Identifier: MIT
 * ascii: what an octet is as a character of ASCII, in every locale. */
#ifndef LS_ASCII_H
#define LS_ASCII_H

#include <stdbool.h>
#include <string.h>

static inline char ls_ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline char ls_ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static inline bool ls_ascii_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static inline bool ls_ascii_is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ls_ascii_is_alnum(char c) {
  return ls_ascii_is_digit(c) || ls_ascii_is_alpha(c);
}

/* Space or TAB (WSP of RFC 5234). */
static inline bool ls_ascii_is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* That, or what ends a line: what folds and separates in mail (RFC 5322 2.2). */
static inline bool ls_ascii_is_space(char c) {
  return ls_ascii_is_blank(c) || c == '\r' || c == '\n';
}

/* May stand in a token of MIME (RFC 2045 5.1). */
static inline bool ls_ascii_is_token(char c) {
  return c > ' ' && c < 0x7f && !memchr("()<>@,;:\\\"/[]?=", c, 15);
}

/* Whether the octet can be in an atom (RFC 5322 3.2.3, and what is beyond ASCII: RFC 6532 3.2). */
static inline bool ls_ascii_is_atext(char c) {
  return (unsigned char)c >= 0x80 || ls_ascii_is_alnum(c) ||
         (c > ' ' && c < 0x7f && !memchr("()<>[]:;@\\,.\"", c, 13));
}

/* The value of a hex digit, or -1. */
static inline int ls_ascii_hex_value(char c) {
  char lower = ls_ascii_lower(c);
  return ls_ascii_is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The hex digit, in upper case, of the lowest four bits. */
static inline char ls_ascii_hex(unsigned value) {
  return "0123456789ABCDEF"[value & 15];
}

/* Writes an octet as a mark and two hex digits: "=3D", "%3D", "+3D". Answers the place behind them. */
static inline char *ls_ascii_escape(char *p, char mark, unsigned char octet) {
  p[0] = mark;
  p[1] = ls_ascii_hex(octet >> 4);
  p[2] = ls_ascii_hex(octet);
  return p + 3;
}

#endif
