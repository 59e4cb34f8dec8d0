/* SPDX-License-Identifier: MIT
 * Custom headers, of a mail and of its attachments, and which of several fields of one name stay. */
#include "jstext.h"
#include "message_state.h"
#include "utf8.h"

static int order_ignoring_case(struct ls_span a, struct ls_span b) {
  for (size_t i = 0; i < a.n && i < b.n; i++) {
    int order = (unsigned char)ls_ascii_lower(a.p[i]) - (unsigned char)ls_ascii_lower(b.p[i]);
    if (order)
      return order;
  }
  return a.n != b.n ? (a.n > b.n) - (a.n < b.n) : ls_value_name_order(a, b);
}

/* Whether a stands behind b. */
typedef bool after_fn(const void *a, const void *b);

/* Halves are sorted and merged, from runs of one up: qsort may allocate and is not stable. v and spare have
 * count items of n octets each. */
static void merge_sort(void *v, void *spare, size_t count, size_t n, after_fn *is_after) {
  char *items = v;
  char *merged = spare;
  for (size_t run = 1; run < count; run *= 2) {
    for (size_t from = 0; from < count; from += 2 * run) {
      size_t mid = from + run < count ? from + run : count;
      size_t end = mid + run < count ? mid + run : count;
      size_t left = from;
      size_t right = mid;
      for (size_t i = from; i < end; i++) {
        bool take_left = left < mid && (right == end || !is_after(items + left * n, items + right * n));
        memcpy(merged + i * n, items + (take_left ? left++ : right++) * n, n);
      }
    }
    memcpy(items, merged, count * n);
  }
}

static bool member_is_after(const void *a, const void *b) {
  const struct ls_member *one = a;
  const struct ls_member *other = b;
  return order_ignoring_case(one->name, other->name) > 0;
}

enum ls_status ls_message_sorted(struct ls_message_reader *r, const struct ls_value *object,
                                 struct ls_member **out) {
  size_t count = object->as.object.count;
  struct ls_member *members = ls_arena_array(r->a, count, 2 * sizeof *members);
  if (!members)
    return LS_ENOMEM;
  memcpy(members, object->as.object.members, count * sizeof *members);
  merge_sort(members, members + count, count, sizeof *members, member_is_after);
  *out = members;
  return LS_OK;
}

static enum ls_status number_text(struct ls_message_reader *r, double number, struct ls_span *out) {
  struct ls_buf text;
  ls_buf_init(&text, 64);
  ls_jstext_number(number, &text);
  *out = ls_arena_copy(r->a, ls_buf_span(&text));
  bool ok = text.status == LS_OK && out->p;
  ls_buf_deinit(&text);
  return ok ? LS_OK : LS_ENOMEM;
}

enum ls_status ls_message_read_header_value(struct ls_message_reader *r, const struct ls_value *v,
                                            const struct ls_label *label, struct ls_span *out) {
  if (ls_value_is(v, LS_VALUE_OBJECT) && ls_value_get(v, LS_SPAN("value"))) {
    enum ls_status status = ls_message_read_options(r, v, LS_MESSAGE_VALUE, label);
    if (status != LS_OK)
      return status;
    v = ls_value_get(v, LS_SPAN("value"));
  }
  if (ls_value_is(v, LS_VALUE_NUMBER))
    return number_text(r, v->as.number, out);
  *out = ls_value_string(v);
  if (ls_value_is_nothing(v) || v->kind == LS_VALUE_STRING)
    return LS_OK;
  return ls_message_wrong(r, label, "a string, a number or a list of them", v);
}

/* Fields that may be there once (RFC 5322 3.6), with what they hold. */
static const struct {
  const char *name;
  enum ls_field_kind kind;
} known[] = {{"From", LS_FIELD_MAILBOXES},  {"Sender", LS_FIELD_MAILBOXES}, {"To", LS_FIELD_MAILBOXES},
             {"Cc", LS_FIELD_MAILBOXES},    {"Bcc", LS_FIELD_MAILBOXES},    {"Reply-To", LS_FIELD_MAILBOXES},
             {"In-Reply-To", LS_FIELD_IDS}, {"Message-ID", LS_FIELD_ID},    {"References", LS_FIELD_IDS},
             {"Subject", LS_FIELD_TEXT},    {"Date", LS_FIELD_BUILT}};

/* False: name is none of them, and unstructured. */
static bool find_known(struct ls_span name, enum ls_field_kind *kind) {
  *kind = LS_FIELD_TEXT;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (ls_span_eq(name, ls_span_cstr(known[i].name))) {
      *kind = known[i].kind;
      return true;
    }
  return false;
}

/* Lists of addresses of their own (RFC 2369 3). */
static bool is_address_list(struct ls_span name) {
  static const char *const names[] = {"List-Help", "List-Unsubscribe", "List-Subscribe",
                                      "List-Post", "List-Owner",       "List-Archive"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (ls_span_eq(name, ls_span_cstr(names[i])))
      return true;
  return false;
}

/* Of each List- field there is one (RFC 2369 2, RFC 2919 3, RFC 8058 3.1), and of each that describes the
 * content (RFC 2045 3). */
static bool is_once(struct ls_span name) {
  enum ls_field_kind kind;
  return find_known(name, &kind) || ls_span_starts(name, LS_SPAN("List-")) ||
         ls_span_starts(name, LS_SPAN("Content-"));
}

/* What to do with each value of a header: context is the caller's. */
typedef enum ls_status visit(struct ls_message_reader *r, void *context, struct ls_span name,
                             const struct ls_value *v, const struct ls_label *label);

/* One value of a header of the mail. */
static enum ls_status add_custom(struct ls_message_reader *r, void *context, struct ls_span name,
                                 const struct ls_value *v, const struct ls_label *label) {
  (void)context;
  struct ls_field field = {.name = name, .rank = LS_RANK_HEADER};
  find_known(name, &field.kind);
  enum ls_status status;
  if (field.kind == LS_FIELD_MAILBOXES && ls_value_is_object(v) && !ls_value_get(v, LS_SPAN("value"))) {
    status = ls_message_read_mailboxes(r, v, label, &field.list);
  } else {
    status = ls_message_read_header_value(r, v, label, &field.value);
    if (status == LS_OK && field.kind == LS_FIELD_MAILBOXES)
      status = ls_mailbox_parse(field.value, label, r->a, &field.list, r->err);
    if (status == LS_OK && field.kind == LS_FIELD_BUILT)
      status = ls_message_read_date_text(r, label, &field.value);
    if (status == LS_OK && (field.kind == LS_FIELD_ID || field.kind == LS_FIELD_IDS))
      status = ls_message_read_ids_text(r, label, field.kind == LS_FIELD_ID, &field.value);
  }
  return status == LS_OK ? ls_message_append(r, &field) : status;
}

/* Who gets a blind copy stands in no header. */
static bool is_blind(struct ls_span name) {
  return ls_span_eq(name, LS_SPAN("Bcc")) || ls_span_eq(name, LS_SPAN("Resent-Bcc"));
}

/* What may not be set as a header of the mail, or of a part, because something else sets it. */
static bool is_reserved(struct ls_span name, bool part) {
  static const char *const made[] = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
                                     "Content-ID"};
  if (!part)
    return is_blind(name) || ls_span_eq(name, LS_SPAN("Cc")) || ls_span_eq(name, LS_SPAN("MIME-Version")) ||
           ls_span_starts(name, LS_SPAN("Content-"));
  for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
    if (ls_span_eq(name, ls_span_cstr(made[i])))
      return true;
  return ls_span_eq(name, LS_SPAN("MIME-Version"));
}

/* Where headers are read from, and what becomes of them. */
struct source {
  struct ls_label label;
  bool part; /* of an attachment, not of the mail */
  visit *each;
  void *context;
};

static enum ls_status read_header(struct ls_message_reader *r, const struct source *s, struct ls_span raw,
                                  const struct ls_value *v) {
  struct ls_span name;
  enum ls_status status = ls_header_name(raw, r->a, &name);
  if (status == LS_EMESSAGE)
    return ls_error_set(r->err, status, "API", "%s: \"%s\" is no header name; use letters, digits and '-'",
                        ls_label_text(&s->label).text, ls_label_octets(raw).text);
  if (status == LS_OK && is_reserved(name, s->part))
    return ls_error_set(
        r->err, LS_EMESSAGE, "API", "%s: \"%s\" may not be set here; use the %s own fields (%s)",
        ls_label_text(&s->label).text, ls_label_octets(raw).text, s->part ? "attachment's" : "mail's",
        s->part ? "contentType, cid, contentDisposition, contentTransferEncoding"
                : "cc, bcc, text, html, attachments");
  struct ls_label label = ls_label_member(&s->label, raw);
  if (status != LS_OK || !ls_value_is(v, LS_VALUE_ARRAY))
    return status != LS_OK || ls_value_is(v, LS_VALUE_EMPTY) ? status
                                                             : s->each(r, s->context, name, v, &label);
  for (size_t i = 0; status == LS_OK && i < v->as.array.count; i++) {
    struct ls_label at = ls_label_item(&label, i);
    status = s->each(r, s->context, name, &v->as.array.items[i], &at);
  }
  return status;
}

/* {key =, value =}: one header, as nodemailer takes it; whatever else the table holds is not looked at. */
static bool is_pair(const struct ls_value *v) {
  return ls_value_string(ls_value_get(v, LS_SPAN("key"))).n > 0 &&
         !ls_value_is_nothing(ls_value_get(v, LS_SPAN("value")));
}

static enum ls_status read_pair(struct ls_message_reader *r, const struct source *s,
                                const struct ls_value *v) {
  return read_header(r, s, ls_value_string(ls_value_get(v, LS_SPAN("key"))),
                     ls_value_get(v, LS_SPAN("value")));
}

static enum ls_status read_source(struct ls_message_reader *r, const struct source *s,
                                  const struct ls_value *v) {
  enum ls_status status = LS_OK;
  if (ls_value_is_nothing(v) || v->kind == LS_VALUE_EMPTY)
    return LS_OK;
  if (v->kind == LS_VALUE_ARRAY) {
    for (size_t i = 0; status == LS_OK && i < v->as.array.count; i++) {
      struct ls_label at = ls_label_item(&s->label, i);
      const struct ls_value *item = &v->as.array.items[i];
      status = ls_message_read_options(r, item, LS_MESSAGE_HEADER, &at);
      if (status == LS_OK)
        status = is_pair(item) ? read_pair(r, s, item) : ls_message_wrong(r, &at, "{key=, value=}", item);
    }
    return status;
  }
  if (v->kind != LS_VALUE_OBJECT)
    return ls_message_wrong(r, &s->label, "a table of names and values", v);
  if (is_pair(v))
    return read_pair(r, s, v);
  struct ls_member *members = NULL;
  status = ls_message_sorted(r, v, &members);
  for (size_t i = 0; status == LS_OK && i < v->as.object.count; i++)
    status = read_header(r, s, members[i].name, members[i].value);
  return status;
}

enum ls_status ls_message_read_headers(struct ls_message_reader *r, const struct ls_value *v) {
  const struct source s = {.label = ls_label_make("headers"), .each = add_custom};
  return read_source(r, &s, v);
}

/* The fields of one attachment, which grow by doubling. Nobody may read there who gets a blind copy. */
static enum ls_status add_part_field(struct ls_message_reader *r, void *context, struct ls_span name,
                                     const struct ls_value *v, const struct ls_label *label) {
  struct ls_mime_part *part = context;
  struct ls_span value;
  enum ls_status status = ls_message_read_header_value(r, v, label, &value);
  size_t count = part->field_count;
  if (status != LS_OK || is_blind(name))
    return status;
  if ((count & (count - 1)) == 0) {
    struct ls_mime_pair *fields = ls_arena_array(r->a, count ? 2 * count : 1, sizeof *fields);
    if (!fields)
      return LS_ENOMEM;
    if (count)
      memcpy(fields, part->fields, count * sizeof *fields);
    part->fields = fields;
  }
  part->fields[part->field_count++] = (struct ls_mime_pair){name, value};
  return LS_OK;
}

/* A field of a part and where it stands. */
struct spot {
  const struct ls_mime_pair *field;
  size_t at;
};

static bool spot_is_after(const void *a, const void *b) {
  const struct spot *one = a;
  const struct spot *other = b;
  int order = ls_value_name_order(one->field->name, other->field->name);
  return order ? order > 0 : one->at > other->at;
}

static bool is_empty_field(const struct ls_mime_pair *f) {
  return !ls_utf8_trim(f->value).n;
}

/* Of each Content- field of a part the first that says something stays. */
static enum ls_status settle_part(struct ls_message_reader *r, struct ls_mime_part *part) {
  size_t count = part->field_count;
  struct spot *spots = ls_arena_array(r->a, count, 2 * sizeof *spots);
  if (!spots)
    return LS_ENOMEM;
  for (size_t i = 0; i < count; i++)
    spots[i] = (struct spot){&part->fields[i], i};
  merge_sort(spots, spots + count, count, sizeof *spots, spot_is_after);
  struct ls_mime_pair *kept = NULL;
  for (size_t i = 0; i < count; i++) {
    struct ls_mime_pair *f = &part->fields[spots[i].at];
    if (!ls_span_starts(f->name, LS_SPAN("Content-")))
      continue;
    bool again = kept && ls_span_eq(kept->name, f->name);
    if (again && is_empty_field(kept))
      kept->value = f->value;
    if (again)
      f->value = ls_span(NULL, 0);
    else
      kept = f;
  }
  return LS_OK;
}

enum ls_status ls_message_read_part_headers(struct ls_message_reader *r, const struct ls_value *v,
                                            const struct ls_label *label, struct ls_mime_part *part) {
  const struct source s = {.label = *label, .part = true, .each = add_part_field, .context = part};
  enum ls_status status = read_source(r, &s, v);
  return status == LS_OK && part->field_count > 1 ? settle_part(r, part) : status;
}

/* An attachment that is the whole mail: its fields become fields of the mail, where those that may be there
 * once are the mail's own business. */
static enum ls_status adopt_root_fields(struct ls_message_reader *r) {
  struct ls_mime_part *root = r->m->root;
  enum ls_status status = LS_OK;
  enum ls_field_kind kind;
  for (size_t i = 0; status == LS_OK && i < root->field_count; i++) {
    struct ls_field field = {
        .name = root->fields[i].name, .value = root->fields[i].value, .rank = LS_RANK_PART};
    if (!find_known(field.name, &kind))
      status = ls_message_append(r, &field);
  }
  root->field_count = 0;
  return status;
}

/* A field and where it stands. */
struct place {
  struct ls_field *field;
  size_t at;
};

static bool place_is_after(const void *a, const void *b) {
  const struct place *one = a;
  const struct place *other = b;
  int order = ls_value_name_order(one->field->name, other->field->name);
  return order ? order > 0 : one->at > other->at;
}

static bool is_blank(const struct ls_field *f) {
  for (size_t i = 0; i < f->value.n; i++)
    if (!memchr(" \t\r\n", f->value.p[i], 4))
      return false;
  return !f->list.count;
}

/* The mailboxes of count fields, in one list. */
static enum ls_status join_mailboxes(struct ls_message_reader *r, const struct place *v, size_t count,
                                     struct ls_mailbox_list *out) {
  struct ls_mailbox_list *lists = ls_arena_array(r->a, count, sizeof *lists);
  if (!lists)
    return LS_ENOMEM;
  for (size_t i = 0; i < count; i++)
    lists[i] = v[i].field->list;
  return ls_mailbox_join(lists, count, r->a, out);
}

/* The texts of count fields with between between. */
static enum ls_status join_texts(struct ls_message_reader *r, const struct place *v, size_t count,
                                 const char *between, struct ls_span *out) {
  struct ls_buf joined;
  ls_buf_init(&joined, LS_MESSAGE_MAX);
  for (size_t i = 0; i < count; i++) {
    if (is_blank(v[i].field))
      continue;
    ls_buf_adds(&joined, joined.n ? between : "");
    ls_buf_add(&joined, v[i].field->value);
  }
  return ls_message_keep(r, &joined, out);
}

/* Fields of one name and rank, of which one may stay: addresses, ids and lists are put together, of other
 * texts the first that says something stands. */
static enum ls_status unite(struct ls_message_reader *r, const struct place *v, size_t count,
                            struct ls_field *out) {
  *out = *v[0].field;
  if (count == 1)
    return LS_OK;
  if (out->kind == LS_FIELD_MAILBOXES)
    return join_mailboxes(r, v, count, &out->list);
  if (out->kind == LS_FIELD_IDS)
    return join_texts(r, v, count, " ", &out->value);
  if (is_address_list(out->name))
    return join_texts(r, v, count, ", ", &out->value);
  for (size_t i = 0; i < count && is_blank(out); i++)
    *out = *v[i].field;
  return LS_OK;
}

/* What stays of the count fields of one name, in the order of their places: those of the highest rank, and of
 * a field that may be there once one, where the first of all stood. What goes loses its name. spare has room
 * for count. */
static enum ls_status settle_name(struct ls_message_reader *r, const struct place *v, struct place *spare,
                                  size_t count) {
  enum ls_field_rank best = LS_RANK_DEFAULT;
  for (size_t i = 0; i < count; i++)
    best = v[i].field->rank > best ? v[i].field->rank : best;
  if (count == 1 || (best < LS_RANK_OWN && !is_once(v[0].field->name)))
    return LS_OK;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (v[i].field->rank == best)
      spare[kept++] = v[i];
  struct ls_field one;
  enum ls_status status = unite(r, spare, kept, &one);
  if (status != LS_OK)
    return status;
  for (size_t i = 1; i < count; i++)
    v[i].field->name.n = 0;
  *v[0].field = one;
  return LS_OK;
}

enum ls_status ls_message_settle_fields(struct ls_message_reader *r) {
  struct ls_message *m = r->m;
  enum ls_status status = adopt_root_fields(r);
  struct place *places = status == LS_OK ? ls_arena_array(r->a, m->count, 2 * sizeof *places) : NULL;
  if (!places)
    return status == LS_OK ? LS_ENOMEM : status;
  for (size_t i = 0; i < m->count; i++)
    places[i] = (struct place){&m->fields[i], i};
  /* by name, then by place; most mails have a dozen fields, some have tens of thousands */
  merge_sort(places, places + m->count, m->count, sizeof *places, place_is_after);
  for (size_t i = 0, end; status == LS_OK && i < m->count; i = end) {
    for (end = i + 1; end < m->count && ls_span_eq(places[i].field->name, places[end].field->name);)
      end++;
    status = settle_name(r, places + i, places + m->count, end - i);
  }
  size_t kept = 0;
  for (size_t i = 0; i < m->count; i++)
    if (m->fields[i].name.n)
      m->fields[kept++] = m->fields[i];
  m->count = kept;
  return status;
}
