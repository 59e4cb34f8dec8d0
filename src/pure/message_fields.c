/* SPDX-License-Identifier: MIT
 * The header side of a mail: addresses, ids and other options that are header fields, in the order they are
 * written. */
#include <stdio.h>

#include "date.h"
#include "message_state.h"
#include "msgid.h"
#include "utf8.h"

enum ls_status ls_message_wrong(struct ls_message_reader *r, const struct ls_label *label, const char *wanted,
                                const struct ls_value *got) {
  static const char *const names[] = {"nil",    "null",   "boolean", "number",
                                      "string", "a list", "table",   "table"};
  enum ls_value_kind kind = got ? got->kind : LS_VALUE_UNDEFINED;
  struct ls_label_text where = ls_label_text(label);
  if (kind == LS_VALUE_OTHER)
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s must be %s, got %.*s", where.text, wanted,
                        (int)got->as.string.n, got->as.string.p);
  return ls_error_set(r->err, LS_EMESSAGE, "API", "%s must be %s, got %s", where.text, wanted, names[kind]);
}

enum ls_status ls_message_read_string(struct ls_message_reader *r, const struct ls_value *v,
                                      const struct ls_label *label, struct ls_span *out) {
  *out = ls_value_string(v);
  if (!ls_value_is_nothing(v) && v->kind != LS_VALUE_STRING)
    return ls_message_wrong(r, label, "a string", v);
  return LS_OK;
}

enum ls_status ls_message_append(struct ls_message_reader *r, const struct ls_field *field) {
  struct ls_message *m = r->m;
  if (m->count == m->cap) {
    size_t cap = m->cap ? m->cap * 2 : 8;
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

enum ls_status ls_message_keep(struct ls_message_reader *r, struct ls_buf *b, struct ls_span *out) {
  *out = ls_arena_copy(r->a, ls_buf_span(b));
  enum ls_status status = b->status != LS_OK ? b->status : out->p ? LS_OK : LS_ENOMEM;
  ls_buf_deinit(b);
  return status;
}

/* {name =, address =}. */
static enum ls_status read_mailbox(struct ls_message_reader *r, const struct ls_value *v,
                                   const struct ls_label *label, struct ls_mailbox_list *out) {
  const struct ls_value *address = ls_value_get(v, LS_SPAN("address"));
  struct ls_label at = ls_label_member(label, LS_SPAN("name"));
  struct ls_span text;
  if (!ls_value_is(v, LS_VALUE_OBJECT) || !ls_value_is(address, LS_VALUE_STRING))
    return ls_message_wrong(r, label,
                            "an address: a string, {name=, address=} with strings, or {name=, group=}", v);
  enum ls_status status = ls_message_read_string(r, ls_value_get(v, LS_SPAN("name")), &at, &text);
  return status == LS_OK ? ls_mailbox_set(out, text, address->as.string, label, r->a, r->err) : status;
}

/* Groups in a group have no meaning (RFC 5322 3.4): their mailboxes join it. */
static enum ls_status flatten(struct ls_message_reader *r, const struct ls_mailbox_list *list,
                              struct ls_mailbox *group) {
  for (size_t i = 0; i < list->count; i++)
    group->count += list->items[i].is_group ? list->items[i].count : 1;
  group->members = ls_arena_array(r->a, group->count, sizeof *group->members);
  if (!group->members)
    return LS_ENOMEM;
  struct ls_mailbox *to = group->members;
  for (size_t i = 0; i < list->count; i++) {
    const struct ls_mailbox *m = &list->items[i];
    size_t count = m->is_group ? m->count : 1;
    if (count)
      memcpy(to, m->is_group ? m->members : m, count * sizeof *to);
    to += count;
  }
  return LS_OK;
}

/* {name =, group = {...}}. Depth is that of the table, which reading it has bounded. */
static enum ls_status read_group(struct ls_message_reader *r, const struct ls_value *v,
                                 const struct ls_label *label, struct ls_mailbox_list *out) {
  struct ls_label at = ls_label_member(label, LS_SPAN("group"));
  struct ls_mailbox_list list;
  struct ls_span name;
  if (ls_value_string(ls_value_get(v, LS_SPAN("address"))).n)
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s has an address and a group; give one of them",
                        ls_label_text(label).text);
  enum ls_status status = ls_message_read_mailboxes(r, ls_value_get(v, LS_SPAN("group")), &at, &list);
  at = ls_label_member(label, LS_SPAN("name"));
  if (status == LS_OK)
    status = ls_message_read_string(r, ls_value_get(v, LS_SPAN("name")), &at, &name);
  if (status == LS_OK)
    status = ls_mailbox_clean_name(&name, r->a);
  if (status == LS_OK && !name.n)
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s must be there: a group has a name",
                        ls_label_text(&at).text);
  out->items = status == LS_OK ? ls_arena_alloc(r->a, sizeof *out->items) : NULL;
  if (!out->items)
    return status == LS_OK ? LS_ENOMEM : status;
  out->count = 1;
  out->left_out = list.left_out;
  *out->items = (struct ls_mailbox){.name = name, .is_group = true};
  return flatten(r, &list, out->items);
}

/* One item of an address field: a string is a list of its own. */
static enum ls_status read_item(struct ls_message_reader *r, const struct ls_value *v,
                                const struct ls_label *label, struct ls_mailbox_list *out) {
  *out = (struct ls_mailbox_list){0};
  if (ls_value_is(v, LS_VALUE_STRING))
    return ls_mailbox_parse(v->as.string, label, r->a, out, r->err);
  enum ls_status status = ls_message_read_options(r, v, LS_MESSAGE_ADDRESS, label);
  if (status != LS_OK)
    return status;
  return ls_value_is_nothing(ls_value_get(v, LS_SPAN("group"))) ? read_mailbox(r, v, label, out)
                                                                : read_group(r, v, label, out);
}

/* An array of many recipients is joined once at the end: joining one by one would be quadratic. */
static enum ls_status read_array(struct ls_message_reader *r, const struct ls_value *v,
                                 const struct ls_label *label, struct ls_mailbox_list *out) {
  size_t count = v->as.array.count;
  struct ls_mailbox_list *lists = ls_arena_array(r->a, count, sizeof *lists);
  if (!lists)
    return LS_ENOMEM;
  for (size_t i = 0; i < count; i++) {
    struct ls_label at = ls_label_item(label, i);
    enum ls_status status = read_item(r, &v->as.array.items[i], &at, &lists[i]);
    if (status != LS_OK)
      return status;
  }
  return ls_mailbox_join(lists, count, r->a, out);
}

enum ls_status ls_message_read_mailboxes(struct ls_message_reader *r, const struct ls_value *v,
                                         const struct ls_label *label, struct ls_mailbox_list *out) {
  *out = (struct ls_mailbox_list){0};
  if (ls_value_is_nothing(v) || v->kind == LS_VALUE_EMPTY)
    return LS_OK;
  return v->kind == LS_VALUE_ARRAY ? read_array(r, v, label, out) : read_item(r, v, label, out);
}

/* An empty string, or false, leaves a custom header of that name in force. */
static bool is_given(const struct ls_value *v) {
  return !ls_value_is_nothing(v) && !(v->kind == LS_VALUE_STRING && !v->as.string.n) &&
         !(v->kind == LS_VALUE_BOOLEAN && !v->as.boolean);
}

/* Ids: a string of them, or an array. */
static enum ls_status read_ids(struct ls_message_reader *r, const struct ls_value *v,
                               const struct ls_label *label, struct ls_span *out) {
  if (!ls_value_is_array(v))
    return ls_value_is(v, LS_VALUE_STRING) ? ls_message_read_string(r, v, label, out)
                                           : ls_message_wrong(r, label, "a string or a list of strings", v);
  struct ls_buf joined;
  ls_buf_init(&joined, LS_MESSAGE_MAX);
  enum ls_status status = LS_OK;
  for (size_t i = 0; v->kind == LS_VALUE_ARRAY && status == LS_OK && i < v->as.array.count; i++) {
    struct ls_label at = ls_label_item(label, i);
    struct ls_span id;
    status = ls_message_read_string(r, &v->as.array.items[i], &at, &id);
    ls_buf_add(&joined, id);
    ls_buf_addc(&joined, ' ');
  }
  enum ls_status kept = ls_message_keep(r, &joined, out);
  return status != LS_OK ? status : kept;
}

enum ls_status ls_message_read_ids_text(struct ls_message_reader *r, const struct ls_label *label, bool one,
                                        struct ls_span *text) {
  struct ls_buf ids;
  size_t count;
  ls_buf_init(&ids, LS_MESSAGE_MAX);
  struct ls_span wrong = ls_msgid_list(*text, &ids, &count);
  if (one && count > 1)
    wrong = *text;
  enum ls_status kept = ls_message_keep(r, &ids, text);
  if (kept != LS_OK || !wrong.n)
    return kept;
  return ls_error_set(r->err, LS_EMESSAGE, "API",
                      "%s must be %s such as <unique@example.com> (RFC 5322 3.6.4), and \"%s\" is none",
                      ls_label_text(label).text, one ? "one id" : "ids", ls_label_octets(wrong).text);
}

enum ls_status ls_message_read_date_text(struct ls_message_reader *r, const struct ls_label *label,
                                         struct ls_span *text) {
  if (!ls_utf8_trim(*text).n) {
    *text = ls_span(NULL, 0);
    return LS_OK;
  }
  struct ls_buf date;
  ls_buf_init(&date, 64);
  const char *fault = ls_date_read(&date, *text);
  enum ls_status kept = ls_message_keep(r, &date, text);
  return fault ? ls_error_set(r->err, LS_EMESSAGE, "API", "%s %s", ls_label_text(label).text, fault) : kept;
}

/* Between 1966 and 1973 in milliseconds there was no mail to date; in seconds these numbers are any date from
 * 1970 to the year 5138. */
static bool is_in_seconds(double number) {
  return number != 0 && number > -1e11 && number < 1e11;
}

static enum ls_status read_date(struct ls_message_reader *r, const struct ls_value *v,
                                const struct ls_label *label, struct ls_span *out) {
  if (ls_value_is(v, LS_VALUE_STRING)) {
    *out = v->as.string;
    return ls_message_read_date_text(r, label, out);
  }
  if (!ls_value_is(v, LS_VALUE_NUMBER))
    return ls_message_wrong(r, label, "a string or milliseconds since 1970", v);
  double ms = v->as.number;
  if (is_in_seconds(ms))
    return ls_error_set(r->err, LS_EMESSAGE, "API",
                        "%s must be milliseconds since 1970, and %.0f is in seconds; multiply it by 1000",
                        ls_label_text(label).text, ms);
  if (!(ms >= (double)LS_DATE_MIN * 1000 && ms <= (double)LS_DATE_MAX * 1000))
    return ls_error_set(r->err, LS_EMESSAGE, "API",
                        "%s must be milliseconds since 1970, in the years 0 to 9999",
                        ls_label_text(label).text);
  struct ls_buf text;
  ls_buf_init(&text, 64);
  ls_date_write(&text, (int64_t)ms / 1000 - ((int64_t)ms % 1000 < 0));
  return ls_message_keep(r, &text, out);
}

static enum ls_status read_own(struct ls_message_reader *r, const struct ls_value *v, const char *key,
                               struct ls_field *field) {
  struct ls_label label = ls_label_make(key);
  if (field->kind == LS_FIELD_MAILBOXES)
    return ls_message_read_mailboxes(r, v, &label, &field->list);
  if (field->kind == LS_FIELD_BUILT)
    return read_date(r, v, &label, &field->value);
  enum ls_status status = field->kind == LS_FIELD_IDS ? read_ids(r, v, &label, &field->value)
                                                      : ls_message_read_string(r, v, &label, &field->value);
  if (status != LS_OK || field->kind == LS_FIELD_TEXT)
    return status;
  return ls_message_read_ids_text(r, &label, field->kind == LS_FIELD_ID, &field->value);
}

static enum ls_status set_text(struct ls_message_reader *r, const char *name, const char *value) {
  struct ls_field field = {.name = ls_span_cstr(name), .rank = LS_RANK_OWN, .value = ls_span_cstr(value)};
  return ls_message_append(r, &field);
}

static enum ls_status read_priority(struct ls_message_reader *r, const struct ls_value *v) {
  struct ls_label label = ls_label_make("priority");
  struct ls_span text;
  enum ls_status status = ls_message_read_string(r, v, &label, &text);
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

static struct ls_field *find_field(struct ls_message_reader *r, struct ls_span name) {
  for (size_t i = 0; i < r->m->count; i++)
    if (ls_span_eq(r->m->fields[i].name, name))
      return &r->m->fields[i];
  return NULL;
}

/* Sender is one mailbox, and there where From is not one (RFC 5322 3.6.2, RFC 6854 2.1): the first of From's
 * then. */
static enum ls_status settle_sender(struct ls_message_reader *r) {
  struct ls_field *sender = find_field(r, LS_SPAN("Sender"));
  const struct ls_field *from = find_field(r, LS_SPAN("From"));
  if (sender->list.count > 1 || (sender->list.count && sender->list.items->is_group))
    return ls_error_set(r->err, LS_EMESSAGE, "API", "%s must be one mailbox (RFC 5322 3.6.2); got %s",
                        sender->rank == LS_RANK_OWN ? "sender" : "headers.Sender",
                        sender->list.count > 1 ? "several" : "a group");
  if (!from || sender->list.count || !from->list.count)
    return LS_OK;
  const struct ls_mailbox *first = ls_mailbox_first(&from->list);
  if (!first || (from->list.count == 1 && !from->list.items->is_group))
    return LS_OK;
  sender->list.items = ls_arena_alloc(r->a, sizeof *sender->list.items);
  if (!sender->list.items)
    return LS_ENOMEM;
  *sender->list.items = *first;
  sender->list.count = 1;
  return LS_OK;
}

/* Those that writing or settling makes up where nobody gives them have a place all the same. */
static bool is_made_up(struct ls_span name) {
  return ls_span_eq(name, LS_SPAN("Sender")) || ls_span_eq(name, LS_SPAN("Message-ID"));
}

enum ls_status ls_message_read_fields(struct ls_message_reader *r, const struct ls_value *mail) {
#define FIELD(key, name, kind)                                                                               \
  { (key), {(key), sizeof(key) - 1}, {(name), sizeof(name) - 1}, LS_FIELD_##kind }
  static const struct {
    const char *option;
    struct ls_span key, name;
    enum ls_field_kind kind;
  } rows[] = {FIELD("from", "From", MAILBOXES),       FIELD("sender", "Sender", MAILBOXES),
              FIELD("to", "To", MAILBOXES),           FIELD("cc", "Cc", MAILBOXES),
              FIELD("bcc", "Bcc", MAILBOXES),         FIELD("replyTo", "Reply-To", MAILBOXES),
              FIELD("inReplyTo", "In-Reply-To", IDS), FIELD("references", "References", IDS),
              FIELD("subject", "Subject", TEXT),      FIELD("messageId", "Message-ID", ID),
              FIELD("date", "Date", BUILT),           FIELD("xMailer", "X-Mailer", TEXT)};
#undef FIELD
  r->option = "headers";
  enum ls_status status = ls_message_read_headers(r, ls_value_get(mail, LS_SPAN("headers")));
  for (size_t i = 0; status == LS_OK && i < sizeof rows / sizeof rows[0]; i++) {
    struct ls_field field = {.name = rows[i].name, .kind = rows[i].kind};
    const struct ls_value *v = ls_value_get(mail, rows[i].key);
    bool given = is_given(v);
    field.rank = given ? LS_RANK_OWN : LS_RANK_DEFAULT;
    r->option = given ? rows[i].option : r->option;
    if (given)
      status = read_own(r, v, rows[i].option, &field);
    if (status == LS_OK && (given || is_made_up(field.name)))
      status = ls_message_append(r, &field);
  }
  if (status == LS_OK)
    status = read_priority(r, ls_value_get(mail, LS_SPAN("priority")));
  if (status == LS_OK) {
    r->option = "list";
    status = ls_message_read_list(r, ls_value_get(mail, LS_SPAN("list")));
  }
  if (status == LS_OK)
    status = ls_message_settle_fields(r);
  return status == LS_OK ? settle_sender(r) : status;
}
