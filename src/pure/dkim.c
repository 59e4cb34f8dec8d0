/* SPDX-License-Identifier: MIT */
#include "dkim.h"

#include <stdio.h>
#include <stdlib.h>

#include "canon.h"

enum {
  NAMES_MAX = 1000, /* names to sign, or to skip */
  FOLD_AT = 76,     /* columns of a line */
  NAME_MAX_N = 255, /* octets of a field name; a name cannot be folded */
  DOMAIN_MAX_N = 253,
  LABEL_MAX_N = 63
};

const char ls_dkim_default_names[] =
    "From:Sender:Reply-To:Subject:Date:Message-ID:To:Cc:MIME-Version:Content-Type:Content-Transfer-Encoding:"
    "Content-ID:Content-Description:Resent-Date:Resent-From:Resent-Sender:Resent-To:Resent-Cc:"
    "Resent-Message-ID:In-Reply-To:References:List-Id:List-Help:List-Unsubscribe:List-Subscribe:List-Post:"
    "List-Owner:List-Archive";

/* The next entry of a colon-separated list, trimmed; *at moves behind it. */
static bool next_name(struct ls_span list, size_t *at, struct ls_span *name) {
  if (*at >= list.n)
    return false;
  struct ls_span rest = ls_span(list.p + *at, list.n - *at);
  size_t n = ls_span_index(rest, ':');
  *name = ls_span_trim(ls_span(rest.p, n));
  *at += n + 1;
  return true;
}

static bool has_name(struct ls_span list, struct ls_span wanted) {
  struct ls_span name;
  for (size_t at = 0; next_name(list, &at, &name);)
    if (ls_span_ieq(name, wanted))
      return true;
  return false;
}

/* ftext of RFC 5322 3.6.8, less ';', which ends the tag that lists the names. */
static bool is_field_name(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < '!' || s.p[i] > '~' || s.p[i] == ':' || s.p[i] == ';')
      return false;
  return s.n > 0 && s.n <= NAME_MAX_N;
}

/* Each name is held against all others, which is fine for as many as a header has. */
static bool is_too_long(struct ls_span list) {
  size_t names = 1;
  for (size_t i = 0; i < list.n; i++)
    names += list.p[i] == ':';
  return names > NAMES_MAX;
}

enum ls_status ls_dkim_names(struct ls_span wanted, struct ls_span skip, struct ls_buf *out,
                             struct ls_error *err) {
  size_t start = out->n;
  struct ls_span name;
  if (is_too_long(wanted) || is_too_long(skip))
    return ls_option_error(err, LS_EDKIM,
                           is_too_long(wanted) ? LS_OPTION_DKIM_headerFieldNames : LS_OPTION_DKIM_skipFields,
                           LS_ITEM_NONE, "has over %d names", NAMES_MAX);
  for (size_t at = 0; next_name(wanted, &at, &name);) {
    struct ls_span taken = out->n > start ? ls_span(out->p + start, out->n - start) : ls_span(NULL, 0);
    if (!name.n || has_name(skip, name) || has_name(taken, name))
      continue;
    if (!is_field_name(name))
      return ls_option_error(err, LS_EDKIM, LS_OPTION_DKIM_headerFieldNames, LS_ITEM_NONE,
                             ": entry of %zu octets at octet %zu is no header field name; "
                             "write names with colons between, as in From:To:Subject",
                             name.n, (size_t)(name.p - wanted.p));
    if (out->n > start)
      ls_buf_addc(out, ':');
    for (size_t i = 0; i < name.n; i++)
      ls_buf_addc(out, ls_ascii_lower(name.p[i]));
  }
  if (out->status != LS_OK)
    return ls_error_set(err, out->status, "API", "%s", ls_status_text(out->status));
  if (out->n == start || !has_name(ls_span(out->p + start, out->n - start), LS_SPAN("from")))
    return ls_option_error(err, LS_EDKIM, LS_OPTION_DKIM_headerFieldNames, LS_ITEM_NONE,
                           "without dkim.skipFields must contain From: a signature that "
                           "leaves it out is void (RFC 6376, 5.4)");
  return LS_OK;
}

/* The next header field with its folds and line end; *at moves behind it. */
static bool next_field(struct ls_span head, size_t *at, struct ls_span *field) {
  size_t start = *at, end = *at;
  if (start >= head.n)
    return false;
  do {
    end += ls_span_index(ls_span(head.p + end, head.n - end), '\n');
    end = end < head.n ? end + 1 : head.n;
  } while (end < head.n && ls_ascii_is_blank(head.p[end]));
  *field = ls_span(head.p + start, end - start);
  *at = end;
  return true;
}

static struct ls_span field_name(struct ls_span field) {
  size_t colon = ls_span_index(field, ':');
  return colon < field.n ? ls_span_trim(ls_span(field.p, colon)) : ls_span(NULL, 0);
}

/* A header field, by its name. */
struct entry {
  struct ls_span name, field;
};

/* By name, case aside. */
static int name_order(struct ls_span a, struct ls_span b) {
  for (size_t i = 0; i < a.n && i < b.n; i++) {
    int order = (unsigned char)ls_ascii_lower(a.p[i]) - (unsigned char)ls_ascii_lower(b.p[i]);
    if (order)
      return order;
  }
  return (a.n > b.n) - (a.n < b.n);
}

/* Of one name, from the last to the first: that is the order in which verifiers take them. */
static int entry_order(const void *left, const void *right) {
  const struct entry *a = left;
  const struct entry *b = right;
  int order = name_order(a->name, b->name);
  return order ? order : (a->field.p < b->field.p) - (a->field.p > b->field.p);
}

/* The first entry whose name is not before name. */
static size_t find_entry(const struct entry *all, size_t count, struct ls_span name) {
  size_t low = 0;
  while (low < count) {
    size_t mid = low + (count - low) / 2;
    if (name_order(all[mid].name, name) < 0)
      low = mid + 1;
    else
      count = mid;
  }
  return low;
}

/* Every instance of one name. */
static size_t add_instances(const struct entry *all, size_t count, struct ls_span name, struct ls_buf *fields,
                            struct ls_buf *data) {
  size_t from = find_entry(all, count, name);
  size_t found = 0;
  for (size_t i = from; i < count && name_order(all[i].name, name) == 0; i++, found++) {
    if (fields->n)
      ls_buf_addc(fields, ':');
    ls_buf_add(fields, name);
    ls_canon_header(data, all[i].field);
    ls_buf_add(data, LS_SPAN("\r\n"));
  }
  return found;
}

enum ls_status ls_dkim_select(struct ls_span head, struct ls_span names, struct ls_buf *fields,
                              struct ls_buf *data, struct ls_error *err) {
  struct ls_span field, name;
  size_t count = 0;
  for (size_t at = 0; next_field(head, &at, &field);)
    count++;
  struct entry *all = calloc(count ? count : 1, sizeof *all);
  if (!all)
    return ls_error_no_memory(err, "API");
  size_t filled = 0;
  for (size_t at = 0; filled < count && next_field(head, &at, &field);)
    all[filled++] = (struct entry){field_name(field), field};
  qsort(all, count, sizeof *all, entry_order);
  bool from = false;
  for (size_t at = 0; next_name(names, &at, &name);) {
    size_t found = add_instances(all, count, name, fields, data);
    from = from || (found && ls_span_ieq(name, LS_SPAN("from")));
  }
  free(all);
  if (fields->status != LS_OK || data->status != LS_OK) {
    enum ls_status status = fields->status != LS_OK ? fields->status : data->status;
    return ls_error_set(err, status, "API", "%s", ls_status_text(status));
  }
  if (!from)
    return ls_error_set(err, LS_EDKIM, "API",
                        "The message has no From field, which DKIM must sign: give it a sender (fromEmail)");
  return LS_OK;
}

/* A place for n octets that may not be cut: on this line, or on the next one. spaced: white space before it.
 */
static void place(struct ls_buf *out, size_t *column, size_t n, bool spaced) {
  if (*column + spaced + n > FOLD_AT) {
    ls_buf_add(out, LS_SPAN("\r\n "));
    *column = 1;
  } else if (spaced) {
    ls_buf_addc(out, ' ');
    *column += 1;
  }
  *column += n;
}

static void add_tag(struct ls_buf *out, size_t *column, const char *name, struct ls_span value) {
  place(out, column, strlen(name) + 1 + value.n + 1, true);
  ls_buf_adds(out, name);
  ls_buf_addc(out, '=');
  ls_buf_add(out, value);
  ls_buf_addc(out, ';');
}

/* h= is the one list: it may be cut in front of any name. Each name carries the mark that follows it. */
static void add_fields(struct ls_buf *out, size_t *column, struct ls_span fields) {
  struct ls_span name;
  bool first = true;
  for (size_t at = 0; next_name(fields, &at, &name); first = false) {
    place(out, column, (first ? 2 : 0) + name.n + 1, first);
    if (first)
      ls_buf_adds(out, "h=");
    ls_buf_add(out, name);
    ls_buf_addc(out, at < fields.n ? ':' : ';');
  }
}

void ls_dkim_begin(struct ls_buf *out, const struct ls_dkim_tags *tags) {
  static const struct ls_span field = {"DKIM-Signature:", 15};
  size_t column = field.n;
  ls_buf_add(out, field);
  add_tag(out, &column, "v", LS_SPAN("1"));
  add_tag(out, &column, "a", tags->algorithm);
  add_tag(out, &column, "c", LS_SPAN("relaxed/relaxed"));
  add_tag(out, &column, "d", tags->domain);
  add_tag(out, &column, "q", LS_SPAN("dns/txt"));
  add_tag(out, &column, "s", tags->selector);
  if (tags->time_s >= 0) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)tags->time_s);
    add_tag(out, &column, "t", ls_span_cstr(digits));
  }
  add_tag(out, &column, "bh", tags->body_hash);
  add_fields(out, &column, tags->fields);
  place(out, &column, 2, true);
  ls_buf_adds(out, "b=");
}

void ls_dkim_finish(struct ls_buf *out, struct ls_span base64) {
  size_t column = 0;
  while (column < out->n && out->p[out->n - 1 - column] != '\n')
    column++;
  while (base64.n) {
    if (column >= FOLD_AT) {
      ls_buf_add(out, LS_SPAN("\r\n "));
      column = 1;
    }
    struct ls_span part = ls_span_sub(base64, 0, FOLD_AT - column);
    ls_buf_add(out, part);
    column += part.n;
    base64 = ls_span_sub(base64, part.n, base64.n);
  }
  ls_buf_add(out, LS_SPAN("\r\n"));
}

/* Letters, digits, hyphens inside; underscores too, which selectors and subdomains in use carry. */
static bool is_label(struct ls_span s) {
  if (!s.n || s.n > LABEL_MAX_N || s.p[0] == '-' || s.p[s.n - 1] == '-')
    return false;
  for (size_t i = 0; i < s.n; i++)
    if (!ls_ascii_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
      return false;
  return true;
}

bool ls_dkim_is_domain(struct ls_span s) {
  if (s.n > DOMAIN_MAX_N)
    return false;
  for (;;) {
    size_t dot = ls_span_index(s, '.');
    if (!is_label(ls_span(s.p, dot)))
      return false;
    if (dot == s.n)
      return true;
    s = ls_span(s.p + dot + 1, s.n - dot - 1);
  }
}
