/* SPDX-License-Identifier: MIT */
#include "mime.h"

#include "header.h"
#include "utf8.h"

enum {
  TEXT_LINE = 76,          /* text with longer lines is encoded */
  TEXT_7BIT = 128 * 1024,  /* so is text of more octets, whatever its lines are */
  NAME_IN_ONE_PIECE = 200, /* a longer file name is cut into encoded-words in "name" */
  BOUNDARY_RANDOM = 12
};

static bool is_text(struct ls_span type) {
  return ls_span_starts(type, LS_SPAN("text/"));
}

static bool has_param(const struct ls_mime_part *part, struct ls_span name) {
  for (size_t i = 0; i < part->param_count; i++)
    if (ls_span_eq(part->params[i].name, name))
      return true;
  return false;
}

static enum ls_status name_charset(struct ls_mime_part *leaf, struct ls_arena *a) {
  struct ls_mime_pair *params = ls_arena_array(a, leaf->param_count + 1, sizeof *params);
  if (!params)
    return LS_ENOMEM;
  if (leaf->param_count)
    memcpy(params, leaf->params, leaf->param_count * sizeof *params);
  params[leaf->param_count++] = (struct ls_mime_pair){LS_SPAN("charset"), LS_SPAN("utf-8")};
  leaf->params = params;
  return LS_OK;
}

static enum ls_mime_encoding settle_text(const struct ls_mime_part *leaf,
                                         const struct ls_codec_facts *facts) {
  if (leaf->encoding == LS_MIME_QUOTED || leaf->encoding == LS_MIME_BASE64)
    return leaf->encoding;
  if (facts->ascii && !facts->control && facts->longest <= TEXT_LINE && leaf->content.n <= TEXT_7BIT)
    return LS_MIME_7BIT;
  enum ls_codec_choice choice = leaf->choice == LS_CODEC_AUTO ? facts->choice : leaf->choice;
  return choice == LS_CODEC_Q ? LS_MIME_QUOTED : LS_MIME_BASE64;
}

/* Line ends of what is not text are data: only base64 keeps them where they are not CRLF. */
static bool has_lone_break(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
      i++;
    else if (s.p[i] == '\r' || s.p[i] == '\n')
      return true;
  }
  return false;
}

static enum ls_mime_encoding settle_data(const struct ls_mime_part *leaf,
                                         const struct ls_codec_facts *facts) {
  bool short_lines = !facts->nul && facts->longest <= LS_MIME_LINE_MAX;
  if (has_lone_break(leaf->content))
    return LS_MIME_BASE64;
  if (leaf->encoding == LS_MIME_7BIT && !(short_lines && facts->ascii))
    return LS_MIME_BASE64;
  if (leaf->encoding == LS_MIME_8BIT && !short_lines)
    return LS_MIME_BASE64;
  return leaf->encoding;
}

enum ls_status ls_mime_settle(struct ls_mime_part *leaf, struct ls_arena *a) {
  bool message = ls_span_starts(leaf->type, LS_SPAN("message/"));
  if (!leaf->content.n) {
    if (leaf->encoding == LS_MIME_AUTO)
      leaf->encoding = message ? LS_MIME_7BIT : is_text(leaf->type) ? LS_MIME_NONE : LS_MIME_BASE64;
    return LS_OK;
  }
  if (!is_text(leaf->type) && !message && leaf->encoding == LS_MIME_AUTO)
    leaf->encoding = LS_MIME_BASE64;
  if (!is_text(leaf->type) && leaf->encoding == LS_MIME_BASE64)
    return LS_OK;
  struct ls_codec_facts facts = ls_codec_examine(leaf->content);
  if (is_text(leaf->type)) {
    leaf->encoding = settle_text(leaf, &facts);
    if (!facts.ascii && !has_param(leaf, LS_SPAN("charset")) && ls_utf8_valid(leaf->content))
      return name_charset(leaf, a);
  } else if (!message) {
    leaf->encoding = settle_data(leaf, &facts);
  } else if (leaf->encoding != LS_MIME_BASE64 && leaf->encoding != LS_MIME_QUOTED) {
    if (facts.nul || facts.longest > LS_MIME_LINE_MAX)
      return LS_EMESSAGE;
    leaf->encoding = facts.ascii ? LS_MIME_7BIT : LS_MIME_8BIT;
  }
  return LS_OK;
}

/* The trees are at most four levels deep: mixed, alternative, related, leaf. */
bool ls_mime_is_8bit(const struct ls_mime_part *root) {
  if (!root->parts)
    return root->encoding == LS_MIME_8BIT;
  for (const struct ls_mime_part *p = root->parts; p; p = p->next)
    if (ls_mime_is_8bit(p))
      return true;
  return false;
}

size_t ls_mime_size(const struct ls_mime_part *root) {
  size_t n = 512;
  if (!root->parts && root->encoding == LS_MIME_BASE64)
    return n + root->content.n / 57 * 78 + 78;
  if (!root->parts)
    return n + root->content.n + root->content.n / (root->encoding == LS_MIME_QUOTED ? 2 : 16);
  for (const struct ls_mime_part *p = root->parts; p; p = p->next)
    n += ls_mime_size(p);
  return n;
}

static bool contains(struct ls_span s, struct ls_span what) {
  while (s.n >= what.n) {
    size_t at = ls_span_index(s, what.p[0]);
    if (s.n - at < what.n)
      return false;
    if (memcmp(s.p + at, what.p, what.n) == 0)
      return true;
    s = ls_span(s.p + at + 1, s.n - at - 1);
  }
  return false;
}

static bool occurs(const struct ls_mime_part *part, struct ls_span boundary) {
  if (!part->parts)
    return part->encoding != LS_MIME_QUOTED && part->encoding != LS_MIME_BASE64 &&
           contains(part->content, boundary);
  for (const struct ls_mime_part *p = part->parts; p; p = p->next)
    if (occurs(p, boundary))
      return true;
  return false;
}

void ls_mime_choose_boundary(const struct ls_mime_part *root, const unsigned char random[12],
                             struct ls_mime_boundary *out) {
  unsigned char octets[BOUNDARY_RANDOM];
  memcpy(octets, random, sizeof octets);
  for (bool again = true; again;) {
    char *p = out->text;
    *p++ = '=';
    *p++ = '_';
    for (size_t i = 0; i < sizeof octets; i++) {
      *p++ = ls_ascii_lower(ls_ascii_hex(octets[i] >> 4));
      *p++ = ls_ascii_lower(ls_ascii_hex(octets[i]));
    }
    *p = '\0';
    again = occurs(root, ls_span_cstr(out->text));
    /* counting up passes through more values than any content can hold */
    for (size_t i = 0; again && i < sizeof octets && ++octets[i] == 0;)
      i++;
  }
}

static void add_boundary(struct ls_buf *out, const struct ls_mime_part *part,
                         const struct ls_mime_boundary *boundary) {
  ls_buf_adds(out, boundary->text);
  ls_buf_addc(out, '.');
  ls_buf_addu(out, part->number);
}

/* For readers that know no continuations. A TAB in quotes would be a place to fold. */
static void add_filename(struct ls_buf *out, struct ls_span filename, enum ls_codec_choice choice) {
  bool tab = ls_span_index(filename, '\t') < filename.n;
  ls_buf_adds(out, "; name=");
  if (tab || ls_codec_needs_words(filename) || filename.n > NAME_IN_ONE_PIECE) {
    ls_buf_addc(out, '"');
    ls_codec_words(out, filename, choice);
    ls_buf_addc(out, '"');
  } else {
    ls_codec_token(out, filename);
  }
}

/* "name", "name*", "name*0*": what a file name takes the place of. */
static bool is_name_param(struct ls_span name) {
  return ls_span_starts(name, LS_SPAN("name")) && (name.n == 4 || name.p[4] == '*');
}

enum ls_status ls_mime_write_type(struct ls_buf *out, const struct ls_mime_part *part,
                                  const struct ls_mime_boundary *boundary) {
  size_t from = ls_header_begin(out, LS_SPAN("Content-Type"));
  ls_buf_add(out, part->type);
  for (size_t i = 0; i < part->param_count; i++)
    if (!part->filename.n || !is_name_param(part->params[i].name))
      ls_codec_param(out, part->params[i].name, part->params[i].value);
  if (part->parts) {
    ls_buf_adds(out, "; boundary=\"");
    add_boundary(out, part, boundary);
    ls_buf_addc(out, '"');
  }
  if (part->filename.n)
    add_filename(out, part->filename, part->choice);
  return ls_header_end(out, from);
}

static enum ls_status write_encoding(struct ls_buf *out, const struct ls_mime_part *part) {
  static const char *const names[] = {"", "7bit", "8bit", "quoted-printable", "base64", ""};
  return ls_header_text(out, LS_SPAN("Content-Transfer-Encoding"), ls_span_cstr(names[part->encoding]),
                        LS_CODEC_AUTO);
}

enum ls_status ls_mime_write_encoding(struct ls_buf *out, const struct ls_mime_part *part) {
  return part->encoding_early || part->parts ? out->status : write_encoding(out, part);
}

enum ls_status ls_mime_write_own(struct ls_buf *out, const struct ls_mime_part *part) {
  enum ls_status status = out->status;
  for (size_t i = 0; status == LS_OK && i < part->field_count; i++)
    status = ls_header_text(out, part->fields[i].name, part->fields[i].value, part->choice);
  if (status == LS_OK && part->id.n)
    status = ls_header_id(out, LS_SPAN("Content-ID"), part->id);
  if (status == LS_OK && part->encoding_early && !part->parts)
    status = write_encoding(out, part);
  if (status == LS_OK && part->disposition.n) {
    size_t from = ls_header_begin(out, LS_SPAN("Content-Disposition"));
    ls_buf_add(out, part->disposition);
    if (part->filename.n)
      ls_codec_param(out, LS_SPAN("filename"), part->filename);
    status = ls_header_end(out, from);
  }
  return status;
}

static void write_leaf(struct ls_buf *out, const struct ls_mime_part *part) {
  if (part->encoding == LS_MIME_BASE64)
    ls_codec_base64_lines(out, part->content);
  else if (part->encoding == LS_MIME_QUOTED)
    ls_codec_quoted(out, part->content);
  else
    ls_codec_lines(out, part->content);
}

static enum ls_status write_child(struct ls_buf *out, const struct ls_mime_part *part,
                                  const struct ls_mime_boundary *boundary) {
  enum ls_status status = ls_mime_write_type(out, part, boundary);
  if (status == LS_OK)
    status = ls_mime_write_own(out, part);
  if (status == LS_OK)
    status = ls_mime_write_encoding(out, part);
  ls_buf_adds(out, "\r\n");
  return status == LS_OK ? ls_mime_write_body(out, part, boundary) : status;
}

enum ls_status ls_mime_write_body(struct ls_buf *out, const struct ls_mime_part *part,
                                  const struct ls_mime_boundary *boundary) {
  if (!part->parts) {
    write_leaf(out, part);
    return out->status;
  }
  for (const struct ls_mime_part *p = part->parts; p; p = p->next) {
    ls_buf_adds(out, p == part->parts ? "--" : "\r\n--");
    add_boundary(out, part, boundary);
    ls_buf_adds(out, "\r\n");
    enum ls_status status = write_child(out, p, boundary);
    if (status != LS_OK)
      return status;
  }
  ls_buf_adds(out, "\r\n--");
  add_boundary(out, part, boundary);
  ls_buf_adds(out, "--\r\n");
  return out->status;
}
