/* SPDX-License-Identifier: MIT */
#include "message.h"

#include "date.h"
#include "message_state.h"

enum { MAX_RECIPIENTS = 100000 }; /* as in the original: what is more is a mistake, or an attack */

/* {from =, to =, cc =, bcc =}: who the message is from and to, whatever its header says. */
static enum ls_status read_envelope(struct ls_message_reader *r, const struct ls_value *mail) {
  static const char *const keys[] = {"to", "cc", "bcc"};
  const struct ls_value *v = ls_value_get(mail, LS_SPAN("envelope"));
  struct ls_label label = ls_label_make("envelope");
  if (ls_value_is_nothing(v))
    return LS_OK;
  if (!ls_value_is_object(v))
    return ls_message_wrong(r, &label, "a table like {from=, to=}", v);
  r->option = "envelope";
  if (ls_message_read_options(r, v, LS_MESSAGE_ENVELOPE, &label) != LS_OK)
    return LS_EMESSAGE;
  r->m->has_envelope = true;
  struct ls_label at = ls_label_member(&label, LS_SPAN("from"));
  struct ls_mailbox_list to[3];
  const struct ls_value *from = ls_value_get(v, LS_SPAN("from"));
  bool nobody = ls_value_is(from, LS_VALUE_BOOLEAN) && !from->as.boolean; /* the null reverse-path */
  enum ls_status status = ls_message_read_mailboxes(r, nobody ? NULL : from, &at, &r->m->envelope_from);
  for (size_t i = 0; status == LS_OK && i < 3; i++) {
    at = ls_label_member(&label, ls_span_cstr(keys[i]));
    status = ls_message_read_mailboxes(r, ls_value_get(v, ls_span_cstr(keys[i])), &at, &to[i]);
  }
  return status == LS_OK ? ls_mailbox_join(to, 3, r->a, &r->m->envelope_to) : status;
}

static bool is_recipients(const struct ls_field *f) {
  return f->kind == LS_FIELD_MAILBOXES &&
         (ls_span_eq(f->name, LS_SPAN("To")) || ls_span_eq(f->name, LS_SPAN("Cc")) ||
          ls_span_eq(f->name, LS_SPAN("Bcc")));
}

/* Calls visit for every list of mailboxes there is; stops at the first that is not LS_OK. */
static enum ls_status each_list(struct ls_message *m,
                                enum ls_status (*visit)(void *, struct ls_mailbox_list *), void *context) {
  enum ls_status status = visit(context, &m->envelope_from);
  if (status == LS_OK)
    status = visit(context, &m->envelope_to);
  for (size_t i = 0; status == LS_OK && i < m->count; i++)
    if (m->fields[i].kind == LS_FIELD_MAILBOXES)
      status = visit(context, &m->fields[i].list);
  return status;
}

/* First counted, then kept: idn is NULL in the first round. */
static void offer(struct ls_message *m, struct ls_mailbox *box) {
  if (!ls_mailbox_needs_idna(box))
    return;
  if (m->idn)
    m->idn[m->idn_count] = box;
  m->idn_count++;
}

static enum ls_status offer_list(void *message, struct ls_mailbox_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct ls_mailbox *box = &list->items[i];
    for (size_t j = 0; box->is_group && j < box->count; j++)
      offer(message, &box->members[j]);
    if (!box->is_group)
      offer(message, box);
  }
  return LS_OK;
}

static enum ls_status collect_idn(struct ls_message_reader *r) {
  struct ls_message *m = r->m;
  each_list(m, offer_list, m);
  if (!m->idn_count)
    return LS_OK;
  m->idn = ls_arena_array(r->a, m->idn_count, sizeof(struct ls_mailbox *));
  if (!m->idn)
    return LS_ENOMEM;
  m->idn_count = 0;
  return each_list(m, offer_list, m);
}

/* What stands in the mail, or else in its envelope. */
static const struct ls_value *either(const struct ls_value *mail, const char *name) {
  const struct ls_value *v = ls_value_get(mail, ls_span_cstr(name));
  const struct ls_value *envelope = ls_value_get(mail, LS_SPAN("envelope"));
  return ls_value_is_nothing(v) ? ls_value_get(envelope, ls_span_cstr(name)) : v;
}

/* What else goes into the commands of the envelope. */
static enum ls_status read_delivery(struct ls_message_reader *r, const struct ls_value *mail) {
  const struct ls_value *most = ls_value_get(mail, LS_SPAN("maxRecipients"));
  const struct ls_value *tls = either(mail, "requireTLSExtensionEnabled");
  struct ls_label label = ls_label_make("maxRecipients");
  double max = ls_value_is(most, LS_VALUE_NUMBER) ? most->as.number
               : ls_value_is_nothing(most)        ? MAX_RECIPIENTS
                                                  : -1;
  if (!(max >= 0))
    return ls_message_wrong(r, &label, "a number, 0 for no limit", most);
  r->m->max_recipients = max < (double)SIZE_MAX ? (size_t)max : 0;
  label = ls_label_make("requireTLSExtensionEnabled");
  if (!ls_value_is_nothing(tls) && tls->kind != LS_VALUE_BOOLEAN)
    return ls_message_wrong(r, &label, "true or false", tls);
  r->m->require_tls = ls_value_is_true(tls);
  bool own = !ls_value_is_nothing(ls_value_get(mail, LS_SPAN("dsn")));
  return ls_message_read_dsn(r, either(mail, "dsn"), own ? "dsn" : "envelope.dsn");
}

static enum ls_status check_dkim(struct ls_message_reader *r, const struct ls_value *dkim) {
  struct ls_label label = ls_label_make("dkim");
  const struct ls_value *keys = ls_value_get(dkim, LS_SPAN("keys"));
  enum ls_status status = ls_message_read_options(r, dkim, LS_MESSAGE_DKIM, &label);
  struct ls_label list = ls_label_member(&label, LS_SPAN("keys"));
  for (size_t i = 0; status == LS_OK && ls_value_is(keys, LS_VALUE_ARRAY) && i < keys->as.array.count; i++) {
    struct ls_label at = ls_label_item(&list, i);
    status = ls_message_read_options(r, &keys->as.array.items[i], LS_MESSAGE_DKIM, &at);
  }
  return status;
}

/* Every recipient that a list names is one, or the mail is not sent at all. */
static enum ls_status require_recipients(struct ls_message_reader *r) {
  struct ls_message *m = r->m;
  const struct ls_mailbox *first = m->has_envelope ? ls_mailbox_first(&m->envelope_to) : NULL;
  struct ls_span left_out = m->has_envelope ? m->envelope_to.left_out : ls_span(NULL, 0);
  for (size_t i = 0; !m->has_envelope && i < m->count; i++) {
    const struct ls_field *f = &m->fields[i];
    if (is_recipients(f) && !first)
      first = ls_mailbox_first(&f->list);
    if (is_recipients(f) && !left_out.n)
      left_out = f->list.left_out;
  }
  if (!left_out.n)
    return first ? LS_OK : ls_error_because(r->err, LS_REASON_NO_RECIPIENTS, "API", "No recipients defined");
  return ls_error_set(r->err, LS_EENVELOPE, "API",
                      "%s\"%s\" among the recipients is no address: it has no '@'",
                      first ? "" : "No recipients defined: ", ls_label_octets(left_out).text);
}

static enum ls_status refuse_name(struct ls_message_reader *r, struct ls_span field, struct ls_span name) {
  return ls_error_set(r->err, LS_EENVELOPE, "API", "%s: \"%s\" is no address: it has no '@'",
                      ls_label_octets(field).text, ls_label_octets(name).text);
}

/* A mail is from somebody (RFC 5322 3.6), and none of its other fields loses a name without an address. */
static enum ls_status require_from(struct ls_message_reader *r) {
  const struct ls_mailbox *from = NULL;
  struct ls_span nobody = r->m->envelope_from.left_out;
  if (nobody.n && !ls_span_eq(nobody, LS_SPAN("<>")))
    return refuse_name(r, LS_SPAN("envelope.from"), nobody);
  for (size_t i = 0; i < r->m->count; i++) {
    const struct ls_field *f = &r->m->fields[i];
    if (f->kind != LS_FIELD_MAILBOXES || is_recipients(f))
      continue;
    if (f->list.left_out.n)
      return refuse_name(r, f->name, f->list.left_out);
    if (ls_span_eq(f->name, LS_SPAN("From")))
      from = ls_mailbox_first(&f->list);
  }
  return from ? LS_OK
              : ls_error_set(r->err, LS_EENVELOPE, "API",
                             "from must name a mailbox: a mail without a sender is none (RFC 5322 3.6)");
}

enum ls_status ls_message_read(const struct ls_value *mail, struct ls_arena *a, struct ls_message **out,
                               struct ls_error *err) {
  struct ls_message_reader r = {
      .m = ls_arena_alloc(a, sizeof(struct ls_message)), .a = a, .err = err, .option = "mail"};
  struct ls_label label = ls_label_make("mail");
  *out = NULL;
  if (!r.m)
    return LS_ENOMEM;
  if (!ls_value_is_object(mail))
    return ls_message_wrong(&r, &label, "a table", mail);
  enum ls_status status = ls_message_read_options(&r, mail, LS_MESSAGE_MAIL, NULL);
  if (status == LS_OK)
    status = check_dkim(&r, ls_value_get(mail, LS_SPAN("dkim")));
  if (status == LS_OK)
    status = ls_message_read_parts(&r, mail);
  if (status == LS_OK)
    status = ls_message_read_fields(&r, mail);
  if (status == LS_OK)
    status = read_envelope(&r, mail);
  if (status == LS_OK)
    status = read_delivery(&r, mail);
  if (status == LS_OK)
    status = require_recipients(&r);
  if (status == LS_OK)
    status = require_from(&r);
  if (status == LS_OK)
    status = collect_idn(&r);
  if (status == LS_OK)
    *out = r.m;
  if (status == LS_ENOMEM && a->full)
    return ls_error_set(err, LS_EMESSAGE, "API",
                        "%s takes more memory than a mail may: %zu MiB with all its fields", r.option,
                        a->max >> 20);
  return status;
}

struct ls_mailbox *ls_message_idn(struct ls_message *m, size_t i) {
  return i < m->idn_count ? m->idn[i] : NULL;
}

/* What every step of writing needs. */
struct writer {
  struct ls_message *m;
  const struct ls_message_context *context;
  struct ls_arena *a;
  struct ls_composed *out;
  struct ls_error *err;
};

static enum ls_status check_list(void *err, struct ls_mailbox_list *list) {
  enum ls_status status = LS_OK;
  for (size_t i = 0; status == LS_OK && i < list->count; i++)
    status = ls_mailbox_check(&list->items[i], err);
  return status;
}

/* The envelope's own, which may be nobody (the null reverse-path, RFC 5321 4.5.5), or From. */
static const struct ls_mailbox *sender_of(const struct ls_message *m) {
  if (m->has_envelope)
    return ls_mailbox_first(&m->envelope_from);
  const struct ls_mailbox *box = NULL;
  for (size_t i = 0; !box && i < m->count; i++)
    if (m->fields[i].kind == LS_FIELD_MAILBOXES && ls_span_eq(m->fields[i].name, LS_SPAN("From")))
      box = ls_mailbox_first(&m->fields[i].list);
  return box;
}

static enum ls_status write_from(struct writer *w) {
  const struct ls_mailbox *box = sender_of(w->m);
  if (!box)
    return LS_OK;
  w->out->envelope.from = ls_mailbox_address(box, w->a);
  return w->out->envelope.from.p ? LS_OK : LS_ENOMEM;
}

static enum ls_status write_recipients(struct writer *w) {
  struct ls_message *m = w->m;
  struct ls_mailbox_list *lists = ls_arena_array(w->a, m->count + 1, sizeof *lists);
  size_t count = 0;
  if (!lists)
    return LS_ENOMEM;
  if (m->has_envelope)
    lists[count++] = m->envelope_to;
  for (size_t i = 0; !m->has_envelope && i < m->count; i++)
    if (is_recipients(&m->fields[i]))
      lists[count++] = m->fields[i].list;
  struct ls_span *addresses = NULL;
  struct ls_envelope *e = &w->out->envelope;
  enum ls_status status = ls_mailbox_addresses(lists, count, w->a, &addresses, &e->count);
  if (status != LS_OK)
    return status;
  if (m->max_recipients && e->count > m->max_recipients)
    return ls_error_because(w->err, LS_REASON_TOO_MANY_RECIPIENTS, "API",
                            "The mail has %zu recipients, and maxRecipients is %zu", e->count,
                            m->max_recipients);
  e->to = ls_arena_array(w->a, e->count, sizeof *e->to);
  if (!e->to)
    return LS_ENOMEM;
  for (size_t i = 0; i < e->count; i++) {
    e->to[i] = (struct ls_recipient){addresses[i], m->notify, m->orcpt};
    e->smtputf8 = e->smtputf8 || !ls_span_is_ascii(addresses[i]);
  }
  return LS_OK;
}

static enum ls_status write_envelope(struct writer *w) {
  enum ls_status status = each_list(w->m, check_list, w->err);
  if (status == LS_OK)
    status = write_from(w);
  if (status == LS_OK)
    status = write_recipients(w);
  struct ls_envelope *e = &w->out->envelope;
  e->smtputf8 = e->smtputf8 || !ls_span_is_ascii(e->from);
  e->ret = w->m->ret;
  e->require_tls = w->m->require_tls;
  e->envid = w->m->envid;
  return status;
}

/* The part behind '@' of the sender, where it can stand in an id as it is. */
static struct ls_span id_domain(struct ls_span from) {
  size_t at = from.n;
  while (at && from.p[at - 1] != '@')
    at--;
  struct ls_span domain = ls_span_sub(from, at, from.n);
  for (size_t i = 0; i < domain.n; i++) {
    unsigned char c = (unsigned char)domain.p[i];
    if (c < 0x80 && !ls_ascii_is_alnum((char)c) && !(c > ' ' && c < 0x7f && memchr("-._[]:", c, 6)))
      return LS_SPAN("localhost");
  }
  return domain.n ? domain : LS_SPAN("localhost");
}

static char *add_span(char *to, struct ls_span s) {
  memcpy(to, s.p, s.n);
  return to + s.n;
}

/* "<01234567-89ab-cdef-0123-456789abcdef@example.com>" */
static struct ls_span random_id(struct writer *w) {
  struct ls_span domain = id_domain(w->out->envelope.from);
  char *id = ls_arena_alloc(w->a, 39 + domain.n);
  if (!id)
    return ls_span(NULL, 0);
  char *to = add_span(id, LS_SPAN("<"));
  for (size_t i = 0; i < 16; i++) {
    unsigned char c = w->context->random[i];
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *to++ = '-';
    *to++ = ls_ascii_lower(ls_ascii_hex(c >> 4));
    *to++ = ls_ascii_lower(ls_ascii_hex(c));
  }
  to = add_span(add_span(add_span(to, LS_SPAN("@")), domain), LS_SPAN(">"));
  return ls_span(id, (size_t)(to - id));
}

/* The id given, or one made up; either stands in the field that reading left for it. */
static enum ls_status write_message_id(struct writer *w) {
  struct ls_field *field = w->m->fields;
  while (!ls_span_eq(field->name, LS_SPAN("Message-ID")))
    field++;
  if (!field->value.n)
    field->value = random_id(w);
  w->out->message_id = field->value;
  return field->value.p ? LS_OK : LS_ENOMEM;
}

static enum ls_status write_field(struct writer *w, const struct ls_field *f) {
  struct ls_buf *out = &w->out->content;
  if (f->kind == LS_FIELD_TEXT)
    return ls_header_text(out, f->name, f->value, w->m->choice);
  if (f->kind == LS_FIELD_ID)
    return ls_header_id(out, f->name, f->value);
  if (f->kind == LS_FIELD_IDS)
    return ls_header_ids(out, f->name, f->value);
  if (ls_span_eq(f->name, LS_SPAN("Bcc")))
    return out->status;
  size_t from = ls_header_begin(out, f->name);
  if (f->kind == LS_FIELD_MAILBOXES)
    ls_mailbox_write_list(out, &f->list, w->m->choice);
  else
    ls_buf_add(out, f->value);
  return ls_header_end(out, from);
}

static bool is_dated(const struct ls_message *m) {
  for (size_t i = 0; i < m->count; i++)
    if (ls_span_eq(m->fields[i].name, LS_SPAN("Date")) && m->fields[i].value.n)
      return true;
  return false;
}

static enum ls_status write_fields(struct writer *w) {
  enum ls_status status = LS_OK;
  for (size_t i = 0; status == LS_OK && i < w->m->count; i++) {
    const struct ls_field *f = &w->m->fields[i];
    status = write_field(w, f);
    if (status == LS_EMESSAGE)
      ls_error_set(w->err, status, "API", "%.*s cannot be written in lines of 998 octets", (int)f->name.n,
                   f->name.p);
  }
  return status;
}

static enum ls_status write_date(struct writer *w) {
  struct ls_buf *out = &w->out->content;
  size_t from = ls_header_begin(out, LS_SPAN("Date"));
  ls_date_write(out, w->context->now_s);
  return ls_header_end(out, from);
}

/* Content-Type is the last field, so that what describes the body stands next to it. */
static enum ls_status write_head(struct writer *w, const struct ls_mime_boundary *boundary) {
  struct ls_buf *out = &w->out->content;
  const struct ls_mime_part *root = w->m->root;
  enum ls_status status = ls_mime_write_own(out, root);
  if (status == LS_OK)
    status = write_fields(w);
  if (status == LS_OK)
    status = ls_mime_write_encoding(out, root);
  if (status == LS_OK && !is_dated(w->m))
    status = write_date(w);
  if (status == LS_OK)
    status = ls_header_text(out, LS_SPAN("MIME-Version"), LS_SPAN("1.0"), LS_CODEC_AUTO);
  if (status == LS_OK)
    status = ls_mime_write_type(out, root, boundary);
  return status;
}

static enum ls_status write_content(struct writer *w) {
  struct ls_buf *out = &w->out->content;
  const struct ls_mime_part *root = w->m->root;
  struct ls_mime_boundary boundary = {0};
  if (root->parts)
    ls_mime_choose_boundary(root, w->context->random + 16, &boundary);
  ls_buf_room(out, ls_mime_size(root) + 1024); /* one growth instead of many; a failure sticks */
  enum ls_status status = write_head(w, &boundary);
  w->out->head_n = out->n;
  ls_buf_adds(out, "\r\n");
  if (status == LS_OK)
    status = ls_mime_write_body(out, root, &boundary);
  if (status == LS_OK && out->n && out->p[out->n - 1] != '\n')
    ls_buf_adds(out, "\r\n");
  return status == LS_OK ? out->status : status;
}

enum ls_status ls_message_write(struct ls_message *m, const struct ls_message_context *context,
                                struct ls_arena *a, struct ls_composed *out, struct ls_error *err) {
  struct writer w = {m, context, a, out, err};
  *out = (struct ls_composed){.content = out->content};
  out->content.max = LS_MESSAGE_MAX;
  enum ls_status status = write_envelope(&w);
  if (status == LS_OK)
    status = write_message_id(&w);
  if (status == LS_OK)
    status = write_content(&w);
  if (status == LS_ETOOBIG)
    ls_error_set(err, status, "API", "the message is over %d octets", LS_MESSAGE_MAX);
  if (status == LS_EMESSAGE)
    ls_error_set(err, status, "API", "a field of an attachment cannot be written in lines of 998 octets");
  if (status != LS_OK)
    return status;
  bool head_is_ascii = ls_span_is_ascii(ls_span(out->content.p, out->head_n));
  out->envelope.smtputf8 = out->envelope.smtputf8 || !head_is_ascii;
  out->envelope.body_8bit = !head_is_ascii || ls_mime_is_8bit(m->root);
  return LS_OK;
}
