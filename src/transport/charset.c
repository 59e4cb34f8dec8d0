/* SPDX-License-Identifier: MIT */
#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

enum { PIECE = 4096, LONGEST_NAME = 64 };

/* Of names, and not of what iconv_open takes beside them: "" is the locale's, "//IGNORE" drops characters. */
static bool is_name(const char *s) {
  size_t n = strlen(s);
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+";
  return n > 0 && n <= LONGEST_NAME && strspn(s, allowed) == n;
}

/* Converts all of in. NULL octets: what the state of the conversion still holds. */
static enum ls_status convert(iconv_t cd, char *octets, size_t n, struct ls_buf *out) {
  char piece[PIECE];
  size_t result;
  do {
    char *to = piece;
    size_t room = sizeof piece;
    result = iconv(cd, octets ? &octets : NULL, octets ? &n : NULL, &to, &room);
    int why = errno;
    ls_buf_add(out, ls_span(piece, sizeof piece - room));
    if (out->status != LS_OK)
      return out->status;
    if (result == (size_t)-1 && why != E2BIG)
      return LS_EMESSAGE;
  } while (result == (size_t)-1);
  return LS_OK;
}

enum ls_status ls_charset_decode(const char *charset, struct ls_span octets, struct ls_buf *out) {
  iconv_t cd = is_name(charset) ? iconv_open("UTF-8", charset) : (iconv_t)-1;
  if (cd == (iconv_t)-1)
    return is_name(charset) && errno == ENOMEM ? LS_ENOMEM : LS_EARGUMENT;
  /* iconv's input is not const, and is not written to */
  union {
    const char *constant;
    char *variable;
  } in = {octets.p};
  enum ls_status status = octets.n ? convert(cd, in.variable, octets.n, out) : LS_OK;
  if (status == LS_OK)
    status = convert(cd, NULL, 0, out);
  iconv_close(cd);
  return status;
}
