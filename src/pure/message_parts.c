/* SPDX-License-Identifier: MIT
 * The body side of a mail: text, html and attachments to a tree of parts. */
#include <stdio.h>

#include "jstext.h"
#include "message_state.h"
#include "msgid.h"
#include "utf8.h"

static struct ls_mime_part *new_part(struct ls_message_reader *r, struct ls_span type) {
  struct ls_mime_part *part = ls_arena_alloc(r->a, sizeof *part);
  if (part) {
    part->type = type;
    part->choice = r->m->choice;
  }
  return part;
}

/* Nothing, false, or an empty string: not given. */
static bool is_empty(const struct ls_value *v) {
  return ls_value_is_nothing(v) || (v->kind == LS_VALUE_BOOLEAN && !v->as.boolean) ||
         (v->kind == LS_VALUE_STRING && !v->as.string.n);
}

static enum ls_status read_encoding(struct ls_message_reader *r, const struct ls_value *v,
                                    const struct ls_label *label, enum ls_mime_encoding *out) {
  static const struct {
    const char *name;
    enum ls_mime_encoding encoding;
  } rows[] = {{"7bit", LS_MIME_7BIT},
              {"8bit", LS_MIME_8BIT},
              {"binary", LS_MIME_AUTO},
              {"quoted-printable", LS_MIME_QUOTED},
              {"base64", LS_MIME_BASE64}};
  if (is_empty(v))
    return LS_OK;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (ls_span_ieq(ls_value_string(v), ls_span_cstr(rows[i].name))) {
      *out = rows[i].encoding;
      return LS_OK;
    }
  return ls_message_wrong(r, label, "\"7bit\", \"8bit\", \"quoted-printable\" or \"base64\"", v);
}

/* Octets that are no UTF-8 would make the charset we name a lie. */
static enum ls_status make_valid(struct ls_message_reader *r, struct ls_span *text) {
  if (ls_span_is_ascii(*text) || ls_utf8_valid(*text))
    return LS_OK;
  struct ls_buf valid;
  ls_buf_init(&valid, LS_MESSAGE_MAX);
  ls_utf8_add_valid(&valid, *text);
  *text = ls_arena_copy(r->a, ls_buf_span(&valid));
  enum ls_status status = valid.status != LS_OK ? valid.status : text->p ? LS_OK : LS_ENOMEM;
  ls_buf_deinit(&valid);
  return status;
}

/* text or html; *out stays NULL when it is empty. images: where those of html go, NULL: they stay in it. */
static enum ls_status read_body(struct ls_message_reader *r, const struct ls_value *mail, const char *key,
                                struct ls_span type, struct ls_mime_part **images,
                                struct ls_mime_part **out) {
  struct ls_label label = ls_label_make(key);
  struct ls_span text;
  enum ls_status status = ls_message_read_string(r, ls_value_get(mail, ls_span_cstr(key)), &label, &text);
  if (status != LS_OK || !text.n)
    return status;
  r->option = key;
  struct ls_mime_part *part = new_part(r, type);
  struct ls_mime_pair *charset = ls_arena_alloc(r->a, sizeof *charset);
  if (!part || !charset)
    return LS_ENOMEM;
  *charset = (struct ls_mime_pair){LS_SPAN("charset"), LS_SPAN("utf-8")};
  part->params = charset;
  part->param_count = 1;
  label = ls_label_make("encoding");
  status = read_encoding(r, ls_value_get(mail, LS_SPAN("encoding")), &label, &part->encoding);
  part->encoding_early = part->encoding != LS_MIME_AUTO;
  if (status == LS_OK)
    status = make_valid(r, &text);
  if (status == LS_OK && images)
    status = ls_message_read_images(r, &text, images);
  part->content = text;
  *out = part;
  return status == LS_OK ? ls_mime_settle(part, r->a) : status;
}

/* How content is written down. Node's names, "_" and "-" aside as there. */
enum notation { NOTATION_OCTETS, NOTATION_BASE64, NOTATION_HEX, NOTATION_UNKNOWN };

static enum notation notation_of(struct ls_span name) {
  static const struct {
    const char *name;
    enum notation notation;
  } rows[] = {{"utf8", NOTATION_OCTETS},   {"ascii", NOTATION_OCTETS},  {"usascii", NOTATION_OCTETS},
              {"binary", NOTATION_OCTETS}, {"base64", NOTATION_BASE64}, {"base64url", NOTATION_BASE64},
              {"hex", NOTATION_HEX}};
  char plain[16];
  size_t n = 0;
  for (size_t i = 0; i < name.n; i++) {
    if (name.p[i] == '-' || name.p[i] == '_' || name.p[i] == ' ')
      continue;
    if (n == sizeof plain)
      return NOTATION_UNKNOWN;
    plain[n++] = name.p[i];
  }
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (ls_span_ieq(ls_span(plain, n), ls_span_cstr(rows[i].name)))
      return rows[i].notation;
  return NOTATION_UNKNOWN;
}

static enum ls_status read_content(struct ls_message_reader *r, const struct ls_value *v,
                                   const struct ls_label *label, struct ls_mime_part *part) {
  struct ls_label at = ls_label_member(label, LS_SPAN("content"));
  enum ls_status status = ls_message_read_string(r, ls_value_get(v, LS_SPAN("content")), &at, &part->content);
  const struct ls_value *encoding = ls_value_get(v, LS_SPAN("encoding"));
  enum notation notation = is_empty(encoding) ? NOTATION_OCTETS : notation_of(ls_value_string(encoding));
  if (status != LS_OK || notation == NOTATION_OCTETS)
    return status;
  if (notation == NOTATION_UNKNOWN) {
    at = ls_label_member(label, LS_SPAN("encoding"));
    return ls_message_wrong(r, &at, "\"base64\", \"hex\" or nothing (content is octets)", encoding);
  }
  bool hex = notation == NOTATION_HEX;
  char *octets = ls_arena_alloc(r->a, part->content.n / 4 * 3 + 3);
  size_t n = 0;
  if (!octets)
    return LS_ENOMEM;
  if (!(hex ? ls_codec_unhex(part->content, octets, &n) : ls_codec_unbase64(part->content, octets, &n)))
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s is not %s, as its encoding says",
                        ls_label_text(&at).text, hex ? "hex" : "base64");
  part->content = ls_span(octets, n);
  return LS_OK;
}

/* A type the caller names, else what the file name says. */
static enum ls_status read_type(struct ls_message_reader *r, const struct ls_value *v,
                                const struct ls_label *label, struct ls_mime_part *part) {
  struct ls_label at = ls_label_member(label, LS_SPAN("contentType"));
  struct ls_span text;
  enum ls_status status = ls_message_read_string(r, ls_value_get(v, LS_SPAN("contentType")), &at, &text);
  if (status != LS_OK)
    return status;
  if (!text.n) {
    part->type = ls_mime_type_of(part->filename);
    return LS_OK;
  }
  status = ls_mime_read_type(text, r->a, part);
  if (status == LS_EMESSAGE || (status == LS_OK && ls_span_starts(part->type, LS_SPAN("multipart/"))))
    return ls_error_set(r->err, LS_EMESSAGE, "API",
                        "%s must be a content type like \"application/pdf\", and none of multipart",
                        ls_label_text(&at).text);
  return status;
}

/* Without a name, an attachment gets one that says what it is; false asks for none. */
static enum ls_status name_file(struct ls_message_reader *r, const struct ls_value *v, size_t index,
                                struct ls_mime_part *part) {
  const struct ls_value *given = ls_value_get(v, LS_SPAN("filename"));
  if (part->filename.n || ls_value_is(given, LS_VALUE_BOOLEAN) ||
      ls_span_starts(part->type, LS_SPAN("message/")))
    return LS_OK;
  struct ls_buf name;
  ls_buf_init(&name, 256);
  ls_buf_adds(&name, "attachment-");
  ls_buf_addu(&name, index + 1);
  ls_buf_addc(&name, '.');
  ls_buf_add(&name, ls_mime_ending_of(part->type));
  part->filename = ls_arena_copy(r->a, ls_buf_span(&name));
  bool ok = name.status == LS_OK && part->filename.p;
  ls_buf_deinit(&name);
  return ok ? LS_OK : LS_ENOMEM;
}

static enum ls_status read_id(struct ls_message_reader *r, const struct ls_value *v,
                              const struct ls_label *label, struct ls_mime_part *part) {
  struct ls_label at = ls_label_member(label, LS_SPAN("cid"));
  struct ls_span id;
  enum ls_status status = ls_message_read_string(r, ls_value_get(v, LS_SPAN("cid")), &at, &id);
  if (status != LS_OK || !id.n)
    return status;
  if (id.p[0] == '<' && id.p[id.n - 1] == '>')
    id = ls_span_sub(id, 1, id.n - 1);
  if (!ls_msgid_is_part(id))
    return ls_error_set(r->err, LS_EMESSAGE, "API",
                        "%s must be an id such as logo@example.com or logo (RFC 5322 3.6.4), and \"%s\" is "
                        "none",
                        ls_label_text(&at).text, ls_label_octets(id).text);
  part->id = id;
  return LS_OK;
}

static enum ls_status read_disposition(struct ls_message_reader *r, const struct ls_value *v,
                                       const struct ls_label *label, struct ls_mime_part *part) {
  struct ls_label at = ls_label_member(label, LS_SPAN("contentDisposition"));
  bool shown = ls_span_starts(part->type, LS_SPAN("message/")) ||
               (part->id.n && ls_span_starts(part->type, LS_SPAN("image/")));
  const struct ls_value *given = ls_value_get(v, LS_SPAN("contentDisposition"));
  enum ls_status status = ls_message_read_string(r, given, &at, &part->disposition);
  if (status != LS_OK)
    return status;
  if (!part->disposition.n)
    part->disposition = shown ? LS_SPAN("inline") : LS_SPAN("attachment");
  if (!ls_mime_is_token(part->disposition))
    return ls_message_wrong(r, &at, "\"attachment\" or \"inline\"", given);
  return LS_OK;
}

static enum ls_status settle(struct ls_message_reader *r, const struct ls_value *v,
                             const struct ls_label *label, struct ls_mime_part *part) {
  struct ls_label at = ls_label_member(label, LS_SPAN("contentTransferEncoding"));
  const struct ls_value *wanted = ls_value_get(v, LS_SPAN("contentTransferEncoding"));
  bool given = !ls_value_is_nothing(wanted);
  if (!given && !ls_span_starts(part->type, LS_SPAN("message/")))
    part->encoding = LS_MIME_BASE64;
  enum ls_status status = read_encoding(r, wanted, &at, &part->encoding);
  part->encoding_early = !given || part->encoding != LS_MIME_AUTO;
  if (status != LS_OK)
    return status;
  status = ls_mime_settle(part, r->a);
  if (status == LS_EMESSAGE)
    return ls_error_set(r->err, status, "API",
                        "%s: a message part may not be encoded, and this one has a NUL or a line over %d "
                        "octets; attach it as application/octet-stream",
                        ls_label_text(label).text, LS_MIME_LINE_MAX);
  return status;
}

static enum ls_status read_attachment(struct ls_message_reader *r, const struct ls_value *v, size_t index,
                                      struct ls_mime_part **out) {
  struct ls_label list = ls_label_make("attachments");
  struct ls_label label = ls_label_item(&list, index);
  if (!ls_value_is_object(v))
    return ls_message_wrong(r, &label, "a table", v);
  enum ls_status status = ls_message_read_options(r, v, LS_MESSAGE_ATTACHMENT, &label);
  struct ls_mime_part *part = new_part(r, ls_span(NULL, 0));
  if (status != LS_OK || !part)
    return status != LS_OK ? status : LS_ENOMEM;
  const struct ls_value *filename = ls_value_get(v, LS_SPAN("filename"));
  struct ls_label at = ls_label_member(&label, LS_SPAN("filename"));
  if (!ls_value_is(filename, LS_VALUE_BOOLEAN) || filename->as.boolean)
    status = ls_message_read_string(r, filename, &at, &part->filename);
  if (status == LS_OK)
    status = read_type(r, v, &label, part);
  if (status == LS_OK)
    status = name_file(r, v, index, part);
  if (status == LS_OK)
    status = read_id(r, v, &label, part);
  if (status == LS_OK)
    status = read_disposition(r, v, &label, part);
  at = ls_label_member(&label, LS_SPAN("headers"));
  if (status == LS_OK)
    status = ls_message_read_part_headers(r, ls_value_get(v, LS_SPAN("headers")), &at, part);
  if (status == LS_OK)
    status = read_content(r, v, &label, part);
  *out = part;
  return status == LS_OK ? settle(r, v, &label, part) : status;
}

/* Parts in the order they were added. */
struct chain {
  struct ls_mime_part *first;
  struct ls_mime_part **last;
  size_t count;
};

static void chain_add(struct chain *c, struct ls_mime_part *part) {
  if (!c->first)
    c->last = &c->first;
  *c->last = part;
  c->last = &part->next;
  c->count++;
}

/* With an html body, what has a cid belongs to it, and the images taken out of it; everything else is
 * attached. */
static enum ls_status read_attachments(struct ls_message_reader *r, const struct ls_value *mail, bool html,
                                       struct ls_mime_part *images, struct chain *related,
                                       struct chain *attached) {
  const struct ls_value *v = ls_value_get(mail, LS_SPAN("attachments"));
  struct ls_label label = ls_label_make("attachments");
  if (!ls_value_is_nothing(v) && !ls_value_is_array(v))
    return ls_message_wrong(r, &label, "a list of tables", v);
  r->option = "attachments";
  for (size_t i = 0; ls_value_is(v, LS_VALUE_ARRAY) && i < v->as.array.count; i++) {
    struct ls_mime_part *part = NULL;
    enum ls_status status = read_attachment(r, &v->as.array.items[i], i, &part);
    if (status != LS_OK)
      return status;
    chain_add(html && part->id.n ? related : attached, part);
  }
  if (images)
    chain_add(related, images);
  return LS_OK;
}

static struct ls_mime_part *new_multipart(struct ls_message_reader *r, struct ls_span type, unsigned number,
                                          struct ls_mime_part *parts) {
  struct ls_mime_part *part = new_part(r, type);
  if (part) {
    part->parts = parts;
    part->number = number;
  }
  return part;
}

/* html and its images (RFC 2387: type names the root's type). */
static struct ls_mime_part *new_related(struct ls_message_reader *r, struct ls_mime_part *html,
                                        struct ls_mime_part *images) {
  struct ls_mime_pair *type = ls_arena_alloc(r->a, sizeof *type);
  struct ls_mime_part *part = new_multipart(r, LS_SPAN("multipart/related"), 3, html);
  if (!type || !part)
    return NULL;
  *type = (struct ls_mime_pair){LS_SPAN("type"), LS_SPAN("text/html")};
  part->params = type;
  part->param_count = 1;
  html->next = images;
  return part;
}

/* mixed(alternative(text, related(html, images)), attachments), each level only where it holds two or more.
 */
static enum ls_status build(struct ls_message_reader *r, struct ls_mime_part *text, struct ls_mime_part *html,
                            const struct chain *related, const struct chain *attached) {
  struct ls_mime_part *body = html;
  if (html && related->count && !(body = new_related(r, html, related->first)))
    return LS_ENOMEM;
  if (text && body) {
    text->next = body;
    body = new_multipart(r, LS_SPAN("multipart/alternative"), 2, text);
    if (!body)
      return LS_ENOMEM;
  } else if (text) {
    body = text;
  }
  if (body && attached->count)
    body->next = attached->first;
  struct ls_mime_part *first = body ? body : attached->first;
  if (!first && !(first = new_part(r, LS_SPAN("text/plain"))))
    return LS_ENOMEM;
  if (first->next)
    first = new_multipart(r, LS_SPAN("multipart/mixed"), 1, first);
  r->m->root = first;
  if (!first)
    return LS_ENOMEM;
  return first->parts || first->content.n ? LS_OK : ls_mime_settle(first, r->a);
}

static enum ls_status read_choice(struct ls_message_reader *r, const struct ls_value *v) {
  struct ls_label label = ls_label_make("textEncoding");
  struct ls_span text = ls_value_string(v);
  if (is_empty(v))
    return LS_OK;
  char first = text.n ? ls_ascii_upper(text.p[0]) : '\0';
  if (first != 'Q' && first != 'B')
    return ls_message_wrong(r, &label, "\"quoted-printable\" or \"base64\"", v);
  r->m->choice = first == 'Q' ? LS_CODEC_Q : LS_CODEC_B;
  return LS_OK;
}

enum ls_status ls_message_read_parts(struct ls_message_reader *r, const struct ls_value *mail) {
  struct ls_mime_part *text = NULL;
  struct ls_mime_part *html = NULL;
  struct ls_mime_part *images = NULL;
  bool take_images = ls_jstext_is_truthy(ls_value_get(mail, LS_SPAN("attachDataUrls")));
  struct chain related = {0};
  struct chain attached = {0};
  enum ls_status status = read_choice(r, ls_value_get(mail, LS_SPAN("textEncoding")));
  if (status == LS_OK)
    status = read_body(r, mail, "text", LS_SPAN("text/plain"), NULL, &text);
  if (status == LS_OK)
    status = read_body(r, mail, "html", LS_SPAN("text/html"), take_images ? &images : NULL, &html);
  if (status == LS_OK)
    status = read_attachments(r, mail, html != NULL, images, &related, &attached);
  return status == LS_OK ? build(r, text, html, &related, &attached) : status;
}
