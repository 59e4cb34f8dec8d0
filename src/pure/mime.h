/* SPDX-License-Identifier: MIT
 * mime: a tree of parts (RFC 2045, 2046, 2183, 2387) to octets. Leaves carry content, multiparts carry parts;
 * the root's other fields are the message's business. */
#ifndef LS_MIME_H
#define LS_MIME_H

#include "arena.h"
#include "codec.h"

enum ls_mime_encoding {
  LS_MIME_AUTO, /* text: by its octets; message: as it is; others: base64. settle() puts one of the rest here
                 */
  LS_MIME_7BIT, /* ASCII in lines of at most 998 octets */
  LS_MIME_8BIT, /* no NUL, lines of at most 998 octets */
  LS_MIME_QUOTED, /* quoted-printable */
  LS_MIME_BASE64,
  LS_MIME_NONE /* no content and no Content-Transfer-Encoding line */
};

/* A parameter, or a field of one part. */
struct ls_mime_pair {
  struct ls_span name;
  struct ls_span value;
};

struct ls_mime_part {
  struct ls_span type;         /* "text/plain", lower case */
  struct ls_mime_pair *params; /* of Content-Type; names are tokens in lower case */
  size_t param_count;
  struct ls_mime_pair *fields; /* further fields of this part; names come from ls_header_name */
  size_t field_count;
  struct ls_span filename;        /* UTF-8; empty: none */
  struct ls_span id;              /* Content-ID without angle brackets, printable ASCII; empty: none */
  struct ls_span disposition;     /* a token; empty: no Content-Disposition */
  enum ls_mime_encoding encoding; /* the wanted one; after settle() the one used */
  bool encoding_early;            /* its line stands before Content-Disposition, as for attachments */
  enum ls_codec_choice choice;    /* for text that needs encoding */
  struct ls_span content;         /* borrowed */
  struct ls_mime_part *parts;     /* not NULL: a multipart; the first of a list linked by next */
  struct ls_mime_part *next;
  unsigned number; /* of a multipart, unlike the others' in the tree */
};

enum { LS_MIME_BOUNDARY = 32, LS_MIME_LINE_MAX = 998 };

/* What multiparts of one message share: '=' and '_' follow each other in it, as they never do in base64 and
 * quoted-printable. */
struct ls_mime_boundary {
  char text[LS_MIME_BOUNDARY];
};

/* Reads a Content-Type value into part->type and params, white space and comments wherever they stand; a
 * boundary in it, and a parameter without a value, is dropped, and of two of a name the last one stands.
 * LS_OK; LS_EMESSAGE: no content type, or one over 4096 octets; LS_ENOMEM. */
enum ls_status ls_mime_read_type(struct ls_span text, struct ls_arena *a, struct ls_mime_part *part);

/* True for a token of RFC 2045 5.1. */
bool ls_mime_is_token(struct ls_span s);

/* The type a file name's ending stands for (mime_type.def); "application/octet-stream" when it is unknown. */
struct ls_span ls_mime_type_of(struct ls_span filename);
/* The usual ending for a type, without the dot; "bin" when it is unknown. */
struct ls_span ls_mime_ending_of(struct ls_span type);

/* Chooses the encoding of a leaf by its content, and names the charset of text that is UTF-8.
 * LS_OK; LS_EMESSAGE: a message/... part, which may not be encoded, has a NUL or a line over 998 octets;
 * LS_ENOMEM. */
enum ls_status ls_mime_settle(struct ls_mime_part *leaf, struct ls_arena *a);

/* True when a leaf of the tree goes out with octets above 127. Settle first. */
bool ls_mime_is_8bit(const struct ls_mime_part *root);

/* About how many octets the tree's bodies take. */
size_t ls_mime_size(const struct ls_mime_part *root);

/* Makes a boundary of 12 random octets that is in no content of the tree. */
void ls_mime_choose_boundary(const struct ls_mime_part *root, const unsigned char random[12],
                             struct ls_mime_boundary *out);

/* The fields of a part in three groups, so that a root can stand among the message's own: what belongs to the
 * part itself; the encoding, where that is not among them; the type. Then the body, behind an empty line that
 * the caller writes. LS_OK, LS_EMESSAGE (a field cannot be written within a line's limit), LS_ENOMEM,
 * LS_ETOOBIG. */
enum ls_status ls_mime_write_own(struct ls_buf *out, const struct ls_mime_part *part);
enum ls_status ls_mime_write_encoding(struct ls_buf *out, const struct ls_mime_part *part);
enum ls_status ls_mime_write_type(struct ls_buf *out, const struct ls_mime_part *part,
                                  const struct ls_mime_boundary *boundary);
enum ls_status ls_mime_write_body(struct ls_buf *out, const struct ls_mime_part *part,
                                  const struct ls_mime_boundary *boundary);

#endif
