/* SPDX-License-Identifier: MIT */
#include "mailbox.h"

#include <stdlib.h>

#include "codec.h"
#include "utf8.h"

enum {
  MAX_ADDRESS = 900, /* octets; "RCPT TO:<" and the parameters must fit into 998 with it */
  MAX_RUN = 900,     /* octets of a name without a space, after which it goes into encoded-words */
  MAX_BLANK = 60,    /* spaces in a row, likewise: a line may be folded at a space, and not consist of them */
  MAX_SHOWN = 200    /* octets of an address in an error */
};

static bool is_forbidden(char c) {
  return (unsigned char)c < 0x20 || c == '<' || c == '>';
}

/* Each run of what may not be in an address becomes one space; nothing is copied when there is none. */
static bool blank_out(struct ls_span *s, struct ls_arena *a) {
  size_t same = 0;
  while (same < s->n && !is_forbidden(s->p[same]))
    same++;
  if (same == s->n)
    return true;
  char *to = ls_arena_alloc(a, s->n);
  if (!to)
    return false;
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++)
    if (!is_forbidden(s->p[i]))
      to[n++] = s->p[i];
    else if (i == 0 || !is_forbidden(s->p[i - 1]))
      to[n++] = ' ';
  *s = ls_span(to, n);
  return true;
}

/* A local part with a space in it gets the quotes it lacks. */
static bool quote_local(struct ls_span *local, struct ls_arena *a) {
  if (ls_span_index(*local, ' ') == local->n)
    return true;
  bool open = local->p[0] == '"';
  bool close = local->p[local->n - 1] == '"';
  if (open && close)
    return true;
  char *to = ls_arena_alloc(a, local->n + 2);
  if (!to)
    return false;
  size_t n = 0;
  if (!open)
    to[n++] = '"';
  memcpy(to + n, local->p, local->n);
  n += local->n;
  if (!close)
    to[n++] = '"';
  *local = ls_span(to, n);
  return true;
}

enum ls_status ls_mailbox_set(struct ls_mailbox *m, struct ls_span name, struct ls_span address,
                              struct ls_arena *a) {
  *m = (struct ls_mailbox){.name = name};
  if (!blank_out(&address, a))
    return LS_ENOMEM;
  address = ls_utf8_trim(address);
  size_t at = address.n;
  while (at > 0 && address.p[at - 1] != '@')
    at--;
  m->bare = at == 0;
  m->local = m->bare ? address : ls_span(address.p, at - 1);
  m->domain = m->bare ? ls_span(NULL, 0) : ls_span(address.p + at, address.n - at);
  return m->bare || quote_local(&m->local, a) ? LS_OK : LS_ENOMEM;
}

bool ls_mailbox_is_empty(const struct ls_mailbox *m) {
  return !m->is_group && m->local.n == 0 && m->domain.n == 0;
}

bool ls_mailbox_needs_utf8(const struct ls_mailbox *m) {
  for (size_t i = 0; i < m->count; i++)
    if (ls_mailbox_needs_utf8(&m->members[i]))
      return true;
  return !ls_span_is_ascii(m->local) || !ls_span_is_ascii(m->domain);
}

static bool has_forbidden(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (is_forbidden(s.p[i]) || s.p[i] == 0x7f)
      return true;
  return false;
}

/* NULL, or what is wrong with the local part. Quotes may stand anywhere, as long as they end. */
static const char *fault_of_local(struct ls_span s) {
  bool quoted = false;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '"')
      quoted = !quoted;
    else if (s.p[i] == ' ' && !quoted)
      return "it has a space outside quotes";
    else if (s.p[i] == '\\' && ++i == s.n)
      return "it ends in a backslash";
  }
  return quoted ? "a quote in it does not end" : NULL;
}

static const char *fault_of_domain(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] == ' ' || s.p[i] == '"' || s.p[i] == '\\')
      return "its domain has a space, a quote or a backslash";
  return NULL;
}

static const char *fault_of(const struct ls_mailbox *m) {
  if (ls_mailbox_is_empty(m))
    return "it is empty";
  if (m->local.n > MAX_ADDRESS || m->domain.n > MAX_ADDRESS || m->local.n + m->domain.n >= MAX_ADDRESS)
    return "it is longer than any server takes (RFC 5321 allows 254 octets)";
  if (!ls_utf8_valid(m->local) || !ls_utf8_valid(m->domain))
    return "it is not UTF-8";
  if (has_forbidden(m->local) || has_forbidden(m->domain))
    return "it has a control character, '<' or '>'";
  const char *fault = fault_of_local(m->local);
  return fault ? fault : fault_of_domain(m->domain);
}

static void fail_check(const struct ls_mailbox *m, const char *fault, struct ls_error *err) {
  struct ls_buf shown;
  ls_buf_init(&shown, SIZE_MAX);
  ls_utf8_add_valid(&shown, ls_utf8_cut(m->local, MAX_SHOWN));
  ls_buf_adds(&shown, m->bare ? "" : "@");
  ls_utf8_add_valid(&shown, ls_utf8_cut(m->domain, MAX_SHOWN));
  for (size_t i = 0; i < shown.n; i++)
    if ((unsigned char)shown.p[i] < 0x20 || shown.p[i] == 0x7f)
      shown.p[i] = '?';
  ls_error_set(err, LS_EENVELOPE, "API", "the address %.*s cannot be sent to a server: %s", (int)shown.n,
               shown.n ? shown.p : "", fault);
  ls_buf_deinit(&shown);
}

enum ls_status ls_mailbox_check(const struct ls_mailbox *m, struct ls_error *err) {
  for (size_t i = 0; m->is_group && i < m->count; i++)
    if (ls_mailbox_check(&m->members[i], err) != LS_OK)
      return LS_EENVELOPE;
  const char *fault = m->is_group ? NULL : fault_of(m);
  if (!fault)
    return LS_OK;
  fail_check(m, fault, err);
  return LS_EENVELOPE;
}

void ls_mailbox_write_address(struct ls_buf *out, const struct ls_mailbox *m) {
  ls_buf_add(out, m->local);
  if (!m->is_group && !m->bare)
    ls_buf_addc(out, '@');
  ls_buf_add(out, m->domain);
}

enum name_form { NAME_BARE, NAME_QUOTED, NAME_WORDS };

static enum name_form form_of(struct ls_span name) {
  enum name_form form = NAME_BARE;
  size_t run = 0;
  size_t blank = 0;
  for (size_t i = 0; i < name.n; i++) {
    char c = name.p[i];
    run = c == ' ' ? 0 : run + 1;
    blank = c == ' ' ? blank + 1 : 0;
    if ((unsigned char)c < 0x20 || (unsigned char)c > 0x7e || run > MAX_RUN || blank > MAX_BLANK)
      return NAME_WORDS;
    if (!ls_ascii_is_alnum(c) && c != '_' && c != ' ')
      form = NAME_QUOTED;
    if (c == '"' || c == '\\')
      run++;
  }
  return form;
}

static void write_name(struct ls_buf *out, struct ls_span name) {
  switch (form_of(name)) {
  case NAME_BARE:
    ls_buf_add(out, name);
    return;
  case NAME_WORDS:
    ls_codec_words(out, name, LS_CODEC_AUTO);
    return;
  case NAME_QUOTED:
    ls_buf_addc(out, '"');
    for (size_t i = 0; i < name.n; i++) {
      if (name.p[i] == '"' || name.p[i] == '\\')
        ls_buf_addc(out, '\\');
      ls_buf_addc(out, name.p[i]);
    }
    ls_buf_addc(out, '"');
    return;
  }
}

static bool has_space(struct ls_span s) {
  return ls_span_index(s, ' ') < s.n;
}

void ls_mailbox_write(struct ls_buf *out, const struct ls_mailbox *m) {
  if (m->is_group) {
    write_name(out, m->name);
    ls_buf_addc(out, ':');
    ls_mailbox_write_list(out, &(struct ls_mailbox_list){m->members, m->count});
    ls_buf_addc(out, ';');
    return;
  }
  bool angle = m->name.n || has_space(m->local) || has_space(m->domain);
  write_name(out, m->name);
  ls_buf_adds(out, m->name.n ? " " : "");
  ls_buf_adds(out, angle ? "<" : "");
  ls_mailbox_write_address(out, m);
  ls_buf_adds(out, angle ? ">" : "");
}

void ls_mailbox_write_list(struct ls_buf *out, const struct ls_mailbox_list *list) {
  bool first = true;
  for (size_t i = 0; i < list->count; i++) {
    if (ls_mailbox_is_empty(&list->items[i]))
      continue;
    ls_buf_adds(out, first ? "" : ", ");
    ls_mailbox_write(out, &list->items[i]);
    first = false;
  }
}

const struct ls_mailbox *ls_mailbox_first(const struct ls_mailbox_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    const struct ls_mailbox *m = &list->items[i];
    if (m->is_group) {
      struct ls_mailbox_list members = {m->members, m->count};
      m = ls_mailbox_first(&members);
    }
    if (m && !ls_mailbox_is_empty(m))
      return m;
  }
  return NULL;
}

static size_t count_of(const struct ls_mailbox_list *list) {
  size_t count = list->count;
  for (size_t i = 0; i < list->count; i++)
    count += list->items[i].count;
  return count;
}

static bool collect(const struct ls_mailbox_list *list, struct ls_arena *a, struct ls_span *to, size_t *n) {
  for (size_t i = 0; i < list->count; i++) {
    const struct ls_mailbox *m = &list->items[i];
    if (m->is_group) {
      if (!collect(&(struct ls_mailbox_list){m->members, m->count}, a, to, n))
        return false;
    } else if (!ls_mailbox_is_empty(m)) {
      size_t at = m->bare ? 0 : 1;
      char *p = ls_arena_alloc(a, m->local.n + at + m->domain.n);
      if (!p)
        return false;
      if (m->local.n)
        memcpy(p, m->local.p, m->local.n);
      if (at)
        p[m->local.n] = '@';
      if (m->domain.n)
        memcpy(p + m->local.n + at, m->domain.p, m->domain.n);
      to[(*n)++] = ls_span(p, m->local.n + at + m->domain.n);
    }
  }
  return true;
}

/* By text, then by place: of equal ones the first to come stands first. */
static int order(const void *x, const void *y) {
  const struct ls_span *const *a = x;
  const struct ls_span *const *b = y;
  int by_text = ls_value_name_order(**a, **b);
  return by_text ? by_text : (*a > *b) - (*a < *b);
}

enum ls_status ls_mailbox_addresses(const struct ls_mailbox_list *lists, size_t count, struct ls_arena *a,
                                    struct ls_span **items, size_t *n) {
  size_t most = 0;
  *items = NULL;
  *n = 0;
  for (size_t i = 0; i < count; i++)
    most += count_of(&lists[i]);
  struct ls_span *all = ls_arena_array(a, most, sizeof *all);
  struct ls_span **sorted = ls_arena_array(a, most, sizeof *sorted);
  if (!all || !sorted)
    return LS_ENOMEM;
  size_t found = 0;
  for (size_t i = 0; i < count; i++)
    if (!collect(&lists[i], a, all, &found))
      return LS_ENOMEM;
  /* sorting finds doubles among a hundred thousand recipients, whoever chose them, in n log n */
  for (size_t i = 0; i < found; i++)
    sorted[i] = &all[i];
  qsort(sorted, found, sizeof *sorted, order);
  for (size_t i = found; i-- > 1;)
    if (ls_span_eq(*sorted[i], *sorted[i - 1]))
      sorted[i]->n = 0;
  for (size_t i = 0; i < found; i++)
    if (all[i].n)
      all[(*n)++] = all[i];
  *items = all;
  return LS_OK;
}
