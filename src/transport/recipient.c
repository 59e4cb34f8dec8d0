/* SPDX-License-Identifier: MIT */
#include "recipient.h"

#include <arpa/inet.h>

#include "../pure/utf8.h"
#include "idn.h"

enum { LONGEST = 1000 }; /* octets with the name; RFC 5321 allows 254 for the address alone */

/* No letter of it has a meaning in an address list, or is a control. */
static bool is_plain(struct ls_span s, const char *operators) {
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f || strchr(operators, s.p[i]))
      return false;
  return true;
}

static bool is_plain_domain(struct ls_span s) {
  if (s.n && s.p[0] == '[')
    return is_plain(ls_span_sub(s, 1, s.n - 1), "()<>[]@,;\"\\");
  for (size_t i = 0; i < s.n; i++)
    if ((unsigned char)s.p[i] < 0x80 && !ls_ascii_is_alnum(s.p[i]) && !strchr("-._", s.p[i]))
      return false;
  return true;
}

static bool is_plain_mailbox(const struct ls_mailbox_list *list, struct ls_span text) {
  const struct ls_mailbox *m = &list->items[0];
  bool quoted = m->local.n && m->local.p[0] == '"';
  struct ls_span local = quoted ? ls_span_sub(m->local, 1, m->local.n - 1) : m->local;
  return !list->loose && !m->is_group && is_plain(text, "") && is_plain(local, "()<>[]:;@\\,\"") &&
         is_plain_domain(m->domain);
}

static size_t count_of(struct ls_span s, char c) {
  size_t count = 0;
  for (size_t i = 0; i < s.n; i++)
    count += s.p[i] == c;
  return count;
}

static enum ls_status fail(enum ls_recipient_fault *fault, enum ls_recipient_fault what) {
  *fault = what;
  return LS_EENVELOPE;
}

enum ls_status ls_recipient_read(struct ls_span text, struct ls_arena *a, struct ls_mailbox *out,
                                 enum ls_recipient_fault *fault) {
  struct ls_mailbox_list list;
  text = ls_utf8_trim(text);
  *out = (struct ls_mailbox){0};
  if (text.n > LONGEST)
    return fail(fault, LS_RECIPIENT_UNCLEAR);
  enum ls_status status = ls_mailbox_parse(text, NULL, a, &list, NULL);
  size_t ats = count_of(text, '@');
  if (status == LS_EENVELOPE)
    return fail(fault, ats == 0 ? LS_RECIPIENT_NONE : ats == 1 ? LS_RECIPIENT_UNCLEAR : LS_RECIPIENT_SEVERAL);
  if (status != LS_OK)
    return status;
  if (!ls_mailbox_first(&list))
    return fail(fault, LS_RECIPIENT_NONE);
  if (list.count > 1 || list.items[0].count > 1 || list.left_out.n)
    return fail(fault, LS_RECIPIENT_SEVERAL);
  if (!is_plain_mailbox(&list, text))
    return fail(fault, LS_RECIPIENT_UNCLEAR);
  if (ls_mailbox_needs_idna(&list.items[0]))
    status = ls_idn_domain(&list.items[0], a, NULL);
  if (status == LS_OK)
    status = ls_mailbox_check(&list.items[0], NULL);
  if (status == LS_OK)
    *out = list.items[0];
  return status == LS_EENVELOPE ? fail(fault, LS_RECIPIENT_UNCLEAR) : status;
}

/* One spelling of an IPv6 literal; other literals stay. */
static enum ls_status settle_literal(struct ls_mailbox *m, struct ls_arena *a) {
  struct in6_addr address;
  char text[INET6_ADDRSTRLEN] = "";
  struct ls_span tag = LS_SPAN("[IPv6:");
  if (!ls_span_ieq(ls_span_sub(m->domain, 0, tag.n), tag) || m->domain.n - tag.n > sizeof text)
    return LS_OK;
  memcpy(text, m->domain.p + tag.n, m->domain.n - tag.n - 1);
  if (inet_pton(AF_INET6, text, &address) != 1)
    return LS_OK;
  char spelled[sizeof text + 8] = "[ipv6:";
  if (!inet_ntop(AF_INET6, &address, spelled + tag.n, INET6_ADDRSTRLEN))
    return LS_OK;
  strcat(spelled, "]");
  m->domain = ls_arena_copy(a, ls_span_cstr(spelled));
  return m->domain.p ? LS_OK : LS_ENOMEM;
}

/* A-labels whatever the local part is, so that both forms of a domain meet. */
static enum ls_status settle_domain(struct ls_mailbox *m, struct ls_arena *a) {
  if (m->domain.n && m->domain.p[0] == '[')
    return settle_literal(m, a);
  struct ls_mailbox ascii = {.local = LS_SPAN("postmaster"), .domain = m->domain};
  enum ls_status status = ls_mailbox_needs_idna(&ascii) ? ls_idn_domain(&ascii, a, NULL) : LS_OK;
  if (status == LS_OK)
    m->domain = ascii.domain;
  return status == LS_ENOMEM ? status : LS_OK;
}

static void lower(struct ls_span s) {
  char *p = (char *)s.p;
  for (size_t i = 0; i < s.n; i++)
    p[i] = ls_ascii_lower(p[i]);
}

enum ls_status ls_recipient_key_of(const struct ls_mailbox *m, struct ls_arena *a, struct ls_span *out) {
  struct ls_mailbox settled = *m;
  enum ls_status status = settle_domain(&settled, a);
  if (status != LS_OK)
    return status;
  *out = ls_mailbox_address(&settled, a);
  lower(*out);
  return out->p ? LS_OK : LS_ENOMEM;
}

enum ls_status ls_recipient_key(struct ls_span text, struct ls_arena *a, struct ls_span *out) {
  struct ls_mailbox_list list;
  enum ls_status status = ls_mailbox_parse(text, NULL, a, &list, NULL);
  if (status == LS_ENOMEM)
    return status;
  if (status == LS_OK && list.count == 1 && !list.items[0].is_group && !list.left_out.n)
    return ls_recipient_key_of(&list.items[0], a, out);
  *out = ls_arena_copy(a, ls_utf8_trim(text));
  lower(*out);
  return out->p ? LS_OK : LS_ENOMEM;
}
