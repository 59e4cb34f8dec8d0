/* SPDX-License-Identifier: MIT
 * Delivery status notifications (RFC 3461) and List-* fields (RFC 2369, 2919). */
#include <stdio.h>

#include "message_state.h"
#include "utf8.h"

enum {
  ENVID_MAX = 100, /* RFC 3461 4.4 */
  ORCPT_MAX = 500  /* RFC 3461 4.2 */
};

/* The first member that is a string and not empty; nothing else is taken for "not given". */
static enum ls_status either(struct ls_message_reader *r, const struct ls_value *v, const char *first,
                             const char *second, struct ls_span *out) {
  struct ls_label dsn = ls_label_make("dsn");
  struct ls_label label = ls_label_member(&dsn, ls_span_cstr(first));
  enum ls_status status = ls_message_read_string(r, ls_value_get(v, ls_span_cstr(first)), &label, out);
  if (status != LS_OK || out->n)
    return status;
  label = ls_label_member(&dsn, ls_span_cstr(second));
  return ls_message_read_string(r, ls_value_get(v, ls_span_cstr(second)), &label, out);
}

static enum ls_status invalid(struct ls_message_reader *r, const char *what, struct ls_span got) {
  return ls_error_because(r->err, LS_REASON_DSN_UNUSABLE, "API", "Invalid DSN %s: \"%s\"", what,
                          ls_label_octets(got).text);
}

static bool is_xchar(int32_t c) {
  return c > 0x20 && c < 0x7f && c != '+' && c != '=';
}

/* xtext (RFC 3461 4): "+2B" for '+'. */
static void add_xtext(struct ls_buf *out, struct ls_span s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    char coded[3];
    ls_ascii_escape(coded, '+', c);
    if (is_xchar(c))
      ls_buf_addc(out, (char)c);
    else
      ls_buf_add(out, ls_span(coded, 3));
  }
}

/* utf-8-addr-xtext (RFC 6533 3): "\x{FC}" for U+00FC, which a server without SMTPUTF8 takes as well. */
static void add_unicode_xtext(struct ls_buf *out, struct ls_span s) {
  for (size_t i = 0; i < s.n;) {
    int32_t c = ls_utf8_next(s, &i);
    char coded[16];
    if (is_xchar(c) && c != '\\')
      ls_buf_addc(out, (char)c);
    else
      ls_buf_add(out, ls_span(coded, (size_t)snprintf(coded, sizeof coded, "\\x{%02X}", (unsigned)c)));
  }
}

/* Ends a parameter that was built in b; what: its name in dsn, s: its value there. */
static enum ls_status finish(struct ls_message_reader *r, struct ls_buf *b, const char *what,
                             struct ls_span s, struct ls_span *out) {
  enum ls_status status = ls_message_keep(r, b, out);
  return status == LS_ETOOBIG ? invalid(r, what, s) : status;
}

static enum ls_status read_id(struct ls_message_reader *r, const struct ls_value *v) {
  struct ls_span id;
  struct ls_buf b;
  enum ls_status status = either(r, v, "id", "envid", &id);
  if (status != LS_OK || !id.n)
    return status;
  ls_buf_init(&b, ENVID_MAX);
  add_xtext(&b, id);
  return finish(r, &b, "id", id, &r->m->envid);
}

static enum ls_status read_ret(struct ls_message_reader *r, const struct ls_value *v) {
  struct ls_span text;
  enum ls_status status = either(r, v, "ret", "return", &text);
  if (status != LS_OK || !text.n)
    return status;
  if (ls_span_ieq(text, LS_SPAN("hdrs")) || ls_span_ieq(text, LS_SPAN("headers")))
    r->m->ret = LS_SPAN("HDRS");
  else if (ls_span_ieq(text, LS_SPAN("full")) || ls_span_ieq(text, LS_SPAN("body")))
    r->m->ret = LS_SPAN("FULL");
  else
    return invalid(r, "ret", text);
  return LS_OK;
}

/* One word of NOTIFY behind those that are there. */
static bool add_word(struct ls_buf *out, struct ls_span word) {
  static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
  while (word.n && word.p[0] == ' ')
    word = ls_span(word.p + 1, word.n - 1);
  while (word.n && word.p[word.n - 1] == ' ')
    word.n--;
  for (size_t i = 0; i < 4; i++)
    if (ls_span_ieq(word, ls_span_cstr(words[i]))) {
      if (out->n)
        ls_buf_addc(out, ',');
      ls_buf_adds(out, words[i]);
      return true;
    }
  return false;
}

static bool add_words(struct ls_buf *out, struct ls_span list) {
  while (list.n) {
    size_t comma = ls_span_index(list, ',');
    if (!add_word(out, ls_span_sub(list, 0, comma)))
      return false;
    list = ls_span_sub(list, comma + 1, list.n);
  }
  return true;
}

static enum ls_status read_notify(struct ls_message_reader *r, const struct ls_value *v) {
  const struct ls_value *notify = ls_value_get(v, LS_SPAN("notify"));
  struct ls_label label = ls_label_make("dsn.notify");
  if (ls_value_is_nothing(notify) || notify->kind == LS_VALUE_EMPTY)
    return LS_OK;
  bool is_list = notify->kind == LS_VALUE_ARRAY;
  if (!is_list && notify->kind != LS_VALUE_STRING)
    return ls_message_wrong(r, &label, "a string or a list of strings", notify);
  struct ls_buf b;
  ls_buf_init(&b, 256);
  bool ok = is_list || add_words(&b, notify->as.string);
  for (size_t i = 0; ok && is_list && i < notify->as.array.count; i++)
    ok = add_word(&b, ls_value_string(&notify->as.array.items[i]));
  ok = ok && (b.n == 5 || !ls_span_starts(ls_buf_span(&b), LS_SPAN("NEVER")));
  for (size_t i = 1; ok && i + 5 <= b.n; i++)
    ok = memcmp(b.p + i, "NEVER", 5) != 0;
  enum ls_status status = ls_message_keep(r, &b, &r->m->notify);
  return ok || status == LS_ENOMEM
             ? status
             : ls_error_because(
                   r->err, LS_REASON_DSN_UNUSABLE, "API",
                   "Invalid DSN notify: use \"never\" alone, or any of \"success\", \"failure\" and "
                   "\"delay\"");
}

static enum ls_status read_recipient(struct ls_message_reader *r, const struct ls_value *v) {
  struct ls_span text;
  enum ls_status status = either(r, v, "recipient", "orcpt", &text);
  if (status != LS_OK || !text.n)
    return status;
  size_t semicolon = text.p[0] == '"' ? text.n : ls_span_index(text, ';');
  struct ls_span type = semicolon < text.n ? ls_span_sub(text, 0, semicolon) : LS_SPAN("rfc822");
  struct ls_span address = semicolon < text.n ? ls_span_sub(text, semicolon + 1, text.n) : text;
  for (size_t i = 0; i < type.n; i++)
    if (!ls_ascii_is_alnum(type.p[i]) && type.p[i] != '-')
      return invalid(r, "recipient", text);
  if (!type.n || !address.n || !ls_utf8_valid(address))
    return invalid(r, "recipient", text);
  /* an address of type rfc822 is ASCII (RFC 6533 3) */
  if (!ls_span_is_ascii(address) && ls_span_ieq(type, LS_SPAN("rfc822")))
    type = LS_SPAN("utf-8");
  struct ls_buf b;
  ls_buf_init(&b, ORCPT_MAX);
  ls_buf_add(&b, type);
  ls_buf_addc(&b, ';');
  if (ls_span_ieq(type, LS_SPAN("utf-8")))
    add_unicode_xtext(&b, address);
  else
    add_xtext(&b, address);
  return finish(r, &b, "recipient", text, &r->m->orcpt);
}

enum ls_status ls_message_read_dsn(struct ls_message_reader *r, const struct ls_value *v, const char *name) {
  struct ls_label label = ls_label_make(name);
  if (ls_value_is_nothing(v) || v->kind == LS_VALUE_EMPTY)
    return LS_OK;
  if (v->kind != LS_VALUE_OBJECT)
    return ls_message_wrong(r, &label, "a table", v);
  enum ls_status status = ls_message_read_options(r, v, LS_MESSAGE_DSN, &label);
  if (status == LS_OK)
    status = read_id(r, v);
  if (status == LS_OK)
    status = read_ret(r, v);
  if (status == LS_OK)
    status = read_notify(r, v);
  return status == LS_OK ? read_recipient(r, v) : status;
}

/* "<https://...>": an address of mail or web as a URL, nothing in it that could end the angle brackets. */
static void add_url(struct ls_buf *out, struct ls_span url, bool is_id) {
  static const char *const schemes[] = {"http:", "https:", "mailto:", "ftp:"};
  bool has_scheme = false;
  for (size_t i = 0; i < 4; i++) {
    size_t n = strlen(schemes[i]);
    if (!ls_span_starts(url, ls_span(schemes[i], n)))
      continue;
    has_scheme = true;
    for (url = is_id ? ls_span_sub(url, n, url.n) : url; is_id && url.n && url.p[0] == '/';)
      url = ls_span_sub(url, 1, url.n);
  }
  size_t at = ls_span_index(url, '@');
  bool is_mail =
      at > 0 && at + 1 < url.n && ls_span_index(ls_span_sub(url, at + 1, url.n), '@') == url.n - at - 1;
  ls_buf_adds(out, has_scheme || is_id ? "<" : is_mail ? "<mailto:" : "<http://");
  for (size_t i = 0; i < url.n; i++) {
    unsigned char c = (unsigned char)url.p[i];
    if (c > ' ' && c < 0x7f && c != '<' && c != '>') {
      ls_buf_addc(out, (char)c);
    } else if (c >= 0x7f) {
      char coded[3];
      ls_ascii_escape(coded, '%', c);
      ls_buf_add(out, ls_span(coded, 3));
    }
  }
  ls_buf_addc(out, '>');
}

static void add_comment(struct ls_buf *out, struct ls_span comment, enum ls_codec_choice choice) {
  ls_buf_adds(out, " (");
  if (ls_codec_needs_words(comment))
    ls_codec_words(out, comment, choice);
  else
    for (size_t i = 0; i < comment.n; i++) {
      if (memchr("()\\", comment.p[i], 3))
        ls_buf_addc(out, '\\');
      ls_buf_addc(out, comment.p[i]);
    }
  ls_buf_addc(out, ')');
}

/* One address of a List-* field: "url", or {url =, comment =}. */
static enum ls_status add_entry(struct ls_message_reader *r, const struct ls_value *v,
                                const struct ls_label *label, bool is_id, struct ls_buf *out) {
  enum ls_codec_choice choice = r->m->choice;
  struct ls_span url = ls_value_string(v);
  struct ls_span comment = {0};
  if (ls_value_is(v, LS_VALUE_OBJECT)) {
    struct ls_label at = ls_label_member(label, LS_SPAN("comment"));
    enum ls_status status = ls_message_read_options(r, v, LS_MESSAGE_ENTRY, label);
    if (status == LS_OK)
      status = ls_message_read_string(r, ls_value_get(v, LS_SPAN("comment")), &at, &comment);
    if (status == LS_OK)
      status = ls_mailbox_clean_name(&comment, r->a);
    if (status != LS_OK)
      return status;
    url = ls_value_string(ls_value_get(v, LS_SPAN("url")));
  }
  if (!url.n)
    return ls_message_wrong(r, label, "a string or {url=, comment=}", v);
  if (out->n)
    ls_buf_adds(out, ", ");
  if (is_id && comment.n && ls_codec_needs_words(comment))
    ls_codec_words(out, comment, choice);
  else if (is_id && comment.n)
    ls_codec_quote(out, comment);
  if (is_id && comment.n)
    ls_buf_addc(out, ' ');
  add_url(out, url, is_id);
  if (!is_id && comment.n)
    add_comment(out, comment, choice);
  return LS_OK;
}

/* Addresses, one or a list, with ", " between. A list inside the list is the original's way to put several
 * into one field; here all of a name stand in one, as RFC 2369 2 wants it. */
static enum ls_status add_entries(struct ls_message_reader *r, const struct ls_value *v,
                                  const struct ls_label *label, bool is_id, struct ls_buf *out, bool nested) {
  if (v->kind != LS_VALUE_ARRAY)
    return add_entry(r, v, label, is_id, out);
  enum ls_status status = LS_OK;
  for (size_t i = 0; status == LS_OK && i < v->as.array.count; i++) {
    struct ls_label at = ls_label_item(label, i);
    const struct ls_value *item = &v->as.array.items[i];
    if (nested)
      status = add_entry(r, item, &at, is_id, out);
    else
      status = add_entries(r, item, &at, is_id, out, true);
  }
  return status;
}

static enum ls_status add_list_field(struct ls_message_reader *r, const struct ls_member *member) {
  struct ls_buf raw;
  struct ls_span name;
  struct ls_label list = ls_label_make("list");
  struct ls_label label = ls_label_member(&list, member->name);
  ls_buf_init(&raw, 256);
  ls_buf_adds(&raw, "list-");
  ls_buf_add(&raw, member->name);
  enum ls_status status = raw.status;
  if (status == LS_OK)
    status = ls_header_name(ls_buf_span(&raw), r->a, &name);
  ls_buf_deinit(&raw);
  if (status == LS_EMESSAGE || status == LS_ETOOBIG)
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s is no name of a List- header",
                        ls_label_text(&label).text);
  const struct ls_value *v = member->value;
  if (status != LS_OK || ls_value_is_nothing(v) || v->kind == LS_VALUE_EMPTY)
    return status;
  struct ls_buf b;
  ls_buf_init(&b, LS_MESSAGE_MAX);
  status = add_entries(r, v, &label, ls_span_eq(name, LS_SPAN("List-ID")), &b, false);
  struct ls_field field = {.name = name, .rank = LS_RANK_OWN, .kind = LS_FIELD_BUILT};
  enum ls_status kept = ls_message_keep(r, &b, &field.value);
  if (status == LS_OK)
    status = kept;
  return status == LS_OK ? ls_message_append(r, &field) : status;
}

enum ls_status ls_message_read_list(struct ls_message_reader *r, const struct ls_value *list) {
  struct ls_label label = ls_label_make("list");
  if (ls_value_is_nothing(list) || list->kind == LS_VALUE_EMPTY)
    return LS_OK;
  if (list->kind != LS_VALUE_OBJECT)
    return ls_message_wrong(r, &label, "a table like {unsubscribe=, help=}", list);
  struct ls_member *members = NULL;
  enum ls_status status = ls_message_sorted(r, list, &members);
  for (size_t i = 0; status == LS_OK && i < list->as.object.count; i++)
    status = add_list_field(r, &members[i]);
  return status;
}
