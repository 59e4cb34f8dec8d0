/* SPDX-License-Identifier: MIT
 * The header side of a mail: addresses, ids, custom headers, in the order they will be written. */
#include <stdio.h>

#include "date.h"
#include "jstext.h"
#include "message_state.h"

struct ls_label ls_label_make(const char *field) {
  struct ls_label l;
  snprintf(l.text, sizeof l.text, "%s", field);
  return l;
}

struct ls_label ls_label_item(const struct ls_label *of, size_t index) {
  struct ls_label l;
  snprintf(l.text, sizeof l.text, "%.*s[%zu]", LS_LABEL / 2, of->text, index + 1);
  return l;
}

struct ls_label ls_label_member(const struct ls_label *of, const char *name) {
  struct ls_label l;
  snprintf(l.text, sizeof l.text, "%.*s.%.*s", LS_LABEL / 2, of->text, LS_LABEL / 2 - 3, name);
  return l;
}

struct ls_label ls_label_octets(struct ls_span octets) {
  struct ls_label l;
  size_t n = octets.n < 40 ? octets.n : 40;
  for (size_t i = 0; i < n; i++)
    l.text[i] = octets.p[i] >= ' ' && octets.p[i] <= '~' ? octets.p[i] : '?';
  l.text[n] = '\0';
  return l;
}

enum ls_status ls_reader_wrong(struct ls_reader *r, const struct ls_label *label, const char *wanted,
                               const struct ls_value *got) {
  static const char *const names[] = {"nil",    "null",   "boolean", "number",
                                      "string", "a list", "table",   "table"};
  enum ls_value_kind kind = got ? got->kind : LS_VALUE_UNDEFINED;
  if (kind == LS_VALUE_OTHER)
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s must be %s, got %.*s", label->text, wanted,
                        (int)got->as.string.n, got->as.string.p);
  return ls_error_set(r->err, LS_EMESSAGE, "API", "%s must be %s, got %s", label->text, wanted, names[kind]);
}

enum ls_status ls_reader_string(struct ls_reader *r, const struct ls_value *v, const struct ls_label *label,
                                struct ls_span *out) {
  *out = ls_value_string(v);
  if (!ls_value_is_nothing(v) && v->kind != LS_VALUE_STRING)
    return ls_reader_wrong(r, label, "a string", v);
  return LS_OK;
}

enum ls_status ls_reader_append(struct ls_reader *r, const struct ls_field *field) {
  struct ls_message *m = r->m;
  if (m->count == m->cap) {
    size_t cap = m->cap ? m->cap * 2 : 16;
    struct ls_field *fields = ls_arena_array(r->a, cap, sizeof *fields);
    if (!fields)
      return LS_ENOMEM;
    if (m->count)
      memcpy(fields, m->fields, m->count * sizeof *fields);
    m->fields = fields;
    m->cap = cap;
  }
  m->fields[m->count++] = *field;
  return LS_OK;
}

enum ls_status ls_reader_set(struct ls_reader *r, const struct ls_field *field) {
  struct ls_message *m = r->m;
  size_t kept = 0;
  bool found = false;
  for (size_t i = 0; i < m->count; i++) {
    bool same = ls_span_eq(m->fields[i].name, field->name);
    if (same && found)
      continue;
    m->fields[kept++] = same ? *field : m->fields[i];
    found = found || same;
  }
  m->count = kept;
  return found ? LS_OK : ls_reader_append(r, field);
}

/* One item of an address field: a string is a list of its own. */
static enum ls_status read_item(struct ls_reader *r, const struct ls_value *v, const struct ls_label *label,
                                struct ls_mailbox_list *out) {
  *out = (struct ls_mailbox_list){0};
  if (ls_value_is(v, LS_VALUE_STRING))
    return ls_mailbox_parse(v->as.string, r->a, out);
  const struct ls_value *address = ls_value_get(v, LS_SPAN("address"));
  const struct ls_value *name = ls_value_get(v, LS_SPAN("name"));
  if (!ls_value_is(v, LS_VALUE_OBJECT) || !ls_value_is(address, LS_VALUE_STRING))
    return ls_reader_wrong(r, label, "an address: a string, or {name=, address=} with strings", v);
  struct ls_label at = ls_label_member(label, "name");
  struct ls_span text;
  enum ls_status status = ls_reader_string(r, name, &at, &text);
  if (status != LS_OK)
    return status;
  out->items = ls_arena_alloc(r->a, sizeof *out->items);
  if (!out->items)
    return LS_ENOMEM;
  status = ls_mailbox_set(out->items, text, address->as.string, r->a);
  out->count = status == LS_OK && !ls_mailbox_is_empty(out->items);
  return status;
}

static enum ls_status join(struct ls_reader *r, struct ls_mailbox_list *to,
                           const struct ls_mailbox_list *more) {
  if (!to->count || !more->count) {
    *to = to->count ? *to : *more;
    return LS_OK;
  }
  struct ls_mailbox *items = ls_arena_array(r->a, to->count + more->count, sizeof *items);
  if (!items)
    return LS_ENOMEM;
  memcpy(items, to->items, to->count * sizeof *items);
  memcpy(items + to->count, more->items, more->count * sizeof *items);
  to->items = items;
  to->count += more->count;
  return LS_OK;
}

/* An array of many recipients is joined once at the end: joining one by one would be quadratic. */
static enum ls_status read_array(struct ls_reader *r, const struct ls_value *v, const struct ls_label *label,
                                 struct ls_mailbox_list *out) {
  size_t count = v->as.array.count;
  struct ls_mailbox_list *lists = ls_arena_array(r->a, count, sizeof *lists);
  size_t total = 0;
  for (size_t i = 0; lists && i < count; i++) {
    struct ls_label at = ls_label_item(label, i);
    enum ls_status status = read_item(r, &v->as.array.items[i], &at, &lists[i]);
    if (status != LS_OK)
      return status;
    total += lists[i].count;
  }
  out->items = lists ? ls_arena_array(r->a, total, sizeof *out->items) : NULL;
  if (!out->items)
    return LS_ENOMEM;
  for (size_t i = 0; i < count; i++) {
    if (lists[i].count)
      memcpy(out->items + out->count, lists[i].items, lists[i].count * sizeof *out->items);
    out->count += lists[i].count;
  }
  return LS_OK;
}

enum ls_status ls_reader_mailboxes(struct ls_reader *r, const struct ls_value *v,
                                   const struct ls_label *label, struct ls_mailbox_list *out) {
  *out = (struct ls_mailbox_list){0};
  if (ls_value_is_nothing(v) || v->kind == LS_VALUE_EMPTY)
    return LS_OK;
  return v->kind == LS_VALUE_ARRAY ? read_array(r, v, label, out) : read_item(r, v, label, out);
}

static int order_ignoring_case(struct ls_span a, struct ls_span b) {
  for (size_t i = 0; i < a.n && i < b.n; i++) {
    int order = (unsigned char)ls_ascii_lower(a.p[i]) - (unsigned char)ls_ascii_lower(b.p[i]);
    if (order)
      return order;
  }
  return a.n != b.n ? (a.n > b.n) - (a.n < b.n) : ls_value_name_order(a, b);
}

/* Halves are sorted and merged, from runs of one up: qsort may allocate and is not stable. */
static void merge_sort(struct ls_member *v, struct ls_member *spare, size_t count) {
  for (size_t run = 1; run < count; run *= 2) {
    for (size_t from = 0; from < count; from += 2 * run) {
      size_t mid = from + run < count ? from + run : count;
      size_t end = mid + run < count ? mid + run : count;
      size_t left = from;
      size_t right = mid;
      for (size_t i = from; i < end; i++) {
        bool take_left =
            left < mid && (right == end || order_ignoring_case(v[left].name, v[right].name) <= 0);
        spare[i] = take_left ? v[left++] : v[right++];
      }
    }
    memcpy(v, spare, count * sizeof *v);
  }
}

enum ls_status ls_reader_sorted(struct ls_reader *r, const struct ls_value *object, struct ls_member **out) {
  size_t count = object->as.object.count;
  struct ls_member *members = ls_arena_array(r->a, count, 2 * sizeof *members);
  if (!members)
    return LS_ENOMEM;
  memcpy(members, object->as.object.members, count * sizeof *members);
  merge_sort(members, members + count, count);
  *out = members;
  return LS_OK;
}

static enum ls_status number_text(struct ls_reader *r, double number, struct ls_span *out) {
  struct ls_buf text;
  ls_buf_init(&text, 64);
  ls_jstext_number(number, &text);
  *out = ls_arena_copy(r->a, ls_buf_span(&text));
  bool ok = text.status == LS_OK && out->p;
  ls_buf_deinit(&text);
  return ok ? LS_OK : LS_ENOMEM;
}

enum ls_status ls_reader_header_value(struct ls_reader *r, const struct ls_value *v,
                                      const struct ls_label *label, struct ls_span *out) {
  if (ls_value_is(v, LS_VALUE_OBJECT) && ls_value_get(v, LS_SPAN("value")))
    v = ls_value_get(v, LS_SPAN("value"));
  if (ls_value_is(v, LS_VALUE_NUMBER))
    return number_text(r, v->as.number, out);
  *out = ls_value_string(v);
  if (ls_value_is_nothing(v) || v->kind == LS_VALUE_STRING)
    return LS_OK;
  return ls_reader_wrong(r, label, "a string, a number or a list of them", v);
}

/* Fields that may be there once (RFC 5322 3.6), with what they hold; the rest is unstructured. */
static const struct {
  const char *name;
  enum ls_field_kind kind;
} known[] = {{"From", LS_FIELD_MAILBOXES}, {"Sender", LS_FIELD_MAILBOXES}, {"To", LS_FIELD_MAILBOXES},
             {"Cc", LS_FIELD_MAILBOXES},   {"Bcc", LS_FIELD_MAILBOXES},    {"Reply-To", LS_FIELD_MAILBOXES},
             {"In-Reply-To", LS_FIELD_ID}, {"Message-ID", LS_FIELD_ID},    {"References", LS_FIELD_IDS},
             {"Subject", LS_FIELD_TEXT},   {"Date", LS_FIELD_TEXT}};

/* One value of a custom header. A second value for a field that may be there once adds its mailboxes to the
 * first, or is left out. */
static enum ls_status add_custom(struct ls_reader *r, struct ls_span name, const struct ls_value *v,
                                 const struct ls_label *label) {
  struct ls_field field = {.name = name, .kind = LS_FIELD_TEXT};
  bool once = false;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (ls_span_eq(name, ls_span_cstr(known[i].name))) {
      field.kind = known[i].kind;
      once = true;
    }
  enum ls_status status = ls_reader_header_value(r, v, label, &field.value);
  if (status == LS_OK && field.kind == LS_FIELD_MAILBOXES)
    status = ls_mailbox_parse(field.value, r->a, &field.list);
  for (size_t i = 0; once && status == LS_OK && i < r->m->count; i++)
    if (ls_span_eq(r->m->fields[i].name, name))
      return join(r, &r->m->fields[i].list, &field.list);
  return status == LS_OK ? ls_reader_append(r, &field) : status;
}

static bool is_reserved(struct ls_span name) {
  return ls_span_eq(name, LS_SPAN("Bcc")) || ls_span_eq(name, LS_SPAN("Cc")) ||
         ls_span_eq(name, LS_SPAN("MIME-Version")) || ls_span_starts(name, LS_SPAN("Content-"));
}

static enum ls_status add_header(struct ls_reader *r, struct ls_span raw, const struct ls_value *v) {
  struct ls_span name;
  struct ls_label shown = ls_label_octets(raw);
  enum ls_status status = ls_header_name(raw, r->a, &name);
  if (status == LS_EMESSAGE)
    return ls_error_set(r->err, status, "API",
                        "headers: \"%s\" is no header name; use letters, digits and '-'", shown.text);
  if (status == LS_OK && is_reserved(name))
    return ls_error_set(r->err, LS_EMESSAGE, "API",
                        "headers: %s may not be set here; use the mail's own fields (cc, bcc, text, html, "
                        "attachments)",
                        shown.text);
  struct ls_label label = ls_label_make("headers");
  label = ls_label_member(&label, shown.text);
  if (status != LS_OK || !ls_value_is(v, LS_VALUE_ARRAY))
    return status != LS_OK || ls_value_is(v, LS_VALUE_EMPTY) ? status : add_custom(r, name, v, &label);
  for (size_t i = 0; status == LS_OK && i < v->as.array.count; i++) {
    struct ls_label at = ls_label_item(&label, i);
    status = add_custom(r, name, &v->as.array.items[i], &at);
  }
  return status;
}

/* {key =, value =}: one header, as nodemailer takes it; whatever else the table holds is not looked at. */
static bool is_pair(const struct ls_value *v) {
  return ls_value_string(ls_value_get(v, LS_SPAN("key"))).n > 0 &&
         !ls_value_is_nothing(ls_value_get(v, LS_SPAN("value")));
}

static enum ls_status add_pair(struct ls_reader *r, const struct ls_value *v) {
  return add_header(r, ls_value_string(ls_value_get(v, LS_SPAN("key"))), ls_value_get(v, LS_SPAN("value")));
}

static enum ls_status read_headers(struct ls_reader *r, const struct ls_value *v) {
  struct ls_label label = ls_label_make("headers");
  if (ls_value_is_nothing(v) || v->kind == LS_VALUE_EMPTY)
    return LS_OK;
  enum ls_status status = LS_OK;
  if (v->kind == LS_VALUE_ARRAY) {
    for (size_t i = 0; status == LS_OK && i < v->as.array.count; i++) {
      struct ls_label at = ls_label_item(&label, i);
      const struct ls_value *item = &v->as.array.items[i];
      status = is_pair(item) ? add_pair(r, item) : ls_reader_wrong(r, &at, "{key=, value=}", item);
    }
    return status;
  }
  if (v->kind != LS_VALUE_OBJECT)
    return ls_reader_wrong(r, &label, "a table", v);
  if (is_pair(v))
    return add_pair(r, v);
  struct ls_member *members = NULL;
  status = ls_reader_sorted(r, v, &members);
  for (size_t i = 0; status == LS_OK && i < v->as.object.count; i++)
    status = add_header(r, members[i].name, members[i].value);
  return status;
}

/* An empty string, or false, leaves a custom header of that name in force. */
static bool is_given(const struct ls_value *v) {
  return !ls_value_is_nothing(v) && !(v->kind == LS_VALUE_STRING && !v->as.string.n) &&
         !(v->kind == LS_VALUE_BOOLEAN && !v->as.boolean);
}

static enum ls_status read_references(struct ls_reader *r, const struct ls_value *v, struct ls_span *out) {
  struct ls_label label = ls_label_make("references");
  if (!ls_value_is_array(v))
    return ls_value_is(v, LS_VALUE_STRING) ? ls_reader_string(r, v, &label, out)
                                           : ls_reader_wrong(r, &label, "a string or a list of strings", v);
  struct ls_buf joined;
  ls_buf_init(&joined, LS_MESSAGE_MAX);
  enum ls_status status = LS_OK;
  for (size_t i = 0; v->kind == LS_VALUE_ARRAY && status == LS_OK && i < v->as.array.count; i++) {
    struct ls_label at = ls_label_item(&label, i);
    struct ls_span id;
    status = ls_reader_string(r, &v->as.array.items[i], &at, &id);
    ls_buf_add(&joined, id);
    ls_buf_addc(&joined, ' ');
  }
  *out = ls_arena_copy(r->a, ls_buf_span(&joined));
  status = status != LS_OK ? status : joined.status != LS_OK ? joined.status : out->p ? LS_OK : LS_ENOMEM;
  ls_buf_deinit(&joined);
  return status;
}

static enum ls_status read_date(struct ls_reader *r, const struct ls_value *v, struct ls_span *out) {
  struct ls_label label = ls_label_make("date");
  if (!ls_value_is(v, LS_VALUE_NUMBER))
    return ls_value_is(v, LS_VALUE_STRING)
               ? ls_reader_string(r, v, &label, out)
               : ls_reader_wrong(r, &label, "a string or milliseconds since 1970", v);
  double ms = v->as.number;
  if (!(ms >= (double)LS_DATE_MIN * 1000 && ms <= (double)LS_DATE_MAX * 1000))
    return ls_error_set(r->err, LS_EMESSAGE, "API",
                        "date must be milliseconds since 1970, in the years 0 to 9999");
  struct ls_buf text;
  ls_buf_init(&text, 64);
  ls_date_write(&text, (int64_t)ms / 1000 - ((int64_t)ms % 1000 < 0));
  *out = ls_arena_copy(r->a, ls_buf_span(&text));
  bool ok = text.status == LS_OK && out->p;
  ls_buf_deinit(&text);
  return ok ? LS_OK : LS_ENOMEM;
}

static enum ls_status read_own(struct ls_reader *r, const struct ls_value *v, const char *key,
                               struct ls_field *field) {
  struct ls_label label = ls_label_make(key);
  if (field->kind == LS_FIELD_MAILBOXES)
    return ls_reader_mailboxes(r, v, &label, &field->list);
  if (field->kind == LS_FIELD_IDS)
    return read_references(r, v, &field->value);
  if (ls_span_eq(field->name, LS_SPAN("Date")))
    return read_date(r, v, &field->value);
  return ls_reader_string(r, v, &label, &field->value);
}

static enum ls_status set_text(struct ls_reader *r, const char *name, const char *value) {
  struct ls_field field = {.name = ls_span_cstr(name), .kind = LS_FIELD_TEXT, .value = ls_span_cstr(value)};
  return ls_reader_set(r, &field);
}

static enum ls_status read_priority(struct ls_reader *r, const struct ls_value *v) {
  struct ls_label label = ls_label_make("priority");
  struct ls_span text;
  enum ls_status status = ls_reader_string(r, v, &label, &text);
  bool high = ls_span_ieq(text, LS_SPAN("high"));
  if (status != LS_OK || !text.n || ls_span_ieq(text, LS_SPAN("normal")))
    return status;
  if (!high && !ls_span_ieq(text, LS_SPAN("low")))
    return ls_error_set(r->err, LS_EMESSAGE, "API", "priority must be \"high\", \"normal\" or \"low\"");
  status = set_text(r, "X-Priority", high ? "1 (Highest)" : "5 (Lowest)");
  if (status == LS_OK)
    status = set_text(r, "X-Msmail-Priority", high ? "High" : "Low");
  return status == LS_OK ? set_text(r, "Importance", high ? "High" : "Low") : status;
}

static bool has_field(const struct ls_reader *r, struct ls_span name) {
  for (size_t i = 0; i < r->m->count; i++)
    if (ls_span_eq(r->m->fields[i].name, name))
      return true;
  return false;
}

/* The row without a key keeps a place for the id that writing makes up. */
enum ls_status ls_reader_fields(struct ls_reader *r, const struct ls_value *mail) {
  static const struct {
    const char *key;
    const char *name;
    enum ls_field_kind kind;
  } rows[] = {{"from", "From", LS_FIELD_MAILBOXES},      {"sender", "Sender", LS_FIELD_MAILBOXES},
              {"to", "To", LS_FIELD_MAILBOXES},          {"cc", "Cc", LS_FIELD_MAILBOXES},
              {"bcc", "Bcc", LS_FIELD_MAILBOXES},        {"replyTo", "Reply-To", LS_FIELD_MAILBOXES},
              {"inReplyTo", "In-Reply-To", LS_FIELD_ID}, {"references", "References", LS_FIELD_IDS},
              {"subject", "Subject", LS_FIELD_TEXT},     {"messageId", "Message-ID", LS_FIELD_ID},
              {"date", "Date", LS_FIELD_TEXT},           {NULL, "Message-ID", LS_FIELD_ID},
              {"xMailer", "X-Mailer", LS_FIELD_TEXT}};
  enum ls_status status = read_headers(r, ls_value_get(mail, LS_SPAN("headers")));
  for (size_t i = 0; status == LS_OK && i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_field field = {.name = ls_span_cstr(rows[i].name), .kind = rows[i].kind};
    const struct ls_value *v = rows[i].key ? ls_value_get(mail, ls_span_cstr(rows[i].key)) : NULL;
    if (is_given(v))
      status = read_own(r, v, rows[i].key, &field);
    if (status == LS_OK && (rows[i].key ? is_given(v) : !has_field(r, field.name)))
      status = ls_reader_set(r, &field);
  }
  if (status == LS_OK)
    status = read_priority(r, ls_value_get(mail, LS_SPAN("priority")));
  return status == LS_OK ? ls_reader_list(r, ls_value_get(mail, LS_SPAN("list"))) : status;
}
