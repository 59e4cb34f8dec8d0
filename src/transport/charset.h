/* SPDX-License-Identifier: MIT
 * charset: text of other encodings as UTF-8, by the system's iconv (POSIX). */
#ifndef LS_CHARSET_H
#define LS_CHARSET_H

#include "../pure/buf.h"

/* Appends octets of a charset ("windows-1252", "shift_jis", any that iconv_open(3) knows) to out, as UTF-8.
 * LS_OK; LS_EARGUMENT: there is no such charset; LS_EMESSAGE: the octets are none of its, or end in the
 * middle of a character; LS_ENOMEM, LS_ETOOBIG: of out. What was appended until then stays. */
enum ls_status ls_charset_decode(const char *charset, struct ls_span octets, struct ls_buf *out);

#endif
