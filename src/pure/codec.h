/* SPDX-License-Identifier: MIT
 * codec: octets as mail carries them: base64 and quoted-printable (RFC 2045 6.7, 6.8), encoded-words
 * (RFC 2047), parameters with continuations (RFC 2231). Every writer appends to out and does nothing more
 * once out has failed. */
#ifndef LS_CODEC_H
#define LS_CODEC_H

#include "buf.h"

/* Which of the two encodings of text; AUTO takes Q where ASCII letters outnumber controls and UTF-16 units
 * above 127, else B. */
enum ls_codec_choice { LS_CODEC_AUTO, LS_CODEC_Q, LS_CODEC_B };

/* What one look at text tells. */
struct ls_codec_facts {
  bool ascii;                  /* no octet above 127 */
  bool control;                /* a control other than TAB, LF, CR */
  bool nul;                    /* a NUL */
  size_t longest;              /* octets of the longest line, its end not counted; CR and LF each end one */
  enum ls_codec_choice choice; /* what AUTO means for this text: Q or B */
};

struct ls_codec_facts ls_codec_examine(struct ls_span text);

/* True when text must be written as encoded-words: an octet above 127, a control other than TAB, a '"', or
 * something a reader would take for an encoded-word and that is no valid one standing by itself (such a one
 * passes: its author encoded it). CR and LF count as controls: turn them into spaces first where they are
 * none. */
bool ls_codec_needs_words(struct ls_span text);

/* text as UTF-8 encoded-words of at most 52 octets, one space between them (readers drop it). Characters
 * stay whole; what is no UTF-8 becomes U+FFFD. The result is printable ASCII whatever text is; empty text
 * gives nothing. */
void ls_codec_words(struct ls_buf *out, struct ls_span text, enum ls_codec_choice choice);

/* base64 in one piece, without line ends. */
void ls_codec_base64(struct ls_buf *out, struct ls_span octets);

/* base64 in lines of 76 octets with CRLF between them and none behind the last. */
void ls_codec_base64_lines(struct ls_buf *out, struct ls_span octets);

/* The octets base64 text stands for, written to out, which has room for text.n / 4 * 3 + 3; *n: how many.
 * White space is passed over, '=' ends it, the URL-safe letters are taken too. False: another octet is in it,
 * or a lone sextet at its end. */
bool ls_codec_unbase64(struct ls_span text, char *out, size_t *n);

/* The octets that pairs of hexadecimal digits stand for, written to out, which has room for text.n / 2; white
 * space is passed over. False: another octet is in it, or a lone digit at its end. */
bool ls_codec_unhex(struct ls_span text, char *out, size_t *n);

/* text as quoted-printable in lines of at most 76 octets. CRLF, LF and a bare CR are line ends and leave as
 * CRLF; nothing is added behind the last line. */
void ls_codec_quoted(struct ls_buf *out, struct ls_span text);

/* text as it is, but for line ends: CRLF, LF and a bare CR leave as CRLF. */
void ls_codec_lines(struct ls_buf *out, struct ls_span text);

/* "; name=value" for a structured header: bare, quoted, or cut and percent-encoded (name*0*=utf-8''...).
 * The result is printable ASCII whatever value is. name: a token. */
void ls_codec_param(struct ls_buf *out, struct ls_span name, struct ls_span value);

/* value as it is where it is a token that every reader takes, else between quotes. */
void ls_codec_token(struct ls_buf *out, struct ls_span value);

/* value between quotes, with '\' before '"' and '\' (RFC 5322 3.2.4). Controls leave as spaces. */
void ls_codec_quote(struct ls_buf *out, struct ls_span value);

#endif
