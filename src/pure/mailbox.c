/* SPDX-License-Identifier: MIT */
#include "mailbox.h"

#include <stdlib.h>

#include "codec.h"
#include "mailbox_scan.h"
#include "netaddr.h"
#include "utf8.h"

enum {
  MAX_ADDRESS = 900, /* octets; "RCPT TO:<" and the parameters must fit into 998 with it */
  MAX_RUN = 900,     /* octets of a name without a space, after which it goes into encoded-words */
  MAX_BLANK = 60,    /* spaces in a row, likewise: a line may be folded at a space, and not consist of them */
  MAX_SHOWN = 200    /* octets of an address in an error */
};

enum ls_status ls_mailbox_clean_name(struct ls_span *name, struct ls_arena *a) {
  size_t same = 0;
  while (same < name->n && ((unsigned char)name->p[same] >= 0x20 || name->p[same] == '\t') &&
         name->p[same] != 0x7f)
    same++;
  if (same == name->n && ls_utf8_valid(*name)) {
    *name = ls_utf8_trim(*name);
    return LS_OK;
  }
  struct ls_buf valid;
  ls_buf_init(&valid, SIZE_MAX);
  ls_utf8_add_valid(&valid, *name);
  size_t n = 0;
  for (size_t i = 0; i < valid.n; i++) {
    char c = valid.p[i];
    if (c == '\r' && i + 1 < valid.n && valid.p[i + 1] == '\n')
      continue;
    if (c == '\r' || c == '\n')
      c = ' ';
    if (((unsigned char)c >= 0x20 || c == '\t') && c != 0x7f)
      valid.p[n++] = c;
  }
  ls_buf_cut(&valid, n);
  *name = ls_arena_copy(a, ls_utf8_trim(ls_buf_span(&valid)));
  enum ls_status status = valid.status != LS_OK || !name->p ? LS_ENOMEM : LS_OK;
  ls_buf_deinit(&valid);
  return status;
}

/* RFC 5321 4.1.2, RFC 6531 3.3: atoms with single dots between. */
static bool is_dot_string(struct ls_span s) {
  for (size_t i = 0; i < s.n;) {
    if (s.p[i] == '.') {
      if (i == 0 || i + 1 == s.n || s.p[i - 1] == '.')
        return false;
      i++;
    } else if (!ls_scan_atext(s, &i)) {
      return false;
    }
  }
  return s.n > 0;
}

enum ls_status ls_mailbox_set_local(struct ls_mailbox *m, struct ls_span octets, struct ls_arena *a) {
  m->local = octets;
  if (is_dot_string(octets))
    return LS_OK;
  char *to = octets.n > SIZE_MAX / 2 - 2 ? NULL : ls_arena_alloc(a, 2 * octets.n + 2);
  if (!to)
    return LS_ENOMEM;
  size_t n = 0;
  to[n++] = '"';
  for (size_t i = 0; i < octets.n; i++) {
    if (octets.p[i] == '"' || octets.p[i] == '\\')
      to[n++] = '\\';
    to[n++] = octets.p[i];
  }
  to[n++] = '"';
  m->local = ls_span(to, n);
  return LS_OK;
}

void ls_mailbox_show(struct ls_buf *out, struct ls_span text, size_t n) {
  size_t from = out->n;
  ls_utf8_add_valid(out, ls_utf8_cut(text, n));
  for (size_t i = from; i < out->n; i++)
    if ((unsigned char)out->p[i] < 0x20 || out->p[i] == 0x7f)
      out->p[i] = '?';
}

static enum ls_status fail_set(struct ls_span address, const struct ls_label *where, struct ls_error *err) {
  struct ls_buf shown;
  ls_buf_init(&shown, SIZE_MAX);
  ls_mailbox_show(&shown, address, MAX_SHOWN);
  ls_error_set(err, LS_EENVELOPE, "API", "%s%s\"%.*s\" is not one address and nothing else",
               where ? ls_label_text(where).text : "", where ? ": " : "", (int)shown.n,
               shown.n ? shown.p : "");
  ls_buf_deinit(&shown);
  return LS_EENVELOPE;
}

enum ls_status ls_mailbox_set(struct ls_mailbox_list *out, struct ls_span name, struct ls_span address,
                              const struct ls_label *where, struct ls_arena *a, struct ls_error *err) {
  *out = (struct ls_mailbox_list){.left_out = name.n ? name : LS_SPAN("<>")};
  if (!ls_utf8_trim(address).n)
    return LS_OK;
  enum ls_status status = ls_mailbox_parse(address, where, a, out, err);
  bool one = out->count == 1 && !out->loose && !out->left_out.n && !out->items[0].name.n;
  if (status != LS_OK || !one) {
    out->count = 0;
    return status != LS_OK ? status : fail_set(address, where, err);
  }
  out->items[0].name = name;
  return ls_mailbox_clean_name(&out->items[0].name, a);
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

static bool has_upper(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] >= 'A' && s.p[i] <= 'Z')
      return true;
  return false;
}

static bool has_a_label(struct ls_span domain) {
  for (size_t i = 0; i + 4 <= domain.n; i++)
    if (ls_span_ieq(ls_span(domain.p + i, 4), LS_SPAN("xn--")))
      return true;
  return false;
}

bool ls_mailbox_needs_idna(const struct ls_mailbox *m) {
  return !ls_span_is_ascii(m->domain) || has_upper(m->domain) ||
         (!ls_span_is_ascii(m->local) && has_a_label(m->domain));
}

static bool has_control(struct ls_span s) {
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
      return true;
  return false;
}

/* RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]", or "[tag:anything]". */
static bool is_literal(struct ls_span s) {
  struct ls_span inner = ls_span_sub(s, 1, s.n - 1);
  size_t colon = ls_span_index(inner, ':');
  struct ls_span tag = ls_span_sub(inner, 0, colon);
  struct ls_span rest = ls_span_sub(inner, colon + 1, inner.n);
  if (s.n < 2 || s.p[s.n - 1] != ']')
    return false;
  if (colon == inner.n)
    return ls_netaddr_is_ipv4(inner);
  if (ls_span_ieq(tag, LS_SPAN("IPv6")))
    return ls_netaddr_is_ipv6(rest);
  for (size_t i = 0; i < tag.n; i++)
    if (!ls_ascii_is_alnum(tag.p[i]) && (tag.p[i] != '-' || i + 1 == tag.n))
      return false;
  for (size_t i = 0; i < rest.n; i++)
    if (rest.p[i] < '!' || rest.p[i] > '~' || memchr("[\\]", rest.p[i], 3))
      return false;
  return tag.n && rest.n;
}

static const char *fault_of_domain(struct ls_span s) {
  if (s.n && s.p[0] == '[')
    return is_literal(s) ? NULL : "its domain is neither a name nor [IPv4] nor [IPv6:...]";
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] != '.' && !ls_ascii_is_atext(s.p[i]))
      return "its domain has a character that no domain has";
    if (s.p[i] == '.' && (i == 0 || i + 1 == s.n || s.p[i - 1] == '.'))
      return "its domain has an empty label";
  }
  return s.n ? NULL : "nothing is behind its '@'";
}

static const char *fault_of(const struct ls_mailbox *m) {
  if (ls_mailbox_is_empty(m))
    return "it is empty";
  if (m->local.n > MAX_ADDRESS || m->domain.n > MAX_ADDRESS || m->local.n + m->domain.n >= MAX_ADDRESS)
    return "it is longer than any server takes (RFC 5321 allows 254 octets)";
  if (!ls_utf8_valid(m->local) || !ls_utf8_valid(m->domain))
    return "it is not UTF-8";
  if (has_control(m->local) || has_control(m->domain))
    return "it has a control character";
  return m->local.n ? fault_of_domain(m->domain) : "nothing is before its '@'";
}

static void fail_check(const struct ls_mailbox *m, const char *fault, struct ls_error *err) {
  struct ls_buf shown;
  ls_buf_init(&shown, SIZE_MAX);
  ls_mailbox_show(&shown, m->local, MAX_SHOWN);
  ls_buf_addc(&shown, '@');
  ls_mailbox_show(&shown, m->domain, MAX_SHOWN);
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
  if (m->is_group)
    return;
  ls_buf_add(out, m->local);
  ls_buf_addc(out, '@');
  ls_buf_add(out, m->domain);
}

struct ls_span ls_mailbox_address(const struct ls_mailbox *m, struct ls_arena *a) {
  size_t n = m->local.n + 1 + m->domain.n;
  char *p = ls_arena_alloc(a, n);
  if (!p)
    return ls_span(NULL, 0);
  if (m->local.n)
    memcpy(p, m->local.p, m->local.n);
  p[m->local.n] = '@';
  if (m->domain.n)
    memcpy(p + m->local.n + 1, m->domain.p, m->domain.n);
  return ls_span(p, n);
}

enum name_form { NAME_BARE, NAME_QUOTED, NAME_WORDS };

/* Encoded-words are for readers to decode, which they do not in quotes (RFC 2047 5); a name that only looks
 * like one is encoded itself. */
static enum name_form form_of_words(struct ls_span name) {
  for (size_t i = 0; i < name.n; i++)
    if (name.p[i] != ' ' && !ls_ascii_is_atext(name.p[i]))
      return NAME_WORDS;
  return ls_codec_needs_words(name) ? NAME_WORDS : NAME_BARE;
}

static enum name_form form_of(struct ls_span name) {
  enum name_form form = NAME_BARE;
  size_t run = 0;
  size_t blank = 0;
  bool words = false;
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
    words = words || (c == '=' && i + 1 < name.n && name.p[i + 1] == '?');
  }
  return words ? form_of_words(name) : form;
}

static void write_name(struct ls_buf *out, struct ls_span name, enum ls_codec_choice choice) {
  switch (form_of(name)) {
  case NAME_BARE:
    ls_buf_add(out, name);
    return;
  case NAME_WORDS:
    ls_codec_words(out, name, choice);
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

void ls_mailbox_write(struct ls_buf *out, const struct ls_mailbox *m, enum ls_codec_choice choice) {
  if (m->is_group) {
    write_name(out, m->name, choice);
    bool words = out->n && out->p[out->n - 1] == '=';
    ls_buf_adds(out, words ? " :" : ":"); /* an encoded-word touches nothing (RFC 2047 5) */
    ls_mailbox_write_list(out, &(struct ls_mailbox_list){.items = m->members, .count = m->count}, choice);
    ls_buf_addc(out, ';');
    return;
  }
  /* what reads as an operator stands in angle brackets even without a name */
  bool angle = m->name.n || (m->local.n && m->local.p[0] == '"') || (m->domain.n && m->domain.p[0] == '[');
  write_name(out, m->name, choice);
  ls_buf_adds(out, m->name.n ? " " : "");
  ls_buf_adds(out, angle ? "<" : "");
  ls_mailbox_write_address(out, m);
  ls_buf_adds(out, angle ? ">" : "");
}

void ls_mailbox_write_list(struct ls_buf *out, const struct ls_mailbox_list *list,
                           enum ls_codec_choice choice) {
  bool first = true;
  for (size_t i = 0; i < list->count; i++) {
    if (ls_mailbox_is_empty(&list->items[i]))
      continue;
    ls_buf_adds(out, first ? "" : ", ");
    ls_mailbox_write(out, &list->items[i], choice);
    first = false;
  }
}

enum ls_status ls_mailbox_join(const struct ls_mailbox_list *lists, size_t count, struct ls_arena *a,
                               struct ls_mailbox_list *out) {
  size_t total = 0;
  *out = (struct ls_mailbox_list){0};
  for (size_t i = 0; i < count; i++)
    total += lists[i].count;
  out->items = ls_arena_array(a, total, sizeof *out->items);
  if (!out->items)
    return LS_ENOMEM;
  for (size_t i = 0; i < count; i++) {
    if (lists[i].count)
      memcpy(out->items + out->count, lists[i].items, lists[i].count * sizeof *out->items);
    out->count += lists[i].count;
    out->loose = out->loose || lists[i].loose;
    if (!out->left_out.n)
      out->left_out = lists[i].left_out;
  }
  return LS_OK;
}

const struct ls_mailbox *ls_mailbox_first(const struct ls_mailbox_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    const struct ls_mailbox *m = &list->items[i];
    if (m->is_group) {
      struct ls_mailbox_list members = {.items = m->members, .count = m->count};
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
      if (!collect(&(struct ls_mailbox_list){.items = m->members, .count = m->count}, a, to, n))
        return false;
    } else if (!ls_mailbox_is_empty(m)) {
      struct ls_span address = ls_mailbox_address(m, a);
      if (!address.p)
        return false;
      to[(*n)++] = address;
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
